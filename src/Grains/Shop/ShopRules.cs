using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using static Campaigns.Grains.Kernel.GrainRefusal;
using ShopDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Shop.ShopEvent>;

namespace Campaigns.Grains.Shop;

internal sealed record ShopState
{
    public string? Name { get; set; }

    public ShopSettings Settings { get; set; } = ShopSettings.Default;

    public DistributionStop? DistributionStop { get; set; }

    [JsonIgnore]
    public bool IsOpen => Name is not null;
}

/// <summary>Every rule of the shop. Pure: no clock, no chance, no I/O but the table of time zones.</summary>
internal static class ShopRules
{
    public const int NameLengthMax = 120;
    public const int ReasonLengthMax = 500;
    public const int TimeZoneLengthMax = 64;
    public const int CommissionTiersMax = 10;
    public const int TierNameLengthMax = 40;

    public static ShopDecision Decide(ShopState state, OpenShop command, DateTimeOffset now)
    {
        if (state.IsOpen) return ShopDecision.Nothing;
        if (!IsText(command.Name, NameLengthMax)) return Refusal.Invalid("name", "A name has 1 to 120 characters.");

        return new ShopOpened(command.Name, ShopSettings.Default);
    }

    public static ShopDecision Decide(ShopState state, ReplaceSettings command, DateTimeOffset now)
    {
        var settings = command.Settings;
        if (!state.IsOpen) return NotFound;
        if (IsSame(settings, state.Settings) && !DistributionCompliance.AsksForPyramid(command.Asked)) return ShopDecision.Nothing;
        if (!IsTimeZone(settings.TimeZone)) return Refusal.Invalid("timeZone", "This is not the name of an IANA time zone.");
        if (!Enum.IsDefined(settings.Channel)) return Refusal.Invalid("channel", "The channel is mini-program or h5-link.");
        if (settings.DailyAssistCap is < 1 or > 100) return Refusal.Invalid("dailyAssistCap", "1 to 100 assists a day.");
        if (settings.MinAccountAgeHours is < 0 or > 8_760) return Refusal.Invalid("minAccountAgeHours", "0 to 8,760 hours.");
        if (settings.PaymentWindowMinutes is < 1 or > 1_440) return Refusal.Invalid("paymentWindowMinutes", "1 to 1,440 minutes.");
        if (settings.CommissionMinPercent is < 0 or > 100) return Refusal.Invalid("commissionMinPercent", "0 to 100 percent.");
        if (settings.CommissionMaxPercent is < 0 or > 100) return Refusal.Invalid("commissionMaxPercent", "0 to 100 percent.");
        if (settings.CommissionMinPercent > settings.CommissionMaxPercent) return Refusal.Invalid("commissionMinPercent", "At most commissionMaxPercent.");
        if (settings.FreezeDays is < 0 or > 90) return Refusal.Invalid("freezeDays", "0 to 90 days.");
        if (!Enum.IsDefined(settings.BindingMode)) return Refusal.Invalid("bindingMode", "The mode is first-touch or last-touch.");
        if (settings.BindingDays is < 1 or > 365) return Refusal.Invalid("bindingDays", "1 to 365 days.");
        if (settings.BindingProtectionDays < 0 || settings.BindingProtectionDays > settings.BindingDays) return Refusal.Invalid("bindingProtectionDays", "0 days to bindingDays.");
        if (settings.Level1Percent is < 0 or > 100) return Refusal.Invalid("level1Percent", "0 to 100 percent.");
        if (settings.Level2Percent is < 0 or > 100) return Refusal.Invalid("level2Percent", "0 to 100 percent.");
        if (settings.SupplierSharePercent is < 0 or > 100) return Refusal.Invalid("supplierSharePercent", "0 to 100 percent.");
        if (WrongTier(settings.CommissionTiers ?? []) is { } wrong) return wrong;
        if (settings.SecondLevelSignOff is { } by && !IsText(by.By, NameLengthMax)) return Refusal.Invalid("secondLevelSignOff.by", "A name has 1 to 120 characters.");
        if (settings.SecondLevelSignOff is { } why && !IsText(why.Reason, ReasonLengthMax)) return Refusal.Invalid("secondLevelSignOff.reason", "A reason has 1 to 500 characters.");
        if (!IsAmount(settings.WithdrawalMinFen)) return Refusal.Invalid("withdrawalMinFen", "1 to 10,000,000,000 fen.");
        if (!IsAmount(settings.WithdrawalMaxFen)) return Refusal.Invalid("withdrawalMaxFen", "1 to 10,000,000,000 fen.");
        if (settings.WithdrawalMinFen > settings.WithdrawalMaxFen) return Refusal.Invalid("withdrawalMinFen", "At most withdrawalMaxFen.");
        if (!IsAmount(settings.WithdrawalDailyCapFen)) return Refusal.Invalid("withdrawalDailyCapFen", "1 to 10,000,000,000 fen.");
        if (settings.WithdrawalDailyCapFen < settings.WithdrawalMinFen) return Refusal.Invalid("withdrawalDailyCapFen", "At least withdrawalMinFen.");
        if (settings.WithdrawalFeePercent is < 0 or > 100) return Refusal.Invalid("withdrawalFeePercent", "0 to 100 percent.");
        if (DistributionCompliance.Check(settings, command.Asked).Where(f => f.Severity == Finding.Block).ToList() is { Count: > 0 } blocks) return Refusal.Of(Invalid) with { Findings = blocks };

        return new SettingsReplaced(settings);
    }

