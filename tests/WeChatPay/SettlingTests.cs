using System.Text.Json.Nodes;
using Campaigns.Tests.WeChatPayStandIn;

namespace Campaigns.Tests.WeChatPay;

/// <summary>At the end of a bad day books and gateway say the same, or the operator is told what not.</summary>
public sealed class SettlingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Through_a_bad_day_everything_is_paid_and_given_back_once(int seed)
    {
        await using var shop = await WeChatShop.Open(seed: seed);
        foreach (var call in Enum.GetValues<PayCall>())
            foreach (var fault in (Fault[])[Fault.ErrorDone, Fault.ErrorUndone, Fault.LimitedDone, Fault.DroppedDone, Fault.WrongSignature, Fault.BadGatewayUndone]) shop.Gateway.Faults.Sometimes(call, fault, 0.06);

        List<Purchase> kept = [], gone = [];
        for (var i = 0; i < 4; i++)
        {
            kept.Add(await shop.Buy());
            gone.Add(await shop.BuyInVain());
        }

        await Task.WhenAll(kept.Select(p => shop.Gateway.Notifier.SendAtOnce(shop.Gateway.Notifier.Paid(p.Payment), 3)));
        foreach (var purchase in gone) await shop.Until(() => Task.FromResult(shop.Gateway.RefundsOf(purchase.Payment).Count == 1));
        foreach (var purchase in gone) shop.Gateway.EndRefund(shop.Gateway.RefundsOf(purchase.Payment)[0]);
        foreach (var purchase in gone) await shop.Until(async () => (await shop.RefundsOf(purchase)) is ["Succeeded"]);

        foreach (var purchase in kept)
        {
            Assert.Equal("Paid", await shop.StateOf(purchase));
            Assert.Equal((WeChatShop.Price, 0), (shop.Gateway.PaidFen(purchase.Payment), shop.Gateway.RefundedFen(purchase.Payment)));
        }

        Assert.All(gone, p => Assert.Equal((WeChatShop.Price, WeChatShop.Price), (shop.Gateway.PaidFen(p.Payment), shop.Gateway.RefundedFen(p.Payment))));
        Assert.Equal(4, shop.Gateway.Ledger.Refunds.Count);
        Assert.Empty(shop.Gateway.Violations);
    }

    [Fact]
    public async Task The_bill_of_a_day_tells_what_was_lost_and_agrees_once_it_is_found()
    {
        await using var shop = await WeChatShop.Open();
        var (told, lost, back) = (await shop.Buy(), await shop.Buy(), await shop.BuyInVain());
        await shop.Tell(told);
        shop.Gateway.EndRefund(shop.Gateway.RefundsOf(back.Payment)[0]);
        await shop.Until(async () => (await shop.RefundsOf(back)) is ["Succeeded"]);

        // Whoever asks the gateway about it gets no answer either, or it would be found by itself.
        foreach (var call in (PayCall[])[PayCall.Close, PayCall.Query]) shop.Gateway.Faults.Next(call, Fault.ErrorUndone, 10_000);
        var day = shop.Gateway.Ledger.Trade(lost.Payment).PaidAt.ToOffset(PayLedger.Beijing).ToString("yyyy-MM-dd");
        Assert.Equal((1, true), await Reconcile(shop, day, "is not ready"));
        await shop.Live.Pass(TimeSpan.FromHours(34));

        var report = await Report(shop, day);
        Assert.Equal((1, "PaymentNotTaken", lost.Payment), (report.Code, report.Json["differences"]![0]!["kind"]!.GetValue<string>(), report.Json["differences"]![0]!["payment"]!.GetValue<string>()));
        Assert.Single(report.Json["differences"]!.AsArray());
        Assert.Equal((3 * WeChatShop.Price, 2 * WeChatShop.Price), (report.Json["gateway"]!["paidFen"]!.GetValue<long>(), report.Json["books"]!["paidFen"]!.GetValue<long>()));

        // The gateway tells after all; the order is gone, so the money goes back on another day.
        shop.Gateway.Faults.End();
        shop.Gateway.Ledger.RefundsEndAtOnce = true;
        Assert.Equal(204, await shop.Tell(lost));
        await shop.Until(async () => (await shop.RefundsOf(lost)) is ["Succeeded"]);
        Assert.Equal((0, true), await Reconcile(shop, day, "They agree."));
        await shop.Live.Stop();
        Assert.Equal((0, true), await Reconcile(shop, day, "They agree."));
        Assert.Empty(shop.Gateway.Violations);
    }

    [Fact]
    public async Task A_bill_that_is_not_the_file_its_hash_names_is_not_compared()
    {
        await using var shop = await WeChatShop.Open();
        var purchase = await shop.Buy();
        await shop.Tell(purchase);
        var day = shop.Gateway.Ledger.Trade(purchase.Payment).PaidAt.ToOffset(PayLedger.Beijing).ToString("yyyy-MM-dd");
        await shop.Live.Pass(TimeSpan.FromHours(34));
        shop.Gateway.BillHashIsWrong = true;
        Assert.Equal((1, true), await Reconcile(shop, day, "is not known"));
        shop.Gateway.BillHashIsWrong = false;
        Assert.Equal((0, true), await Reconcile(shop, day, "They agree."));
        Assert.Empty(shop.Gateway.Violations);
    }

    private static async Task<(int Code, JsonNode Json)> Report(WeChatShop shop, string day)
    {
        var ended = await Run(shop, "reconcile", "--json", "--date", day, "--data", shop.Live.Folder);
        return (ended.Code, JsonNode.Parse(ended.Answer)!);
    }

    private static async Task<(int Code, bool Says)> Reconcile(WeChatShop shop, string day, string words)
    {
        var ended = await Run(shop, "reconcile", "--date", day, "--data", shop.Live.Folder);
        return (ended.Code, ended.Says.Contains(words, StringComparison.Ordinal) ? true : throw new InvalidOperationException(ended.Says));
    }

    private static Task<Operations.Program.Ended> Run(WeChatShop shop, params string[] arguments) =>
        Operations.Program.RunWith(shop.Settings.ToDictionary(s => s.Key.Replace(":", "__", StringComparison.Ordinal), s => s.Value, StringComparer.Ordinal), arguments);
}
