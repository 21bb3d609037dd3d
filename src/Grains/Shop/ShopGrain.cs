using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shop;

internal sealed class ShopGrain() : GrainDefinition<ShopState, ShopEvent>(ShopJson.Default)
{
    public override string Kind => "shop";

    public override Decision<ShopEvent> Decide(ShopState state, object command, in Turn turn) => command switch
    {
        OpenShop c => ShopRules.Decide(state, c, turn.Now),
        ReplaceSettings c => ShopRules.Decide(state, c, turn.Now),
        StopDistribution c => ShopRules.Decide(state, c, turn.Now),
        ResumeDistribution c => ShopRules.Decide(state, c, turn.Now),
        GetShop or GetDistributionCompliance => Decision<ShopEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override ShopState Evolve(ShopState state, ShopEvent @event) => ShopRules.Evolve(state, @event);

    public override Answer Answer(ShopState state, object command, in Turn turn) => command switch
    {
        _ when !state.IsOpen => GrainRefusal.NotFound,
        GetDistributionCompliance => Kernel.Answer.Of(new DistributionComplianceView([.. DistributionCompliance.Check(state.Settings)], state.DistributionStop)),
        _ => Kernel.Answer.Of(new ShopView(turn.Self.Shop.Value, state.Name!, state.Settings, state.DistributionStop)),
    };
}
