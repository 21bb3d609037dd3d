using Campaigns.Tests.WeChatPayStandIn;

namespace Campaigns.Tests.WeChatPay;

/// <summary>From an order to its money, with everything that the gateway and the way to it can do to us.</summary>
public sealed class PayingTests(OpenWeChatShop open) : IClassFixture<OpenWeChatShop>
{
    private readonly WeChatShop shop = open.Shop.AtEase();

    // What another test has broken is told by that test.
    private readonly int before = open.Shop.Gateway.Violations.Count;

    private PayServer Gateway => shop.Gateway;

    public static TheoryData<string, int> Faults
    {
        get
        {
            var rows = new TheoryData<string, int>();
            foreach (var fault in Enum.GetNames<Fault>().Where(f => !f.StartsWith("Held", StringComparison.Ordinal)))
            {
                rows.Add(fault, 1);
                rows.Add(fault, 4); // more than the adapter tries by itself
            }

            return rows;
        }
    }

    public static TheoryData<string> Forgeries => [.. Enum.GetNames<Forgery>().Where(f => f != nameof(Forgery.None))];

    [Fact]
    public async Task An_order_is_announced_shown_paid_and_told()
    {
        var purchase = await shop.Begin();
        Assert.Equal("Pending", await shop.StateOf(purchase));
        Gateway.Pay(purchase.Payment);
        Assert.Equal(204, await shop.Tell(purchase));
        Assert.Equal("Paid", await shop.StateOf(purchase));

        var asked = Gateway.Ledger.Trade(purchase.Payment).Asked;
        Assert.Equal(("demo", WeChatShop.Price), (asked.GetProperty("attach").GetString(), asked.GetProperty("amount").GetProperty("total").GetInt64()));
        Assert.Single(Gateway.SeenOf(PayCall.Prepay), s => s.Body.Contains(purchase.Payment, StringComparison.Ordinal));
        await Fine(purchase);
    }

