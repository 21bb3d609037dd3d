using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using static Campaigns.Tests.Commission.CommissionCast;

namespace Campaigns.Tests.Commission;

/// <summary>A commission beside its order: clean, and then one thing in it is broken.</summary>
public sealed class CommissionBookTests : IBooks
{
    private static readonly ShopId Shop = new("demo");
    private static readonly OrderId Order = OrderId.Of(NewStory().Self.Key);
    private static readonly PaymentId Payment = new(new Guid(9, 0, 0, new byte[8]));

    private static readonly Dictionary<string, Action<CommissionBookTests>> Breaks = new(StringComparer.Ordinal)
    {
        ["it has facts but no sale"] = b => b.commission = new(),
        ["it is Asking and waits for 0 answers"] = b => b.commission = b.commission! with { Stage = CommissionStage.Asking, Levels = [], AvailableAt = null },
        ["it is Frozen and 0 levels were granted"] = b => b.commission = b.commission! with { Levels = [] },
        ["it is Denied and 1 levels were granted"] = b => b.commission = b.commission! with { Stage = CommissionStage.Denied },
        ["it is Pending and available at"] = b => b.commission = b.commission! with { Stage = CommissionStage.Pending },
        ["it is Pending and the order was received"] = b => b.commission = b.commission! with { Stage = CommissionStage.Pending, AvailableAt = null },
        ["it is Frozen and the order was never received"] = b => b.commission = b.commission! with { ReceivedAt = null },
        ["level First was granted 2 times"] = b => b.commission = b.commission! with { Levels = [b.commission.Levels[0], b.commission.Levels[0]] },
        ["its buyer earns its level First"] = b => b.Level(l => l with { Earner = Amei }),
        ["0 fen were granted at level First"] = b => b.Level(l => l with { LineFen = [0, 0], ReversedFen = 0 }),
        ["151 of 599 fen of level First are reversed, and of what was not refunded 449 are to be kept"] = b => b.Level(l => l with { ReversedFen = 151 }),
        ["an entry of level First is over nothing"] = b => b.Level(l => l with { Unposted = [.. l.Unposted, new(CommissionRules.Frozen, LedgerAccount.Pending, LedgerAccount.Frozen, Money.Zero)] }),
        ["2 entries of level First are not posted, and the ledger is not told"] = b => b.Level(l => l with { Posted = 7 }),
        ["0 entries of level First are not posted, and the ledger is told"] = b => b.Level(l => l with { Unposted = [] }),
        ["3001 of the 3000 fen of line 1 are refunded"] = b => b.commission = b.commission! with { Lines = [b.commission.Lines[0] with { RefundedFen = 3_001 }, b.commission.Lines[1]] },
        ["line 2 cost 999 fen and earns 1000"] = b => b.Level(l => l with { LineFen = [l.LineFen[0], 1_000] }),
        ["its order does not exist"] = b => b.order = null,
        ["and the order one of"] = b => b.order = b.order! with { Attributed = null },
        ["its lines are not those of the order"] = b => b.order = b.order! with { Lines = [b.order.Lines[1], b.order.Lines[0]] },
        ["more is refunded here than in the order"] = b => b.order = b.order! with { Refunds = [] },
        ["in the order"] = b => b.order = b.order! with { ReceivedAt = Start.AddDays(2) },
    };

    private static readonly Dictionary<string, Action<CommissionBookTests>> OrderBreaks = new(StringComparer.Ordinal)
    {
        ["counts for the promoter"] = b => b.order = b.order! with { Stage = OrderStage.Pending },
        ["its buyer is its own promoter"] = b => b.order = b.order! with { Attributed = b.order.Attributed! with { Promoter = Amei } },
        ["is known and asked for"] = b => b.order!.Debts.Owe(OrderRules.AskPromoter, Amei.Value),
        ["has no commission, and it is not being told"] = b => b.commission = null,
        ["its commission knows another sale, and is not being told"] = b => b.commission = b.commission! with { Lines = Sale.Lines },
    };

    private CommissionState? commission;
    private OrderState? order;

    public CommissionBookTests()
    {
        commission = Answered().Post().When(Refunded(1_000).Received(Start)).State;
        order = new()
        {
            Stage = OrderStage.Received,
            Buyer = Amei,
            Kind = "bargain",
            Lines = [new(Tea, "茶", 3, 1_000, 3_000), new(Cake, "糕", 1, 999, 999)],
            Amount = new(3_999),
            Held = [Tea, Cake],
            Payment = Payment,
            PaidBy = Payment,
            PaidAt = Start,
            Refunds = [new($"{Order}-1", Payment, new(1_000), "why", RefundStatus.Succeeded, [new(1, 1)])],
            Shipment = new("SF", "SF1", Start),
            ReceivedAt = Start,
            AfterSaleDays = 7,
            Attributed = new(Bing, "moments", true),
        };
    }

    public static TheoryData<string> Rows => [.. Breaks.Keys];

    public static TheoryData<string> OrderRows => [.. OrderBreaks.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void What_is_broken_is_found(string words)
    {
        Assert.Empty(Findings());
        Breaks[words](this);
        Assert.Contains(Findings(), f => f.Contains(words, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(OrderRows))]
    public void What_is_broken_in_the_order_is_found_beside_its_commission(string words)
    {
        Assert.DoesNotContain(OrderFindings(), IsAboutIt);
        OrderBreaks[words](this);
        Assert.Contains(OrderFindings(), IsAboutIt);

        bool IsAboutIt(string finding) => finding.Contains(words, StringComparison.Ordinal);
    }

    [Fact]
    public void While_the_commission_is_being_told_it_may_know_less()
    {
        commission = commission! with { Lines = Sale.Lines };
        order!.Debts.Owe(OrderRules.TellSale, order.Refunds[0].About);

        Assert.DoesNotContain(OrderFindings(), f => f.Contains("its commission", StringComparison.Ordinal));
    }

    public TState? Of<TState>(GrainId grain)
        where TState : class => grain.Kind switch
        {
            "commission" => commission as TState,
            "order" => order as TState,
            _ => null,
        };

    private void Level(Func<LevelState, LevelState> change) => commission = commission! with { Levels = [change(commission.Levels[0])] };

    private List<string> Findings() => [.. new CommissionBook().WrongWith(Order.CommissionIn(Shop), commission!, this)];

    private List<string> OrderFindings() => [.. new OrderBook().WrongWith(Order.In(Shop), order!, this)];
}
