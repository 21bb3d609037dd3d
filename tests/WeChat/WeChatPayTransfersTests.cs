using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.WeChat;

/// <summary>The adapter in front of a WeChat Pay that a test tells what to answer.</summary>
public sealed class WeChatPayTransfersTests : IAsyncLifetime
{
    private const string Bills = "/v3/fund-app/mch-transfer/transfer-bills";
    private const string OpenId = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

    private static readonly ShopId Demo = new("demo");
    private static readonly TransferAtGateway TheTransfer = new(new(Guid.Parse("0190000000007000800000000000abcd")), new(Guid.Parse("0190000000007000800000000000aaaa")), new(3_000));
    private static readonly TransferScene Scene = new("1005", [new("岗位类型", "推广员"), new("报酬说明", "推广佣金")], "推广佣金提现", null);

    private readonly LogLines lines = new();
    private readonly ScriptedGrains grains = new((grain, command) => command is GetPayer && grain == TheTransfer.Owner.In(Demo) ? new Payer(OpenId) : Refusal.Of(GrainRefusal.NotFound));
    private PayDesk desk = null!;
    private ServiceProvider provider = null!;

    public async Task InitializeAsync()
    {
        desk = await PayDesk.Open();
        provider = With(Scene);
    }

    public async Task DisposeAsync()
    {
        await provider.DisposeAsync();
        await desk.DisposeAsync();
    }

