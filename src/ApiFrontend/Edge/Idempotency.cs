using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Request;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>
/// <c>Idempotency-Key</c>: the first success is stored and answered again for 24 h; a repeat in flight waits for the first. A crash between
/// the effect and the stored answer is harmless: what the request makes has an id derived from the key, so it is found, not made again.
/// </summary>
internal sealed class Idempotency(RequestDelegate next, IGrains grains)
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";

    private const int KeyLengthMax = 128;

    private readonly Dictionary<GrainId, Queueing> inFlight = [];

    public async Task Invoke(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method) || CallerOf(context.User) is not var (shop, caller) || !context.Request.Headers.TryGetValue(Header, out var header))
        {
            await next(context);
            return;
        }

        var key = header.ToString();
        if (key.Length is 0 or > KeyLengthMax || key.Any(c => c is < '!' or > '~'))
        {
            await Problems.Write(context, Refusal.Invalid(Header, "An Idempotency-Key has 1–128 visible ASCII characters."));
            return;
        }

        var bodyHash = await HashBody(context.Request, context.RequestAborted);
        var request = RequestAddress.Of(shop, caller, context.Request.Path, key);
        EffectId.Set(context, request.Key);

        var queueing = Join(request);
        try
        {
            await queueing.Turn.WaitAsync(context.RequestAborted);
            try
            {
                await Answer(context, request, bodyHash);
            }
            finally
            {
                queueing.Turn.Release();
            }
        }
        finally
        {
            Leave(request, queueing);
        }
    }

    private static (ShopId Shop, string Name)? CallerOf(ClaimsPrincipal user) =>
        ShopperCaller.Of(user) is { } shopper ? (shopper.Shop, shopper.Shopper.ToString())
        : MerchantCaller.Of(user) is { } merchant ? (merchant.Shop, "merchant")
        : null;

    private Queueing Join(GrainId request)
    {
        lock (inFlight)
        {
            ref var queueing = ref CollectionsMarshal.GetValueRefOrAddDefault(inFlight, request, out _);
            queueing ??= new();
            queueing.Count++;
            return queueing;
        }
    }

    // Only the last one out takes it away: a repeat that has joined and not yet waited must not meet a third one at a new turn.
    private void Leave(GrainId request, Queueing queueing)
    {
        lock (inFlight)
            if (--queueing.Count == 0) inFlight.Remove(request);
    }

    private async Task Answer(HttpContext context, GrainId request, string bodyHash)
    {
        var recalled = await grains.Ask(request, new RecallRequest());
        if (recalled.Refusal is { Kind: not RefusalKind.Missing } busy)
        {
            await Problems.Write(context, busy);
            return;
        }

        if (recalled.Reply?.Response is { } stored)
        {
            if (stored.BodyHash == bodyHash) await Replay(context.Response, stored);
            else await Problems.Write(context, EdgeRefusal.IdempotencyKeyReused);
            return;
        }

        var client = context.Response.Body;
        using var answer = new MemoryStream();
        context.Response.Body = answer;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = client;
        }

        // Stored first: an answer that the client has seen must be the one it gets again. A refusal wrote nothing and is decided again.
        if (context.Response.StatusCode is >= 200 and < 300)
        {
            var body = Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
            var recorded = await grains.Ask(request, new RecordRequest(bodyHash, context.Response.StatusCode, NullIfEmpty(context.Response.Headers.Location.ToString()), body));
            if (recorded.Refusal is { } refusal)
            {
                context.Response.Clear();
                await Problems.Write(context, refusal);
                return;
            }
        }

        answer.Position = 0;
        await answer.CopyToAsync(client, context.RequestAborted);
    }

    private static async Task Replay(HttpResponse response, StoredResponse stored)
    {
        response.StatusCode = stored.Status;
        response.ContentType = "application/json; charset=utf-8";
        response.Headers[ReplayedHeader] = "true";
        if (stored.Location is not null) response.Headers.Location = stored.Location;
        await response.WriteAsync(stored.Body);
    }

    // Read as a whole, its length is limited, and left for the endpoint to read. Where it lies, if its length is known: the pipe of a body
    // that comes in pieces does not go back to what was looked at.
    private static async Task<string> HashBody(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength is null || !HttpProtocol.IsHttp11(request.Protocol))
        {
            var copy = new MemoryStream();
            await request.Body.CopyToAsync(copy, cancellation);
            copy.Position = 0;
            request.Body = copy;
            return Hash(new(copy.GetBuffer(), 0, (int)copy.Length));
        }

        var body = request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(cancellation);
            if (!read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            var hash = Hash(read.Buffer);
            body.AdvanceTo(read.Buffer.Start);
            return hash;
        }
    }

    private static string Hash(ReadOnlySequence<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (bytes.IsSingleSegment)
        {
            SHA256.HashData(bytes.FirstSpan, hash);
        }
        else
        {
            using var pieces = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var piece in bytes) pieces.AppendData(piece.Span);
            pieces.GetHashAndReset(hash);
        }

        return Convert.ToHexStringLower(hash);
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private sealed class Queueing
    {
        public SemaphoreSlim Turn { get; } = new(1, 1);

        public int Count { get; set; }
    }
}
