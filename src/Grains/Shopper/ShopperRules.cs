using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using static Campaigns.Grains.Kernel.GrainRefusal;
using static Campaigns.Grains.Shopper.ShopperRefusal;
using ShopperDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Shopper.ShopperEvent>;

namespace Campaigns.Grains.Shopper;

/// <summary>Owned by one grain and changed in place. Lists, because nearly every shopper has three entries or fewer.</summary>
internal sealed class ShopperState
{
    public const string AssistDebt = "apply-assist";
    public const string AdmitDebt = "admit";

    /// <summary>Null before the first sign-in.</summary>
    public string? OpenId { get; set; }

    public DateTimeOffset FirstSeen { get; set; }

    public DateTimeOffset? BlockedUntil { get; set; }

    public bool HasBought { get; set; }

    /// <summary>Today's assists, and older ones that the bargain has not answered yet.</summary>
    public List<Pledge> Pledges { get; set; } = [];

    /// <summary>Launches that count, oldest first.</summary>
    public List<Launch> Launches { get; set; } = [];

    /// <summary>Why the newest assists and launches came back, for those who still wait for the answer.</summary>
    public List<Returned> Returned { get; set; } = [];

    /// <summary>When the newest launch was accepted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset LaunchedAt { get; set; }

    public Debts Debts { get; set; } = new();

    public Pledge? PledgeOf(BargainId bargain)
    {
        foreach (var pledge in Pledges)
            if (pledge.Bargain == bargain) return pledge;
        return null;
    }

    public Launch? LaunchOf(Guid participation)
    {
        foreach (var launch in Launches)
            if (launch.Participation == participation) return launch;
        return null;
    }

    /// <summary>A pledge belongs to the day it was accepted on: what comes back from yesterday does not raise the quota of today.</summary>
    public int UsedOn(DateOnly day)
    {
        var used = 0;
        foreach (var pledge in Pledges)
            if (pledge.Day == day) used++;
        return used;
    }

    public int OpenPledges()
    {
        var open = 0;
        foreach (var pledge in Pledges)
            if (pledge.IsOpen) open++;
        return open;
    }
}

/// <param name="Result">what the bargain answered; null while it has not</param>
internal sealed record Pledge(BargainId Bargain, bool IsNew, string? Device, DateOnly Day, AssistResult? Result, Guid Tap = default, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset At = default)
{
    [JsonIgnore]
    public bool IsOpen => Result is null;
}

internal sealed record Launch(Guid Participation, CampaignId Campaign, bool IsOpen, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] DateTimeOffset At = default);

internal sealed record Returned(string What, Guid About, Refusal Why);

/// <summary>Every rule of the shopper. Pure: no clock, no chance, no I/O.</summary>
internal static class ShopperRules
{
    /// <summary>How long after the first sign-in somebody without a paid order is a new customer.</summary>
    public const int NewCustomerDays = 30;

    public const int OpenPledgesMax = 100;

    public const int ReasonLengthMax = 500;

    public const int OpenLaunchesMax = 100;

    /// <summary>Older launches are forgotten, and with them their part of a campaign's limit.</summary>
    public const int LaunchesMax = 1_000;

    /// <summary>Refusals that are kept for callers who still wait; they are answered with the very next change.</summary>
    public const int ReturnedMax = 8;

    public static ShopperDecision Decide(ShopperState state, RegisterShopper command, DateTimeOffset now)
    {
        if (state.OpenId is not null) return ShopperDecision.Nothing;

        return new ShopperRegistered(command.OpenId, now);
    }

    public static ShopperDecision Decide(ShopperState state, BlockShopper command, DateTimeOffset now)
    {
        if (state.OpenId is null) return NotFound;
        if (command.Reason.Length > ReasonLengthMax) return Refusal.Invalid("reason", "A reason has at most 500 characters.");
        if (state.BlockedUntil == command.Until) return ShopperDecision.Nothing;

        return new ShopperBlocked(command.Until, command.Reason, now);
    }

    public static ShopperDecision Decide(ShopperState state, NotePaidOrder _, DateTimeOffset now)
    {
        if (state.OpenId is null) return NotFound;
        if (state.HasBought) return ShopperDecision.Nothing;

        return new ShopperBought(now);
    }

    public static ShopperDecision Decide(ShopperState state, PledgeAssist command, DateTimeOffset now)
    {
        if (state.OpenId is null) return NotFound;
        var today = LocalDay.Of(now, command.Policy.TimeZone);
        if (state.PledgeOf(command.Bargain) is { } pledge && (pledge.IsOpen || pledge.Day == today)) return ShopperDecision.Nothing;
        if (now < state.BlockedUntil) return HelperBlocked;
        if (now < state.FirstSeen.AddHours(command.Policy.MinAccountAgeHours)) return AccountTooYoung;
        if (state.UsedOn(today) >= command.Policy.DailyCap) return Refusal.Of(DailyAssistCapReached) with { Limit = command.Policy.DailyCap, ResetsAt = LocalDay.EndOf(today, command.Policy.TimeZone) };
        if (state.OpenPledges() >= OpenPledgesMax) return Busy;

        return new AssistPledged(command.Bargain, IsNew(state, now), command.Device, today, now, command.Tap);
    }

