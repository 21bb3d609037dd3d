using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shop;

/// <summary>A shop (店铺): its settings, and who may act for it.</summary>
public static class ShopAddress
{
    public static GrainId Grain(this ShopId shop) => new("shop", shop, Guid.Empty);
}

public enum Channel
{
    [JsonStringEnumMemberName("mini-program")]
    MiniProgram = 1,

    [JsonStringEnumMemberName("h5-link")]
    H5Link = 2,
}

public enum BindingMode
{
    [JsonStringEnumMemberName("first-touch")]
    FirstTouch = 1,

    [JsonStringEnumMemberName("last-touch")]
    LastTouch = 2,
}

/// <summary>The legal sign-off without which a second commission level stays off.</summary>
public sealed record SecondLevelSignOff(string By, string Reason);

/// <summary>What the merchant sets for the whole shop. Replaced as a whole; what has started keeps what it started with.</summary>
/// <param name="TimeZone">IANA name; "a day" is a calendar day of this zone</param>
/// <param name="DailyAssistCap">assists of one shopper a day over all campaigns, 1–100</param>
/// <param name="MinAccountAgeHours">0–8,760</param>
/// <param name="PaymentWindowMinutes">how long an order waits for its payment, 1–1,440</param>
public sealed record ShopSettings(
    string TimeZone,
    Channel Channel,
    int DailyAssistCap,
    int MinAccountAgeHours,
    int PaymentWindowMinutes,
    int CommissionMinPercent,
    int CommissionMaxPercent,
    int FreezeDays,
    BindingMode BindingMode,
    int BindingDays,
    int Level1Percent = 15,
    int Level2Percent = 0,
    long WithdrawalMinFen = 100,
    long WithdrawalMaxFen = 2_000_000,
    long WithdrawalDailyCapFen = 2_000_000,
    int WithdrawalFeePercent = 0,
    SecondLevelSignOff? SecondLevelSignOff = null)
{
    public static readonly ShopSettings Default = new("Asia/Shanghai", Channel.MiniProgram, 3, 0, 15, 15, 30, 7, BindingMode.FirstTouch, 15);
}

public sealed record ShopView(string ShopId, string Name, ShopSettings Settings);

/// <summary>Opens the shop. A repeat changes nothing.</summary>
public sealed record OpenShop(string Name) : ICommand<ShopView>;

public sealed record GetShop : ICommand<ShopView>;

public sealed record ReplaceSettings(ShopSettings Settings) : ICommand<ShopView>;

/// <summary>The key of a merchant's program (API key): its grain is found by the hash of the key, which itself is stored nowhere.</summary>
public static class ApiKeyAddress
{
    public static GrainId Of(string key) => new("api-key", ShopId.Installation, Ids.Derive("api-key", key));
}

public sealed record ApiKeyView(ShopId Shop, IReadOnlyList<string> Scopes);

/// <summary>Lets the addressed key act for <paramref name="Shop"/>. A repeat changes nothing; another shop is refused.</summary>
public sealed record GrantApiKey(ShopId Shop, IReadOnlyList<string> Scopes) : ICommand<ApiKeyView>;

public sealed record GetApiKey : ICommand<ApiKeyView>;
