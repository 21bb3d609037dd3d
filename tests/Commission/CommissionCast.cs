using Campaigns.Grains.Commission;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Commission;

/// <summary>One sale and those around it: Amei buys tea and cake through Bing's code; Chen stands above Bing.</summary>
internal static class CommissionCast
{
    public static readonly DateTimeOffset Start = Story<CommissionState, CommissionEvent>.Start;
    public static readonly ShopperId Amei = Person(1);
    public static readonly ShopperId Bing = Person(2);
    public static readonly ShopperId Chen = Person(3);
    public static readonly SkuId Tea = new(new Guid(1, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 2));
    public static readonly SkuId Cake = new(new Guid(2, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 2));

    public static readonly ShopSettings OneLevel = ShopSettings.Default;
    public static readonly ShopSettings TwoLevels = OneLevel with { Level2Percent = 5, SecondLevelSignOff = new("法务 王", "checked") };
    public static readonly DistributorTerms Active = new(DistributorStanding.Active, null, null, 100, 100);

    public static NoteSale Sale { get; } = new(Amei, Bing, "moments", IsSuspect: true, "bargain", null, Start.AddMinutes(-5), [new(Tea, 3_000, 0), new(Cake, 999, 0)], null, null);

    public static SaleNoted Noted { get; } = new(Amei, Bing, "moments", IsSuspect: true, "bargain", null, Start.AddMinutes(-5), Sale.Lines, null, null);

    public static Story<CommissionState, CommissionEvent> NewStory() => new(new CommissionGrain());

    public static NoteSale Refunded(long tea, long cake = 0) => Sale with { Lines = [Sale.Lines[0] with { RefundedFen = tea }, Sale.Lines[1] with { RefundedFen = cake }] };

    public static NoteSale Received(this NoteSale sale, DateTimeOffset at, int afterSaleDays = 7) => sale with { ReceivedAt = at, AfterSaleDays = afterSaleDays };

    public static ShopView TheShop(ShopSettings? settings = null, bool isStopped = false) => new("demo", "Demo", settings ?? OneLevel, isStopped ? new("a complaint", Start) : null);

    public static SkuView Sku(SkuId id, CommissionRates? rates = null) => new(id, "t", "n", "daily", 9_900, new(1, 0, 1), rates);

    /// <summary>The sale is told and every question answered; nobody has posted anything yet.</summary>
    public static Story<CommissionState, CommissionEvent> Answered(ShopSettings? settings = null, DistributorTerms? promoter = null, DistributorTerms? upline = null, CommissionRates? tea = null, CommissionRates? cake = null, NoteSale? sale = null)
    {
        var story = NewStory().When(sale ?? Sale);
        story.WhenSettled(CommissionRules.AskShop, TheShop(settings)).WhenSettled(CommissionRules.AskPromoter, promoter ?? Active);
        foreach (var (sku, rates) in (ReadOnlySpan<(SkuId, CommissionRates?)>)[(Tea, tea), (Cake, cake)]) Settle(story, new(CommissionRules.AskSku, sku.Value), Sku(sku, rates));
        if (story.Debts.Any(d => d.What == CommissionRules.AskUpline)) story.WhenSettled(CommissionRules.AskUpline, upline ?? Active);
        return story;
    }

    /// <summary>One of several debts of the same name is answered.</summary>
    public static void Settle(Story<CommissionState, CommissionEvent> story, Debt debt, object reply)
    {
        var decision = new CommissionGrain().Settle(story.State, debt, new Receipt(reply, null), new Turn(story.Self, Start));
        story.Given(decision.Events.ToArray());
    }

    /// <summary>The ledger takes what it is told.</summary>
    public static Story<CommissionState, CommissionEvent> Post(this Story<CommissionState, CommissionEvent> story, string what = CommissionRules.PostFirst, long given = 0, long takenBack = 0)
    {
        var post = (PostEntries)story.Message(what).Command;
        return story.WhenSettled(what, new LedgerPosted(post.FirstStep + post.Entries.Count - 1, given, takenBack));
    }

    private static ShopperId Person(int number) => new(new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1));
}
