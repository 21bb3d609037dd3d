using Campaigns.Grains.Kernel;
using Campaigns.Grains.Order;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Payment;

public sealed class PaymentGrainTests
{
    private static readonly DateTimeOffset Start = Story<PaymentState, PaymentEvent>.Start;
    private static readonly ShopId Demo = new("demo");
    private static readonly OrderId Order = new(Guid.Parse("01890000-0000-7000-8000-0000000000a1"));
    private static readonly ShopperId Amei = new(Guid.Parse("01890000-0000-7000-8000-0000000000b1"));
    private static readonly Money Amount = new(8_000);
    private static readonly OpenPayment Open = new(Order, Amei, Amount, "茶");
    private static readonly PaymentOpened Opened = new(Order, Amei, Amount, "茶");
    private static readonly ConfirmPayment Confirm = new("wx-1", Amount, Start);
    private static readonly RefundPayment Refund = new("o-1", new(3_000), "late payment");
    private static readonly PaymentEvent[] Ready = [Opened, new PaymentReady("prepay-1")];
    private static readonly PaymentEvent[] Paid = [.. Ready, new PaymentConfirmed("wx-1", Start)];
    private static readonly PaymentEvent[] Told = [.. Paid, new OrderTold("tell-order", Order.Value)];
    private static readonly PaymentEvent[] Refunding = [.. Told, new RefundAsked("o-1", new(3_000), "late payment")];

    private readonly PaymentGrain grain = new();
    private readonly Story<PaymentState, PaymentEvent> story = new(new PaymentGrain());

    private PaymentId Self => PaymentId.Of(story.Self.Key);

    private GrainId AtGateway => Gateway.For(Demo, Self);

    private PaymentView View => (PaymentView)story.Answer(new GetPayment(false)).Value!;

    [Fact]
    public void A_payment_that_was_not_opened_is_not_found()
    {
        story.When(Confirm).ThenRefused(GrainRefusal.NotFound).When(Refund).ThenRefused(GrainRefusal.NotFound);

        Assert.Equal("NotFound", story.Answer(new GetPayment(true)).Refusal!.Code);
    }

    [Fact]
    public void A_payment_is_at_least_one_fen() => story.When(Open with { Amount = Money.Zero }).ThenRefused(GrainRefusal.Invalid).When(Open with { Amount = new(1) }).ThenOne<PaymentOpened>();

    [Fact]
    public void An_opened_payment_is_announced_to_the_gateway()
    {
        story.When(Open).Then(Opened).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal(new Owed(AtGateway, new Prepay(Self, Amei, Amount, "茶")), story.Message("prepay"));
        Assert.Equal(new PaymentView(Self, Order, PaymentStatus.Opening, 8_000, null), View);
        Assert.True(story.Answer(new GetPayment(true)).IsLater);
    }

