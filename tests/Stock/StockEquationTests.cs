using Campaigns.Grains.Kernel;
using Campaigns.Grains.Stock;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Stock;

/// <summary>The stock equation over random histories; a failing seed is in the name of the failing row.</summary>
public sealed class StockEquationTests
{
    private static readonly DateTimeOffset Now = Story<StockState, StockEvent>.Start;

    private readonly StockGrain grain = new();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void No_history_loses_invents_or_oversells_a_unit(int seed)
    {
        var random = new Random(seed);
        var story = new Story<StockState, StockEvent>(grain).Given(new StockOpened("t", "n", "daily", new(1), 40));
        long arrived = 40, sold = 0;

        for (var step = 0; step < 400; step++)
        {
            var command = Any(random);
            var decision = grain.Decide(story.State, command, new Turn(story.Self, Now));
            story.When(command);
            foreach (var fact in decision.Events)
            {
                arrived += fact is StockChanged change ? change.Delta : 0;
                sold += fact is StockConsumed consumed ? consumed.Quantity : 0;
            }

            if (step % 50 == 0) story.ThenSurvivesSnapshot();
            Holds(story.State, arrived, sold);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_repeat_of_any_idempotent_command_records_nothing(int seed)
    {
        var random = new Random(seed);
        var story = new Story<StockState, StockEvent>(grain).Given(new StockOpened("t", "n", "daily", new(1), 40));

        for (var step = 0; step < 200; step++)
        {
            var command = Any(random);
            story.When(command);
            if (command is not IOnce) Assert.Empty(grain.Decide(story.State, command, new Turn(story.Self, Now)).Events.ToArray());
        }
    }

    [Fact]
    public void A_thousand_buyers_and_a_hundred_units_make_exactly_a_hundred_holds()
    {
        var story = new Story<StockState, StockEvent>(grain).Given(new StockOpened("t", "n", "daily", new(1), 100));

        var held = Enumerable.Range(1, 1_000).Count(i => !grain.Decide(story.When(new HoldStock(Order(i), null, 1)).State, new ReleaseStock(Order(i)), new Turn(story.Self, Now)).Events.IsEmpty);
        Assert.Equal(100, held);

        foreach (var i in Enumerable.Range(1, 1_000)) story.When(new ReleaseStock(Order(i)));
        Assert.Equal(100, story.State.Available);
    }

    private static void Holds(StockState state, long arrived, long sold)
    {
        Assert.True(state.Available >= 0, "oversold");
        Assert.Equal(arrived - sold, state.OnHand);
        Assert.Equal(state.Purposes.Values.Sum(p => p.Left) + state.Holds.Values.Sum(h => h.Quantity), state.Reserved);
        Assert.All(state.Purposes.Values, p => Assert.InRange(p.Taken, 0, p.Total));
    }

    private static object Any(Random random) => random.Next(10) switch
    {
        0 => new ChangeStock(Order(random.Next()), random.Next(-15, 16), "any"),
        1 or 2 => new ReserveStock(Purpose(random.Next(6)), random.Next(0, 25)),
        3 when random.Next(4) == 0 => new CloseReservation(Purpose(random.Next(6))),
        < 7 => new HoldStock(Order(random.Next(30)), random.Next(2) == 0 ? null : Purpose(random.Next(6)), random.Next(1, 6)),
        7 => new ConsumeStock(Order(random.Next(30))),
        _ => new ReleaseStock(Order(random.Next(30))),
    };

    private static Guid Order(int i) => new(i, 1, 0, new byte[8]);

    private static Guid Purpose(int i) => new(i, 2, 0, new byte[8]);
}
