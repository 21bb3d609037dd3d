using System.Diagnostics;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using static Campaigns.Grains.Binding.BindingRefusal;
using static Campaigns.Grains.Distributor.DistributorRefusal;
using static Campaigns.Grains.Kernel.GrainRefusal;
using DistributorDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Distributor.DistributorEvent>;

namespace Campaigns.Grains.Distributor;

internal sealed record DistributorState
{
    public const string JoinedDebt = "note-joined";

    /// <summary>Null for who neither is a distributor nor was to become one.</summary>
    public DistributorStanding? Standing { get; init; }

    /// <summary>Null for who never joined.</summary>
    public DateTimeOffset? JoinedAt { get; init; }

    /// <summary>True when it is known who stands above, or that nobody does.</summary>
    public bool IsPlaced { get; init; }

    public ShopperId? Upline { get; init; }

    public string? Tier { get; init; }

    /// <summary>Of the newest change of the standing.</summary>
    public string? Reason { get; init; }

    /// <summary>How the merchant decided about the newest application; null while it is open, or if there was none.</summary>
    public bool? IsApproved { get; init; }

    public int Complaints { get; init; }

    public long GivenFen { get; init; }

    public long TakenBackFen { get; init; }

    /// <summary>Where the distributor was seen, newest last.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Customers on whose device the distributor was seen.</summary>
    public IReadOnlyList<ShopperId> Suspects { get; init; } = [];

    public Debts Debts { get; init; } = new();

    public int Trust => DistributorRules.TrustOf(Complaints, GivenFen, TakenBackFen, Suspects.Count);

    public bool IsSuspect(ShopperId buyer, string? device) => (device is not null && Devices.Contains(device, StringComparer.Ordinal)) || Suspects.Contains(buyer);
}

/// <summary>Every rule of the distributor. Pure: no clock, no chance, no I/O.</summary>
internal static class DistributorRules
{
    public const int ReasonLengthMax = 500;

    public const int TierLengthMax = 40;

    public const int DevicesMax = 5;

    public const int SuspectsMax = 100;

    public const int TrustMax = 100;

    private const int TrustPerComplaint = 15;
    private const int TrustPerSuspect = 10;
    private const int SuspectsThatCount = 5;

    // What is taken back of a few fen says nothing about anybody; a tenth of what is given goes back where everything is in order.
    private const long GivenFenMin = 10_000;
    private const int TakenBackPercentMax = 10;

    public static DistributorDecision Decide(DistributorState state, JoinDistribution command, DateTimeOffset now)
    {
        if (state.Standing == DistributorStanding.Active) return command.Device is { } seen && !state.Devices.Contains(seen, StringComparer.Ordinal) ? new DistributorSeen(seen) : DistributorDecision.Nothing;
        if (state.Standing is DistributorStanding.Frozen or DistributorStanding.Closed) return NotEligible;
        if (!command.HasBought && state.Standing != DistributorStanding.Invited) return NotEligible;

        return command.Device is { } device ? new DistributorEvent[] { new DistributorJoined(now), new DistributorSeen(device) } : new DistributorJoined(now);
    }

    public static DistributorDecision Decide(DistributorState state, ApplyForDistribution command, DateTimeOffset now)
    {
        if (!IsReason(command.Reason)) return NoReason();
        if (state.JoinedAt is not null) return WrongState;
        if (state.Standing is DistributorStanding.Applied or DistributorStanding.Invited) return DistributorDecision.Nothing;

        return command.Device is { } device ? new DistributorEvent[] { new DistributorApplied(command.Reason, now), new DistributorSeen(device) } : new DistributorApplied(command.Reason, now);
    }

    public static DistributorDecision Decide(DistributorState state, DecideApplication command, DateTimeOffset now)
    {
        if (state.Standing is null) return NotFound;
        if (command.Reason is { } reason ? !IsReason(reason) : !command.IsApproved) return NoReason();
        if (state.IsApproved == command.IsApproved) return DistributorDecision.Nothing;
        if (state.Standing != DistributorStanding.Applied) return WrongState;

        return command.IsApproved ? new DistributorEvent[] { new ApplicationApproved(command.Reason, now), new DistributorJoined(now) } : new ApplicationDeclined(command.Reason!, now);
    }

    public static DistributorDecision Decide(DistributorState state, InviteDistributor _, DateTimeOffset now)
    {
        if (state.JoinedAt is not null) return WrongState;
        if (state.Standing == DistributorStanding.Invited) return DistributorDecision.Nothing;

        return new DistributorInvited(now);
    }

    public static DistributorDecision Decide(DistributorState state, SetStanding command, DateTimeOffset now)
    {
        if (state.Standing is null) return NotFound;
        if (command.Standing is not (DistributorStanding.Active or DistributorStanding.Frozen or DistributorStanding.Closed)) return Refusal.Invalid("standing", "The standing is Active, Frozen or Closed.");
        if (!IsReason(command.Reason)) return NoReason();
        if (state.JoinedAt is null) return WrongState;
        if (state.Standing == command.Standing) return DistributorDecision.Nothing;
        if (state.Standing == DistributorStanding.Closed) return WrongState;

        return new StandingSet(command.Standing, command.Reason, now);
    }

