using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>A rule of the gateway that its client broke.</summary>
internal sealed record Violation(DateTimeOffset At, string Rule, string Text);

/// <summary>A call as it arrived, and how it was answered; 0 if it was not.</summary>
internal sealed record SeenCall(DateTimeOffset At, PayCall Call, string Method, string Target, string Body, Fault? Fault, int Status, string? AnsweredWith);

/// <summary>
/// WeChat Pay v3 for one merchant, over loopback HTTP: refuses whatever the real one refuses, keeps its books, signs its answers, and does
/// what the real one does on bad days when a test says so. It knows the protocol from its documentation and nothing of the product.
/// </summary>
internal sealed partial class PayServer : IAsyncDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private readonly WebApplication app;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private readonly ConcurrentQueue<Violation> violations = new();
    private readonly ConcurrentQueue<string> remarks = new();
    private readonly ConcurrentQueue<SeenCall> seen = new();
    private readonly HashSet<string> nonces = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (byte[] File, DateTimeOffset Until)> downloads = new(StringComparer.Ordinal);
    private readonly System.Security.Cryptography.RSA merchantKey = System.Security.Cryptography.RSA.Create();

    private PayServer(WebApplication app, Merchant merchant, TimeProvider clock, int seed)
    {
        this.app = app;
        this.clock = clock;
        Merchant = merchant;
        Keys = new(clock.GetUtcNow(), seed);
        Faults = new(seed);
        Ledger = new(merchant, clock);
        Transfers = new(merchant, Keys, Ledger, clock);
        merchantKey.ImportFromPem(merchant.PublicKeyPem);
        Notifier = new(this, clock, gate);
    }

    public Merchant Merchant { get; }

    public PlatformKeys Keys { get; }

    public Faults Faults { get; }

    public PayLedger Ledger { get; }

    public TransferBook Transfers { get; }

    public Notifier Notifier { get; }

    public Uri Address { get; private set; } = null!;

    /// <summary>The hash of the next bills is one of another file.</summary>
    public bool BillHashIsWrong { get; set; }

    public IReadOnlyList<Violation> Violations => [.. violations];

    /// <summary>What is unusual and nevertheless allowed.</summary>
    public IReadOnlyList<string> Remarks => [.. remarks];

    public IReadOnlyList<SeenCall> Seen => [.. seen];

    /// <param name="seed">of everything that is drawn</param>
    public static async Task<PayServer> Start(Merchant merchant, TimeProvider clock, int seed = 1)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(o => o.AddServerHeader = false);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new PayServer(app, merchant, clock, seed);
        app.Run(async context =>
        {
            try
            {
                await server.Serve(context);
            }
            catch (Exception own) when (!context.RequestAborted.IsCancellationRequested)
            {
                server.Note("stand-in", own.ToString()); // its own mistake: a test must not take it for weather
                throw;
            }
        });
        await app.StartAsync();
        server.Address = new(app.Urls.First());
        return server;
    }

    public IReadOnlyList<SeenCall> SeenOf(PayCall call) => [.. seen.Where(s => s.Call == call)];

    /// <summary>Money that a shopper's payment brought, in fen.</summary>
    public long PaidFen(string outTradeNo)
    {
        lock (gate) return Ledger.Trades.Where(t => t.OutTradeNo == outTradeNo && t.State == TradeState.Paid).Sum(t => t.Total);
    }

    /// <summary>Money that went back or is on its way back, in fen.</summary>
    public long RefundedFen(string outTradeNo)
    {
        lock (gate) return Ledger.Trades.Where(t => t.OutTradeNo == outTradeNo).Sum(t => t.GivenBack);
    }

    public TradeState? StateOf(string outTradeNo)
    {
        lock (gate) return Ledger.Trades.FirstOrDefault(t => t.OutTradeNo == outTradeNo)?.State;
    }

    public IReadOnlyList<string> RefundsOf(string outTradeNo)
    {
        lock (gate) return [.. Ledger.Trade(outTradeNo).Refunds.Select(r => r.OutRefundNo)];
    }

    /// <summary>The shopper's phone shows the payment sheet: the gateway looks at its signature, and knows which trade it is for.</summary>
    /// <returns>the out_trade_no</returns>
    public string ShowSheet(string appId, string timeStamp, string nonceStr, string package, string signType, string paySign)
    {
        if (appId != Merchant.Appid) throw new InvalidOperationException($"The sheet is of app {appId}.");
        if (signType != "RSA") throw new InvalidOperationException($"The sheet is signed with {signType}.");
        if (!DigitsOnly().IsMatch(timeStamp) || nonceStr.Length is 0 or > 32) throw new InvalidOperationException("The sheet's timeStamp or nonceStr is malformed.");
        if (!package.StartsWith("prepay_id=", StringComparison.Ordinal)) throw new InvalidOperationException($"The sheet's package is {package}.");
        if (!PayCrypto.IsSignedBy(merchantKey, PayCrypto.SheetText(appId, timeStamp, nonceStr, package), paySign)) throw new InvalidOperationException("The sheet is not signed by the merchant.");

        var prepay = package["prepay_id=".Length..];
        lock (gate) return Ledger.Trades.FirstOrDefault(t => t.Prepays.ContainsKey(prepay))?.OutTradeNo ?? throw new InvalidOperationException($"The gateway never issued prepay id {prepay}.");
    }

    /// <summary>The shopper pays what the newest sheet shows. Nobody is told yet.</summary>
    public void Pay(string outTradeNo)
    {
        lock (gate) Ledger.Pay(outTradeNo, Ledger.Trade(outTradeNo).Prepays.MaxBy(p => p.Value).Key);
    }

    /// <summary>The bank is done with a refund. Nobody is told yet.</summary>
    public void EndRefund(string outRefundNo, RefundEnd end = RefundEnd.Success)
    {
        lock (gate) Ledger.EndRefund(outRefundNo, end);
    }

    /// <summary>Money that users got, in fen.</summary>
    public long TransferredFen(string openId)
    {
        lock (gate) return Transfers.All.Where(t => t.OpenId == openId && t.State == TransferState.Success).Sum(t => t.Amount);
    }

    /// <summary>The user confirms a transfer on their phone, with what the merchant's app was given. Nobody is told yet.</summary>
    public void Confirm(string package)
    {
        lock (gate) Transfers.Confirm(package);
    }

    /// <summary>A transfer comes to where it comes. Nobody is told yet.</summary>
    public void Go(string outBillNo, TransferState to, string? failReason = null)
    {
        lock (gate) Transfers.Go(outBillNo, to, failReason);
    }

    public async ValueTask DisposeAsync()
    {
        Faults.Release();
        await app.DisposeAsync();
        Notifier.Dispose();
        merchantKey.Dispose();
    }

    internal void Note(string rule, string text) => violations.Enqueue(new(clock.GetUtcNow(), rule, text));

    private async Task Serve(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        using var buffer = new MemoryStream();
        await request.Body.CopyToAsync(buffer);
        var (body, target) = (buffer.ToArray(), context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        var (call, answer) = Route(request, target, body);

        Fault? fault = null;
        PayReply? reply;
        var asked = SerialOf(request);
        lock (gate)
        {
            reply = RefuseCaller(request, target, body) ?? RefuseHeaders(request, body) ?? RefuseSerial(asked);
            if (reply is null && (fault = Faults.Take(call)) is not (Fault.HeldUndone or Fault.ErrorUndone or Fault.LimitedUndone or Fault.BadGatewayUndone or Fault.DroppedUndone)) reply = answer();
        }

        if (fault is Fault.HeldDone or Fault.HeldUndone) await Task.WhenAny(Faults.Released, Task.Delay(Timeout.Infinite, context.RequestAborted));
        reply = fault switch
        {
            Fault.ErrorDone or Fault.ErrorUndone => PayReply.Refused(500, "SYSTEM_ERROR", "the system is busy", 268435456),
            Fault.LimitedDone or Fault.LimitedUndone => PayReply.Refused(429, "FREQUENCY_LIMITED", "too many calls", 268447840),
            Fault.BadGatewayDone or Fault.BadGatewayUndone => new(502, "<html>502 Bad Gateway</html>"u8.ToArray(), ContentType: "text/html", Signed: false),
            Fault.HeldUndone => PayReply.Refused(500, "SYSTEM_ERROR", "the system is busy", 268435456),
            _ => reply,
        };
        if (fault is Fault.DroppedDone or Fault.DroppedUndone || context.RequestAborted.IsCancellationRequested)
        {
            seen.Enqueue(new(clock.GetUtcNow(), call, request.Method, target, Encoding.UTF8.GetString(body), fault, 0, null));
            context.Abort();
            return;
        }

        response.StatusCode = reply!.Status;
        response.Headers["Request-ID"] = $"{PayCrypto.Nonce(26)}-{reply.Inner.ToString(CultureInfo.InvariantCulture)}";
        var sent = reply.Body;
        string? signer = null;
        if (reply.Signed)
        {
            var key = Keys.Next(asked);
            signer = key.Serial;
            sent = Sign(response.Headers, reply.Body, key, fault);
        }

        seen.Enqueue(new(clock.GetUtcNow(), call, request.Method, target, Encoding.UTF8.GetString(body), fault, reply.Status, signer));
        if (reply.Status == 204) return;
        response.ContentType = reply.ContentType;
        response.ContentLength = sent.Length;
        await response.Body.WriteAsync(sent);
    }

    // What was signed and what is sent differ when a test wants it so.
    private byte[] Sign(IHeaderDictionary headers, byte[] body, PlatformKey key, Fault? fault)
    {
        if (fault == Fault.NoSignature) return body;
        var at = clock.GetUtcNow() - (fault == Fault.StaleSignature ? Window + TimeSpan.FromSeconds(1) : TimeSpan.Zero);
        var (timestamp, nonce) = (at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), PayCrypto.Nonce(32));
        headers["Wechatpay-Timestamp"] = timestamp;
        headers["Wechatpay-Nonce"] = nonce;
        headers["Wechatpay-Serial"] = fault == Fault.UnknownSerial ? "0000000000000000000000000000000000000000" : key.Serial;
        headers["Wechatpay-Signature-Type"] = PayCrypto.Scheme;
        headers["Wechatpay-Signature"] = fault switch
        {
            Fault.WrongSignature => PayCrypto.Sign(PlatformKeys.Stranger, PayCrypto.ReplyText(timestamp, nonce, body)),
            Fault.ProbeSignature => PayCrypto.ProbePrefix + PayCrypto.Nonce(300),
            _ => PayCrypto.Sign(key.Key, PayCrypto.ReplyText(timestamp, nonce, body)),
        };

        // A blank before it: the same JSON, and other bytes.
        return fault == Fault.AlteredBody ? [(byte)' ', .. body] : body;
    }

    private (PayCall Call, Func<PayReply> Answer) Route(HttpRequest request, string target, byte[] body)
    {
        var parts = target.Split('?')[0].Split('/').Select(Uri.UnescapeDataString).ToArray();
        var query = QueryHelpers.ParseQuery(request.QueryString.Value).ToDictionary(q => q.Key, q => q.Value.ToString(), StringComparer.Ordinal);
        return (request.Method, parts) switch
        {
            ("POST", ["", "v3", "pay", "transactions", "jsapi"]) => (PayCall.Prepay, () => Taking(body, Forms.Prepay, Ledger.Prepay)),
            ("GET", ["", "v3", "pay", "transactions", "out-trade-no", var number]) => (PayCall.Query, () => Asking(query) ?? Ledger.Query(t => t.OutTradeNo == number)),
            ("GET", ["", "v3", "pay", "transactions", "id", var number]) => (PayCall.Query, () => Asking(query) ?? Ledger.Query(t => t.TransactionId == number)),
            ("POST", ["", "v3", "pay", "transactions", "out-trade-no", var number, "close"]) =>
                (PayCall.Close, () => Taking(body, Forms.Close, (System.Text.Json.JsonElement asked, out string? fault) => Ledger.Close(number, asked, out fault))),
            ("POST", ["", "v3", "refund", "domestic", "refunds"]) => (PayCall.Refund, () => Taking(body, Forms.Refund, Ledger.Refund)),
            ("GET", ["", "v3", "refund", "domestic", "refunds", var number]) => (PayCall.QueryRefund, () => Nothing(query) ?? Ledger.QueryRefund(number)),
            ("POST", ["", "v3", "fund-app", "mch-transfer", "transfer-bills"]) =>
                (PayCall.Transfer, () => Taking(body, Forms.Transfer, (System.Text.Json.JsonElement wanted, out string? fault) => Transfers.Create(wanted, SerialOf(request), out fault))),
            ("GET", ["", "v3", "fund-app", "mch-transfer", "transfer-bills", "out-bill-no", var number]) => (PayCall.QueryTransfer, () => Nothing(query) ?? Transfers.Query(t => t.OutBillNo == number)),
            ("GET", ["", "v3", "fund-app", "mch-transfer", "transfer-bills", "transfer-bill-no", var number]) => (PayCall.QueryTransfer, () => Nothing(query) ?? Transfers.Query(t => t.BillNo == number)),
            ("POST", ["", "v3", "fund-app", "mch-transfer", "transfer-bills", "out-bill-no", var number, "cancel"]) =>
                (PayCall.CancelTransfer, () => (body.Length > 0 && Forms.Read(body, Forms.Nothing).Wrong is { } wrong ? Break(400, "PARAM_ERROR", "parameters", wrong) : null) ?? Transfers.Cancel(number)),
            ("GET", ["", "v3", "certificates"]) => (PayCall.Certificates, () => Nothing(query) ?? Certificates()),
            ("GET", ["", "v3", "bill", "tradebill"]) => (PayCall.Bill, () => Bill(query)),
            ("GET", ["", "v3", "billdownload", "file"]) => (PayCall.Download, () => Download(query)),
            _ => (PayCall.Unknown, () => Break(404, "RESOURCE_NOT_EXISTS", "address", $"{request.Method} {target} is no address of this gateway")),
        };
    }

    private delegate PayReply Take(System.Text.Json.JsonElement asked, out string? fault);

    private PayReply Taking(byte[] body, Form form, Take take)
    {
        var (asked, wrong) = Forms.Read(body, form);
        if (wrong is not null) return Break(400, "PARAM_ERROR", "parameters", wrong, wrong.EndsWith("no member of it", StringComparison.Ordinal) ? 270924358 : 268435461);
        var reply = take(asked, out var fault);
        if (fault is not null) Note("parameters", fault);
        return reply;
    }

    private PayReply? Asking(Dictionary<string, string> query)
    {
        if (query.Keys.FirstOrDefault(k => k != "mchid") is { } unknown) return Break(400, "PARAM_ERROR", "parameters", $"{unknown} is no parameter of it");
        return query.GetValueOrDefault("mchid") == Merchant.Mchid ? null : Break(400, "PARAM_ERROR", "parameters", "mchid is missing or another merchant's");
    }

    private PayReply? Nothing(Dictionary<string, string> query) => query.Count == 0 ? null : Break(400, "PARAM_ERROR", "parameters", $"{query.Keys.First()} is no parameter of it");

    private PayReply Certificates()
    {
        var data = new JsonArray();
        foreach (var key in (PlatformKey[])[Keys.CertificateA, Keys.CertificateB])
        {
            var nonce = PayCrypto.Nonce(12);
            data.Add(new JsonObject
            {
                ["serial_no"] = key.Serial,
                ["effective_time"] = PayLedger.Time(key.EffectiveFrom),
                ["expire_time"] = PayLedger.Time(key.ExpiresAt),
                ["encrypt_certificate"] = new JsonObject
                {
                    ["algorithm"] = "AEAD_AES_256_GCM",
                    ["nonce"] = nonce,
                    ["associated_data"] = "certificate",
                    ["ciphertext"] = PayCrypto.Seal(Encoding.UTF8.GetBytes(Merchant.ApiV3Key), nonce, "certificate", Encoding.UTF8.GetBytes(key.Pem)),
                },
            });
        }

        return PayReply.Of(new JsonObject { ["data"] = data });
    }

    private PayReply Bill(Dictionary<string, string> query)
    {
        if (query.Keys.FirstOrDefault(k => k is not ("bill_date" or "bill_type" or "tar_type")) is { } unknown) return Break(400, "PARAM_ERROR", "parameters", $"{unknown} is no parameter of it");
        if (!DateOnly.TryParseExact(query.GetValueOrDefault("bill_date"), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) return Break(400, "PARAM_ERROR", "parameters", "bill_date is no date");
        if (query.GetValueOrDefault("bill_type", "ALL") != "ALL") return Break(400, "PARAM_ERROR", "parameters", "bill_type is not served here");
        if (query.GetValueOrDefault("tar_type", "GZIP") != "GZIP") return Break(400, "PARAM_ERROR", "parameters", "tar_type is not GZIP");

        var now = clock.GetUtcNow().ToOffset(PayLedger.Beijing);
        if (day >= DateOnly.FromDateTime(now.DateTime)) return Break(400, "PARAM_ERROR", "parameters", "bill_date is not over yet");
        if (day < DateOnly.FromDateTime(now.DateTime).AddMonths(-3)) return Break(400, "PARAM_ERROR", "parameters", "bill_date is longer than three months ago");
        if (now < new DateTimeOffset(day.AddDays(1).ToDateTime(new(10, 0)), PayLedger.Beijing)) return PayReply.Refused(400, "STATEMENT_CREATING", "the statement is being created", 268435461);
        if (TradeBill.Write(Ledger, Merchant, day) is not { } file) return PayReply.Refused(400, "NO_STATEMENT_EXIST", "there is no statement", 268435461);

        var token = PayCrypto.Nonce(40) + "+/=";
        var zipped = query.ContainsKey("tar_type");
        downloads.Add(token, (zipped ? TradeBill.Zip(file) : file, clock.GetUtcNow() + Window));
        return PayReply.Of(new JsonObject
        {
            ["hash_type"] = "SHA1",
            ["hash_value"] = TradeBill.Hash(BillHashIsWrong ? [.. file, 0] : file),
            ["download_url"] = $"{Address}v3/billdownload/file?token={Uri.EscapeDataString(token)}{(zipped ? "&tartype=gzip" : "")}",
        });
    }

    private PayReply Download(Dictionary<string, string> query)
    {
        if (!downloads.TryGetValue(query.GetValueOrDefault("token", ""), out var download)) return Break(400, "PARAM_ERROR", "parameters", "token is none that was issued");
        if (clock.GetUtcNow() >= download.Until) return PayReply.Refused(400, "PARAM_ERROR", "the token is over", 268447914);
        return new(200, download.File, ContentType: "application/octet-stream", Signed: false);
    }

    private PayReply? RefuseCaller(HttpRequest request, string target, byte[] body)
    {
        var header = request.Headers.Authorization.ToString();
        if (request.Headers.Authorization.Count != 1) return NotSigned(request, target, "there is not one Authorization");
        if (!header.StartsWith(PayCrypto.Scheme + " ", StringComparison.Ordinal)) return NotSigned(request, target, "the scheme is not " + PayCrypto.Scheme);
        var said = header[(PayCrypto.Scheme.Length + 1)..].Split(',').Select(part => Attribute().Match(part)).ToList();
        if (said.Any(m => !m.Success) || !said.Select(m => m.Groups["name"].Value).Order(StringComparer.Ordinal).SequenceEqual(["mchid", "nonce_str", "serial_no", "signature", "timestamp"]))
            return NotSigned(request, target, "the five attributes are not there, each once and in quotes");

        string Said(string name) => said.Single(m => m.Groups["name"].Value == name).Groups["value"].Value;
        var (timestamp, nonce) = (Said("timestamp"), Said("nonce_str"));
        if (Said("mchid") != Merchant.Mchid) return NotSigned(request, target, "mchid is nobody's");
        if (Said("serial_no") != Merchant.CertificateSerial) return NotSigned(request, target, "serial_no is no certificate of this merchant");
        if (nonce.Length is 0 or > 32) return NotSigned(request, target, "nonce_str has not 1 to 32 characters");
        if (!DigitsOnly().IsMatch(timestamp) || !long.TryParse(timestamp, out var seconds)) return NotSigned(request, target, "timestamp is no number");
        if (Math.Abs(clock.GetUtcNow().ToUnixTimeSeconds() - seconds) > Window.TotalSeconds) return NotSigned(request, target, "timestamp is more than five minutes off");

        var text = PayCrypto.RequestText(request.Method, target, timestamp, nonce, body);
        if (!PayCrypto.IsSignedBy(merchantKey, text, Said("signature"))) return NotSigned(request, target, "sign not match", text);
        if (!nonces.Add($"{timestamp} {nonce}")) remarks.Enqueue($"nonce_str {nonce} came twice");
        return null;
    }

    private PayReply NotSigned(HttpRequest request, string target, string issue, byte[]? text = null)
    {
        Note("authorization", issue);
        return PayReply.Refused(401, "SIGN_ERROR", "the signature is wrong: " + issue, 268443699, new JsonObject
        {
            ["detail"] = new JsonObject { ["issue"] = issue },
            ["field"] = "signature",
            ["location"] = "authorization",
            ["sign_information"] = new JsonObject
            {
                ["method"] = request.Method,
                ["url"] = target,
                ["truncated_sign_message"] = text is null ? "" : Encoding.UTF8.GetString(text.AsSpan(0, Math.Min(text.Length, 200))),
                ["sign_message_length"] = text?.Length ?? 0,
            },
        });
    }

    private PayReply? RefuseHeaders(HttpRequest request, byte[] body)
    {
        var accepts = request.Headers.Accept.ToString();
        if (!accepts.Contains("application/json", StringComparison.Ordinal) && !accepts.Contains("*/*", StringComparison.Ordinal)) return Break(406, "PARAM_ERROR", "headers", "Accept does not allow application/json");
        if (request.Headers.UserAgent.Count == 0) return Break(403, "PARAM_ERROR", "headers", "User-Agent is missing");
        if (request.Method == "POST" && body.Length > 0 && request.ContentType?.Split(';')[0].Trim() != "application/json") return Break(415, "PARAM_ERROR", "headers", "Content-Type is not application/json");
        return request.Method == "GET" && body.Length > 0 ? Break(400, "PARAM_ERROR", "headers", "a GET has a body") : null;
    }

    private static string? SerialOf(HttpRequest request) => request.Headers["Wechatpay-Serial"].Count == 0 ? null : request.Headers["Wechatpay-Serial"].ToString();

    private PayReply? RefuseSerial(string? asked) => asked is null || Keys.All.Any(k => k.Serial == asked) ? null : Break(400, "PARAM_ERROR", "headers", "Wechatpay-Serial names no key of this gateway");

    private PayReply Break(int status, string code, string rule, string text, long inner = 268435461)
    {
        Note(rule, text);
        return PayReply.Refused(status, code, text, inner);
    }

    [GeneratedRegex("^(?<name>[a-z_]+)=\"(?<value>[^\"]*)\"$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Attribute();

    [GeneratedRegex("^[0-9]{1,12}$", RegexOptions.None, 1_000)]
    private static partial Regex DigitsOnly();
}
