using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Stock;

internal sealed class StockGrain() : GrainDefinition<StockState, StockEvent>(StockJson.Default)
{
    public override string Kind => "stock";

    public override Decision<StockEvent> Decide(StockState state, object command, in Turn turn) => command switch
    {
        HoldStock c => StockRules.Decide(state, c, turn.Now),
        ConsumeStock c => StockRules.Decide(state, c, turn.Now),
        ReleaseStock c => StockRules.Decide(state, c, turn.Now),
        OpenStock c => StockRules.Decide(state, c, turn.Now),
        ChangeStock c => StockRules.Decide(state, c, turn.Now),
        ChangePrice c => StockRules.Decide(state, c, turn.Now),
        ChangeCommission c => StockRules.Decide(state, c, turn.Now),
        ReserveStock c => StockRules.Decide(state, c, turn.Now),
        CloseReservation c => StockRules.Decide(state, c, turn.Now),
        GetSku or CheckHold => Decision<StockEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override StockState Evolve(StockState state, StockEvent @event) => StockRules.Evolve(state, @event);

    public override Answer Answer(StockState state, object command, in Turn turn) => command switch
    {
        _ when !state.IsOpen => GrainRefusal.NotFound,
        CheckHold c when StockRules.WhyNotHold(state, c.Order, null, c.Quantity) is { } refusal => refusal,
        HoldStock c when !state.Holds.ContainsKey(c.Order) => state.Past.WhyNot(c.Order, c.AskedAt) ?? Refusal.Of(StockRefusal.SoldOut),
        HoldStock => Kernel.Answer.Of(new HeldStock(state.ListPrice.Fen)),
        ReserveStock c when state.Past.WhyNot(c.Purpose, c.AskedAt) is { } refusal => refusal,
        ReserveStock c => state.Purposes.TryGetValue(c.Purpose, out var reservation) ? Kernel.Answer.Of(new ReservedStock(reservation.Total)) : StockRefusal.SoldOut,
        ConsumeStock or ReleaseStock => Kernel.Answer.Of(Done.Instance),
        _ => Kernel.Answer.Of(state.View(SkuId.Of(turn.Self.Key))),
    };
}
