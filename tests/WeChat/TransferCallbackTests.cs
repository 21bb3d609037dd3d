using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Withdrawal;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.WeChat;

/// <summary>The callback path alone: from what WeChat Pay says of a transfer to what a withdrawal is told, and back.</summary>
public sealed class TransferCallbackTests : IAsyncLifetime
{
    private static readonly WithdrawalId Withdrawal = new(Guid.Parse("0190000000007000800000000000abcd"));

    private readonly HttpClient http = new();
    private PayDesk desk = null!;
    private CallbackPath path = null!;

    public async Task InitializeAsync()
    {
        desk = await PayDesk.Open();
        path = await CallbackPath.Open(desk.Merchant().Keys);
    }

    public async Task DisposeAsync()
    {
        await path.DisposeAsync();
        await desk.DisposeAsync();
        http.Dispose();
    }

    [Theory]
    [InlineData("SUCCESS", null, TransferStatus.Succeeded, null)]
    [InlineData("FAIL", "OVERDUE_CLOSE", TransferStatus.Failed, "OVERDUE_CLOSE")]
    [InlineData("CANCELLED", null, TransferStatus.Failed, "CANCELLED")]
    public async Task End_of_a_transfer_is_told_to_its_withdrawal(string state, string? failReason, TransferStatus status, string? problem)
    {
        foreach (var merchantMember in (string[])["mch_id", "mchid"])
            Assert.Equal(204, await Notify("/demo", Told(state, failReason, merchantMember)));
        Assert.Equal(Enumerable.Repeat<(GrainId, object)>((Withdrawal.In(new("demo")), new NoteTransfer(new(3_000), status, problem)), 2), path.Grains.Asked);
    }

    [Fact]
    public async Task Refusal_of_the_withdrawal_is_the_answer()
    {
        path.Answer = Refusal.Of(GrainRefusal.NotFound);
        Assert.Equal(404, await Notify("/demo", Told("SUCCESS")));
        path.Answer = Refusal.Of(Campaigns.Grains.Payment.PaymentRefusal.AmountMismatch);
        Assert.Equal(422, await Notify("/demo", Told("SUCCESS")));
        path.Answer = Done.Instance;
        Assert.Equal(204, await Notify("/demo", Told("SUCCESS")));
    }

    [Fact]
    public async Task Notification_that_is_not_ours_reaches_nobody()
    {
        using var stranger = System.Security.Cryptography.RSA.Create(2048);
        Assert.Equal(401, await Notify("/demo", desk.Notification("mch_payment", "MCHTRANSFER.BILL.FINISHED", Told("SUCCESS"), key: stranger)));
        Assert.Equal(401, await Notify("/demo", Changed("mch_id", "1900000999")));
        Assert.Equal(401, await Notify("/demo", Changed("mchid", "1900000999")));
        Assert.Equal(401, await Notify("/demo", Changed("mch_id", null)));
        Assert.Equal(401, await Notify("/demo", Changed("transfer_amount", "3000")));
        Assert.Equal(422, await Notify("/demo", Changed("state", "PERHAPS")));
        Assert.Equal(404, await Notify("/demo", Changed("out_bill_no", "plfk2020042013")));
        Assert.Equal(404, await Notify("", Told("SUCCESS")));
        Assert.Equal(404, await Notify("/No%20Shop", Told("SUCCESS")));
        Assert.Empty(path.Grains.Asked);
    }

    private static JsonObject Told(string state, string? failReason = null, string merchantMember = "mch_id")
    {
        var told = new JsonObject
        {
            ["out_bill_no"] = Withdrawal.ToString(),
            ["transfer_bill_no"] = "1330000071100999991182020050700019480001",
            ["state"] = state,
            [merchantMember] = PayDesk.Mchid,
            ["transfer_amount"] = 3_000,
            ["openid"] = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            ["create_time"] = "2026-11-20T20:00:00+08:00",
            ["update_time"] = "2026-11-20T20:01:00+08:00",
        };
        if (failReason is not null) told["fail_reason"] = failReason;
        return told;
    }

    private static JsonObject Changed(string member, string? value)
    {
        var told = Told("SUCCESS");
        if (value is null) told.Remove(member);
        else told[member] = value;
        return told;
    }

    private Task<int> Notify(string under, JsonObject about) => Notify(under, desk.Notification("mch_payment", "MCHTRANSFER.BILL.FINISHED", about));

    private async Task<int> Notify(string under, ComposedNotification notification)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path.Address, PaymentCallbacks.Path + under)) { Content = new ByteArrayContent(notification.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        notification.Headers.CopyTo(request.Headers);
        using var response = await http.SendAsync(request);
        return (int)response.StatusCode;
    }
}

/// <summary>Where notifications are received, over grains that a test speaks for.</summary>
internal sealed class CallbackPath : IAsyncDisposable
{
    private Loopback? loopback;

    private CallbackPath() => Grains = new((_, _) => Answer);

    public ScriptedGrains Grains { get; }

    /// <summary>What whoever is told says to it.</summary>
    public object Answer { get; set; } = Done.Instance;

    public Uri Address => loopback!.Address;

    public static async Task<CallbackPath> Open(WeChatPayKeys keys, TimeProvider? clock = null)
    {
        var path = new CallbackPath();
        path.loopback = await Loopback.Start(
            app => app.MapPaymentCallbacks(),
            add: services => services.AddSingleton<IGrains>(path.Grains).AddSingleton(clock ?? TimeProvider.System).AddSingleton(new WeChatPayKeyRing(keys, clock ?? TimeProvider.System)));
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        if (loopback is not null) await loopback.DisposeAsync();
    }
}