    public static DistributorDecision Decide(DistributorState state, SetTier command, DateTimeOffset now)
    {
        if (state.Standing is null) return NotFound;
        if (command.Tier is { Length: 0 or > TierLengthMax }) return Refusal.Invalid("tier", "A tier's name has 1 to 40 characters.");
        if (state.JoinedAt is null) return WrongState;
        if (state.Tier == command.Tier) return DistributorDecision.Nothing;

        return new TierSet(command.Tier, now);
    }

    public static DistributorDecision Decide(DistributorState state, NoteComplaint command, DateTimeOffset now)
    {
        if (state.Standing is null) return NotFound;
        if (!IsReason(command.Reason)) return NoReason();
        if (state.JoinedAt is null) return WrongState;

        return new ComplaintNoted(command.Reason, now);
    }

    public static DistributorDecision Decide(DistributorState state, NoteEarnings command)
    {
        if (state.JoinedAt is null) return NotFound;
        var (given, takenBack) = (Math.Max(state.GivenFen, command.GivenFen), Math.Max(state.TakenBackFen, command.TakenBackFen));
        if ((given, takenBack) == (state.GivenFen, state.TakenBackFen)) return DistributorDecision.Nothing; // an older word that came late

        return new EarningsNoted(given, takenBack);
    }

    public static DistributorDecision Decide(DistributorState state, AdmitCustomer command, DateTimeOffset now)
    {
        if (state.Standing != DistributorStanding.Active) return UnknownCode;
        if (!state.IsSuspect(command.Buyer, command.Device) || state.Suspects.Contains(command.Buyer) || state.Suspects.Count == SuspectsMax) return DistributorDecision.Nothing;

        return new CustomerSuspected(command.Buyer, now);
    }

    /// <summary>How far a distributor is trusted, 0–100, by what is known of them. The same facts always give the same trust.</summary>
    /// <param name="suspects">customers on whose device they were seen; five count</param>
    public static int TrustOf(int complaints, long givenFen, long takenBackFen, int suspects)
    {
        var trust = TrustMax - TrustPerSuspect * Math.Min(suspects, SuspectsThatCount) - TrustPerComplaint * Math.Min(complaints, TrustMax);
        if (givenFen >= GivenFenMin) trust -= Math.Max(0, (int)((Int128)takenBackFen * 100 / givenFen) - TakenBackPercentMax);
        return Math.Max(0, trust);
    }

    /// <summary>
    /// How many percent of the rates and of the withdrawal limits are left at a trust. Never nothing: what was earned stays the distributor's, and who
    /// earns nothing could never be trusted again. To stop somebody is the merchant's decision (<c>Frozen</c>).
    /// </summary>
    public static (int Rate, int Cap) PercentsAt(int trust) => trust switch
    {
        >= 80 => (100, 100),
        >= 60 => (75, 50),
        >= 40 => (50, 25),
        _ => (25, 25),
    };

    public static DistributorState Evolve(DistributorState state, DistributorEvent @event) => @event switch
    {
        DistributorApplied e => state with { Standing = DistributorStanding.Applied, Reason = e.Reason, IsApproved = null },
        ApplicationDeclined e => state with { Standing = DistributorStanding.Declined, Reason = e.Reason, IsApproved = false },
        ApplicationApproved e => state with { Reason = e.Reason, IsApproved = true },
        DistributorInvited => state with { Standing = DistributorStanding.Invited, Reason = null },
        DistributorJoined e => state with { Standing = DistributorStanding.Active, JoinedAt = e.At, Debts = state.Debts.Owe(DistributorState.JoinedDebt, Guid.Empty) },
        DistributorPlaced e => state with { IsPlaced = true, Upline = e.Upline, Debts = state.Debts.Settle(DistributorState.JoinedDebt, Guid.Empty) },
        DistributorSeen e => state with { Devices = [.. state.Devices.Append(e.Device).TakeLast(DevicesMax)] },
        StandingSet e => state with { Standing = e.Standing, Reason = e.Reason },
        TierSet e => state with { Tier = e.Tier },
        ComplaintNoted => state with { Complaints = state.Complaints + 1 },
        EarningsNoted e => state with { GivenFen = e.GivenFen, TakenBackFen = e.TakenBackFen },
        CustomerSuspected e => state with { Suspects = [.. state.Suspects, e.Buyer] },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}."),
    };

    private static bool IsReason(string reason) => !string.IsNullOrWhiteSpace(reason) && reason.Length <= ReasonLengthMax;

    private static Refusal NoReason() => Refusal.Invalid("reason", "A reason has 1 to 500 characters.");
}
