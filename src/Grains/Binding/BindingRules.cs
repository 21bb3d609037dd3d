using System.Diagnostics;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.Binding.BindingRefusal;
using BindingDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Binding.BindingEvent>;

namespace Campaigns.Grains.Binding;

internal sealed record BindingState
{
    public const string AdmitDebt = "admit-customer";

    /// <summary>The promoter who is being asked; null if none is.</summary>
    public PromoterAsked? Asked { get; init; }

    /// <summary>The newest binding that was not ended, whether its time is over or not.</summary>
    public Bond? Newest { get; init; }

    /// <summary>Bindings before <see cref="Newest"/>, oldest first.</summary>
    public IReadOnlyList<Bond> Ended { get; init; } = [];

    /// <summary>Since when the shopper is a distributor, and who stands above them; null if they are none.</summary>
    public BindingOwnerJoined? Joined { get; init; }

    /// <summary>Why the newest question came to nothing, for those who still wait for the answer.</summary>
    public PromoterReturned? Returned { get; init; }

    public Debts Debts { get; init; } = new();

    public Bond? BondAt(DateTimeOffset moment) => Newest?.Covers(moment) == true ? Newest : Ended.LastOrDefault(b => b.Covers(moment));
}

/// <summary>One binding: who promoted the shopper in <c>[Since, Until)</c>.</summary>
/// <param name="ProtectedUntil">until then it can be neither taken over nor ended</param>
internal sealed record Bond(ShopperId Promoter, DateTimeOffset PromoterJoinedAt, string? Channel, bool IsSuspect, DateTimeOffset Since, DateTimeOffset Until, DateTimeOffset ProtectedUntil)
{
    public bool Covers(DateTimeOffset moment) => Since <= moment && moment < Until;
}

/// <summary>Every rule of the binding. Pure: no clock, no chance, no I/O.</summary>
internal static class BindingRules
{
    public const int ChannelLengthMax = 40;

    /// <summary>New bindings of one shopper within <see cref="LimitDays"/>.</summary>
    public const int BindingsMax = 10;

    public const int LimitDays = 30;

    public const int EndedMax = 20;

    /// <summary>How long a binding is remembered after its end.</summary>
    public const int EndedDays = 90;

    public static BindingDecision Decide(BindingState state, BindPromoter command, in Turn turn)
    {
        var (now, policy) = (turn.Now, command.Policy);
        if (command.Channel is { Length: 0 or > ChannelLengthMax }) return Refusal.Invalid("channel", "A channel has 1 to 40 characters.");
        if (command.Promoter.Value == turn.Self.Key) return OwnCode;
        var bound = state.BondAt(now);
        if (bound?.Promoter == command.Promoter) return Renew(bound, policy, now);
        if (state.Asked is { } asked) return asked.Promoter == command.Promoter ? BindingDecision.Nothing : GrainRefusal.Busy;
        if (bound is not null && (policy.Mode == BindingMode.FirstTouch || now < bound.ProtectedUntil))
            return Refusal.Of(AlreadyBound) with { ResetsAt = policy.Mode == BindingMode.FirstTouch ? bound.Until : bound.ProtectedUntil };
        if (LimitEnds(state, now) is { } resetsAt) return Refusal.Of(BindingLimitReached) with { Limit = BindingsMax, ResetsAt = resetsAt };

        return new PromoterAsked(command.Promoter, command.Channel, command.Device, policy, now);
    }

    public static BindingDecision Decide(BindingState state, EndBinding _, DateTimeOffset now)
    {
        if (state.BondAt(now) is not { } bound) return BindingDecision.Nothing;
        if (now < bound.ProtectedUntil) return Refusal.Of(BindingProtected) with { ResetsAt = bound.ProtectedUntil };

        return new BindingEnded(now);
    }

    public static BindingDecision Decide(BindingState state, NoteJoined command, in Turn turn)
    {
        if (state.Joined is not null) return BindingDecision.Nothing;
        var self = ShopperId.Of(turn.Self.Key);
        var joined = new BindingOwnerJoined(command.At, state.BondAt(command.At) is { } upline && MayPromote(upline, command.At, self) ? upline.Promoter : null);

        // A promoter who joined after the shopper may have become theirs in between; nobody can be bound to the shopper before this is settled.
        return state.Newest is { } newest && !MayPromote(newest, command.At, self) ? new BindingEvent[] { joined, new BindingEnded(turn.Now) } : joined;
    }

