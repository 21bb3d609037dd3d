using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;

namespace Campaigns.Grains.Product;

internal sealed class ProductGrain() : GrainDefinition<ProductState, ProductEvent>(ProductJson.Default)
{
    public override string Kind => "product";

    public override Decision<ProductEvent> Decide(ProductState state, object command, in Turn turn) => command switch
    {
        AddProduct c => ProductRules.Decide(state, c, turn.Now),
        GetProduct => Decision<ProductEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override ProductState Evolve(ProductState state, ProductEvent @event) => ProductRules.Evolve(state, @event);

    public override Answer Answer(ProductState state, object command, in Turn turn) => command switch
    {
        _ when !state.IsAdded => GrainRefusal.NotFound,
        AddProduct when state.Debts.Count > 0 => Kernel.Answer.Later,
        _ => Kernel.Answer.Of(state.View(ProductId.Of(turn.Self.Key))),
    };

    public override Debts Owes(ProductState state) => state.Debts;

    public override Owed Message(ProductState state, Debt debt, GrainId self) => debt.What switch
    {
        ProductRules.OpenSku when state.Skus.Single(s => s.Id.Value == debt.About) is var sku =>
            new(sku.Id.In(self.Shop), new OpenStock(state.Title!, sku.Name, state.Type, sku.ListPrice, sku.Stock, state.Commission)),
        _ => throw Unknown(debt),
    };

    public override Decision<ProductEvent> Settle(ProductState state, Debt debt, in Receipt receipt, in Turn turn) => ProductRules.Settle(state, debt, receipt);
}