    [Fact]
    public async Task Transfer_that_nobody_knows_is_asked_for_under_the_number_of_its_withdrawal()
    {
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "NOT_FOUND") : Accepted("WAIT_USER_CONFIRM", "package==");
        Assert.Equal(new(TransferStatus.AwaitsConfirmation, "package=="), await Transfer());
        Assert.Equal([$"GET {Bills}/out-bill-no/0190000000007000800000000000abcd", $"POST {Bills}"], desk.Requests.Select(r => $"{r.Method} {r.PathAndQuery}"));
        Assert.Equal(
            """{"appid":"wxd678efh567hg6787","out_bill_no":"0190000000007000800000000000abcd","transfer_scene_id":"1005","openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","transfer_amount":3000,"transfer_remark":"推广佣金提现","notify_url":"https://shop.example.com/callbacks/wechat-pay/demo","transfer_scene_report_infos":[{"info_type":"岗位类型","info_content":"推广员"},{"info_type":"报酬说明","info_content":"推广佣金"}]}""",
            desk.Requests.Last().Json.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        Assert.All(lines.Written, line => Assert.DoesNotContain(OpenId, line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Words_of_the_scene_for_the_owner_are_sent_if_they_are_set()
    {
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "NOT_FOUND") : Accepted("ACCEPTED");
        await using var own = With(Scene with { Perception = "劳务报酬" });
        Assert.Equal(new(TransferStatus.Processing), await Transfer(own));
        Assert.Equal("劳务报酬", desk.Requests.Last().Json["user_recv_perception"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("ACCEPTED", TransferStatus.Processing, null)]
    [InlineData("PROCESSING", TransferStatus.Processing, null)]
    [InlineData("TRANSFERING", TransferStatus.Processing, null)]
    [InlineData("CANCELING", TransferStatus.Processing, null)]
    [InlineData("SUCCESS", TransferStatus.Succeeded, null)]
    [InlineData("FAIL", TransferStatus.Failed, "OVERDUE_CLOSE")]
    [InlineData("CANCELLED", TransferStatus.Failed, "CANCELLED")]
    public async Task Transfer_is_as_far_as_WeChat_Pay_says(string state, TransferStatus status, string? problem)
    {
        desk.Answer = _ => Known(state, state == "FAIL" ? "OVERDUE_CLOSE" : null);
        Assert.Equal(new(status, Problem: problem), await Transfer());
        Assert.Equal("GET", Assert.Single(desk.Requests).Method);

        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "NOT_FOUND") : Accepted(state, failReason: state == "FAIL" ? "OVERDUE_CLOSE" : null);
        Assert.Equal(new(status, Problem: problem), await Transfer());
    }

    [Fact]
    public async Task Failure_without_a_reason_and_with_one_of_any_length_is_a_failure()
    {
        desk.Answer = _ => Known("FAIL");
        Assert.Equal(new(TransferStatus.Failed, Problem: "FAIL"), await Transfer());
        desk.Answer = _ => Known("FAIL", new string('X', 65));
        Assert.Equal(new(TransferStatus.Failed, Problem: "FAIL"), await Transfer());
    }

    [Fact]
    public async Task Package_that_a_query_does_not_tell_is_had_by_the_same_request_again()
    {
        desk.Answer = r => r.Method == "GET" ? Known("WAIT_USER_CONFIRM") : Accepted("WAIT_USER_CONFIRM", "package==");
        Assert.Equal(new(TransferStatus.AwaitsConfirmation, "package=="), await Transfer());
        Assert.Equal(new(TransferStatus.AwaitsConfirmation, "package=="), await Transfer());
        Assert.Equal(desk.Requests.Where(r => r.Method == "POST").Select(r => Convert.ToBase64String(r.Body)).Distinct(), [Convert.ToBase64String(desk.Requests.Last().Body)]);

        desk.Answer = r => r.Method == "GET" ? Known("WAIT_USER_CONFIRM") : PayAnswer.Error(403, "NO_AUTH");
        Assert.Equal(new(TransferStatus.AwaitsConfirmation, Problem: "NO_AUTH"), await Transfer());
    }

    [Fact]
    public async Task Bill_that_was_asked_for_under_other_settings_stays_as_it_is()
    {
        var asked = 0;
        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(400, "ALREADY_EXISTS") : asked++ == 0 ? PayAnswer.Error(404, "NOT_FOUND") : Known("PROCESSING");
        Assert.Equal(new(TransferStatus.Processing), await Transfer());
        Assert.Equal(["GET", "POST", "GET"], desk.Requests.Select(r => r.Method));

        desk.Answer = r => r.Method == "POST" ? PayAnswer.Error(400, "ALREADY_EXISTS") : PayAnswer.Error(404, "NOT_FOUND");
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Transfer());
    }

    [Theory]
    [InlineData(403, "NOT_ENOUGH")]
    [InlineData(403, "NO_AUTH")]
    [InlineData(400, "PARAM_ERROR")]
    [InlineData(400, "INVALID_REQUEST")]
    [InlineData(404, "NOT_FOUND")]
    public async Task Request_that_is_refused_is_under_way_and_says_why(int status, string code)
    {
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "NOT_FOUND") : PayAnswer.Error(status, code);
        Assert.Equal(new(TransferStatus.Processing, Problem: code), await Transfer());
    }

    [Fact]
    public async Task Query_that_is_refused_asks_for_nothing()
    {
        desk.Answer = _ => PayAnswer.Error(403, "NO_AUTH");
        Assert.Equal(new(TransferStatus.Processing, Problem: "NO_AUTH"), await Transfer());
        Assert.Equal("GET", Assert.Single(desk.Requests).Method);
    }

    [Theory]
    [InlineData(500, "SYSTEM_ERROR")]
    [InlineData(429, "FREQUENCY_LIMIT_EXCEED")]
    [InlineData(403, "FREQUENCY_LIMIT_EXCEED")]
    [InlineData(401, "SIGN_ERROR")]
    public async Task Transfer_of_which_nobody_knows_is_unsettled(int status, string code)
    {
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "NOT_FOUND") : PayAnswer.Error(status, code);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Transfer());
        desk.Answer = _ => PayAnswer.Error(status, code);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Transfer());
    }

    [Theory]
    [InlineData("""{"out_bill_no":"another","state":"SUCCESS"}""")]
    [InlineData("""{"out_bill_no":"0190000000007000800000000000abcd","state":"SUCCESS","transfer_amount":1}""")]
    [InlineData("""{"out_bill_no":"0190000000007000800000000000abcd","state":"PERHAPS"}""")]
    [InlineData("""{"out_bill_no":"0190000000007000800000000000abcd"}""")]
    [InlineData("not json")]
    public async Task Answer_that_makes_no_sense_is_unsettled(string json)
    {
        desk.Answer = _ => PayAnswer.Of(json);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Transfer());
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "NOT_FOUND") : PayAnswer.Of(json);
        await Assert.ThrowsAsync<WeChatPayUnsettled>(() => Transfer());
    }

    [Theory]
    [InlineData(9, "AMOUNT_TOO_SMALL")]
    [InlineData(10, null)]
    [InlineData(199_999, null)]
    [InlineData(200_000, "AMOUNT_NEEDS_REAL_NAME")]
    public async Task Amount_that_WeChat_Pay_does_not_take_is_never_sent(long fen, string? problem)
    {
        desk.Answer = r => r.Method == "GET" ? PayAnswer.Error(404, "NOT_FOUND") : Accepted("ACCEPTED");
        Assert.Equal(new(problem is null ? TransferStatus.Processing : TransferStatus.Failed, Problem: problem), await Transfer(transfer: TheTransfer with { Amount = new(fen) }));
        Assert.Equal(problem is null ? 2 : 0, desk.Requests.Count);
    }

    [Fact]
    public async Task Merchant_without_a_scene_sends_nothing_and_still_hears_of_what_was_sent()
    {
        await using var without = With(null);
        desk.Answer = _ => PayAnswer.Error(404, "NOT_FOUND");
        Assert.Equal(new(TransferStatus.Processing, Problem: "TRANSFERS_NOT_CONFIGURED"), await Transfer(without));
        desk.Answer = _ => Known("SUCCESS");
        Assert.Equal(new(TransferStatus.Succeeded), await Transfer(without));
        desk.Answer = _ => Known("WAIT_USER_CONFIRM");
        Assert.Equal(new(TransferStatus.AwaitsConfirmation, Problem: "TRANSFERS_NOT_CONFIGURED"), await Transfer(without));
        Assert.All(desk.Requests, r => Assert.Equal("GET", r.Method));
    }

    [Fact]
    public async Task Owner_whom_nobody_knows_is_not_paid()
    {
        desk.Answer = _ => PayAnswer.Error(404, "NOT_FOUND");
        Assert.Equal(new(TransferStatus.Processing, Problem: "NotFound"), await Transfer(transfer: TheTransfer with { Owner = new(Guid.NewGuid()) }));
        Assert.Equal("GET", Assert.Single(desk.Requests).Method);
    }

    [Fact]
    public async Task Receiver_of_transfers_asks_the_gateway_for_the_shop_of_the_address()
    {
        desk.Answer = _ => Known("SUCCESS");
        var receiver = new TransferReceiver(provider.GetRequiredService<IPaymentGateway>);
        Assert.Equal(TransferGateway.Kind, receiver.Kind);
        var receipt = await receiver.Receive(TransferGateway.For(Demo, TheTransfer.Withdrawal), TheTransfer, default);
        Assert.Equal((new TransferredAtGateway(TransferStatus.Succeeded), null), (receipt.Reply, receipt.Refusal));
    }

    private static PayAnswer Accepted(string state, string? package = null, string? failReason = null)
    {
        var told = new JsonObject { ["out_bill_no"] = TheTransfer.Withdrawal.ToString(), ["transfer_bill_no"] = "1330000071100999991182020050700019480001", ["create_time"] = "2026-11-20T20:00:00+08:00", ["state"] = state };
        if (package is not null) told["package_info"] = package;
        if (failReason is not null) told["fail_reason"] = failReason;
        return PayAnswer.Of(told.ToJsonString());
    }

    private static PayAnswer Known(string state, string? failReason = null)
    {
        var told = new JsonObject
        {
            ["mch_id"] = PayDesk.Mchid,
            ["out_bill_no"] = TheTransfer.Withdrawal.ToString(),
            ["transfer_bill_no"] = "1330000071100999991182020050700019480001",
            ["appid"] = PayDesk.Appid,
            ["state"] = state,
            ["transfer_amount"] = TheTransfer.Amount.Fen,
            ["transfer_remark"] = "推广佣金提现",
            ["openid"] = OpenId,
        };
        if (failReason is not null) told["fail_reason"] = failReason;
        return PayAnswer.Of(told.ToJsonString());
    }

    private Task<TransferredAtGateway> Transfer(ServiceProvider? of = null, TransferAtGateway? transfer = null) => (of ?? provider).GetRequiredService<IPaymentGateway>().Transfer(Demo, transfer ?? TheTransfer, default);

    private ServiceProvider With(TransferScene? scene) => new ServiceCollection()
        .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(lines))
        .AddSingleton(TimeProvider.System)
        .AddSingleton<IGrains>(grains)
        .AddWeChatPay(desk.Merchant() with { Transfers = scene })
        .BuildServiceProvider();
}
