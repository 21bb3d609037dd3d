using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Withdrawal;
using Campaigns.Tests.WeChat;
using Campaigns.Tests.WeChatPayStandIn;
using Microsoft.Extensions.DependencyInjection;

namespace Campaigns.Tests.WeChatPay;

/// <summary>Money goes to a distributor once, whatever the gateway does meanwhile. The gateway is asked as a withdrawal does: the same question until it is over.</summary>
public sealed class TransferringTests(OpenWeChatShop open) : IClassFixture<OpenWeChatShop>
{
    private const int TriesMax = 20;

    private static readonly ShopId Demo = new("demo");

    private readonly WeChatShop shop = open.Shop.AtEase();

    // What another test has broken is told by that test.
    private readonly int before = open.Shop.Gateway.Violations.Count;

    private PayServer Gateway => shop.Gateway;

    public static TheoryData<string, int> Faults => PayingTests.Faults;

    public static TheoryData<string> Forgeries => [.. Enum.GetNames<Forgery>().Where(f => f is not (nameof(Forgery.None) or nameof(Forgery.WrongAppid) or nameof(Forgery.UnknownTrade) or nameof(Forgery.WrongAmount)))];

    [Fact]
    public async Task A_transfer_waits_for_its_owner_and_arrives()
    {
        var transfer = await Earned();
        await Arrive(transfer);
        await Fine(transfer);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_transfer_that_goes_wrong_is_made_once(string fault, int times)
    {
        foreach (var call in (PayCall[])[PayCall.Transfer, PayCall.QueryTransfer]) Gateway.Faults.Next(call, Enum.Parse<Fault>(fault), times);
        var transfer = await Earned();
        await Arrive(transfer);
        await Fine(transfer);
    }

    [Theory]
    [InlineData(Fault.HeldDone)]
    [InlineData(Fault.HeldUndone)]
    internal async Task A_transfer_without_an_answer_in_time_is_made_once(Fault fault)
    {
        Gateway.Faults.Next(PayCall.Transfer, fault);
        var transfer = await Earned();
        await Arrive(transfer);
        await Fine(transfer);
    }

    [Fact]
    public async Task Transfers_of_many_on_a_bad_day_are_made_once_each()
    {
        foreach (var call in (PayCall[])[PayCall.Transfer, PayCall.QueryTransfer])
            foreach (var fault in (Fault[])[Fault.ErrorDone, Fault.LimitedUndone, Fault.DroppedDone, Fault.WrongSignature, Fault.AlteredBody, Fault.BadGatewayDone])
                Gateway.Faults.Sometimes(call, fault, 0.1);
        var transfers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Earned()));
        await Task.WhenAll(transfers.Select(Arrive));
        foreach (var transfer in transfers) await Fine(transfer);
    }

    [Fact]
    public async Task A_transfer_waits_for_money_on_the_account_and_says_so()
    {
        Gateway.Transfers.NotEnough = 2;
        var transfer = await Earned();
        Assert.Equal(new(TransferStatus.Processing, Problem: "NOT_ENOUGH"), await Ask(transfer));
        Assert.Equal(new(TransferStatus.Processing, Problem: "NOT_ENOUGH"), await Ask(transfer));
        await Arrive(transfer);
        await Fine(transfer);
    }

    [Fact]
    public async Task A_transfer_from_an_address_that_is_not_on_the_list_waits_and_says_so()
    {
        Gateway.Transfers.IsAddressAllowed = false;
        var transfer = await Earned();
        Assert.Equal(new(TransferStatus.Processing, Problem: "NO_AUTH"), await Ask(transfer));
        Gateway.Transfers.IsAddressAllowed = true;
        await Arrive(transfer);
        await Fine(transfer);
    }

    [Fact]
    public async Task A_transfer_that_nobody_confirms_has_failed_after_a_day_and_stays_so()
    {
        var transfer = await Earned();
        Assert.Equal(TransferStatus.AwaitsConfirmation, (await Ask(transfer)).State);
        shop.Clock.Skew = Transfer.ConfirmLife;
        Assert.Equal(TransferState.Fail, Gateway.Transfers.Get(transfer.Withdrawal.ToString()).State);
        shop.Clock.Skew = TimeSpan.Zero;
        for (var i = 0; i < 3; i++) Assert.Equal(new(TransferStatus.Failed, Problem: "OVERDUE_CLOSE"), await Ask(transfer));
        Assert.Equal(0, Gateway.TransferredFen(Assert.Single(Bills(transfer)).OpenId));
        Assert.Empty(Gateway.Violations.Skip(before));
    }

    [Theory]
    [InlineData(TransferState.Fail, "PAYEE_ACCOUNT_ABNORMAL", "PAYEE_ACCOUNT_ABNORMAL")]
    [InlineData(TransferState.Cancelled, null, "CANCELLED")]
    internal async Task A_transfer_that_ends_badly_has_failed(TransferState end, string? reason, string problem)
    {
        var transfer = await Earned();
        await Ask(transfer);
        Gateway.Go(transfer.Withdrawal.ToString(), end, reason);
        Assert.Equal(new(TransferStatus.Failed, Problem: problem), await Ask(transfer));
        Assert.Single(Bills(transfer));
    }

    [Theory]
    [InlineData("mch_id")]
    [InlineData("mchid")]
    public async Task The_end_of_a_transfer_is_told_to_its_withdrawal_as_often_as_the_gateway_likes(string merchantMember)
    {
        await using var path = await Listen();
        var transfer = await Earned();
        await Arrive(transfer);
        var notice = Gateway.Notifier.Transferred(transfer.Withdrawal.ToString(), merchantMember);
        Assert.Equal($"/callbacks/wechat-pay/{Demo}", notice.Address.AbsolutePath);
        Assert.All(await Gateway.Notifier.SendAtOnce(notice, 3), a => Assert.Equal(204, a));
        Assert.Equal(204, await Gateway.Notifier.Send(notice, variant: Variant.NoAssociatedData));
        Assert.Equal(Enumerable.Repeat<(GrainId, object)>((transfer.Withdrawal.In(Demo), new NoteTransfer(transfer.Amount, TransferStatus.Succeeded)), 4), path.Grains.Asked);
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task A_forged_notification_tells_nobody_anything(string forgery)
    {
        await using var path = await Listen();
        var transfer = await Earned();
        await Arrive(transfer);
        Assert.InRange(await Gateway.Notifier.Send(Gateway.Notifier.Transferred(transfer.Withdrawal.ToString()), Enum.Parse<Forgery>(forgery)), 400, 499);
        Assert.Empty(path.Grains.Asked);
        Assert.Empty(Gateway.Violations.Skip(before));
    }

    private async Task<TransferAtGateway> Earned() => new(WithdrawalId.Of(Guid.NewGuid()), await shop.Payee(), new(WeChatShop.Price));

    /// <summary>The gateway is asked until it answers.</summary>
    private async Task<TransferredAtGateway> Ask(TransferAtGateway transfer)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await shop.Live.Host.Services.GetRequiredService<IPaymentGateway>().Transfer(Demo, transfer, default);
            }
            catch (WeChatPayUnsettled) when (tries < TriesMax)
            {
                // Sent again, as whatever a grain owes is.
            }
        }
    }

    private async Task Arrive(TransferAtGateway transfer)
    {
        var waiting = await Ask(transfer);
        for (var tries = 1; waiting.Confirmation is null && tries < TriesMax; tries++) waiting = await Ask(transfer);
        Assert.Equal(TransferStatus.AwaitsConfirmation, waiting.State);
        Gateway.Confirm(waiting.Confirmation!);
        Assert.Equal(new(TransferStatus.Processing), await Ask(transfer));
        Gateway.Go(transfer.Withdrawal.ToString(), TransferState.Success);
        Assert.Equal(new(TransferStatus.Succeeded), await Ask(transfer));
    }

    /// <summary>Everything arrived, once; no rule was broken.</summary>
    private async Task Fine(TransferAtGateway transfer)
    {
        Assert.Equal(new(TransferStatus.Succeeded), await Ask(transfer));
        Assert.Equal(transfer.Amount.Fen, Gateway.TransferredFen(Assert.Single(Bills(transfer)).OpenId));
        Assert.Empty(Gateway.Violations.Skip(before));
    }

    // Each transfer has an owner of its own, so a second number for it would show under the openid.
    private IReadOnlyList<Transfer> Bills(TransferAtGateway transfer)
    {
        var openId = Gateway.Transfers.Get(transfer.Withdrawal.ToString()).OpenId;
        return [.. Gateway.Transfers.All.Where(t => t.OpenId == openId)];
    }

    /// <summary>The path of callbacks in front of withdrawals that are only spoken for.</summary>
    private async Task<CallbackPath> Listen()
    {
        var path = await CallbackPath.Open(shop.Live.Host.Services.GetRequiredService<WeChatPayKeyRing>().Keys, shop.Clock);
        Gateway.Notifier.Resolve = address => new(path.Address, address.AbsolutePath);
        return path;
    }
}