    [Fact]
    public async Task The_same_sheet_is_shown_twice_and_paid_once()
    {
        var purchase = await shop.Begin();
        Assert.Equal(purchase.Payment, await shop.Show(purchase.Shopper, purchase.Order));
        Gateway.Pay(purchase.Payment);
        await shop.Tell(purchase);
        Assert.Equal("Paid", await shop.StateOf(purchase));
        await Fine(purchase);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_prepay_that_goes_wrong_ends_in_one_order_at_the_gateway(string fault, int times)
    {
        var (calls, trades) = (Gateway.SeenOf(PayCall.Prepay).Count, Gateway.Ledger.Trades.Count);
        Gateway.Faults.Next(PayCall.Prepay, Enum.Parse<Fault>(fault), times);
        var purchase = await shop.Begin();
        Assert.Equal((calls + times + 1, trades + 1), (Gateway.SeenOf(PayCall.Prepay).Count, Gateway.Ledger.Trades.Count));
        Gateway.Pay(purchase.Payment);
        await shop.Tell(purchase);
        Assert.Equal("Paid", await shop.StateOf(purchase));
        await Fine(purchase);
    }

    [Theory]
    [InlineData(Fault.HeldDone)]
    [InlineData(Fault.HeldUndone)]
    internal async Task A_prepay_without_an_answer_in_time_ends_in_one_order_at_the_gateway(Fault fault)
    {
        var trades = Gateway.Ledger.Trades.Count;
        Gateway.Faults.Next(PayCall.Prepay, fault);
        var purchase = await shop.Begin();
        Assert.Equal(trades + 1, Gateway.Ledger.Trades.Count);
        Gateway.Pay(purchase.Payment);
        await shop.Tell(purchase);
        Assert.Equal("Paid", await shop.StateOf(purchase));
        await Fine(purchase);
    }

    [Fact]
    public async Task Money_is_taken_once_however_often_and_at_once_it_is_told()
    {
        var purchase = await shop.Buy();
        var answers = await Gateway.Notifier.SendAtOnce(Gateway.Notifier.Paid(purchase.Payment), 5);
        Assert.All(answers, a => Assert.Equal(204, a));
        await shop.Live.Pass(TimeSpan.FromHours(1));
        Assert.Equal(204, await shop.Tell(purchase));
        Assert.Equal("Paid", await shop.StateOf(purchase));
        await Fine(purchase);
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task A_forged_notification_moves_nothing(string forgery)
    {
        var purchase = await shop.Buy();
        var notice = Gateway.Notifier.Paid(purchase.Payment);
        Assert.InRange(await Gateway.Notifier.Send(notice, Enum.Parse<Forgery>(forgery)), 400, 499);
        Assert.Equal("Pending", await shop.StateOf(purchase));

        Assert.Equal(204, await Gateway.Notifier.Send(notice));
        Assert.Equal("Paid", await shop.StateOf(purchase));
        Assert.InRange(await Gateway.Notifier.Send(notice, Enum.Parse<Forgery>(forgery)), 400, 499);
        Assert.Equal("Paid", await shop.StateOf(purchase));
        await Fine(purchase);
    }

    [Theory]
    [InlineData(Variant.EmptyAssociatedData)]
    [InlineData(Variant.NoAssociatedData)]
    internal async Task A_genuine_notification_that_looks_unusual_is_believed(Variant variant)
    {
        var purchase = await shop.Buy();
        Assert.Equal(204, await Gateway.Notifier.Send(Gateway.Notifier.Paid(purchase.Payment), variant: variant));
        Assert.Equal("Paid", await shop.StateOf(purchase));
        await Fine(purchase);
    }

    [Fact]
    public async Task A_notification_that_nobody_took_comes_again()
    {
        var purchase = await shop.Buy();
        var delivery = Gateway.Notifier.Deliver(Gateway.Notifier.Paid(purchase.Payment));
        Gateway.Notifier.Resolve = _ => new("http://127.0.0.1:9/"); // nobody listens there: we are down
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(0, await delivery.Send());
            await shop.Live.Pass(delivery.NextAt!.Value - shop.Clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        }

        Gateway.Notifier.Resolve = address => new(shop.Live.Host.Address, address.AbsolutePath);
        Assert.Equal(204, await delivery.Send());
        Assert.True(delivery.IsDone);
        Assert.Equal("Paid", await shop.StateOf(purchase));
        await Fine(purchase);
    }

    [Fact]
    public async Task A_notification_that_comes_too_late_gives_the_money_back()
    {
        var purchase = await shop.Buy();
        await shop.Live.Pass(TimeSpan.FromHours(3));
        Assert.Equal("TimedOut", await shop.StateOf(purchase));
        Assert.Equal(204, await shop.Tell(purchase));
        await shop.Until(() => Task.FromResult(Gateway.RefundsOf(purchase.Payment).Count > 0));
        Gateway.EndRefund(Assert.Single(Gateway.RefundsOf(purchase.Payment)));
        await shop.Until(async () => (await shop.RefundsOf(purchase)) is ["Succeeded"]);
        Assert.Equal((WeChatShop.Price, WeChatShop.Price), (Gateway.PaidFen(purchase.Payment), Gateway.RefundedFen(purchase.Payment)));
        Assert.Empty(Gateway.Violations.Skip(before));
    }

    [Fact]
    public async Task Money_whose_notification_was_lost_is_found_when_the_payment_is_closed()
    {
        var purchase = await shop.Buy();
        await shop.Close(purchase);
        Assert.Equal("Paid", await shop.StateOf(purchase));
        Assert.Equal(204, await shop.Tell(purchase)); // it was only late
        await Fine(purchase);
    }

    [Fact]
    public async Task A_payment_that_was_closed_cannot_be_paid()
    {
        var purchase = await shop.Begin();
        await shop.Close(purchase);
        Assert.Equal(TradeState.Closed, Gateway.StateOf(purchase.Payment));
        Assert.Throws<InvalidOperationException>(() => Gateway.Pay(purchase.Payment));
        Assert.Single(Gateway.SeenOf(PayCall.Close), s => s.Target.Contains(purchase.Payment, StringComparison.Ordinal));
        Assert.Empty(Gateway.Violations.Skip(before));
    }

    [Fact]
    public async Task A_closing_that_the_gateway_does_not_answer_is_in_limbo_until_it_does()
    {
        var purchase = await shop.Begin();
        foreach (var call in (PayCall[])[PayCall.Close, PayCall.Query]) Gateway.Faults.Next(call, Fault.ErrorUndone, 40);
        await shop.Close(purchase);
        Assert.Equal(["asked to be closed, not yet answered by the gateway"], await shop.LimboOf(purchase));

        Gateway.Faults.End();
        await shop.Until(async () => (await shop.LimboOf(purchase)).Count == 0, TimeSpan.FromSeconds(20));
        Assert.Equal(TradeState.Closed, Gateway.StateOf(purchase.Payment));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_closing_that_goes_wrong_is_done_once_the_gateway_can(string fault, int times)
    {
        var (waiting, paid) = (await shop.Begin(), await shop.Buy());
        foreach (var call in (PayCall[])[PayCall.Close, PayCall.Query]) Gateway.Faults.Next(call, Enum.Parse<Fault>(fault), times);
        await shop.Close(waiting);
        await shop.Close(paid);
        await shop.Until(async () => Gateway.StateOf(waiting.Payment) == TradeState.Closed && await shop.StateOf(paid) == "Paid", TimeSpan.FromSeconds(20));
        await Fine(paid);
    }

    [Fact]
    public async Task A_clock_that_is_a_little_wrong_does_not_matter()
    {
        foreach (var minutes in (int[])[-4, 4])
        {
            shop.Clock.Skew = TimeSpan.FromMinutes(minutes);
            var purchase = await shop.Buy();
            Assert.Equal(204, await shop.Tell(purchase));
            Assert.Equal("Paid", await shop.StateOf(purchase));
        }

        Assert.Empty(Gateway.Violations.Skip(before));
    }

    [Theory]
    [InlineData(-6)]
    [InlineData(6)]
    public async Task A_clock_that_is_wrong_stops_money_without_losing_it(int minutes)
    {
        await using var shop = await WeChatShop.Open();
        shop.Clock.Skew = TimeSpan.FromMinutes(minutes);
        var (amei, order) = await shop.Order();
        (await amei.Post($"/v1/orders/{order}/payments")).Refused(503, "Busy");
        shop.Clock.Skew = TimeSpan.Zero;
        var purchase = new Purchase(amei, order, await shop.Show(amei, order));
        shop.Gateway.Pay(purchase.Payment);
        var delivery = shop.Gateway.Notifier.Deliver(shop.Gateway.Notifier.Paid(purchase.Payment));
        shop.Clock.Skew = TimeSpan.FromMinutes(minutes);
        Assert.Equal(401, await delivery.Send());
        Assert.Equal("Pending", await shop.StateOf(purchase));
        shop.Clock.Skew = TimeSpan.Zero;
        Assert.Equal(204, await delivery.Send());
        Assert.Equal("Paid", await shop.StateOf(purchase));

        Assert.All(shop.Gateway.Violations, v => Assert.Equal(("authorization", "timestamp is more than five minutes off"), (v.Rule, v.Text)));
        Assert.NotEmpty(shop.Gateway.Violations);
    }

    /// <summary>Paid once, told once, nothing given back and no rule broken.</summary>
    private async Task Fine(Purchase purchase)
    {
        Assert.Equal((WeChatShop.Price, 0), (Gateway.PaidFen(purchase.Payment), Gateway.RefundedFen(purchase.Payment)));
        Assert.Empty(await shop.RefundsOf(purchase));
        Assert.Empty(await shop.LimboOf(purchase));
        Assert.Empty(Gateway.Violations.Skip(before));
        Assert.Empty(Gateway.Remarks);
    }
}