    public static ShopDecision Decide(ShopState state, StopDistribution command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (state.DistributionStop is not null) return ShopDecision.Nothing;
        if (!IsText(command.Reason, ReasonLengthMax)) return Refusal.Invalid("reason", "A reason has 1 to 500 characters.");

        return new DistributionStopped(command.Reason, now);
    }

    public static ShopDecision Decide(ShopState state, ResumeDistribution command, DateTimeOffset now)
    {
        if (!state.IsOpen) return NotFound;
        if (state.DistributionStop is null) return ShopDecision.Nothing;

        return new DistributionResumed(now);
    }

    public static ShopState Evolve(ShopState state, ShopEvent @event) => @event switch
    {
        ShopOpened e => state with { Name = e.Name, Settings = e.Settings },
        SettingsReplaced e => state with { Settings = e.Settings },
        DistributionStopped e => state with { DistributionStop = new(e.Reason, e.At) },
        DistributionResumed => state with { DistributionStop = null },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };

    // Records compare their lists by reference: a repeated body would differ from what it set.
    private static bool IsSame(ShopSettings one, ShopSettings other) =>
        one with { CommissionTiers = null } == other with { CommissionTiers = null } && (one.CommissionTiers ?? []).SequenceEqual(other.CommissionTiers ?? []);

    private static Refusal? WrongTier(IReadOnlyList<CommissionTier> tiers)
    {
        if (tiers.Count > CommissionTiersMax) return Refusal.Invalid("commissionTiers", "At most 10 tiers.");
        foreach (var (i, tier) in tiers.Index())
        {
            if (tier is null || !IsText(tier.Name, TierNameLengthMax)) return Refusal.Invalid($"commissionTiers[{i}].name", "A name has 1 to 40 characters.");
            if (tiers.Take(i).Any(t => t.Name == tier.Name)) return Refusal.Invalid($"commissionTiers[{i}].name", "Each name once.");
            if (tier.Level1Percent is < 0 or > 100) return Refusal.Invalid($"commissionTiers[{i}].level1Percent", "0 to 100 percent.");
            if (tier.Level2Percent is < 0 or > 100) return Refusal.Invalid($"commissionTiers[{i}].level2Percent", "0 to 100 percent.");
        }

        return null;
    }

    // The characters are checked first: a name is looked up as a file, and must not lead out of the table's folder.
    private static bool IsTimeZone(string? name) =>
        name is { Length: > 0 and <= TimeZoneLengthMax }
        && char.IsAsciiLetter(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+')
        && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone)
        && zone.HasIanaId;

    private static bool IsText(string? text, int lengthMax) => !string.IsNullOrWhiteSpace(text) && text.Length <= lengthMax;

    private static bool IsAmount(long fen) => fen >= 1 && fen <= Money.Max.Fen;
}
