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

/// <summary>Own commission rates of a group of distributors, in whole percent of the net.</summary>
/// <param name="Name">1–40 characters</param>
public sealed record CommissionTier(string Name, int Level1Percent, int Level2Percent);

/// <summary>The kill switch of distribution: no new commission until it is resumed; what was earned is settled.</summary>
public sealed record DistributionStop(string Reason, DateTimeOffset At);

/// <summary>What the merchant sets for the whole shop. Replaced as a whole; what has started keeps what it started with.</summary>
/// <param name="TimeZone">IANA name; "a day" is a calendar day of this zone</param>
/// <param name="DailyAssistCap">assists of one shopper a day over all campaigns, 1–100</param>
/// <param name="MinAccountAgeHours">0–8,760</param>
/// <param name="PaymentWindowMinutes">how long an order waits for its payment, 1–1,440</param>
/// <param name="BindingProtectionDays">how long a binding can be neither taken over nor ended, 0 up to the binding's days</param>
/// <param name="CommissionTiers">at most 10, each name once</param>
/// <param name="SupplierSharePercent">what suppliers get of an order; with the commission at most what the payment platform lets an order be split</param>
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
    SecondLevelSignOff? SecondLevelSignOff = null,
    int BindingProtectionDays = 0,
    IReadOnlyList<CommissionTier>? CommissionTiers = null,
    int SupplierSharePercent = 0)
{
    public static readonly ShopSettings Default = new("Asia/Shanghai", Channel.MiniProgram, 3, 0, 15, 15, 30, 7, BindingMode.FirstTouch, 15);
}

public sealed record ShopView(string ShopId, string Name, ShopSettings Settings, DistributionStop? DistributionStop = null);

/// <summary>Opens the shop. A repeat changes nothing.</summary>
public sealed record OpenShop(string Name) : ICommand<ShopView>;

public sealed record GetShop : ICommand<ShopView>;

/// <summary>Replaces all settings, or none: refused with everything that law and platform forbid. The same settings again change nothing.</summary>
/// <param name="Asked">what the merchant asked for beside the settings; never stored</param>
public sealed record ReplaceSettings(ShopSettings Settings, UnlawfulTerms? Asked = null) : ICommand<ShopView>;

/// <summary>
/// What no shop may have, whoever signs for it: paying to join, a reward for recruiting, a third level. No setting can hold these; they can be
/// named only so that the refusal can say why. 0 or absent asks for nothing.
/// </summary>
/// <param name="JoinFeeFen">what one would pay to become a distributor</param>
/// <param name="MustBuySku">what one would have to buy to become a distributor</param>
/// <param name="RecruitRewardFen">what a distributor would get for each one they recruit</param>
/// <param name="CommissionLevels">how far from the buyer commission would be paid; one and two are the settings' own</param>
public sealed record UnlawfulTerms(long JoinFeeFen = 0, string? MustBuySku = null, long RecruitRewardFen = 0, int CommissionLevels = 0);

/// <summary>The kill switch: no new commission from now on; what was earned is settled. A repeat changes nothing.</summary>
/// <param name="Reason">1–500 characters</param>
public sealed record StopDistribution(string Reason) : ICommand<ShopView>;

/// <summary>New sales earn commission again. Without a stop it changes nothing.</summary>
public sealed record ResumeDistribution : ICommand<ShopView>;

/// <summary>What law and platform say about distribution as it is set now.</summary>
public sealed record GetDistributionCompliance : ICommand<DistributionComplianceView>;

public sealed record DistributionComplianceView(IReadOnlyList<Finding> Findings, DistributionStop? Stop);

/// <summary>The key of a merchant's program (API key): its grain is found by the hash of the key, which itself is stored nowhere.</summary>
public static class ApiKeyAddress
{
    public static GrainId Of(string key) => new("api-key", ShopId.Installation, Ids.Derive("api-key", key));
}

public sealed record ApiKeyView(ShopId Shop, IReadOnlyList<string> Scopes);

/// <summary>Lets the addressed key act for <paramref name="Shop"/>. A repeat changes nothing; another shop is refused.</summary>
public sealed record GrantApiKey(ShopId Shop, IReadOnlyList<string> Scopes) : ICommand<ApiKeyView>;

public sealed record GetApiKey : ICommand<ApiKeyView>;
