using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Campaigns.Tests.WeChatPayStandIn;

internal enum TransferState
{
    Accepted = 1,
    Processing = 2,
    WaitUserConfirm = 3,
    Transfering = 4,
    Success = 5,
    Fail = 6,
    Canceling = 7,
    Cancelled = 8,
}

/// <summary>Money on its way to a user, as it was asked for.</summary>
internal sealed class Transfer(string billNo, JsonElement asked, DateTimeOffset createdAt)
{
    /// <summary>A user has so long to confirm it.</summary>
    public static readonly TimeSpan ConfirmLife = TimeSpan.FromHours(24);

    public string OutBillNo { get; } = asked.GetProperty("out_bill_no").GetString()!;

    public string BillNo { get; } = billNo;

    public JsonElement Asked { get; } = asked;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public DateTimeOffset UpdatedAt { get; set; } = createdAt;

    public TransferState State { get; set; }

    public string? FailReason { get; set; }

    /// <summary>What the user's confirmation is opened with.</summary>
    public string Package { get; } = PayCrypto.Nonce(64) + "+/=";

    public long Amount => Asked.GetProperty("transfer_amount").GetInt64();

    public string OpenId => Asked.GetProperty("openid").GetString()!;

    public string? NotifyUrl => Asked.TryGetProperty("notify_url", out var address) ? address.GetString() : null;

    public bool IsAtItsEnd => State is TransferState.Success or TransferState.Fail or TransferState.Cancelled;

    /// <summary>The documentation's spelling, in which one R is missing.</summary>
    public string Word => State == TransferState.WaitUserConfirm ? "WAIT_USER_CONFIRM" : State.ToString().ToUpperInvariant();
}

/// <summary>Every transfer of one merchant. Not thread-safe: its owner asks one thing at a time.</summary>
internal sealed class TransferBook(Merchant merchant, PlatformKeys keys, PayLedger ledger, TimeProvider clock)
{
    public const long FenMin = 10;
    public const long NameNotAllowedBelowFen = 30;
    public const long NameNeededFromFen = 200_000;
    public const long RedPacketFenMax = 20_000;

    private static readonly TimeSpan QueryLife = TimeSpan.FromDays(30);

    private static readonly Dictionary<string, (string[] Reports, string[] Perceptions)> Known = new(StringComparer.Ordinal)
    {
        ["1000"] = (["活动名称", "奖励说明"], ["活动奖励", "现金奖励"]),
        ["1005"] = (["岗位类型", "报酬说明"], ["劳务报酬", "报销款", "企业补贴", "开工利是"]),
        ["1011"] = (["赔付原因"], []),
    };

    private readonly Dictionary<string, Transfer> transfers = new(StringComparer.Ordinal);
    private int numbers;

    /// <summary>The scenes this merchant was granted.</summary>
    public HashSet<string> Scenes { get; } = new(["1005"], StringComparer.Ordinal);

    /// <summary>The most of one transfer, as for a merchant who is new.</summary>
    public long FenMax { get; set; } = 20_000;

    /// <summary>So many transfers are refused for want of money on the merchant's account.</summary>
    public int NotEnough { get; set; }

    /// <summary>Where the merchant's machine has to be to call; false refuses it.</summary>
    public bool IsAddressAllowed { get; set; } = true;

    /// <summary>How far a transfer is when it is accepted.</summary>
    public TransferState First { get; set; } = TransferState.WaitUserConfirm;

    public IReadOnlyCollection<Transfer> All => transfers.Values;

    /// <param name="serial">the key that what is encrypted is encrypted with</param>
    public PayReply Create(JsonElement asked, string? serial, out string? fault)
    {
        fault = null;
        if (!IsAddressAllowed) return NoAuth();
        if (Wrong(asked, serial) is { } wrong) return Faulty(400, "PARAM_ERROR", wrong, out fault);
        var (number, scene, amount) = (asked.GetProperty("out_bill_no").GetString()!, asked.GetProperty("transfer_scene_id").GetString()!, asked.GetProperty("transfer_amount").GetInt64());
        if (Find(t => t.OutBillNo == number) is { } known) return JsonElement.DeepEquals(known.Asked, asked) ? Of(known) : Faulty(400, "ALREADY_EXISTS", "the same out_bill_no with other parameters", out fault);
        if (!Scenes.Contains(scene)) return PayReply.Refused(403, "NO_AUTH", "the scene was not granted", 268435461);
        if (amount > FenMax) return PayReply.Refused(400, "INVALID_REQUEST", "more than the merchant may transfer at once", 268435461);
        if (NotEnough > 0)
        {
            NotEnough--;
            return PayReply.Refused(403, "NOT_ENOUGH", "the account has not enough money", 268435461);
        }

        var transfer = new Transfer($"1330{++numbers:D30}", asked, clock.GetUtcNow()) { State = First };
        transfers.Add(number, transfer);
        return Of(transfer);
    }