    /// <summary>The promoter's grain has answered. Whether the shopper has joined meanwhile is known only now.</summary>
    public static BindingDecision Settle(BindingState state, AdmittedCustomer admitted, in Turn turn)
    {
        var (asked, now) = (state.Asked!, turn.Now);
        if (Loops(state, asked.Promoter, admitted.JoinedAt, ShopperId.Of(turn.Self.Key))) return new PromoterReturned(asked.Promoter, Refusal.Of(BindingLoop));

        return new PromoterBound(asked.Promoter, admitted.JoinedAt, asked.Channel, admitted.IsSuspect, now, now.AddDays(asked.Policy.Days), now.AddDays(asked.Policy.ProtectionDays));
    }

    /// <summary>
    /// Would this promoter close a loop? Of those on a loop one has joined first, and is bound to somebody who joined later: that is what is
    /// refused, and no chain needs to be walked.
    /// </summary>
    public static bool Loops(BindingState state, ShopperId promoter, DateTimeOffset promoterJoinedAt, ShopperId self) =>
        state.Joined is { } own && !IsBefore(promoterJoinedAt, promoter, own.At, self);

    public static bool IsBefore(DateTimeOffset joinedAt, ShopperId distributor, DateTimeOffset otherJoinedAt, ShopperId other) =>
        (joinedAt, distributor.Value).CompareTo((otherJoinedAt, other.Value)) < 0;

    public static BindingState Evolve(BindingState state, BindingEvent @event) => @event switch
    {
        PromoterAsked e => state with { Asked = e, Returned = null, Debts = state.Debts.Owe(BindingState.AdmitDebt, e.Promoter.Value) },
        PromoterReturned e => state with { Asked = null, Returned = e, Debts = state.Debts.Settle(BindingState.AdmitDebt, e.Promoter.Value) },
        PromoterBound e => WithoutNewest(state, e.At) with
        {
            Asked = null,
            Newest = new(e.Promoter, e.PromoterJoinedAt, e.Channel, e.IsSuspect, e.At, e.Until, e.ProtectedUntil),
            Debts = state.Debts.Settle(BindingState.AdmitDebt, e.Promoter.Value),
        },
        BindingRenewed e => state with { Newest = state.Newest! with { Until = e.Until } },
        BindingEnded e => WithoutNewest(state, e.At),
        BindingOwnerJoined e => state with { Joined = e },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}."),
    };

    // Under first touch a binding lasts as long as it was made for; under last touch each visit renews it, but not each tap of a visit is a fact.
    private static BindingDecision Renew(Bond bound, BindingPolicy policy, DateTimeOffset now)
    {
        var until = now.AddDays(policy.Days);
        return policy.Mode == BindingMode.LastTouch && until >= bound.Until.AddHours(1) ? new BindingRenewed(until) : BindingDecision.Nothing;
    }

    private static bool MayPromote(Bond bond, DateTimeOffset joinedAt, ShopperId self) => IsBefore(bond.PromoterJoinedAt, bond.Promoter, joinedAt, self);

    /// <returns>null while another binding can be made</returns>
    private static DateTimeOffset? LimitEnds(BindingState state, DateTimeOffset now)
    {
        var recent = state.Ended.Append(state.Newest).OfType<Bond>().Select(b => b.Since).Where(s => now < s.AddDays(LimitDays)).ToList();
        return recent.Count < BindingsMax ? null : recent[^BindingsMax].AddDays(LimitDays);
    }

    private static BindingState WithoutNewest(BindingState state, DateTimeOffset at)
    {
        if (state.Newest is not { } newest) return state;

        var ended = state.Ended.Append(newest with { Until = newest.Until < at ? newest.Until : at });
        return state with { Newest = null, Ended = [.. ended.Where(b => b.Until > at.AddDays(-EndedDays)).TakeLast(EndedMax)] };
    }
}
