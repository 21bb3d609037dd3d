using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>Transfers to users, towards a client that keeps the rules and towards one that breaks one of them.</summary>
public sealed class TransferTests : IAsyncLifetime
{
    private const string OpenId = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
    private const string Bills = "/v3/fund-app/mch-transfer/transfer-bills";

    private TinyClient client = null!;

    private PayServer Server => client.Server;

    public async Task InitializeAsync()
    {
        client = await TinyClient.Start();
        Server.Ledger.OpenIds = [OpenId];
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        await Server.DisposeAsync();
    }

    [Fact]
    public async Task A_transfer_waits_for_its_user_and_is_done_after_that()
    {
        Assert.Equal((404, "NOT_FOUND"), ((await Query()).Status, (await Query()).Code));
        var accepted = (await Transfer()).Json;
        Assert.Equal(("WAIT_USER_CONFIRM", "W1"), (Text(accepted, "state"), Text(accepted, "out_bill_no")));
        Assert.Throws<InvalidOperationException>(() => Server.Go("W1", TransferState.Success));
        Assert.Throws<InvalidOperationException>(() => Server.Confirm("another"));

        Server.Confirm(Text(accepted, "package_info"));
        Assert.Equal("TRANSFERING", Text((await Query()).Json, "state"));
        Assert.Throws<InvalidOperationException>(() => Server.Confirm(Text(accepted, "package_info")));
        Assert.Equal(0, Server.TransferredFen(OpenId));
        Server.Go("W1", TransferState.Success);
        var told = (await Query()).Json;
        Assert.Equal(("SUCCESS", 500L, client.Server.Merchant.Mchid, OpenId), (Text(told, "state"), told["transfer_amount"]!.GetValue<long>(), Text(told, "mch_id"), Text(told, "openid")));
        Assert.Equal(Text(told, "out_bill_no"), Text((await client.Send("GET", $"{Bills}/transfer-bill-no/{Text(told, "transfer_bill_no")}")).Json, "out_bill_no"));
        Assert.Equal(500, Server.TransferredFen(OpenId));
        Assert.Throws<InvalidOperationException>(() => Server.Go("W1", TransferState.Fail));
        Assert.Empty(Server.Violations);
    }

    [Fact]
    public async Task The_same_request_is_the_same_transfer_and_a_query_does_not_tell_its_package()
    {
        var (first, second) = (await Transfer(), await Transfer());
        Assert.Equal(Text(first.Json, "package_info"), Text(second.Json, "package_info"));
        Assert.Null((await Query()).Json["package_info"]);
        Assert.Single(Server.Transfers.All);
        Assert.Empty(Server.Violations);

        foreach (var change in (Action<JsonObject>[])[b => b["transfer_amount"] = 501, b => b["transfer_remark"] = "x", b => b["notify_url"] = "https://shop.example/other"])
            Assert.Equal((400, "ALREADY_EXISTS"), ((await Transfer(change)).Status, (await Transfer(change)).Code));
        Assert.Single(Server.Transfers.All);
        Assert.All(Server.Violations, v => Assert.Equal("the same out_bill_no with other parameters", v.Text));
    }

    [Fact]
    public async Task What_nobody_confirms_is_over_after_a_day()
    {
        var package = Text((await Transfer()).Json, "package_info");
        client.Clock.Now = client.Clock.Now.AddHours(24).AddSeconds(-1);
        Assert.Equal("WAIT_USER_CONFIRM", Text((await Query()).Json, "state"));
        client.Clock.Now = client.Clock.Now.AddSeconds(1);
        Assert.Throws<InvalidOperationException>(() => Server.Confirm(package));
        foreach (var heard in (Heard[])[await Query(), await Transfer()]) Assert.Equal(("FAIL", "OVERDUE_CLOSE"), (Text(heard.Json, "state"), Text(heard.Json, "fail_reason")));

        client.Clock.Now = client.Clock.Now.AddDays(29);
        Assert.Equal("NOT_FOUND", (await Query()).Code);
        Assert.Equal("FAIL", Text((await Transfer()).Json, "state"));
        Assert.Empty(Server.Violations);
    }