    public PayReply Query(Func<Transfer, bool> which)
    {
        if (!IsAddressAllowed) return NoAuth();
        return Find(which) is { } transfer && clock.GetUtcNow() < transfer.CreatedAt + QueryLife ? PayReply.Of(Told(transfer)) : PayReply.Refused(404, "NOT_FOUND", "there is no such transfer", 268512771);
    }

    public PayReply Cancel(string outBillNo)
    {
        if (Find(t => t.OutBillNo == outBillNo) is not { } transfer) return PayReply.Refused(404, "NOT_FOUND", "there is no such transfer", 268512771);
        if (transfer.State is not (TransferState.WaitUserConfirm or TransferState.Canceling or TransferState.Cancelled)) return PayReply.Refused(400, "INVALID_REQUEST", "it cannot be cancelled any more", 268435461);
        if (transfer.State == TransferState.WaitUserConfirm) Move(transfer, TransferState.Canceling);
        return PayReply.Of(new JsonObject { ["out_bill_no"] = transfer.OutBillNo, ["transfer_bill_no"] = transfer.BillNo, ["state"] = transfer.Word, ["update_time"] = PayLedger.Time(transfer.UpdatedAt) });
    }

    public Transfer Get(string outBillNo) => Find(t => t.OutBillNo == outBillNo) ?? throw new InvalidOperationException($"The gateway knows no transfer {outBillNo}.");

    /// <summary>The user confirms it with the package that the merchant's app was given.</summary>
    public void Confirm(string package)
    {
        var transfer = Find(t => t.Package == package) ?? throw new InvalidOperationException("The gateway never issued this package.");
        if (transfer.State != TransferState.WaitUserConfirm) throw new InvalidOperationException($"Transfer {transfer.OutBillNo} is {transfer.State}.");
        Move(transfer, TransferState.Transfering);
    }

    /// <param name="failReason">null if it goes well</param>
    public void Go(string outBillNo, TransferState to, string? failReason = null)
    {
        var transfer = Get(outBillNo);
        if (transfer.IsAtItsEnd) throw new InvalidOperationException($"Transfer {outBillNo} is {transfer.State}.");
        if (to == TransferState.Success && transfer.State == TransferState.WaitUserConfirm) throw new InvalidOperationException($"Nobody has confirmed transfer {outBillNo}.");
        transfer.FailReason = failReason;
        Move(transfer, to);
    }

    public JsonObject Told(Transfer transfer)
    {
        var told = new JsonObject
        {
            ["mch_id"] = merchant.Mchid,
            ["out_bill_no"] = transfer.OutBillNo,
            ["transfer_bill_no"] = transfer.BillNo,
            ["appid"] = merchant.Appid,
            ["state"] = transfer.Word,
            ["transfer_amount"] = transfer.Amount,
            ["transfer_remark"] = transfer.Asked.GetProperty("transfer_remark").GetString(),
            ["openid"] = transfer.OpenId,
            ["create_time"] = PayLedger.Time(transfer.CreatedAt),
            ["update_time"] = PayLedger.Time(transfer.UpdatedAt),
        };
        if (transfer.FailReason is { } reason) told["fail_reason"] = reason;
        return told;
    }

