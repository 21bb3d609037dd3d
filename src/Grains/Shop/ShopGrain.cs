using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shop;

internal sealed class ShopGrain() : GrainDefinition<ShopState, ShopEvent>(ShopJson.Default)
{
    public override string Kind => "shop";

    public override Decision<ShopEvent> Decide(ShopState state, object command, in Turn turn) => command switch
    {
        OpenShop c => ShopRules.Decide(state, c, turn.Now),
        ReplaceSettings c => ShopRules.Decide(state, c, turn.Now),
        GetShop => Decision<ShopEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override ShopState Evolve(ShopState state, ShopEvent @event) => ShopRules.Evolve(state, @event);

    public override Answer Answer(ShopState state, object command, in Turn turn) =>
        state.IsOpen ? Kernel.Answer.Of(new ShopView(turn.Self.Shop.Value, state.Name!, state.Settings)) : GrainRefusal.NotFound;
}
