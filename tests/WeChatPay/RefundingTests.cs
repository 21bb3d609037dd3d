using Campaigns.Tests.WeChatPayStandIn;

namespace Campaigns.Tests.WeChatPay;

/// <summary>Money that has to go back goes back once, whatever the gateway does meanwhile.</summary>
public sealed class RefundingTests(OpenWeChatShop open) : IClassFixture<OpenWeChatShop>
{
    private readonly WeChatShop shop = open.Shop.AtEase();

    // What another test has broken is told by that test.
    private readonly int before = open.Shop.Gateway.Violations.Count;

    private PayServer Gateway => shop.Gateway;

    public static TheoryData<string, int> Faults => PayingTests.Faults;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refund_is_under_way_until_its_notification_comes_or_somebody_asks(bool told)
    {
        var purchase = await shop.BuyInVain();
        Assert.Equal(["Processing"], await shop.RefundsOf(purchase));
        Assert.Single(await shop.LimboOf(purchase));

        var refund = Assert.Single(Gateway.RefundsOf(purchase.Payment));
        Gateway.EndRefund(refund);
        if (told) Assert.Equal(204, await Gateway.Notifier.Send(Gateway.Notifier.Refunded(refund)));
        else await shop.Until(async () => (await shop.RefundsOf(purchase)) is ["Succeeded"]);
        await Fine(purchase);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_refund_that_goes_wrong_is_made_once(string fault, int times)
    {
        foreach (var call in (PayCall[])[PayCall.Refund, PayCall.QueryRefund]) Gateway.Faults.Next(call, Enum.Parse<Fault>(fault), times);
        var purchase = await shop.BuyInVain();
        await shop.Until(() => Task.FromResult(Gateway.RefundsOf(purchase.Payment).Count > 0));
        Gateway.EndRefund(Assert.Single(Gateway.RefundsOf(purchase.Payment)));
        await shop.Until(async () => (await shop.RefundsOf(purchase)) is ["Succeeded"]);
        await Fine(purchase);
    }

    [Theory]
    [InlineData(Fault.HeldDone)]
    [InlineData(Fault.HeldUndone)]
    internal async Task A_refund_without_an_answer_in_time_is_made_once(Fault fault)
    {
        Gateway.Ledger.RefundsEndAtOnce = true;
        Gateway.Faults.Next(PayCall.Refund, fault);
        var purchase = await shop.BuyInVain();
        await shop.Until(async () => (await shop.RefundsOf(purchase)) is ["Succeeded"]);
        await Fine(purchase);
    }

    [Fact]
    public async Task A_refund_is_told_as_often_as_the_gateway_likes()
    {
        var purchase = await shop.BuyInVain();
        var refund = Assert.Single(Gateway.RefundsOf(purchase.Payment));
        Gateway.EndRefund(refund);
        var answers = await Gateway.Notifier.SendAtOnce(Gateway.Notifier.Refunded(refund), 5);
        Assert.All(answers, a => Assert.Equal(204, a));
        Assert.Equal(204, await Gateway.Notifier.Send(Gateway.Notifier.Refunded(refund)));
        Assert.Equal(204, await shop.Tell(purchase)); // and the payment once more, behind it
        await Fine(purchase);
    }

    [Theory]
    [InlineData(Forgery.WrongKey)]
    [InlineData(Forgery.ProbeSignature)]
    [InlineData(Forgery.AlteredByte)]
    [InlineData(Forgery.StaleTimestamp)]
    [InlineData(Forgery.UnknownSerial)]
    [InlineData(Forgery.NoHeaders)]
    [InlineData(Forgery.WrongApiV3Key)]
    [InlineData(Forgery.WrongAmount)]
    [InlineData(Forgery.WrongMchid)]
    [InlineData(Forgery.UnknownTrade)]
    internal async Task A_forged_notification_ends_no_refund(Forgery forgery)
    {
        var purchase = await shop.BuyInVain();
        var refund = Assert.Single(Gateway.RefundsOf(purchase.Payment));
        Gateway.EndRefund(refund);
        Assert.InRange(await Gateway.Notifier.Send(Gateway.Notifier.Refunded(refund), forgery), 400, 499);
        Assert.Equal(["Processing"], await shop.RefundsOf(purchase));
        Assert.Equal(204, await Gateway.Notifier.Send(Gateway.Notifier.Refunded(refund)));
        await Fine(purchase);
    }

    [Fact]
    public async Task A_refund_waits_for_money_on_the_account()
    {
        Gateway.Ledger.NotEnough = 3;
        Gateway.Ledger.RefundsEndAtOnce = true;
        var purchase = await shop.BuyInVain();
        Assert.Empty(Gateway.RefundsOf(purchase.Payment));
        Assert.Single(await shop.LimboOf(purchase));
        await shop.Until(async () => (await shop.RefundsOf(purchase)) is ["Succeeded"]);
        await Fine(purchase);
    }

    [Fact]
    public async Task A_refund_that_finds_no_account_stays_in_sight_until_somebody_has_mended_it()
    {
        var purchase = await shop.BuyInVain();
        var refund = Assert.Single(Gateway.RefundsOf(purchase.Payment));
        Gateway.EndRefund(refund, RefundEnd.Abnormal);
        Assert.Equal(204, await Gateway.Notifier.Send(Gateway.Notifier.Refunded(refund)));
        Assert.Equal(["Failed"], await shop.RefundsOf(purchase));
        await shop.Live.Pass(TimeSpan.FromHours(1));
        Assert.Single(await shop.LimboOf(purchase));
        Assert.Single(Gateway.RefundsOf(purchase.Payment));

        Gateway.EndRefund(refund);
        await shop.Until(async () => (await shop.RefundsOf(purchase)) is ["Succeeded"]);
        await Fine(purchase);
    }

    /// <summary>Everything went back, once; no rule was broken.</summary>
    private async Task Fine(Purchase purchase)
    {
        Assert.Equal(["Succeeded"], await shop.RefundsOf(purchase));
        Assert.Equal((WeChatShop.Price, WeChatShop.Price), (Gateway.PaidFen(purchase.Payment), Gateway.RefundedFen(purchase.Payment)));
        Assert.Single(Gateway.RefundsOf(purchase.Payment));
        Assert.Empty(await shop.LimboOf(purchase));
        Assert.Empty(Gateway.Violations.Skip(before));
        Assert.Empty(Gateway.Remarks);
    }
}
