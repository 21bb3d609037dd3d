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
    private static readonly NoteGatewayRefund RefundNews = new("o-1", new(3_000), RefundStatus.Succeeded);
    private static readonly PaymentEvent[] Ready = [Opened, new PaymentReady("prepay-1", Start)];
    private static readonly PaymentEvent[] Paid = [.. Ready, new PaymentConfirmed("wx-1", Start)];
    private static readonly PaymentEvent[] Told = [.. Paid, new OrderTold("tell-order", Order.Value)];
    private static readonly PaymentEvent[] Strayed = [.. Ready, new CloseAsked(), new PaymentClosed(), new PaymentAmountDiffers(Order, "wx-1", new(7_999), Start)];
    private static readonly PaymentEvent[] Refunding = [.. Told, new RefundAsked("o-1", new(3_000), "late payment")];

    private readonly PaymentGrain grain = new();
    private readonly Story<PaymentState, PaymentEvent> story = new(new PaymentGrain());

    private PaymentId Self => PaymentId.Of(story.Self.Key);

    private GrainId AtGateway => Gateway.For(Demo, Self);

    private PaymentView View => (PaymentView)story.Answer(new GetPayment(false)).Value!;

    [Fact]
    public void A_payment_that_was_not_opened_is_not_found()
    {
        story.When(Confirm).ThenRefused(GrainRefusal.NotFound).When(Refund).ThenRefused(GrainRefusal.NotFound)
            .When(new ClosePayment()).ThenRefused(GrainRefusal.NotFound).When(RefundNews).ThenRefused(GrainRefusal.NotFound)
            .When(new SettleStray("")).ThenRefused(GrainRefusal.NotFound).When(new GetPayment(true)).ThenNothing();

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
        story.Given(Opened).WhenSettled("prepay", new Prepaid("prepay-1")).Then(new PaymentReady("prepay-1", Start)).ThenSurvivesSnapshot();

        Assert.Equal(new PaymentView(Self, Order, PaymentStatus.Ready, 8_000, "prepay-1"), story.Answer(new GetPayment(true)).Value);
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void The_moment_after_which_the_gateway_takes_no_money_is_the_same_at_every_try()
    {
        story.When(Open with { PayBefore = Start.AddMinutes(15) }).Then(Opened with { PayBefore = Start.AddMinutes(15) }).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(Start.AddMinutes(15), Assert.IsType<Prepay>(story.Message("prepay").Command).PayBefore);
        Assert.Equal(story.Message("prepay"), story.After(TimeSpan.FromMinutes(5)).Message("prepay"));
    }

    [Fact]
    public void Money_that_the_gateway_already_has_when_it_is_asked_for_a_prepay_id_counts()
    {
        story.Given(Opened).WhenSettled("prepay", new Prepaid(null, new("wx-1", Amount, Start))).Then(new PaymentConfirmed("wx-1", Start)).ThenSurvivesSnapshot();

        Assert.Equal("tell-order", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void Money_of_another_amount_at_the_gateway_is_not_taken_and_is_noted_when_the_payment_is_closed()
    {
        story.Given(Opened).WhenSettled("prepay", new Prepaid(null, new("wx-1", new(7_999), Start))).ThenNothing();
        Assert.Equal("prepay", Assert.Single(story.Debts).What);

        story.When(new ClosePayment()).WhenSettled("close", new ClosedAtGateway(new("wx-1", new(7_999), Start))).Then(new PaymentClosed(), new PaymentAmountDiffers(story.State.Order!.Value, "wx-1", new(7_999), Start)).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
    }

    [Fact]
    public void A_stray_that_was_given_back_by_hand_is_settled_with_the_reason_and_the_time()
    {
        story.Given(Strayed).After(TimeSpan.FromDays(1)).When(new SettleStray("returned in the portal")).Then(new StraySettled("returned in the portal", Start.AddDays(1))).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Equal(new SettledStray(Self, Order, "wx-1", 7_999, Start, "returned in the portal", Start.AddDays(1)), story.Answer().Value);
    }

    [Fact]
    public void The_first_word_about_a_stray_stays()
    {
        story.Given(Strayed).When(new SettleStray("returned in the portal")).After(TimeSpan.FromDays(1)).When(new SettleStray("returned twice?")).ThenNothing();

        Assert.Equal(new SettledStray(Self, Order, "wx-1", 7_999, Start, "returned in the portal", Start), story.Answer().Value);
    }

    [Fact]
    public void A_stray_is_settled_with_a_reason_of_1_to_80_characters() =>
        story.Given(Ready).When(new SettleStray(" ")).ThenRefused(GrainRefusal.Invalid, r => Assert.Equal("reason", Assert.Single(r.Findings!).Field))
            .Given(Strayed[2..]).When(new SettleStray("")).ThenRefused(GrainRefusal.Invalid).When(new SettleStray(null!)).ThenRefused(GrainRefusal.Invalid)
            .When(new SettleStray(new('茶', 81))).ThenRefused(GrainRefusal.Invalid).When(new SettleStray(new('茶', 80))).ThenOne<StraySettled>();

    [Fact]
    public void A_payment_without_a_stray_has_nothing_to_settle()
    {
        foreach (var history in new[] { Ready, Told, Refunding, [.. Ready, new CloseAsked()], [.. Ready, new CloseAsked(), new PaymentClosed()] })
            new Story<PaymentState, PaymentEvent>(grain).Given(history).When(new SettleStray("why")).ThenRefused(GrainRefusal.WrongState);
    }

    [Fact]
    public void A_payment_has_one_stray_at_most_and_takes_its_own_money_beside_it()
    {
        story.Given(Strayed).When(new ClosePayment()).ThenNothing().When(Confirm with { Amount = new(7_998) }).ThenRefused(PaymentRefusal.AmountMismatch);
        story.When(Confirm).ThenOne<PaymentConfirmed>().ThenSurvivesSnapshot();

        Assert.Equal(new(7_999), story.State.Stray!.Amount);
        story.When(new SettleStray("returned in the portal")).ThenOne<StraySettled>();
    }

    [Fact]
    public void A_prepay_id_is_shown_for_110_minutes_and_then_asked_for_again()
    {
        var look = new GetPayment(WhenReady: true);
        story.Given(Ready).After(TimeSpan.FromMinutes(110) - TimeSpan.FromSeconds(1)).When(look).ThenNothing();
        Assert.Equal("prepay-1", ((PaymentView)story.Answer().Value!).PrepayId);

        story.At(Start.AddMinutes(110)).When(new GetPayment(false)).ThenNothing().When(look).Then(new PrepayExpired()).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.True(story.Answer().IsLater);
        Assert.Equal(new Prepay(Self, Amei, Amount, "茶"), story.Message("prepay").Command);

        story.WhenSettled("prepay", new Prepaid("prepay-2")).Then(new PaymentReady("prepay-2", Start.AddMinutes(110)));
        Assert.Equal("prepay-2", ((PaymentView)story.When(look).ThenNothing().Answer().Value!).PrepayId);
    }

    [Fact]
    public void A_prepay_id_of_a_release_that_did_not_note_when_it_came_is_kept() =>
        story.Given(Opened, new PaymentReady("prepay-1")).After(TimeSpan.FromDays(1)).When(new GetPayment(WhenReady: true)).ThenNothing();

    [Fact]
    public void What_is_paid_or_closed_is_never_asked_for_again()
    {
        story.Given(Paid).After(TimeSpan.FromDays(1)).When(new GetPayment(WhenReady: true)).ThenNothing();
        var closing = new Story<PaymentState, PaymentEvent>(grain).Given(Ready).Given(new CloseAsked()).After(TimeSpan.FromDays(1)).When(new GetPayment(WhenReady: true)).ThenNothing();
        closing.Given(new PaymentClosed()).When(new GetPayment(WhenReady: true)).ThenNothing();
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
        Assert.Empty(story.Settle(new("prepay", Order.Value), new(new Prepaid("late"), null)).Events.ToArray());
    }

    [Fact]
    public void A_payment_that_nobody_shall_pay_is_closed_at_the_gateway()
    {
        story.Given(Ready).When(new ClosePayment()).Then(new CloseAsked()).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal(new Owed(AtGateway, new CloseAtGateway(Self)), story.Message("close"));
        Assert.Equal(PaymentStatus.Ready, View.State);

        story.WhenSettled("close", new ClosedAtGateway()).Then(new PaymentClosed()).ThenSurvivesSnapshot();
        Assert.Empty(story.Debts);
        Assert.Equal(PaymentStatus.Closed, View.State);
        story.When(new ClosePayment()).ThenNothing();
    }

    [Fact]
    public void A_payment_that_was_never_ready_is_closed_too_and_not_asked_for_any_more()
    {
        story.Given(Opened).When(new ClosePayment()).Then(new CloseAsked()).ThenSurvivesSnapshot();
        Assert.Equal("close", Assert.Single(story.Debts).What);
        Assert.Empty(story.Settle(new("prepay", Order.Value), new(new Prepaid("late"), null)).Events.ToArray());

        var look = new GetPayment(WhenReady: true);
        Assert.True(story.Answer(look).IsLater);
        story.WhenSettled("close", new ClosedAtGateway());
        Assert.Equal(new PaymentView(Self, Order, PaymentStatus.Closed, 8_000, null), story.Answer(look).Value);
    }

    [Fact]
    public void A_gateway_that_cannot_close_is_asked_again()
    {
        story.Given(Ready).When(new ClosePayment()).WhenRefused("close", PaymentRefusal.GatewayRefused).ThenNothing();

        Assert.Equal("close", Assert.Single(story.Debts).What);
    }

    [Fact]
    public void Money_that_the_gateway_has_when_it_is_asked_to_close_counts()
    {
        story.Given(Ready).When(new ClosePayment()).WhenSettled("close", new ClosedAtGateway(new("wx-1", Amount, Start))).Then(new PaymentConfirmed("wx-1", Start)).ThenSurvivesSnapshot();

        Assert.Equal("tell-order", Assert.Single(story.Debts).What);
        Assert.Equal(PaymentStatus.Paid, View.State);
    }

    [Fact]
    public void A_callback_counts_while_closing_and_after_it()
    {
        story.Given(Ready).When(new ClosePayment()).When(Confirm).Then(new PaymentConfirmed("wx-1", Start)).ThenAgainNothing();
        Assert.Equal("tell-order", Assert.Single(story.Debts).What);

        var closed = new Story<PaymentState, PaymentEvent>(grain).Given(Ready).Given(new CloseAsked(), new PaymentClosed());
        closed.When(Confirm).Then(new PaymentConfirmed("wx-1", Start)).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Equal(PaymentStatus.Paid, ((PaymentView)closed.Answer().Value!).State);
        Assert.Equal("tell-order", Assert.Single(closed.Debts).What);
    }

    [Fact]
    public void What_is_paid_is_not_closed() => story.Given(Paid).When(new ClosePayment()).ThenNothing();

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
        Assert.Equal(new Owed(Order.In(Demo), new NoteRefund("o-1", RefundStatus.Succeeded, 1)), story.Message("tell-refund-succeeded"));

        story.WhenSettled("tell-refund-succeeded", Done.Instance).ThenOne<OrderTold>();
        Assert.Empty(story.Debts);
        story.When(Refund).ThenNothing();
    }

    [Fact]
    public void A_refund_in_progress_is_told_once_and_asked_again()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing)).Then(new RefundProgressed("o-1", RefundStatus.Processing)).ThenSurvivesSnapshot();
        Assert.Equal(new Owed(Order.In(Demo), new NoteRefund("o-1", RefundStatus.Processing, 1)), story.Message("tell-refund-processing"));

        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing)).ThenNothing();
        Assert.Equal(["refund", "tell-refund-processing"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void The_end_of_a_refund_is_told_instead_of_the_progress_that_was_not_heard_yet()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing)).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Succeeded)).Then(new RefundEnded("o-1"));

        Assert.Equal(["tell-refund-succeeded"], story.Debts.Select(d => d.What));
        Assert.Equal(RefundStatus.Succeeded, Assert.IsType<NoteRefund>(story.Message("tell-refund-succeeded").Command).State);
    }

    [Fact]
    public void The_newest_word_about_a_refund_is_told_last()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Failed)).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing)).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Failed));

        Assert.Equal(["refund", "tell-refund-failed"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void A_refund_the_gateway_failed_is_told_and_asked_again()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Failed)).Then(new RefundProgressed("o-1", RefundStatus.Failed));

        Assert.Equal(RefundStatus.Failed, Assert.IsType<NoteRefund>(story.Message("tell-refund-failed").Command).State);
        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Succeeded)).ThenOne<RefundEnded>();
    }

    [Fact]
    public void A_refund_that_the_gateway_knows_is_asked_about_and_not_asked_for()
    {
        story.Given(Refunding);
        Assert.False(Assert.IsType<RefundAtGateway>(story.Message("refund").Command).IsKnown);

        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Processing));
        Assert.True(Assert.IsType<RefundAtGateway>(story.Message("refund").Command).IsKnown);
    }

    [Fact]
    public void A_refund_that_failed_says_why_and_says_so_again_when_the_reason_changes()
    {
        story.Given(Refunding).WhenSettled("refund", new RefundedAtGateway(RefundStatus.Failed, "NOT_ENOUGH")).Then(new RefundProgressed("o-1", RefundStatus.Failed, "NOT_ENOUGH")).ThenSurvivesSnapshot();
        Assert.Equal("NOT_ENOUGH", Assert.Single(story.State.Refunds).Problem);

        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Failed, "NOT_ENOUGH")).ThenNothing();
        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Failed, "ABNORMAL")).ThenOne<RefundProgressed>();
        story.WhenSettled("refund", new RefundedAtGateway(RefundStatus.Succeeded)).ThenOne<RefundEnded>();
        Assert.Null(Assert.Single(story.State.Refunds).Problem);
    }

    [Fact]
    public void A_callback_about_a_refund_settles_it_at_once()
    {
        story.Given(Refunding).When(RefundNews).Then(new RefundEnded("o-1")).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal("tell-refund-succeeded", Assert.Single(story.Debts).What);
        Assert.Empty(story.Settle(new("refund", Ids.Derive("refund", "o-1")), new(new RefundedAtGateway(RefundStatus.Processing), null)).Events.ToArray());
    }

    [Fact]
    public void A_callback_about_a_refund_that_failed_leaves_it_owed()
    {
        story.Given(Refunding).When(RefundNews with { State = RefundStatus.Failed, Problem = "ABNORMAL" }).Then(new RefundProgressed("o-1", RefundStatus.Failed, "ABNORMAL")).ThenAgainNothing();

        Assert.Equal(["refund", "tell-refund-failed"], story.Debts.Select(d => d.What));
    }

    [Fact]
    public void News_of_a_failure_from_before_the_success_says_nothing() =>
        story.Given(Refunding).When(RefundNews).When(RefundNews with { State = RefundStatus.Failed, Problem = "ABNORMAL" }).ThenNothing();

    [Fact]
    public void A_callback_about_a_refund_we_never_asked_for_or_of_another_amount_is_refused() =>
        story.Given(Refunding).When(RefundNews with { RefundId = "o-2" }).ThenRefused(GrainRefusal.NotFound).When(RefundNews with { Amount = new(2_999) }).ThenRefused(PaymentRefusal.AmountMismatch);

    [Fact]
    public void Peers_56_a_crash_between_the_decision_and_the_refund_leaves_the_refund_owed()
    {
        story.Given(Told).When(Refund).ThenSurvivesSnapshot();

        Assert.Equal("o-1", Assert.IsType<RefundAtGateway>(story.Message("refund").Command).RefundId);
    }

    [Fact]
    public void Every_state_survives_a_snapshot()
    {
        foreach (var history in new[] { [Opened], Ready, Paid, Told, Refunding, [.. Ready, new CloseAsked()], [.. Ready, new CloseAsked(), new PaymentClosed()], Strayed, [.. Strayed, new StraySettled("portal", Start)] })
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
