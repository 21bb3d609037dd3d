using System.Text.Json.Serialization;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shopper;

[JsonConverter(typeof(IdJson<ShopperId>))]
public readonly record struct ShopperId(Guid Value) : IId<ShopperId>
{
    public static ShopperId Of(Guid value) => new(value);

    public static bool TryParse(string? text, out ShopperId id) => Ids.TryParse(text, out id);

    /// <summary>The shopper of a WeChat user in a shop: the same one at every sign-in.</summary>
    public static ShopperId OfOpenId(ShopId shop, string openId) => new(Ids.Derive("shopper", shop.Value, openId));

    public GrainId In(ShopId shop) => new("shopper", shop, Value);

    public override string ToString() => Value.ToString("N");
}

public enum ShopperRefusal
{
    [Refuses(RefusalKind.Rights, "您的账号暂不能参与助力", "Your account may not help for now.")]
    HelperBlocked = 1,

    [Refuses(RefusalKind.Rights, "账号注册时间不足，暂不能助力", "Your account is too young to help.")]
    AccountTooYoung = 2,

    [Refuses(RefusalKind.Limit, "今日助力次数已用完，请明天再来", "You have used all of today's assists.")]
    DailyAssistCapReached = 3,

    [Refuses(RefusalKind.State, "您参与本活动的次数已达上限", "You have started this campaign as often as it allows.")]
    LaunchLimitReached = 4,
}

/// <summary>The shop's settings that an assist is decided by, as they are when it is accepted.</summary>
public sealed record AssistPolicy(int DailyCap, int MinAccountAgeHours, string TimeZone);

/// <summary>A shopper (顾客) of one shop, as they see themselves.</summary>
public sealed record ShopperView(ShopperId ShopperId, int AssistsLeftToday, DateTimeOffset AssistCapResetsAt, bool IsNew, bool Follower);

/// <summary>What the shop knows of a shopper as its customer.</summary>
public sealed record CustomerView(ShopperId ShopperId, bool HasBought);

public sealed record GetCustomer : ICommand<CustomerView>;

/// <summary>First sign-in in this shop. A repeat changes nothing.</summary>
public sealed record RegisterShopper(string OpenId) : ICommand<Done>;

public sealed record GetShopper(AssistPolicy Policy) : ICommand<ShopperView>;

/// <summary>The WeChat openid, needed to charge this shopper. Not shown to anybody.</summary>
public sealed record GetPayer : ICommand<Payer>;

public sealed record Payer(string OpenId);

/// <summary>A merchant keeps this shopper from assisting until a time (the past lifts it).</summary>
public sealed record BlockShopper(DateTimeOffset Until, string Reason) : ICommand<Done>;

/// <summary>
/// Helps a bargain: takes one of today's assists and owes the cut to the bargain; answered when the bargain has answered. A refused
/// assist gives the quota back. Idempotent by bargain: while it is open, and for the rest of the day.
/// </summary>
/// <param name="Device">a short keyed hash of the device, or null; see <see cref="ApplyAssist"/></param>
/// <param name="Tap">names this very request, so that of many taps at once exactly one is told that it was the first</param>
public sealed record PledgeAssist(BargainId Bargain, AssistPolicy Policy, string? Device, Guid Tap = default) : ICommand<PledgedAssist>;

/// <param name="Repeated">true if another tap made this assist</param>
public sealed record PledgedAssist(AssistResult Result, int AssistsLeftToday, bool Repeated = false);

/// <summary>Starts a participation in a campaign, <paramref name="Limit"/> times at most; answered when it runs. Idempotent by participation.</summary>
public sealed record LaunchParticipation(Guid Participation, CampaignId Campaign, int Limit) : ICommand<Done>;

/// <summary>An order of this shopper was paid: no longer a new customer.</summary>
public sealed record NotePaidOrder : ICommand<Done>;
