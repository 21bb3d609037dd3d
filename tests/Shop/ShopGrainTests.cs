using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Shop;

public sealed class ShopGrainTests
{
    private static readonly ShopOpened Opened = new("小店", ShopSettings.Default);
    private static readonly ShopSettings Valid = ShopSettings.Default with { DailyAssistCap = 5 };

    private readonly Story<ShopState, ShopEvent> story = new(new ShopGrain());

    public static TheoryData<string, ShopSettings> Guards => new()
    {
        { "timeZone", Valid with { TimeZone = "Asia/Atlantis" } },
        { "timeZone", Valid with { TimeZone = "" } },
        { "timeZone", Valid with { TimeZone = "../Asia/Shanghai" } },
        { "timeZone", Valid with { TimeZone = "China Standard Time" } },
        { "timeZone", Valid with { TimeZone = "Asia/" + new string('x', 100) } },
        { "timeZone", Valid with { TimeZone = "Asia/../UTC" } },
        { "channel", Valid with { Channel = (Channel)9 } },
        { "dailyAssistCap", Valid with { DailyAssistCap = 0 } },
        { "dailyAssistCap", Valid with { DailyAssistCap = 101 } },
        { "minAccountAgeHours", Valid with { MinAccountAgeHours = -1 } },
        { "minAccountAgeHours", Valid with { MinAccountAgeHours = 8_761 } },
        { "paymentWindowMinutes", Valid with { PaymentWindowMinutes = 0 } },
        { "paymentWindowMinutes", Valid with { PaymentWindowMinutes = 1_441 } },
        { "commissionMinPercent", Valid with { CommissionMinPercent = -1 } },
        { "commissionMinPercent", Valid with { CommissionMinPercent = 101 } },
        { "commissionMaxPercent", Valid with { CommissionMaxPercent = 101 } },
        { "commissionMaxPercent", Valid with { CommissionMaxPercent = -1 } },
        { "commissionMinPercent", Valid with { CommissionMinPercent = 31 } },
        { "freezeDays", Valid with { FreezeDays = -1 } },
        { "freezeDays", Valid with { FreezeDays = 91 } },
        { "bindingMode", Valid with { BindingMode = (BindingMode)9 } },
        { "bindingDays", Valid with { BindingDays = 0 } },
        { "bindingDays", Valid with { BindingDays = 366 } },
        { "bindingProtectionDays", Valid with { BindingProtectionDays = -1 } },
        { "bindingProtectionDays", Valid with { BindingProtectionDays = 16 } },
        { "level1Percent", Valid with { Level1Percent = -1 } },
        { "level2Percent", Valid with { Level2Percent = -1 } },
        { "level1Percent", Valid with { Level1Percent = 101 } },
        { "level2Percent", Valid with { Level2Percent = 101 } },
        { "supplierSharePercent", Valid with { SupplierSharePercent = -1 } },
        { "supplierSharePercent", Valid with { SupplierSharePercent = 101 } },
        { "commissionTiers", Valid with { CommissionTiers = [.. Enumerable.Range(0, 11).Select(i => new CommissionTier($"tier {i}", 15, 0))] } },
        { "commissionTiers[0].name", Valid with { CommissionTiers = [null!] } },
        { "commissionTiers[0].name", Valid with { CommissionTiers = [new(" ", 15, 0)] } },
        { "commissionTiers[0].name", Valid with { CommissionTiers = [new(new('x', 41), 15, 0)] } },
        { "commissionTiers[1].name", Valid with { CommissionTiers = [new("金", 15, 0), new("金", 20, 0)] } },
        { "commissionTiers[1].level1Percent", Valid with { CommissionTiers = [new("金", 15, 0), new("银", -1, 0)] } },
        { "commissionTiers[0].level1Percent", Valid with { CommissionTiers = [new("金", 101, 0)] } },
        { "commissionTiers[0].level2Percent", Valid with { CommissionTiers = [new("金", 15, -1)] } },
        { "commissionTiers[0].level2Percent", Valid with { CommissionTiers = [new("金", 15, 101)] } },
        { "secondLevelSignOff.by", Valid with { SecondLevelSignOff = new(" ", "opinion 7") } },
        { "secondLevelSignOff.by", Valid with { SecondLevelSignOff = new(new('x', 121), "opinion 7") } },
        { "secondLevelSignOff.reason", Valid with { SecondLevelSignOff = new("Li", "") } },
        { "secondLevelSignOff.reason", Valid with { SecondLevelSignOff = new("Li", new('x', 501)) } },
        { "withdrawalMinFen", Valid with { WithdrawalMinFen = 0 } },
        { "withdrawalMaxFen", Valid with { WithdrawalMaxFen = 0 } },
        { "withdrawalMaxFen", Valid with { WithdrawalMaxFen = Money.Max.Fen + 1 } },
        { "withdrawalMinFen", Valid with { WithdrawalMinFen = 200, WithdrawalMaxFen = 199 } },
        { "withdrawalDailyCapFen", Valid with { WithdrawalDailyCapFen = 0 } },
        { "withdrawalDailyCapFen", Valid with { WithdrawalDailyCapFen = 99 } },
        { "withdrawalDailyCapFen", Valid with { WithdrawalDailyCapFen = Money.Max.Fen + 1 } },
        { "withdrawalFeePercent", Valid with { WithdrawalFeePercent = -1 } },
        { "withdrawalFeePercent", Valid with { WithdrawalFeePercent = 101 } },
        { "level1Percent", Valid with { Level1Percent = 31 } },
        { "level1Percent", Valid with { Level1Percent = 20, Level2Percent = 11, SecondLevelSignOff = new("Li", "opinion 7") } },
        { "secondLevelSignOff", Valid with { Level2Percent = 1 } },
    };

