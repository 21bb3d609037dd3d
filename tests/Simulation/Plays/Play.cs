namespace Campaigns.Simulation.Plays;

/// <summary>Something that somebody does, how often compared with the others.</summary>
internal sealed record Act(string Name, int Weight, Func<Town, Task> Run);

/// <summary>
/// What people do with one mechanic. A new mechanic adds its play here, and is tested against crashes, delays, repeats and full disks from
/// then on; what must be true of it at all times stands in its book.
/// </summary>
internal abstract class Play
{
    /// <summary>The registration list.</summary>
    public static IReadOnlyList<Play> All { get; } = [new ShopPlay(), new StockPlay(), new ShopperPlay(), new CampaignPlay(), new BargainPlay(), new GroupBuyPlay(), new FlashSalePlay(), new OrderPlay(), new DistributorPlay(), new CommissionPlay(), new LedgerPlay(), new WithdrawalPlay()];

    public abstract IReadOnlyList<Act> Acts { get; }

    /// <summary>What has to be there before anybody acts.</summary>
    public virtual Task Prepare(Town town) => Task.CompletedTask;
}