    /// <summary>What a notification says of a transfer at its end.</summary>
    /// <param name="merchantMember">some pages of the documentation say <c>mch_id</c>, others <c>mchid</c></param>
    public JsonObject ToldToMerchant(Transfer transfer, string merchantMember)
    {
        var told = new JsonObject
        {
            ["out_bill_no"] = transfer.OutBillNo,
            ["transfer_bill_no"] = transfer.BillNo,
            ["state"] = transfer.Word,
            [merchantMember] = merchant.Mchid,
            ["transfer_amount"] = transfer.Amount,
            ["openid"] = transfer.OpenId,
            ["create_time"] = PayLedger.Time(transfer.CreatedAt),
            ["update_time"] = PayLedger.Time(transfer.UpdatedAt),
        };
        if (transfer.FailReason is { } reason) told["fail_reason"] = reason;
        return told;
    }

    private static PayReply Of(Transfer transfer)
    {
        var told = new JsonObject { ["out_bill_no"] = transfer.OutBillNo, ["transfer_bill_no"] = transfer.BillNo, ["create_time"] = PayLedger.Time(transfer.CreatedAt), ["state"] = transfer.Word };
        if (transfer.State == TransferState.WaitUserConfirm) told["package_info"] = transfer.Package;
        if (transfer.FailReason is { } reason) told["fail_reason"] = reason;
        return PayReply.Of(told);
    }

    private static PayReply NoAuth() => PayReply.Refused(403, "NO_AUTH", "this address is not on the list", 268435461);

    private static PayReply Faulty(int status, string code, string message, out string? fault)
    {
        fault = message;
        return PayReply.Refused(status, code, message, 268435461);
    }

    private string? Wrong(JsonElement asked, string? serial)
    {
        var (scene, amount) = (asked.GetProperty("transfer_scene_id").GetString()!, asked.GetProperty("transfer_amount").GetInt64());
        if (asked.GetProperty("appid").GetString() != merchant.Appid) return "appid and mchid do not belong together";
        if (ledger.OpenIds is not null && !ledger.OpenIds.Contains(asked.GetProperty("openid").GetString()!)) return "openid is none of this app";
        if (amount < FenMin) return "transfer_amount is less than 10";

        var reports = asked.GetProperty("transfer_scene_report_infos").EnumerateArray().Select(i => i.GetProperty("info_type").GetString()!).ToList();
        if (!Known.TryGetValue(scene, out var demanded)) return "transfer_scene_id is no scene";
        if (!reports.Order(StringComparer.Ordinal).SequenceEqual(demanded.Reports.Order(StringComparer.Ordinal))) return "transfer_scene_report_infos are not all that the scene demands";
        if (asked.TryGetProperty("user_recv_perception", out var perception) && !demanded.Perceptions.Contains(perception.GetString(), StringComparer.Ordinal)) return "user_recv_perception is none of the scene's";
        if (amount > RedPacketFenMax && asked.TryGetProperty("user_recv_style", out var style) && style.GetProperty("type").GetString() == "RED_PACKET") return "more than a red packet holds";

        var isNamed = asked.TryGetProperty("user_name", out var name);
        if (!isNamed) return amount >= NameNeededFromFen ? "user_name is missing" : null;
        if (amount < NameNotAllowedBelowFen) return "user_name is not allowed for so little";
        if (serial is null) return "user_name is there and Wechatpay-Serial is not";
        return IsReadable(name.GetString()!, serial) ? null : "user_name is not encrypted with the key of Wechatpay-Serial";
    }

    private bool IsReadable(string sealedName, string serial)
    {
        var bytes = new byte[sealedName.Length];
        if (!Convert.TryFromBase64String(sealedName, bytes, out var length)) return false;
        try
        {
            return keys.All.Single(k => k.Serial == serial).Key.Decrypt(bytes.AsSpan(0, length), RSAEncryptionPadding.OaepSHA1).Length > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    // Time has passed since anybody looked: what nobody has confirmed is over.
    private Transfer? Find(Func<Transfer, bool> which)
    {
        if (transfers.Values.FirstOrDefault(which) is not { } transfer) return null;
        if (transfer.State != TransferState.WaitUserConfirm || clock.GetUtcNow() < transfer.CreatedAt + Transfer.ConfirmLife) return transfer;
        transfer.FailReason = "OVERDUE_CLOSE";
        Move(transfer, TransferState.Fail);
        return transfer;
    }

    private void Move(Transfer transfer, TransferState to)
    {
        transfer.State = to;
        transfer.UpdatedAt = clock.GetUtcNow();
    }
}