    [Fact]
    public void A_shop_opens_with_the_default_settings()
    {
        story.When(new OpenShop("小店")).Then(Opened).ThenSurvivesSnapshot();

        Assert.Equal(new ShopView("demo", "小店", ShopSettings.Default), story.Answer().Value);
    }

    [Fact]
    public void Opening_again_changes_nothing() => story.When(new OpenShop("小店")).ThenAgainNothing().When(new OpenShop("other")).ThenNothing();

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void A_shop_has_a_name(string name) => story.When(new OpenShop(name)).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("name", r.Findings![0].Field));

    [Fact]
    public void A_name_has_at_most_120_characters() =>
        story.When(new OpenShop(new('x', 121))).ThenRefused(GrainRefusal.Invalid)
            .When(new OpenShop(new('x', 120))).ThenOne<ShopOpened>();

    [Fact]
    public void Nobody_finds_a_shop_that_was_not_opened()
    {
        story.When(new ReplaceSettings(Valid)).ThenRefused(GrainRefusal.NotFound)
            .When(new StopDistribution("why")).ThenRefused(GrainRefusal.NotFound)
            .When(new ResumeDistribution()).ThenRefused(GrainRefusal.NotFound);

        Assert.Equal("NotFound", story.Answer(new GetDistributionCompliance()).Refusal!.Code);
        Assert.Equal("NotFound", story.Answer(new GetShop()).Refusal!.Code);
    }

    [Fact]
    public void Settings_are_replaced_as_a_whole()
    {
        var settings = new ShopSettings("Europe/Berlin", Channel.H5Link, 100, 8_760, 1_440, 0, 30, 90, BindingMode.LastTouch, 365, 20, 5, 1, 10_000_000_000, 10_000_000_000, 100, new("Li", "opinion 7"), 365, Tiers(), 5);

        story.Given(Opened).When(new ReplaceSettings(settings)).Then(new SettingsReplaced(settings)).ThenAgainNothing().ThenSurvivesSnapshot();

        var stored = ((ShopView)story.Answer(new GetShop()).Value!).Settings;
        Assert.Equal(Tiers(), stored.CommissionTiers);
        Assert.Equal(settings, stored with { CommissionTiers = settings.CommissionTiers });
    }

    [Fact]
    public void The_same_tiers_in_another_body_change_nothing() =>
        story.Given(Opened, new SettingsReplaced(Valid with { CommissionTiers = Tiers() }))
            .When(new ReplaceSettings(Valid with { CommissionTiers = Tiers() })).ThenNothing()
            .When(new ReplaceSettings(Valid with { CommissionTiers = Tiers()[1..] })).ThenOne<SettingsReplaced>();

    [Fact]
    public void No_tiers_and_an_empty_list_of_them_are_the_same() => story.Given(Opened).When(new ReplaceSettings(ShopSettings.Default with { CommissionTiers = [] })).ThenNothing();

    [Fact]
    public void Ten_tiers_with_names_of_40_characters_are_allowed() =>
        story.Given(Opened).When(new ReplaceSettings(Valid with { CommissionTiers = [.. Enumerable.Range(0, 10).Select(i => new CommissionTier($"{new string('x', 39)}{i}", 15, 0))] })).ThenOne<SettingsReplaced>();

    [Fact]
    public void Settings_are_refused_with_everything_that_is_forbidden_at_once() =>
        story.Given(Opened)
            .When(new ReplaceSettings(Valid with { CommissionMaxPercent = 40, Level1Percent = 41, Level2Percent = 1, SupplierSharePercent = 10 }, new(JoinFeeFen: 9_900)))
            .ThenRefused(GrainRefusal.Invalid, r =>
            {
                Assert.Equal(["LAW-PYRAMID-01", "WX-DIST-01", "WX-DIST-01", "DIST-RATE", "WX-PAY-01", "WX-PAY-01"], r.Findings!.Select(f => f.RuleId));
                Assert.All(r.Findings!, f => Assert.Equal(Finding.Block, f.Severity));
            });

    [Fact]
    public void What_no_shop_may_have_is_refused_beside_settings_that_change_nothing() =>
        story.Given(Opened)
            .When(new ReplaceSettings(ShopSettings.Default, new(RecruitRewardFen: 1))).ThenRefused(GrainRefusal.Invalid)
            .When(new ReplaceSettings(ShopSettings.Default, new())).ThenNothing();

    [Fact]
    public void Settings_from_before_the_tiers_are_still_read()
    {
        const string old = """{"settings":{"timeZone":"UTC","channel":"mini-program","dailyAssistCap":3,"minAccountAgeHours":0,"paymentWindowMinutes":15,"commissionMinPercent":15,"commissionMaxPercent":50,"freezeDays":7,"bindingMode":"first-touch","bindingDays":15}}""";
        var settings = System.Text.Json.JsonSerializer.Deserialize(old, ShopJson.Default.SettingsReplaced)!.Settings;

        Assert.Equal((0, null, 0), (settings.BindingProtectionDays, settings.CommissionTiers, settings.SupplierSharePercent));

        // A shop that set what is refused by now keeps it, is told so, and may send it again.
        story.Given(Opened, new SettingsReplaced(settings)).When(new ReplaceSettings(settings)).ThenNothing();
        Assert.Contains(((DistributionComplianceView)story.Answer(new GetDistributionCompliance()).Value!).Findings, f => f is { RuleId: "WX-PAY-01", Severity: Finding.Block });
    }

    [Fact]
    public void Distribution_is_stopped_once_and_resumed_once()
    {
        var stop = new DistributionStop("投诉", Story<ShopState, ShopEvent>.Start);
        story.Given(Opened)
            .When(new ResumeDistribution()).ThenNothing()
            .When(new StopDistribution("投诉")).Then(new DistributionStopped(stop.Reason, stop.At)).ThenAgainNothing().ThenSurvivesSnapshot()
            .When(new StopDistribution("another reason")).ThenNothing();
        Assert.Equal(stop, ((ShopView)story.Answer(new GetShop()).Value!).DistributionStop);
        Assert.Equal(stop, ((DistributionComplianceView)story.Answer(new GetDistributionCompliance()).Value!).Stop);

        story.When(new ResumeDistribution()).Then(new DistributionResumed(stop.At)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Null(((ShopView)story.Answer(new GetShop()).Value!).DistributionStop);
    }

    [Fact]
    public void A_stop_stays_when_settings_are_replaced()
    {
        story.Given(Opened, new DistributionStopped("投诉", Story<ShopState, ShopEvent>.Start)).When(new ReplaceSettings(Valid)).ThenOne<SettingsReplaced>();

        Assert.NotNull(((ShopView)story.Answer(new GetShop()).Value!).DistributionStop);
    }

    [Fact]
    public void A_stop_has_a_reason() =>
        story.Given(Opened)
            .When(new StopDistribution(" ")).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("reason", r.Findings![0].Field))
            .When(new StopDistribution(new('x', 501))).ThenRefused(GrainRefusal.Invalid)
            .When(new StopDistribution(new('x', 500))).ThenOne<DistributionStopped>();

    [Fact]
    public void The_lowest_settings_are_allowed() =>
        story.Given(Opened)
            .When(new ReplaceSettings(new("UTC", Channel.MiniProgram, 1, 0, 1, 0, 0, 0, BindingMode.FirstTouch, 1, 0, 0, 1, 1, 1, 0)))
            .ThenOne<SettingsReplaced>();

    [Theory]
    [InlineData("America/Argentina/Buenos_Aires")]
    [InlineData("America/Port-au-Prince")]
    [InlineData("Etc/GMT+8")]
    public void Every_kind_of_zone_name_is_allowed(string zone) => story.Given(Opened).When(new ReplaceSettings(Valid with { TimeZone = zone })).ThenOne<SettingsReplaced>();

    [Fact]
    public void A_sign_off_may_be_as_long_as_that() =>
        story.Given(Opened).When(new ReplaceSettings(Valid with { SecondLevelSignOff = new(new('x', 120), new('x', 500)) })).ThenOne<SettingsReplaced>();

    [Theory]
    [MemberData(nameof(Guards))]
    public void Each_setting_has_its_bounds(string field, ShopSettings settings) =>
        story.Given(Opened).When(new ReplaceSettings(settings)).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal(field, Assert.Single(r.Findings!).Field));

    [Fact]
    public void A_shop_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(story.Self.Kind, story.Self.Shop.Grain().Kind);

    [Fact]
    public void Settings_are_written_with_the_names_of_the_api()
    {
        var json = System.Text.Json.JsonSerializer.Serialize(new SettingsReplaced(Valid with { Channel = Channel.H5Link }), ShopJson.Default.SettingsReplaced);

        Assert.Contains("\"channel\":\"h5-link\"", json, StringComparison.Ordinal);
        Assert.Contains("\"bindingMode\":\"first-touch\"", json, StringComparison.Ordinal);
    }

    private static CommissionTier[] Tiers() => [new("金", 20, 5), new("银", 15, 0)];
}
