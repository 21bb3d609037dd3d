using Campaigns.Grains.Bargain;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.GroupBuy;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;
using Campaigns.Grains.Withdrawal;
using Campaigns.Simulation.Plays;

namespace Campaigns.Simulation;

/// <summary>The people of one world: what they know of, what they do, and what they were promised.</summary>
internal sealed class Town(World world)
{
    private const int TriesMax = 1_000;

    private readonly List<(string What, Func<Task<bool>> IsKept)> promises = [];
    private readonly HashSet<string> promised = new(StringComparer.Ordinal);

    public ShopId Shop { get; } = new("town");

    public AssistPolicy Policy { get; } = new(DailyCap: 3, MinAccountAgeHours: 0, "Asia/Shanghai");

    public List<ShopperId> Shoppers { get; } = [];

    public List<SkuId> Skus { get; } = [];

    public List<CampaignId> Campaigns { get; } = [];

    public List<CampaignId> FlashSales { get; } = [];

    public List<BargainId> Bargains { get; } = [];

    /// <summary>Those of <see cref="Campaigns"/> whose participations are rooms.</summary>
    public List<CampaignId> GroupBuys { get; } = [];

    public List<GroupRoomId> Rooms { get; } = [];

    public List<(OrderId Order, ShopperId Buyer)> Orders { get; } = [];

    public List<WithdrawalId> Withdrawals { get; } = [];

    /// <summary>What was posted, or may have been, to the points of each.</summary>
    public Dictionary<ShopperId, List<PostEntries>> Points { get; } = [];

    /// <summary>Payments that the gateway took another amount for.</summary>
    public List<PaymentId> Strays { get; } = [];

    public Random Chance => world.Chance;

    public DateTimeOffset Now => world.Time.Now;

    public SimulatedGateway Gateway => world.Gateway;

    public SimulatedTransfers Transfers => world.Transfers;

    public Guid NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        Chance.NextBytes(bytes);
        return new(bytes);
    }

    public T Any<T>(IReadOnlyList<T> of) => of[Chance.Next(of.Count)];

    /// <summary>Before anybody comes: the shop, its goods, its first campaign.</summary>
    public async Task Open()
    {
        await Insist(Shop.Grain(), new OpenShop("Town"));
        foreach (var play in Play.All) await play.Prepare(this);
    }

    /// <summary>One person acts a number of times, one act after another.</summary>
    public async Task Live(int acts)
    {
        var all = Play.All.SelectMany(p => p.Acts).ToList();
        for (var i = 0; i < acts; i++)
        {
            var act = Pick(all);
            world.Note(act.Name);
            await act.Run(this);
        }
    }

    /// <summary>Asks again until there is an answer, as a good client does; some lose patience and never know.</summary>
    /// <returns>null if they gave up</returns>
    public async Task<Outcome<TReply>?> Ask<TReply>(GrainId grain, ICommand<TReply> command)
    {
        for (var tries = 0; tries < TriesMax; tries++)
        {
            world.Unanswered.Add((command, grain));
            var outcome = await world.Ask(grain, command);
            world.Unanswered.Remove((command, grain));
            if (outcome is { } answer && answer.Refusal?.Kind != RefusalKind.Busy) return answer;
            if (world.IsRough && Chance.Next(20) == 0) return null;
            await world.Pause(TimeSpan.FromMilliseconds(Chance.Next(1, 500)));
        }

        world.Violated($"{command.GetType().Name} at {grain} was not answered in {TriesMax} tries.");
        return null;
    }

    /// <summary>Like <see cref="Ask"/>, and never gives up.</summary>
    public async Task<Outcome<TReply>> Insist<TReply>(GrainId grain, ICommand<TReply> command)
    {
        while (true)
            if (await Ask(grain, command) is { } outcome) return outcome;
    }

    /// <summary>Something the product has said: it must still be so when all is over.</summary>
    public void Promised(string what, Func<Task<bool>> isKept)
    {
        if (promised.Add(what)) promises.Add((what, isKept));
    }

    public async Task KeepPromises()
    {
        foreach (var (what, isKept) in promises)
            if (!await isKept()) world.Violated($"It was said, and is not so: {what}");
    }

    private Act Pick(List<Act> acts)
    {
        var at = Chance.Next(acts.Sum(a => a.Weight));
        foreach (var act in acts)
            if ((at -= act.Weight) < 0) return act;
        return acts[^1];
    }
}