    [Fact]
    public async Task A_transfer_is_cancelled_before_it_is_confirmed_and_not_after()
    {
        Assert.Equal("NOT_FOUND", (await Cancel()).Code);
        await Transfer();
        Assert.Equal("CANCELING", Text((await Cancel()).Json, "state"));
        Assert.Equal("CANCELING", Text((await Cancel("{}")).Json, "state"));
        Server.Go("W1", TransferState.Cancelled);
        Assert.Equal("CANCELLED", Text((await Query()).Json, "state"));
        Assert.Empty(Server.Violations);
        Assert.Equal(400, (await Cancel("""{"why":"x"}""")).Status);
        Assert.Single(Server.Violations);

        Server.Confirm(Text((await Transfer(b => b["out_bill_no"] = "W2")).Json, "package_info"));
        Assert.Equal((400, "INVALID_REQUEST"), ((await Cancel(number: "W2")).Status, (await Cancel(number: "W2")).Code));
    }

    [Fact]
    public async Task A_merchant_without_money_scene_or_address_is_refused_and_has_broken_no_rule()
    {
        Server.Transfers.NotEnough = 1;
        Assert.Equal((403, "NOT_ENOUGH"), await CodeOf(Transfer()));
        Server.Transfers.Scenes.Clear();
        Assert.Equal((403, "NO_AUTH"), await CodeOf(Transfer()));
        Server.Transfers.Scenes.Add("1005");
        Server.Transfers.IsAddressAllowed = false;
        Assert.Equal((403, "NO_AUTH"), await CodeOf(Transfer()));
        Assert.Equal((403, "NO_AUTH"), await CodeOf(Query()));
        Server.Transfers.IsAddressAllowed = true;
        Assert.Equal((400, "INVALID_REQUEST"), await CodeOf(Transfer(b => b["transfer_amount"] = 20_001)));
        Assert.Empty(Server.Transfers.All);
        Assert.Empty(Server.Violations);
        Assert.Equal(200, (await Transfer(b => b["transfer_amount"] = 20_000)).Status);
    }

    [Fact]
    public async Task A_transfer_that_breaks_a_rule_is_refused()
    {
        Server.Transfers.FenMax = 1_000_000;
        (string Text, Action<JsonObject> Change)[] rows =
        [
            ("out_bill_no has characters that are not allowed", b => b["out_bill_no"] = "0190-0001"),
            ("out_bill_no has 33 characters, and 1 to 32 are allowed", b => b["out_bill_no"] = new string('W', 33)),
            ("transfer_amount is no integer", b => b["transfer_amount"] = "500"),
            ("transfer_amount is no integer", b => b["transfer_amount"] = 5.0m),
            ("transfer_amount is less than 10", b => b["transfer_amount"] = 9),
            ("transfer_remark has 33 characters, and 1 to 32 are allowed", b => b["transfer_remark"] = new string('佣', 33)),
            ("notify_url has a query", b => b["notify_url"] = "https://shop.example/pay?shop=demo"),
            ("notify_url is not https", b => b["notify_url"] = "http://shop.example/pay"),
            ("mchid is no member of it", b => b["mchid"] = "1900007291"),
            ("appid and mchid do not belong together", b => b["appid"] = "wx0000000000000000"),
            ("openid is none of this app", b => b["openid"] = "another"),
            ("transfer_scene_id is missing", b => b.Remove("transfer_scene_id")),
            ("transfer_scene_id is no scene", b => b["transfer_scene_id"] = "9999"),
            ("transfer_scene_report_infos is missing", b => b.Remove("transfer_scene_report_infos")),
            ("transfer_scene_report_infos are not all that the scene demands", b => b["transfer_scene_report_infos"]!.AsArray().RemoveAt(0)),
            ("transfer_scene_report_infos are not all that the scene demands", b => b["transfer_scene_report_infos"]![0]!["info_type"] = "活动名称"),
            ("transfer_scene_report_infos are not all that the scene demands", b => b["transfer_scene_report_infos"]!.AsArray().Add(Report("岗位类型", "推广员"))),
            ("transfer_scene_report_infos[0].info_content has 0 characters, and 1 to 32 are allowed", b => b["transfer_scene_report_infos"]![0]!["info_content"] = ""),
            ("user_recv_perception is none of the scene's", b => b["user_recv_perception"] = "佣金报酬"),
            ("user_recv_style.type has characters that are not allowed", b => b["user_recv_style"] = new JsonObject { ["type"] = "BANNER" }),
            ("more than a red packet holds", b => (b["transfer_amount"], b["user_recv_style"]) = (20_001, new JsonObject { ["type"] = "RED_PACKET" })),
            ("user_name is missing", b => b["transfer_amount"] = 200_000),
            ("user_name is not allowed for so little", b => (b["transfer_amount"], b["user_name"]) = (29, "x")),
            ("user_name is there and Wechatpay-Serial is not", b => b["user_name"] = Named(RSAEncryptionPadding.OaepSHA1)),
        ];
        foreach (var (text, change) in rows)
        {
            Assert.Equal((400, "PARAM_ERROR"), await CodeOf(Transfer(change)));
            Assert.Equal(text, Server.Violations[^1].Text);
        }

        Assert.Equal(rows.Length, Server.Violations.Count);
        Assert.Empty(Server.Transfers.All);
        Assert.Equal(200, (await Transfer(b => (b["transfer_amount"], b["user_recv_perception"]) = (199_999, "劳务报酬"))).Status);
    }