    public static ShopperDecision Decide(ShopperState state, LaunchParticipation command, DateTimeOffset now)
    {
        if (state.OpenId is null) return NotFound;
        if (state.LaunchOf(command.Participation) is not null) return ShopperDecision.Nothing;
        if (state.Launches.Count(l => l.Campaign == command.Campaign) >= command.Limit) return Refusal.Of(LaunchLimitReached) with { Limit = command.Limit };
        if (state.Launches.Count(l => l.IsOpen) >= OpenLaunchesMax) return Busy;

        return new ParticipationLaunched(command.Participation, command.Campaign, Past.After(state.LaunchedAt, now));
    }

    public static bool IsNew(ShopperState state, DateTimeOffset now) => !state.HasBought && now < state.FirstSeen.AddDays(NewCustomerDays);

    public static ShopperState Evolve(ShopperState state, ShopperEvent @event)
    {
        switch (@event)
        {
            case ShopperRegistered e:
                state.OpenId = e.OpenId;
                state.FirstSeen = e.At;
                break;
            case ShopperBlocked e:
                state.BlockedUntil = e.Until;
                break;
            case ShopperBought:
                state.HasBought = true;
                break;
            case AssistPledged e:
                // A settled assist of the same bargain can only be of another day, so it goes too.
                state.Pledges.RemoveAll(p => !p.IsOpen && (p.Day < e.Day || p.Bargain == e.Bargain));
                state.Pledges.Add(new(e.Bargain, e.IsNew, e.Device, e.Day, null, e.Tap, e.At));
                state.Returned.RemoveAll(r => r.What == ShopperState.AssistDebt && r.About == e.Bargain.Value);
                state.Debts.Owe(ShopperState.AssistDebt, e.Bargain.Value);
                break;
            case AssistSettled e:
                var settled = state.Pledges.FindIndex(p => p.Bargain == e.Bargain);
                state.Pledges[settled] = state.Pledges[settled] with { Result = e.Result };
                state.Debts.Settle(ShopperState.AssistDebt, e.Bargain.Value);
                break;
            case AssistReturned e:
                state.Pledges.RemoveAll(p => p.Bargain == e.Bargain);
                GiveBack(state, ShopperState.AssistDebt, e.Bargain.Value, e.Why);
                break;
            case ParticipationLaunched e:
                if (state.Launches.Count == LaunchesMax) state.Launches.RemoveAt(state.Launches.FindIndex(l => !l.IsOpen));
                state.Launches.Add(new(e.Participation, e.Campaign, IsOpen: true, e.At));
                state.LaunchedAt = e.At;
                state.Returned.RemoveAll(r => r.What == ShopperState.AdmitDebt && r.About == e.Participation);
                state.Debts.Owe(ShopperState.AdmitDebt, e.Participation);
                break;
            case LaunchSettled e:
                var launched = state.Launches.FindIndex(l => l.Participation == e.Participation);
                state.Launches[launched] = state.Launches[launched] with { IsOpen = false };
                state.Debts.Settle(ShopperState.AdmitDebt, e.Participation);
                break;
            case LaunchReturned e:
                state.Launches.RemoveAll(l => l.Participation == e.Participation);
                GiveBack(state, ShopperState.AdmitDebt, e.Participation, e.Why);
                break;
            default:
                throw new UnreachableException($"Unknown event {@event.GetType().Name}.");
        }

        return state;
    }

    private static void GiveBack(ShopperState state, string what, Guid about, Refusal why)
    {
        state.Debts.Settle(what, about);
        if (state.Returned.Count == ReturnedMax) state.Returned.RemoveAt(0);
        state.Returned.Add(new(what, about, why));
    }
}

/// <summary>The calendar day of a shop's time zone, and the moment it ends: the next local midnight.</summary>
public static class LocalDay
{
    // The framework's own look-up takes a lock each time: a seventh of the time of an assist.
    private static readonly ConcurrentDictionary<string, TimeZoneInfo> Zones = new(StringComparer.Ordinal);

    public static DateOnly Of(DateTimeOffset moment, string timeZone) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(moment, ZoneOf(timeZone)).DateTime);

    public static DateTimeOffset EndOf(DateOnly day, string timeZone) => At(day.AddDays(1), TimeOnly.MinValue, timeZone);

    /// <summary>The moment that clocks in the zone show this time: the first of two, and the next that exists if they skip it.</summary>
    public static DateTimeOffset At(DateOnly day, TimeOnly time, string timeZone)
    {
        var zone = ZoneOf(timeZone);
        var local = day.ToDateTime(time);

        // Some zones put the clock forward at midnight: there the day begins with the first time that exists.
        while (zone.IsInvalidTime(local)) local = local.AddMinutes(1);
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new(local, offset);
    }

    private static TimeZoneInfo ZoneOf(string name) => Zones.GetOrAdd(name, TimeZoneInfo.FindSystemTimeZoneById);
}