    [Fact]
    public void A_payment_is_ready_when_the_gateway_has_given_its_prepay_id()
    {
        story.Given(Opened).WhenSettled("prepay", new Prepaid("prepay-1")).Then(new PaymentReady("prepay-1")).ThenSurvivesSnapshot();

        Assert.Equal(new PaymentView(Self, Order, PaymentStatus.Ready, 8_000, "prepay-1"), story.Answer(new GetPayment(true)).Value);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void A_gateway_that_refuses_the_prepay_is_asked_again()
    {
        story.Given(Opened).WhenRefused("prepay", GrainRefusal.Busy).ThenNothing().ThenSurvivesSnapshot();

        Assert.Equal("prepay", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void A_confirmed_payment_is_told_to_the_order()
    {
        story.Given(Ready).When(Confirm).Then(new PaymentConfirmed("wx-1", Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(PaymentStatus.Paid, ((PaymentView)story.Answer().Value!).State);
        Assert.Equal(new Owed(Order.In(Demo), new TakePayment(Self, Amount)), story.Message("tell-order"));

        story.WhenSettled("tell-order", Done.Instance).Then(new OrderTold("tell-order", Order.Value));
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void Another_amount_is_refused_and_nothing_is_recorded() =>
        story.Given(Ready).When(Confirm with { Amount = new(7_999) }).ThenRefused(PaymentRefusal.AmountMismatch)
            .Given(new PaymentConfirmed("wx-1", Start)).When(Confirm with { Amount = new(7_999) }).ThenRefused(PaymentRefusal.AmountMismatch);

    [Fact]
    public void Five_callbacks_tell_the_order_once()
    {
        story.Given(Ready).When(Confirm);
        for (var i = 0; i < 4; i++) story.When(Confirm).ThenNothing();

        Assert.Equal("tell-order", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void Money_that_outruns_the_prepay_answer_counts()
    {
        story.Given(Opened).When(Confirm).ThenOne<PaymentConfirmed>();

        Assert.Equal("tell-order", Assert.Single(story.Debts).What);
        Assert.Equal(PaymentStatus.Paid, ((PaymentView)story.Answer(new GetPayment(true)).Value!).State);
        Assert.Empty(grain.Settle(story.State, new("prepay", Order.Value), new(new Prepaid("late"), null), new(story.Self, Start)).Events.ToArray());
    }

    [Fact]
    public void An_order_that_cannot_be_told_is_told_again()
    {
        story.Given(Paid).WhenRefused("tell-order", GrainRefusal.NotFound).ThenNothing().ThenSurvivesSnapshot();

        Assert.Equal("tell-order", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void A_refund_is_asked_of_the_gateway_under_the_same_id_at_every_try()
    {
        story.Given(Told).When(Refund).Then(new RefundAsked("o-1", new(3_000), "late payment")).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Same(Done.Instance, story.Answer().Value);
        var message = new Owed(AtGateway, new RefundAtGateway(Self, "o-1", new(3_000), Amount, "late payment"));
        Assert.Equal(message, story.Message("refund"));

        story.WhenRefused("refund", GrainRefusal.Busy).ThenNothing().WhenRefused("refund", GrainRefusal.Invalid).ThenNothing();
        Assert.Equal(message, story.Message("refund"));
    }

    [Fact]
    public void What_was_not_paid_is_not_refunded() => story.Given(Ready).When(Refund).ThenRefused(GrainRefusal.WrongState);

    [Fact]
    public void A_refund_is_at_least_one_fen() => story.Given(Told).When(Refund with { Amount = Money.Zero }).ThenRefused(GrainRefusal.Invalid);

    [Fact]
    public void Refunds_never_exceed_what_was_paid() =>
        story.Given(Refunding)
            .When(new RefundPayment("o-2", new(5_001), "more")).ThenRefused(PaymentRefusal.RefundExceedsPaid)
            .When(new RefundPayment("o-2", new(5_000), "the rest")).ThenOne<RefundAsked>()
            .When(new RefundPayment("o-3", new(1), "one more")).ThenRefused(PaymentRefusal.RefundExceedsPaid);

    [Fact]
    public void A_payment_has_at_most_50_refunds() =>
        story.Given(Told).Given([.. Enumerable.Range(1, 49).Select(i => new RefundAsked($"p-{i}", new(1), "part"))])
            .When(new RefundPayment("p-50", new(1), "part")).ThenOne<RefundAsked>()
            .When(new RefundPayment("p-51", new(1), "part")).ThenRefused(GrainRefusal.WrongState);

    [Fact]
    public void A_refund_that_succeeded_is_told_to_the_order()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Succeeded)).Then(new RefundEnded("o-1")).ThenSurvivesSnapshot();
        Assert.Equal(new Owed(Order.In(Demo), new NoteRefund("o-1", RefundStatus.Succeeded)), story.Message("tell-refund-succeeded"));

        story.WhenSettled("tell-refund-succeeded", Done.Instance).ThenOne<OrderTold>();
        Assert.Empty(story.Debts);
        story.When(Refund).ThenNothing();
    }

    [Fact]
    public void A_refund_in_progress_is_told_once_and_asked_again()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing)).Then(new RefundProgressed("o-1", RefundStatus.Processing)).ThenSurvivesSnapshot();
        Assert.Equal(new Owed(Order.In(Demo), new NoteRefund("o-1", RefundStatus.Processing)), story.Message("tell-refund-processing"));

        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing)).ThenNothing();
        Assert.Equal(["refund", "tell-refund-processing"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void The_end_of_a_refund_is_told_even_while_its_progress_is_being_told()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing)).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Succeeded)).Then(new RefundEnded("o-1"));

        story.WhenSettled("tell-refund-processing", Done.Instance);
        Assert.Equal(RefundStatus.Succeeded, Assert.IsType<NoteRefund>(story.Message("tell-refund-succeeded").Command).State);
    }

    [Fact]
    public void A_refund_the_gateway_failed_is_told_and_asked_again()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Failed)).Then(new RefundProgressed("o-1", RefundStatus.Failed));

        Assert.Equal(RefundStatus.Failed, Assert.IsType<NoteRefund>(story.Message("tell-refund-failed").Command).State);
        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Succeeded)).ThenOne<RefundEnded>();
    }

    [Fact]
    public void Peers_56_a_crash_between_the_decision_and_the_refund_leaves_the_refund_owed()
    {
        story.Given(Told).When(Refund).ThenSurvivesSnapshot();

        Assert.Equal("o-1", Assert.IsType<RefundAtGateway>(story.Message("refund").Command).RefundId);
    }

    [Fact]
    public void Every_state_survives_a_snapshot()
    {
        foreach (var history in new[] { [Opened], Ready, Paid, Told, Refunding })
            new Story<PaymentState, PaymentEvent>(grain).Given(history).ThenSurvivesSnapshot();
    }

    [Fact]
    public void A_payment_is_stored_under_the_kind_it_is_addressed_by() => Assert.Equal(story.Self, Self.In(Demo));

    [Fact]
    public void News_of_one_refund_leaves_the_others_as_they_are()
    {
        story.Given(Refunding).Given(new RefundAsked("o-2", new(1), "late payment"), new RefundProgressed("o-1", RefundStatus.Processing));

        Assert.Equal([RefundStatus.Processing, RefundStatus.Requested], story.State.Refunds.Select(r => r.State));
        story.Given(new RefundEnded("o-2"));
        Assert.Equal([RefundStatus.Processing, RefundStatus.Succeeded], story.State.Refunds.Select(r => r.State));
    }
}
