using System.Text;
using System.Text.Json.Nodes;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.Http;

public sealed class WithdrawalTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private IGrains Grains => shop.Host.Services.GetRequiredService<IGrains>();

    [Fact]
    public async Task Commission_is_asked_for_reviewed_and_paid_out()
    {
        var (own, amei) = await Distributor(10_000, s => s["withdrawalFeePercent"] = 3);
        var asked = (await Ask(amei, 9_999)).Expect(201);
        var id = asked.Text("id");
        Assert.Equal(("Reviewing", 9_999, 299, amei.Id), (asked.Text("state"), asked.Number("amountFen"), asked.Number("feeFen"), asked.Text("shopperId")));
        Assert.Equal($"/v1/me/withdrawals/{id}", asked.Header("Location"));
        Assert.Equal(asked.Content, (await amei.Get($"/v1/me/withdrawals/{id}")).Expect(200).Content);
        Assert.Equal((1, 9_999), await Balances(own, amei));

        Assert.Equal("Approved", (await own.Post($"/merchant/v1/withdrawals/{id}/approvals", new { reason = "checked" })).Expect(200).Text("state"));
        await Arrives(own, id, 9_700);
        var paid = (await own.Get($"/merchant/v1/withdrawals/{id}")).Expect(200);
        Assert.Equal(("Paid", "checked"), (paid.Text("state"), paid.Text("reason")));
        Assert.Equal((1, 0), await Balances(own, amei));

        var statement = (await amei.Get("/v1/me/ledger")).Expect(200).Items;
        Assert.Equal(["withdrawal-fee", "withdrawal-paid", "withdrawal-held", "given"], statement.Select(e => e["reason"]!.GetValue<string>()));
        Assert.Equal("""{"pendingFen":0,"frozenFen":0,"availableFen":1,"heldFen":0,"withdrawnFen":9700,"debtFen":0}""", statement[0]["after"]!.ToJsonString());
        Assert.Equal("""[{"from":"Held","to":"Shop","amountFen":299}]""", statement[0]["moves"]!.ToJsonString());
        Assert.Equal(id, statement[0]["subject"]!.GetValue<string>());
        Assert.Empty((await amei.Get("/v1/me/ledger?kind=points")).Expect(200).Items);
        (await amei.Get("/v1/me/ledger?kind=gold")).Refused(422, "Invalid");
    }

    [Fact]
    public async Task Whoever_is_no_distributor_does_not_withdraw_and_writes_nothing()
    {
        var bo = await shop.SignIn();
        await shop.Quiet();
        var position = shop.Position;
        (await Ask(bo, 1_000)).Refused(403, "NotEligible");
        (await bo.Post("/v1/me/withdrawals", new { amountFen = "1000" })).Refused(400, "Malformed");
        (await bo.Post("/v1/me/withdrawals", new { })).Refused(400, "Malformed");
        Assert.Equal(position, shop.Position);
    }

    [Fact]
    public async Task What_breaks_a_limit_is_refused_with_the_limit_and_writes_nothing()
    {
        var (own, amei) = await Distributor(10_000, s => (s["withdrawalMinFen"], s["withdrawalMaxFen"], s["withdrawalDailyCapFen"]) = (200, 8_000, 9_000));
        await shop.Quiet();
        var position = shop.Position;
        Assert.Equal(200, (await Ask(amei, 199)).Refused(422, "BelowMinimum").Number("limit"));
        Assert.Equal(8_000, (await Ask(amei, 8_001)).Refused(422, "AboveMaximum").Number("limit"));
        (await Ask(amei, -1)).Refused(422, "BelowMinimum");
        (await Ask(amei, long.MaxValue)).Refused(422, "AboveMaximum");
        Assert.Equal(position, shop.Position);

        var id = (await Ask(amei, 8_000)).Expect(201).Text("id");
        await shop.Quiet();
        position = shop.Position;
        (await Ask(amei, 200)).Refused(409, "WithdrawalOpen");
        Assert.Equal(position, shop.Position);

        (await own.Post($"/merchant/v1/withdrawals/{id}/approvals")).Expect(200);
        await Arrives(own, id, 8_000);
        position = shop.Position;
        (await Ask(amei, 2_001)).Refused(409, "InsufficientBalance");
        var capped = (await Ask(amei, 1_001)).Refused(429, "DailyWithdrawalCapReached");
        Assert.Equal(9_000, capped.Number("limit"));
        Assert.True(capped.Time("resetsAt") > await shop.Now() && capped.Time("resetsAt") <= (await shop.Now()).AddDays(1));
        Assert.Equal(position, shop.Position);
        (await Ask(amei, 1_000)).Expect(201);
    }

    [Fact]
    [Trait("EdgeCase", "45")]
    public async Task Eight_requests_for_the_whole_balance_at_once_get_one_withdrawal()
    {
        var (own, amei) = await Distributor(10_000);
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => amei.PostOnce($"key-{i}", "/v1/me/withdrawals", new { amountFen = 10_000 })));
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.True(r.Status == 409 && r.Code is "WithdrawalOpen" or "InsufficientBalance", r.Content));
        Assert.Equal((0, 10_000), await Balances(own, amei));
        await shop.CaughtUp();
        Assert.Single((await amei.Get("/v1/me/withdrawals")).Expect(200).Items);

        // Asked again, the same requests are decided again or answered as before.
        for (var i = 0; i < 8; i++)
            if (replies[i].Status == 201) Assert.Equal(replies[i].Content, (await amei.PostOnce($"key-{i}", "/v1/me/withdrawals", new { amountFen = 10_000 })).Expect(201).Content);
            else (await amei.PostOnce($"key-{i}", "/v1/me/withdrawals", new { amountFen = 10_000 })).Refused(409, "WithdrawalOpen");
    }

    [Fact]
    [Trait("EdgeCase", "45")]
    public async Task Of_approvals_and_rejections_at_once_one_takes_effect()
    {
        var (own, amei) = await Distributor(10_000);
        var id = (await Ask(amei, 10_000)).Expect(201).Text("id");
        (await own.Post($"/merchant/v1/withdrawals/{id}/rejections", new { reason = new string('x', 501) })).Refused(422, "Invalid");
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => own.Post($"/merchant/v1/withdrawals/{id}/{(i % 2 == 0 ? "approvals" : "rejections")}")));
        var state = Assert.Single(replies, r => r.Status == 200).Text("state");
        Assert.All(replies.Where(r => r.Status != 200), r => r.Refused(409, "AlreadyDecided"));
        Assert.Equal(state == "Rejected" ? (10_000, 0) : (0, 10_000), await Balances(own, amei));
    }

    [Fact]
    public async Task One_that_was_rejected_can_be_asked_for_again_at_once()
    {
        var (own, amei) = await Distributor(10_000);
        var id = (await Ask(amei, 10_000)).Expect(201).Text("id");
        var rejected = (await own.Post($"/merchant/v1/withdrawals/{id}/rejections", new { reason = "name differs" })).Expect(200);
        Assert.Equal(("Rejected", "name differs"), (rejected.Text("state"), rejected.Text("reason")));
        (await Ask(amei, 10_000)).Expect(201);
    }

    [Fact]
    public async Task The_merchant_lists_them_by_state_and_sees_the_ledger()
    {
        var (own, amei) = await Distributor(10_000);
        var first = (await Ask(amei, 1_000)).Expect(201).Text("id");
        (await own.Post($"/merchant/v1/withdrawals/{first}/rejections")).Expect(200);
        var second = (await Ask(amei, 2_000)).Expect(201).Text("id");
        await shop.CaughtUp();

        Assert.Equal([second, first], Ids(await own.Get("/merchant/v1/withdrawals")));
        Assert.Equal([first], Ids(await own.Get("/merchant/v1/withdrawals?state=Rejected")));
        Assert.Equal([second], Ids(await own.Get("/merchant/v1/withdrawals?state=Reviewing")));
        Assert.Empty(Ids(await own.Get("/merchant/v1/withdrawals?state=Paid")));
        (await own.Get("/merchant/v1/withdrawals?state=Lost")).Refused(422, "Invalid");
        var single = (await own.Get($"/merchant/v1/withdrawals/{second}")).Expect(200).Body;
        Assert.True(JsonNode.DeepEquals(single, (await own.Get("/merchant/v1/withdrawals?limit=1")).Expect(200).Items[0]));

        var ledger = (await own.Get($"/merchant/v1/ledgers/{amei.Id}?limit=2")).Expect(200);
        Assert.Equal(("Commission", 8_000, 2_000), (ledger.Text("kind"), ledger.Body["balances"]!["availableFen"]!.GetValue<long>(), ledger.Body["balances"]!["heldFen"]!.GetValue<long>()));
        Assert.Equal(["withdrawal-held", "withdrawal-returned"], ledger.Body["statement"]!["items"]!.AsArray().Select(e => e!["reason"]!.GetValue<string>()));
        Assert.NotNull(ledger.Body["statement"]!["nextCursor"]);
        (await own.Get($"/merchant/v1/ledgers/{new string('0', 32)}")).Refused(404, "NotFound");
        (await own.Get($"/merchant/v1/ledgers/{amei.Id}?kind=gold")).Refused(422, "Invalid");
    }

    [Fact]
    public async Task What_was_paid_is_exported_and_nothing_else()
    {
        var (own, amei) = await Distributor(10_000, s => s["withdrawalFeePercent"] = 1);
        var paid = (await Ask(amei, 1_000)).Expect(201).Text("id");
        (await own.Post($"/merchant/v1/withdrawals/{paid}/approvals", new { reason = "=cmd" })).Expect(200);
        await Arrives(own, paid, 990);
        (await Ask(amei, 2_000)).Expect(201);
        await shop.CaughtUp();

        using var response = await shop.Open(own.Request(HttpMethod.Get, "/merchant/v1/withdrawals/export"), CancellationToken.None);
        Assert.Equal((200, "text/csv; charset=utf-8", "attachment"), ((int)response.StatusCode, response.Content.Headers.ContentType!.ToString(), response.Content.Headers.ContentDisposition!.DispositionType));
        var bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal([0xEF, 0xBB, 0xBF], bytes[..3]);
        var lines = Encoding.UTF8.GetString(bytes.AsSpan(3)).Split("\r\n");
        Assert.Equal(3, lines.Length); // the last one is empty
        Assert.StartsWith($"'{paid},'{amei.Id},", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(",10.00,0.10,9.90,'=cmd", lines[1], StringComparison.Ordinal);

        Assert.Equal(2, (await own.Get("/merchant/v1/withdrawals/export?from=2020-01-01&to=2020-12-31")).Expect(200).Content.Split("\r\n").Length);
        foreach (var query in (string[])["from=2020-01-01&to=2021-01-01", "from=2020-01-02&to=2020-01-01", "to=1.1.2020", "from=tomorrow", "from=0001-01-01&to=0001-01-02", "to=9999-12-31"])
            (await own.Get($"/merchant/v1/withdrawals/export?{query}")).Refused(422, "Invalid");
    }

    private static IEnumerable<string> Ids(Reply page) => page.Expect(200).Items.Select(i => i["id"]!.GetValue<string>());

    private static Task<Reply> Ask(LiveShopper who, long amountFen) => who.Post("/v1/me/withdrawals", new { amountFen });

    /// <summary>A distributor with available commission in a shop of their own.</summary>
    private async Task<(Merchant Own, LiveShopper Amei)> Distributor(long fen, Action<JsonObject>? settings = null)
    {
        var own = await shop.AnotherShop();
        if (settings is not null) (await own.Settings(settings)).Expect(200);
        var amei = await shop.SignIn(shop: own.ShopId);
        var (at, owner) = (new ShopId(own.ShopId), ShopperId.Of(Guid.ParseExact(amei.Id, "N")));
        Assert.True((await Grains.Ask(owner.DistributorIn(at), new JoinDistribution(HasBought: true, null))).IsAccepted);
        var given = new PostEntries(owner, LedgerKind.Commission, Guid.CreateVersion7(), Guid.CreateVersion7(), 1, [new("given", LedgerAccount.Shop, LedgerAccount.Available, new(fen))]);
        Assert.True((await Grains.Ask(owner.LedgerIn(at, LedgerKind.Commission), given)).IsAccepted);
        return (own, amei);
    }

    /// <summary>The gateway says that it has paid.</summary>
    private async Task Arrives(Merchant own, string withdrawal, long netFen)
    {
        Assert.True((await Grains.Ask(WithdrawalId.Of(Guid.ParseExact(withdrawal, "N")).In(new(own.ShopId)), new NoteTransfer(new(netFen), TransferStatus.Succeeded))).IsAccepted);
        await shop.Quiet();
        await shop.CaughtUp();
    }

    private static async Task<(long Available, long Held)> Balances(Merchant own, LiveShopper of)
    {
        var balances = (await own.Get($"/merchant/v1/ledgers/{of.Id}")).Expect(200).Body["balances"]!;
        return (balances["availableFen"]!.GetValue<long>(), balances["heldFen"]!.GetValue<long>());
    }
}
