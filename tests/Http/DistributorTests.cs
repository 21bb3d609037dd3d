using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Shopper;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

/// <summary>From buyer to distributor: joining, promoting, and what the law keeps from happening.</summary>
public sealed class DistributorTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task A_buyer_becomes_a_distributor_after_their_first_paid_order()
    {
        var amei = await shop.SignIn();
        (await Join(amei)).Refused(403, "NotEligible");
        Assert.Null((await amei.Me()).Body["distributor"]);
        (await amei.Get("/v1/me/distributor")).Refused(404, "NotFound");

        await Buy(amei);
        var joined = (await Join(amei)).Expect(201);
        Assert.Equal((1, "Active", 100), (joined.Number("level"), joined.Text("standing"), joined.Number("trust")));
        Assert.True(PromotionCode.TryParse(joined.Text("code"), out var id));
        Assert.Equal(amei.Id, id.ToString());
        Assert.Equal($"pages/index/index?c={joined.Text("code")}", joined.Text("link"));
        Assert.Equal(joined.Content, (await Join(amei)).Expect(201).Content);
        Assert.Equal(joined.Text("code"), (await amei.Me()).Body["distributor"]!["code"]!.GetValue<string>());
    }

    [Fact]
    public async Task Who_was_invited_joins_without_an_order_and_an_application_is_decided_by_the_merchant()
    {
        var (bo, chen, dan) = (await shop.SignIn(), await shop.SignIn(), await shop.SignIn());
        Assert.Equal("Invited", (await shop.Merchant.Post($"/merchant/v1/distributors/{bo.Id}/invitations")).Expect(201).Text("standing"));
        (await shop.Merchant.Post($"/merchant/v1/distributors/{new string('0', 32)}/invitations")).Refused(404, "NotFound");
        Assert.Equal("Active", (await Join(bo)).Expect(201).Text("standing"));
        (await shop.Merchant.Post($"/merchant/v1/distributors/{bo.Id}/invitations")).Refused(409, "WrongState");

        (await chen.Post("/v1/me/distributor/applications", new { reason = "" })).Refused(422, "Invalid");
        Assert.Equal("Applied", (await chen.Post("/v1/me/distributor/applications", new { reason = "I know many people" })).Expect(201).Text("standing"));
        (await Join(chen)).Refused(403, "NotEligible");
        Assert.Equal("Active", (await shop.Merchant.Post($"/merchant/v1/distributors/{chen.Id}/approvals")).Expect(200).Text("standing"));

        (await shop.Merchant.Post($"/merchant/v1/distributors/{dan.Id}/declines", new { reason = "no" })).Refused(404, "NotFound");
        (await dan.Post("/v1/me/distributor/applications", new { reason = "please" })).Expect(201);
        Assert.Equal("Declined", (await shop.Merchant.Post($"/merchant/v1/distributors/{dan.Id}/declines", new { reason = "no" })).Expect(200).Text("standing"));
        await shop.CaughtUp();
        Assert.Contains((await shop.Merchant.Get("/merchant/v1/distributors?standing=Declined")).Expect(200).Items, d => d["shopperId"]!.GetValue<string>() == dan.Id);
        (await shop.Merchant.Get("/merchant/v1/distributors?standing=Great")).Refused(400, "Malformed");
    }

    [Fact]
    public async Task A_shopper_sees_who_promoted_them_and_can_end_it()
    {
        var (bing, amei) = (await Distributor(), await shop.SignIn());
        var bound = (await Bind(amei, bing, "moments")).Expect(200);
        Assert.Equal((bing.Id, "moments"), (bound.Text("boundTo"), bound.Text("channel")));
        Assert.Equal(15, (bound.Time("until") - bound.Time("since")).TotalDays);
        Assert.Equal(bing.Id, (await Bind(amei, bing)).Expect(200).Text("boundTo"));
        await shop.CaughtUp();
        Assert.Equal(amei.Id, (await bing.Get("/v1/me/team")).Expect(200).Items.Single()["shopperId"]!.GetValue<string>());
        Assert.Equal(amei.Id, (await shop.Merchant.Get($"/merchant/v1/distributors/{bing.Id}/team")).Expect(200).Items.Single()["shopperId"]!.GetValue<string>());

        (await Bind(amei, await Distributor())).Refused(409, "AlreadyBound");
        Assert.Null((await amei.Post("/v1/me/promoter/endings")).Expect(200).Body["boundTo"]);
        Assert.Null((await amei.Get("/v1/me/promoter")).Expect(200).Body["boundTo"]);
        Assert.NotNull((await Bind(amei, await Distributor())).Expect(200).Body["boundTo"]);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public async Task Nobody_promotes_themselves_or_who_is_above_them_and_what_is_refused_writes_nothing()
    {
        var (bing, amei) = (await Distributor(), await shop.SignIn());
        (await Bind(amei, bing)).Expect(200);
        await Buy(amei);
        Assert.Equal(2, (await Join(amei)).Expect(201).Number("level"));
        var (bo, foreigner) = (await shop.SignIn(), await shop.SignIn(shop: (await shop.AnotherShop()).ShopId));
        await shop.Quiet();

        var position = shop.Position;
        (await Bind(bing, bing)).Refused(409, "OwnCode");
        (await Bind(bing, amei)).Refused(409, "BindingLoop");
        (await bo.Post("/v1/me/promoter", new { code = "NOBODY" })).Refused(404, "UnknownCode");
        (await bo.Post("/v1/me/promoter", new { code = PromotionCode.Of(new(Guid.NewGuid())) })).Refused(404, "UnknownCode");
        (await foreigner.Post("/v1/me/promoter", new { code = Code(bing) })).Refused(404, "UnknownCode");
        (await amei.Post("/v1/me/promoter", new { code = Code(bing), channel = "" })).Refused(422, "Invalid");
        (await amei.Post("/v1/me/promoter", new { })).Refused(400, "Malformed");
        await shop.Quiet();
        Assert.Equal(position, shop.Position);
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public async Task A_buyer_on_the_promoters_own_device_is_flagged()
    {
        var (bing, amei) = (await Distributor("phone-1"), await shop.SignIn());
        (await amei.With("X-Device-Id", "phone-1").Post("/v1/me/promoter", new { code = Code(bing) })).Expect(200);
        await Buy(amei);
        await shop.CaughtUp();

        var seen = (await shop.Merchant.Get($"/merchant/v1/distributors/{bing.Id}")).Expect(200);
        Assert.Equal((1, 90), (seen.Number("suspectBindings"), seen.Number("trust")));
        Assert.True((await shop.Merchant.Get("/merchant/v1/commissions?limit=1")).Expect(200).Items.Single()["isSuspect"]!.GetValue<bool>());
    }

    [Fact]
    [Trait("EdgeCase", "43")]
    public async Task A_distributor_who_came_by_application_is_known_by_their_device_too_and_is_not_told_of_suspicions()
    {
        var (bing, amei) = (await shop.SignIn(), await shop.SignIn());
        (await bing.With("X-Device-Id", "phone-2").Post("/v1/me/distributor/applications", new { reason = "please" })).Expect(201);
        (await shop.Merchant.Post($"/merchant/v1/distributors/{bing.Id}/approvals")).Expect(200);
        (await amei.With("X-Device-Id", "phone-2").Post("/v1/me/promoter", new { code = Code(bing) })).Expect(200);
        await shop.CaughtUp();

        Assert.Equal(1, (await shop.Merchant.Get($"/merchant/v1/distributors/{bing.Id}")).Expect(200).Number("suspectBindings"));
        Assert.True((await shop.Merchant.Get($"/merchant/v1/distributors/{bing.Id}/team")).Expect(200).Items.Single()["isSuspect"]!.GetValue<bool>());
        Assert.Null((await bing.Get("/v1/me/team")).Expect(200).Items.Single()["isSuspect"]);
    }

    [Fact]
    public async Task Nothing_is_approved_for_who_is_frozen_or_owes_and_a_rejection_pays_the_debt()
    {
        await using var own = await LiveShop.Open();
        (await own.Merchant.Settings(s => s["withdrawalFeePercent"] = 10)).Expect(200);
        var (bing, amei) = (await Distributor(own), await own.SignIn());
        (await Bind(amei, bing)).Expect(200);
        var (first, second) = (await Received(own, amei), await Received(own, amei));
        await own.Pass(TimeSpan.FromDays(8));
        bing = await bing.Again();

        // 15.00 of each order. With the fee, what was withdrawn is withdrawn.
        await Paid(own, (await bing.Post("/v1/me/withdrawals", new { amountFen = 1_500 })).Expect(201).Text("id"));
        await own.CaughtUp();
        Assert.Equal(["Available", "Withdrawn"], (await bing.Get("/v1/me/commissions")).Expect(200).Items.Select(c => c["state"]!.GetValue<string>()).Order(StringComparer.Ordinal));

        var open = (await bing.Post("/v1/me/withdrawals", new { amountFen = 1_500 })).Expect(201).Text("id");
        (await own.Merchant.Post($"/merchant/v1/distributors/{bing.Id}/standings", new { standing = "Frozen", reason = "fraud" })).Expect(200);
        Assert.Equal("fraud", (await bing.Get("/v1/me/distributor")).Expect(200).Text("reason"));
        (await own.Merchant.Post($"/merchant/v1/withdrawals/{open}/approvals")).Refused(403, "NotEligible");
        (await own.Merchant.Post($"/merchant/v1/distributors/{bing.Id}/standings", new { standing = "Active", reason = "was none" })).Expect(200);

        (await own.Merchant.Post($"/merchant/v1/orders/{second}/refunds", new { reason = "sent back" })).Expect(201);
        await own.Quiet();
        (await own.Merchant.Post($"/merchant/v1/withdrawals/{open}/approvals")).Refused(409, "DebtOpen");
        (await own.Merchant.Post($"/merchant/v1/withdrawals/{open}/rejections")).Expect(200);
        await own.Quiet();
        Assert.Equal("""{"pendingFen":0,"frozenFen":0,"availableFen":0,"heldFen":0,"withdrawnFen":1350,"debtFen":0}""", (await bing.Get("/v1/me/commissions")).Expect(200).Body["balance"]!.ToJsonString());
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Last_touch_takes_over_once_the_protection_is_over()
    {
        await using var own = await LiveShop.Open();
        (await own.Merchant.Settings(s => (s["bindingMode"], s["bindingProtectionDays"]) = ("last-touch", 2))).Expect(200);
        var (first, second, amei) = (await Distributor(own), await Distributor(own), await own.SignIn());
        var bound = (await Bind(amei, first)).Expect(200);
        Assert.Equal(2, (bound.Time("protectedUntil") - bound.Time("since")).TotalDays);
        (await Bind(amei, second)).Refused(409, "AlreadyBound");
        Assert.Equal(bound.Time("protectedUntil"), (await amei.Post("/v1/me/promoter/endings")).Refused(409, "BindingProtected").Time("resetsAt"));

        await own.Pass(TimeSpan.FromDays(2));
        amei = await amei.Again();
        Assert.Equal(second.Id, (await Bind(amei, second)).Expect(200).Text("boundTo"));
    }

    [Fact]
    public async Task A_frozen_distributor_brings_nobody_and_earns_nothing_new_and_a_complaint_costs_trust()
    {
        var (bing, amei) = (await Distributor(), await shop.SignIn());
        (await Bind(amei, bing)).Expect(200);
        Assert.Equal(85, (await shop.Merchant.Post($"/merchant/v1/distributors/{bing.Id}/complaints", new { reason = "fake" })).Expect(201).Number("trust"));
        (await shop.Merchant.Post($"/merchant/v1/distributors/{bing.Id}/tiers", new { tier = "gold" })).Refused(422, "Invalid");
        (await shop.Merchant.Post($"/merchant/v1/distributors/{bing.Id}/standings", new { standing = "Applied", reason = "x" })).Refused(422, "Invalid");
        Assert.Equal("Frozen", (await shop.Merchant.Post($"/merchant/v1/distributors/{bing.Id}/standings", new { standing = "Frozen", reason = "to be looked at" })).Expect(200).Text("standing"));

        (await Bind(await shop.SignIn(), bing)).Refused(404, "UnknownCode");
        Assert.Equal(bing.Id, (await Bind(amei, bing)).Expect(200).Text("boundTo")); // who is bound is not refused for it
        var order = await Buy(amei);
        Assert.Empty((await shop.Merchant.Get($"/merchant/v1/orders/{order}/commissions")).Expect(200).Items);
        (await bing.Post("/v1/me/withdrawals", new { amountFen = 100 })).Refused(403, "NotEligible");
    }

    [Fact]
    public async Task The_second_level_earns_once_somebody_has_signed_for_it_and_the_kill_switch_stops_both()
    {
        await using var own = await LiveShop.Open();
        (await own.Merchant.Settings(s => s["level2Percent"] = 5)).Refused(422, "Invalid");
        (await own.Merchant.Settings(s => (s["level2Percent"], s["secondLevelSignOff"]) = (5, new JsonObject { ["by"] = "Counsel Li", ["reason"] = "looked at in November" }))).Expect(200);
        var (top, middle, amei) = (await Distributor(own), await own.SignIn(), await own.SignIn());
        (await Bind(middle, top)).Expect(200);
        await Buy(middle);
        (await Join(middle)).Expect(201);
        (await Bind(amei, middle)).Expect(200);

        var order = await Buy(amei);
        var earned = (await own.Merchant.Get($"/merchant/v1/orders/{order}/commissions")).Expect(200).Items;
        Assert.Equal([(1, middle.Id, 1_500), (2, top.Id, 500)], earned.Select(l => (l["level"]!.GetValue<int>(), l["shopperId"]!.GetValue<string>(), l["amountFen"]!.GetValue<int>())));

        (await own.Merchant.Post("/merchant/v1/distribution/stops", new { reason = "the police called" })).Expect(201);
        var stopped = await Buy(amei);
        Assert.Empty((await own.Merchant.Get($"/merchant/v1/orders/{stopped}/commissions")).Expect(200).Items);
        (await own.Merchant.Post($"/merchant/v1/orders/{order}/shipments", new { carrier = "SF", trackingNumber = "SF1" })).Expect(201);
        (await amei.Post($"/v1/orders/{order}/receipts")).Expect(200);
        await own.Pass(TimeSpan.FromDays(8));
        await own.CaughtUp();
        Assert.Equal("Available", (await (await middle.Again()).Get("/v1/me/commissions")).Expect(200).Items[0]["state"]!.GetValue<string>());
        (await own.Merchant.Post("/merchant/v1/distribution/resumptions")).Expect(200);
    }

    [Fact]
    public async Task From_a_link_to_money_in_the_pocket()
    {
        await using var own = await LiveShop.Open();
        var (bing, amei) = (await Distributor(own), await own.SignIn());
        (await Bind(amei, bing, "moments")).Expect(200);
        var campaign = await own.Merchant.RunSale();
        var order = await amei.Take(campaign.Id);
        await amei.Pay(order);
        await own.Quiet();
        (await own.Merchant.Post($"/merchant/v1/orders/{order}/shipments", new { carrier = "SF", trackingNumber = "SF1" })).Expect(201);
        (await amei.Post($"/v1/orders/{order}/receipts")).Expect(200);
        await own.Pass(TimeSpan.FromDays(8));
        bing = await bing.Again();

        // 15 percent of 59.00, asked for at once; approved, transferred, there.
        var withdrawal = (await bing.Post("/v1/me/withdrawals", new { amountFen = 885 })).Expect(201).Text("id");
        (await bing.Post("/v1/me/withdrawals", new { amountFen = 100 })).Refused(409, "WithdrawalOpen");
        (await own.Merchant.Post($"/merchant/v1/withdrawals/{withdrawal}/approvals")).Expect(200);
        await own.CaughtUp();
        var limbo = (await own.Merchant.Get("/merchant/v1/limbo")).Expect(200).Items.Single();
        Assert.Equal((withdrawal, "Transferring", 885), (limbo["withdrawal"]!.GetValue<string>(), limbo["state"]!.GetValue<string>(), limbo["amountFen"]!.GetValue<int>()));
        Assert.Equal(withdrawal, (await own.Ops(HttpMethod.Get, "/ops/limbo")).Expect(200).Items.Single()["withdrawal"]!.GetValue<string>());
        (await own.Merchant.Post($"/merchant/v1/withdrawals/{withdrawal}/rejections")).Refused(409, "AlreadyDecided");
        await own.Quiet();
        (await own.Nobody.Post($"/sandbox/transfers/{withdrawal}/succeed", new { repeat = 2 })).Expect(200);
        await own.Quiet();
        Assert.Equal("Paid", (await bing.Get($"/v1/me/withdrawals/{withdrawal}")).Expect(200).Text("state"));
        await own.CaughtUp();
        Assert.Empty((await own.Merchant.Get("/merchant/v1/limbo")).Expect(200).Items);
        var mine = (await bing.Get("/v1/me/commissions")).Expect(200);
        Assert.Equal(("Withdrawn", 885), (mine.Items[0]["state"]!.GetValue<string>(), mine.Items[0]["amountFen"]!.GetValue<int>()));

        // Then the buyer sends it back: what was paid out is owed, and the next earning pays it off.
        (await own.Merchant.Post($"/merchant/v1/orders/{order}/refunds", new { reason = "sent back" })).Expect(201);
        await own.Quiet();
        Assert.Equal(885, (await bing.Get("/v1/me/commissions")).Expect(200).Body["balance"]!["debtFen"]!.GetValue<int>());

        await own.CaughtUp();
        var report = (await own.Merchant.Get($"/merchant/v1/campaigns/{campaign.Id}/report")).Expect(200);
        Assert.Equal((0, 4_000, 4_000), (report.Number("commissionFen"), report.Number("discountFen"), report.Number("costPerNewCustomerFen")));
        var root = (await own.Merchant.Get($"/merchant/v1/campaigns/{campaign.Id}/spread")).Expect(200).Items.Single();
        Assert.Equal((bing.Id, 0, 1, amei.Id, 1), (root["shopperId"]!.GetValue<string>(), root["hop"]!.GetValue<int>(), root["brought"]!.GetValue<int>(), root["children"]![0]!["shopperId"]!.GetValue<string>(), root["children"]![0]!["hop"]!.GetValue<int>()));
    }

    [Fact]
    [Trait("EdgeCase", "24")]
    public async Task A_bargain_and_a_group_earn_commission_too_and_the_group_only_once_it_is_complete()
    {
        var (bing, amei, bo) = (await Distributor(), await shop.SignIn(), await shop.SignIn());
        (await Bind(amei, bing)).Expect(200);

        var bargain = await amei.Order(await amei.Succeed(await shop.Merchant.Run()));
        await amei.Pay(bargain);
        Assert.Equal(148, await Earned(bargain)); // 15 percent of 9.90

        var (room, leaders) = await amei.Found((await shop.Merchant.RunGroup(r => r["size"] = 2)).Id);
        await amei.Pay(leaders);
        Assert.Equal(0, await Earned(leaders));
        var other = await bo.Join(room);
        await bo.Pay(other);
        Assert.Equal(1_185, await Earned(leaders)); // 15 percent of 79.00
        Assert.Equal(0, await Earned(other));

        // Refunded after success: the group stays, that member's commission goes back.
        (await shop.Merchant.Post($"/merchant/v1/orders/{leaders}/refunds", new { reason = "sent back" })).Expect(201);
        Assert.Equal(0, await Earned(leaders));
        Assert.Equal("Completed", (await amei.Room(room)).Text("state"));

        async Task<int> Earned(string order)
        {
            await shop.Quiet();
            return (await shop.Merchant.Get($"/merchant/v1/orders/{order}/commissions")).Expect(200).Items.Sum(l => l["amountFen"]!.GetValue<int>() - l["reversedFen"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task The_promotion_link_is_a_QR_code()
    {
        var bing = await Distributor();
        using var request = bing.Request(HttpMethod.Get, "/v1/me/distributor/qr?channel=shop%20door");
        using var response = await shop.Open(request, CancellationToken.None);
        Assert.Equal("image/png", response.Content.Headers.ContentType!.MediaType);
        var png = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal("\u0089PNG"u8[2..].ToArray(), png[1..4]);
        Assert.True(BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)) > 200, "A QR code of this size cannot be scanned.");
        (await (await shop.SignIn()).Get("/v1/me/distributor/qr")).Refused(404, "NotFound");
        (await bing.Get($"/v1/me/distributor/qr?channel={new string('x', 41)}")).Refused(422, "Invalid");
    }

    private static string Code(LiveShopper distributor) => PromotionCode.Of(Campaigns.Grains.Kernel.Ids.TryParse<ShopperId>(distributor.Id, out var id) ? id : default);

    private static Task<Reply> Join(LiveShopper who) => who.Post("/v1/me/distributor");

    private static Task<Reply> Bind(LiveShopper buyer, LiveShopper promoter, string? channel = null) => buyer.Post("/v1/me/promoter", channel is null ? new { code = Code(promoter) } : new { code = Code(promoter), channel });

    /// <returns>the id of a paid order over 100.00</returns>
    private static async Task<string> Buy(LiveShopper buyer)
    {
        var sku = await buyer.Shop.Merchant.AddSku(10_000);
        var order = (await buyer.Post("/v1/orders", new { lines = new[] { new { sku, quantity = 1 } } })).Expect(201).Text("id");
        await buyer.Pay(order);
        await buyer.Shop.Quiet();
        return order;
    }

    private static async Task<string> Received(LiveShop shop, LiveShopper buyer)
    {
        var order = await Buy(buyer);
        (await shop.Merchant.Post($"/merchant/v1/orders/{order}/shipments", new { carrier = "SF", trackingNumber = "SF1" })).Expect(201);
        (await buyer.Post($"/v1/orders/{order}/receipts")).Expect(200);
        return order;
    }

    private static async Task Paid(LiveShop shop, string withdrawal)
    {
        (await shop.Merchant.Post($"/merchant/v1/withdrawals/{withdrawal}/approvals")).Expect(200);
        await shop.Quiet();
        (await shop.Nobody.Post($"/sandbox/transfers/{withdrawal}/succeed")).Expect(200);
        await shop.Quiet();
    }

    private Task<LiveShopper> Distributor(string? device = null) => Distributor(shop, device);

    private static async Task<LiveShopper> Distributor(LiveShop shop, string? device = null)
    {
        var buyer = await shop.SignIn();
        await Buy(buyer);
        (await (device is null ? buyer : buyer.With("X-Device-Id", device)).Post("/v1/me/distributor")).Expect(201);
        return buyer;
    }
}
