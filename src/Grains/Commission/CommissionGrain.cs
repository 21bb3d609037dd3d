using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Order;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Commission;

internal sealed class CommissionGrain() : GrainDefinition<CommissionState, CommissionEvent>(CommissionJson.Default)
{
    public override string Kind => CommissionAddress.Kind;

    public override Decision<CommissionEvent> Decide(CommissionState state, object command, in Turn turn) => command switch
    {
        NoteSale c => CommissionRules.Decide(state, c),
        Wake c => CommissionRules.Decide(state, c, turn.Now),
        GetCommission => Decision<CommissionEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override CommissionState Evolve(CommissionState state, CommissionEvent @event) => CommissionRules.Evolve(state, @event);

    public override Answer Answer(CommissionState state, object command, in Turn turn) => command switch
    {
        GetCommission when state.Stage == CommissionStage.None => GrainRefusal.NotFound,
        GetCommission => Kernel.Answer.Of(state.View(OrderId.Of(turn.Self.Key))),
        _ => Kernel.Answer.Of(Done.Instance),
    };

    public override DateTimeOffset? Deadline(CommissionState state) => CommissionRules.DeadlineOf(state);

    public override Debts Owes(CommissionState state) => state.Debts;

    // Sources stay open: an order may be refunded for a year, and nothing is posted after that which could close them.
    public override Owed Message(CommissionState state, Debt debt, GrainId self) => debt.What switch
    {
        CommissionRules.AskShop => new(self.Shop.Grain(), new GetShop()),
        CommissionRules.AskSku => new(SkuId.Of(debt.About).In(self.Shop), new GetSku()),
        CommissionRules.AskPromoter or CommissionRules.AskUpline => new(ShopperId.Of(debt.About).DistributorIn(self.Shop), new GetDistributorTerms()),
        CommissionRules.PostFirst or CommissionRules.PostSecond => Posting(state.LevelOf(CommissionRules.LevelOf(debt.What)), self),
        CommissionRules.TellFirst or CommissionRules.TellSecond when state.LevelOf(CommissionRules.LevelOf(debt.What)) is var level =>
            new(level.Earner.DistributorIn(self.Shop), new NoteEarnings(level.GivenFen, level.TakenBackFen)),
        _ => throw Unknown(debt),
    };

    public override Decision<CommissionEvent> Settle(CommissionState state, Debt debt, in Receipt receipt, in Turn turn) => CommissionRules.Settle(state, debt, receipt, turn.Now);

    private static Owed Posting(LevelState level, GrainId self) => new(
        level.Earner.LedgerIn(self.Shop, LedgerKind.Commission),
        new PostEntries(level.Earner, LedgerKind.Commission, CommissionRules.SourceOf(OrderId.Of(self.Key), level.Level), self.Key, level.Posted + 1, level.Unposted));
}