    [Fact]
    public async Task A_name_is_read_only_if_it_is_encrypted_as_it_has_to_be()
    {
        Server.Transfers.FenMax = 1_000_000;
        foreach (var name in (string[])["张三", "", Named(RSAEncryptionPadding.Pkcs1), Named(RSAEncryptionPadding.OaepSHA256)])
            Assert.Equal((400, "PARAM_ERROR"), await CodeOf(Send(b => (b["transfer_amount"], b["user_name"]) = (200_000, name))));
        Assert.Equal(4, Server.Violations.Count);
        Assert.Equal(200, (await Send(b => (b["transfer_amount"], b["user_name"]) = (200_000, Named(RSAEncryptionPadding.OaepSHA1)))).Status);

        Task<Heard> Send(Action<JsonObject> change) => client.Send("POST", Bills, Body(change), s => s.Serial = Server.Keys.PublicKey.Serial);
    }

    [Theory]
    [InlineData(Fault.ErrorDone, 500, 1)]
    [InlineData(Fault.ErrorUndone, 500, 0)]
    [InlineData(Fault.LimitedDone, 429, 1)]
    internal async Task A_bad_day_says_nothing_of_the_transfer(Fault fault, int status, int transfers)
    {
        Server.Faults.Next(PayCall.Transfer, fault);
        Assert.Equal(status, (await Transfer()).Status);
        Assert.Equal(transfers, Server.Transfers.All.Count);
        Assert.Equal(200, (await Transfer()).Status);
        Assert.Single(Server.Transfers.All);
    }

    private static JsonObject Report(string type, string content) => new() { ["info_type"] = type, ["info_content"] = content };

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();

    private static async Task<(int, string?)> CodeOf(Task<Heard> heard) => ((await heard).Status, (await heard).Code);

    private static string Body(Action<JsonObject>? change)
    {
        var body = new JsonObject
        {
            ["appid"] = "wxd678efh567hg6787",
            ["out_bill_no"] = "W1",
            ["transfer_scene_id"] = "1005",
            ["openid"] = OpenId,
            ["transfer_amount"] = 500,
            ["transfer_remark"] = "推广佣金提现",
            ["notify_url"] = "http://127.0.0.1:9/callbacks",
            ["transfer_scene_report_infos"] = new JsonArray(Report("岗位类型", "推广员"), Report("报酬说明", "推广佣金")),
        };
        change?.Invoke(body);
        return Encoding.UTF8.GetString(PayReply.Bytes(body));
    }

    private string Named(RSAEncryptionPadding padding) => Convert.ToBase64String(Server.Keys.PublicKey.Key.Encrypt("张三"u8, padding));

    private Task<Heard> Transfer(Action<JsonObject>? change = null) => client.Send("POST", Bills, Body(change));

    private Task<Heard> Query(string number = "W1") => client.Send("GET", $"{Bills}/out-bill-no/{number}");

    private Task<Heard> Cancel(string body = "", string number = "W1") => client.Send("POST", $"{Bills}/out-bill-no/{number}/cancel", body);
}
