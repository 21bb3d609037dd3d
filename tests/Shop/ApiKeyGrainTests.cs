using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Shop;

public sealed class ApiKeyGrainTests
{
    private static readonly ShopId Demo = new("demo");
    private static readonly GrantApiKey Grant = new(Demo, ["merchant"]);

    private readonly Story<ApiKeyState, ApiKeyEvent> story = new(new ApiKeyGrain());

    [Fact]
    public void A_granted_key_acts_for_its_shop()
    {
        story.When(Grant).Then(new ApiKeyGranted(Demo, ["merchant"])).ThenAgainNothing().ThenSurvivesSnapshot();

        var view = Assert.IsType<ApiKeyView>(story.Answer(new GetApiKey()).Value);
        Assert.Equal(Demo, view.Shop);
        Assert.Equal(["merchant"], view.Scopes);
    }

    [Fact]
    public void A_key_that_was_not_granted_is_not_found() => Assert.Equal("NotFound", story.Answer(new GetApiKey()).Refusal!.Code);

    [Fact]
    public void A_key_acts_for_one_real_shop() => story.When(Grant with { Shop = ShopId.Installation }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void A_key_never_moves_to_another_shop() => story.When(Grant).When(Grant with { Shop = new("other") }).ThenRefused(GrainRefusal.WrongState);

    [Fact]
    public void The_scopes_of_a_key_can_be_granted_anew() => story.When(Grant).When(Grant with { Scopes = ["reports"] }).Then(new ApiKeyGranted(Demo, ["reports"]));

    [Fact]
    public void A_key_has_a_scope() => story.When(Grant with { Scopes = [] }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void A_key_has_at_most_32_scopes() => story.When(Grant with { Scopes = [.. Enumerable.Range(0, 33).Select(i => $"s{i}")] }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void A_scope_has_at_most_64_characters() => story.When(Grant with { Scopes = [new('x', 65)] }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void A_scope_is_not_blank() => story.When(Grant with { Scopes = ["merchant", " "] }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void Scopes_may_be_as_many_and_as_long_as_that() => story.When(Grant with { Scopes = [.. Enumerable.Range(10, 32).Select(i => $"s{i}{new string('x', 61)}")] }).ThenOne<ApiKeyGranted>();

    [Fact]
    public void The_same_key_is_found_at_the_same_address_and_no_other()
    {
        Assert.Equal(ApiKeyAddress.Of("k"), ApiKeyAddress.Of("k"));
        Assert.NotEqual(ApiKeyAddress.Of("k"), ApiKeyAddress.Of("l"));
        Assert.Equal(story.Self.Kind, ApiKeyAddress.Of("k").Kind);
    }
}
