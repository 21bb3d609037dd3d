using Campaigns.Grains.Kernel;
using Campaigns.Grains.Product;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Product;

public sealed class ProductGrainTests
{
    private static readonly SkuId Small = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly SkuId Large = new(Guid.Parse("01890000-0000-7000-8000-0000000000a2"));
    private static readonly NewSku One = new(Small, "small", new(9_900), 10);
    private static readonly AddProduct Add = new("凤梨酥", "daily", [One, new(Large, "large", new(0), 0)]);
    private static readonly SkuView AnySku = new(Small, "", "", "daily", 0, new(0, 0, 0));

    private readonly Story<ProductState, ProductEvent> story = new(new ProductGrain());

    public static TheoryData<string, AddProduct> Guards => new()
    {
        { "title", Add with { Title = "" } },
        { "title", Add with { Title = new('x', 121) } },
        { "type", Add with { Type = "weekly" } },
        { "skus", Add with { Skus = [] } },
        { "skus", Add with { Skus = [.. Enumerable.Range(0, 51).Select(_ => One with { Id = new(Guid.NewGuid()) })] } },
        { "skus[0].name", Add with { Skus = [One with { Name = " " }] } },
        { "skus[0].name", Add with { Skus = [One with { Name = new('x', 121) }] } },
        { "skus[0].listPriceFen", Add with { Skus = [One with { ListPrice = new(-1) }] } },
        { "skus[0].listPriceFen", Add with { Skus = [One with { ListPrice = new(10_000_000_001) }] } },
        { "skus[0].stock", Add with { Skus = [One with { Stock = -1 }] } },
        { "skus[0].stock", Add with { Skus = [One with { Stock = 10_000_001 }] } },
        { "skus[1].name", Add with { Skus = [One, One with { Id = Large, Name = "" }] } },
        { "skus[1].id", Add with { Skus = [One, One] } },
        { "commission.level1Percent", Add with { Commission = new(101, 0) } },
        { "commission.level2Percent", Add with { Commission = new(0, -1) } },
        { "commission.level1Percent", Add with { Commission = new(60, 41) } },
    };

    public static TheoryData<AddProduct> Bounds =>
    [
        Add with { Title = "x", Type = "handmade" },
        Add with { Title = new('x', 120), Type = "seasonal" },
        Add with { Type = "virtual", Skus = [One with { Name = "x", ListPrice = Money.Zero, Stock = 0 }] },
        Add with { Skus = [One with { Name = new('x', 120), ListPrice = Money.Max, Stock = 10_000_000 }] },
        Add with { Skus = [.. Enumerable.Range(0, 50).Select(i => One with { Id = new(new Guid(i, 0, 0, new byte[8])) })] },
    ];

    [Fact]
    public void A_product_is_answered_when_all_its_SKUs_are_open()
    {
        story.When(Add).Then(new ProductAdded(Add.Title, Add.Type, Add.Skus)).ThenAgainNothing();
        Assert.True(story.Answer(Add).IsLater);
        Assert.False(story.Answer(new GetProduct()).IsLater);

        story.Given(new SkuOpened(Large));
        Assert.True(story.Answer(Add).IsLater);

        story.WhenSettled("open-sku", AnySku).Then(new SkuOpened(Small)).ThenSurvivesSnapshot();
        var view = Assert.IsType<ProductView>(story.Answer(Add).Value);
        Assert.Equal([new(Small, "small", 9_900), new(Large, "large", 0)], view.Skus);
        Assert.Equal(ProductId.Of(story.Self.Key), view.Id);
    }

    [Fact]
    public void A_SKU_opens_with_its_price_and_stock()
    {
        story.When(Add with { Skus = [One] }).ThenSurvivesSnapshot();

        Assert.Equal(new Owed(Small.In(story.Self.Shop), new OpenStock("凤梨酥", "small", "daily", new(9_900), 10)), story.Message("open-sku"));
    }

    [Fact]
    public void A_product_s_own_commission_rates_are_those_that_its_SKUs_open_with()
    {
        story.When(Add with { Skus = [One], Commission = new(20, 5) }).Then(new ProductAdded(Add.Title, Add.Type, [One], new(20, 5))).ThenSurvivesSnapshot();

        Assert.Equal(new OpenStock("凤梨酥", "small", "daily", new(9_900), 10, new(20, 5)), story.Message("open-sku").Command);
    }

    [Fact]
    public void A_SKU_that_could_not_open_is_asked_again()
    {
        story.When(Add with { Skus = [One] }).WhenRefused("open-sku", GrainRefusal.Busy).ThenNothing().ThenSurvivesSnapshot();

        Assert.Equal("open-sku", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void An_answer_to_a_debt_that_is_settled_changes_nothing()
    {
        story.When(Add with { Skus = [One] }).WhenSettled("open-sku", AnySku);

        Assert.Empty(story.Settle(new("open-sku", Small.Value), new(AnySku, null)).Events.ToArray());
    }

    [Fact]
    public void Adding_something_else_under_the_same_id_changes_nothing() => story.When(Add).When(Add with { Title = "other" }).ThenNothing();

    [Fact]
    public void A_product_that_was_not_added_is_not_found() => Assert.Equal("NotFound", story.Answer(new GetProduct()).Refusal!.Code);

    [Theory]
    [MemberData(nameof(Guards))]
    public void Each_field_has_its_bounds(string field, AddProduct command) =>
        story.When(command).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal(field, Assert.Single(r.Findings!).Field));

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Each_field_may_be_at_its_bound(AddProduct command) => story.When(command).ThenOne<ProductAdded>();

    [Fact]
    public void A_product_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(story.Self, ProductId.Of(story.Self.Key).In(story.Self.Shop));
}
