using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Binding;

public enum BindingRefusal
{
    [Refuses(RefusalKind.State, "不能使用自己的推广码", "This is your own code.")]
    OwnCode = 1,

    [Refuses(RefusalKind.State, "推广关系不能成环：对方成为分销员晚于您", "Nobody can be promoted by a distributor who joined after them: it could close a loop.")]
    BindingLoop = 2,

    [Refuses(RefusalKind.State, "您已绑定其他推广人", "Somebody else is your promoter.")]
    AlreadyBound = 3,

    [Refuses(RefusalKind.Missing, "推广码不存在或已停用", "No distributor has this code, or not any more.")]
    UnknownCode = 4,

    [Refuses(RefusalKind.Limit, "近期更换推广人过于频繁，请稍后再试", "Your promoter has changed too often lately.")]
    BindingLimitReached = 5,

    [Refuses(RefusalKind.State, "推广关系在保护期内，暂不能解除", "The binding is protected and cannot be ended yet.")]
    BindingProtected = 6,
}

/// <summary>The binding (绑定关系) of a shopper: who promoted them. Its grain has the shopper's key.</summary>
public static class BindingAddress
{
    public const string Kind = "binding";

    public static GrainId BindingIn(this ShopperId buyer, ShopId shop) => new(Kind, shop, buyer.Value);
}

/// <summary>The shop's settings that a binding is decided by, as they are when it is asked for.</summary>
/// <param name="Days">how long a binding lasts, 1–365</param>
/// <param name="ProtectionDays">how long nobody can take it over, and it cannot be ended, 0–<paramref name="Days"/></param>
public sealed record BindingPolicy(BindingMode Mode, int Days, int ProtectionDays);

/// <summary>
/// The shopper came through somebody's code. First touch: whoever is bound stays so until it ends; last touch: the newest replaces it once
/// its protection is over, and the same promoter renews it. Answered when the promoter's grain has agreed. Refused <c>OwnCode</c>,
/// <c>UnknownCode</c>, <c>AlreadyBound</c>, <c>BindingLoop</c>, <c>BindingLimitReached</c>. The promoter who is bound now is never refused;
/// one promoter is asked at a time, meanwhile another is <c>Busy</c>.
/// </summary>
/// <param name="Channel">where the link was seen, 1–40 characters; null if it does not say</param>
/// <param name="Device">the device it was opened on, for the check of self-purchases</param>
public sealed record BindPromoter(ShopperId Promoter, string? Channel, string? Device, BindingPolicy Policy) : ICommand<BindingView>;

/// <summary>Would this binding be made, as far as the shopper's own grain can tell? Decides nothing: it keeps hopeless ones from being written.</summary>
/// <param name="PromoterJoinedAt">what the promoter's grain answered to <c>CheckCustomer</c>; null leaves loops to the decision</param>
public sealed record CheckPromoter(BindPromoter Bind, DateTimeOffset? PromoterJoinedAt = null) : ICommand<Done>;

/// <summary>Ends the binding. Orders that were placed before keep it. Refused <c>BindingProtected</c>, with when that is over, while it is. Without one it changes nothing.</summary>
public sealed record EndBinding : ICommand<BindingView>;

public sealed record GetBinding : ICommand<BindingView>;

/// <param name="BoundTo">null if nobody promotes the shopper now</param>
/// <param name="ProtectedUntil">until then it can be neither taken over nor ended</param>
public sealed record BindingView(ShopperId? BoundTo, DateTimeOffset? Since, DateTimeOffset? Until, DateTimeOffset? ProtectedUntil, string? Channel);

/// <summary>From the shopper's own distributor grain: they have become a distributor. From now on only those who joined before can promote them. Idempotent.</summary>
public sealed record NoteJoined(DateTimeOffset At) : ICommand<JoinedUnder>;

/// <param name="Promoter">who promoted them at that moment: their place in the team</param>
public sealed record JoinedUnder(ShopperId? Promoter);

/// <summary>From an order: who promoted its buyer when it was placed? Decides nothing. Bindings of the last 90 days are remembered, 20 at most.</summary>
public sealed record AskAttribution(DateTimeOffset At) : ICommand<Attribution>;

/// <summary>To whom a sale is owed (归因). Frozen when the order was placed.</summary>
/// <param name="Promoter">null if nobody</param>
/// <param name="IsSuspect">the promoter was seen on the buyer's device</param>
public sealed record Attribution(ShopperId? Promoter, string? Channel = null, bool IsSuspect = false);
