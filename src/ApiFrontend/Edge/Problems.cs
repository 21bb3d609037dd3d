using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Campaigns.Grains.Campaign;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Projections;
using Microsoft.AspNetCore.Diagnostics;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>Every error a client sees (RFC 9457), with the code it can act on and what helps.</summary>
/// <param name="Code">stable; <c>type</c> is the same as a URN</param>
/// <param name="Detail">in the caller's language: zh-CN unless <c>Accept-Language</c> prefers English</param>
/// <param name="Limit">the limit that was hit</param>
/// <param name="ResetsAt">when the limit resets</param>
/// <param name="RetryAfter">seconds to wait before the same request may succeed</param>
/// <param name="Findings">all that is wrong with what was submitted, each with its field</param>
internal sealed record Problem(
    string Type,
    string Title,
    int Status,
    string Code,
    string Detail,
    string RequestId,
    long? Limit,
    DateTimeOffset? ResetsAt,
    int? RetryAfter,
    IReadOnlyList<Finding>? Findings,
    [property: JsonIgnore] Refusal? Refusal = null);

/// <summary>The one table from refusals to HTTP.</summary>
internal static class Problems
{
    /// <summary>The longest that a full house asks a client to stay away, in seconds.</summary>
    public const int RetryAfterMax = 30;

    private const string ContentType = "application/problem+json";
    private const int BusyRetrySeconds = 1;
    private static readonly Lazy<Prepared[]> BusyEnglish = new(() => PrepareBusy(Texts![nameof(GrainRefusal.Busy)].English));
    private static readonly Lazy<Prepared[]> BusyChinese = new(() => PrepareBusy(Texts![nameof(GrainRefusal.Busy)].Chinese));
    private static readonly Lazy<Prepared> SoldOutEnglish = new(() => Prepare(Refusal.Of(CampaignRefusal.SoldOut), Texts![nameof(CampaignRefusal.SoldOut)].English));
    private static readonly Lazy<Prepared> SoldOutChinese = new(() => Prepare(Refusal.Of(CampaignRefusal.SoldOut), Texts![nameof(CampaignRefusal.SoldOut)].Chinese));

    // Codes whose status differs from that of their kind.
    private static readonly Dictionary<string, int> SpecialStatus = new(StringComparer.Ordinal)
    {
        [nameof(EdgeRefusal.TooLarge)] = 413,
        [nameof(EdgeRefusal.UnsupportedMediaType)] = 415,
        [nameof(EdgeRefusal.MethodNotAllowed)] = 405,
    };

    /// <summary>The texts of every refusal by code, read once from the enums of the domain and the edge.</summary>
    public static IReadOnlyDictionary<string, RefusesAttribute> Texts { get; } = ReadTexts();

    public static int StatusOf(Refusal refusal) => SpecialStatus.TryGetValue(refusal.Code, out var special)
        ? special
        : refusal.Kind switch
        {
            RefusalKind.State => 409,
            RefusalKind.Rights => 403,
            RefusalKind.Meaning => 422,
            RefusalKind.Limit => 429,
            RefusalKind.Missing => 404,
            RefusalKind.Busy => 503,
            RefusalKind.Identity => 401,
            RefusalKind.Form => 400,
            _ => 500,
        };

    public static Task Write(HttpContext context, Enum code, string? more = null) => Write(context, Refusal.Of(code), more);

    public static Task Write(HttpContext context, Refusal refusal, string? more = null)
    {
        var now = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        var text = Texts[refusal.Code];
        var detail = PrefersEnglish(context) ? text.English : text.Chinese;
        var wait = refusal switch
        {
            { ResetsAt: { } resets } => (int)Math.Clamp(Math.Ceiling((resets - now).TotalSeconds), 1, int.MaxValue),
            { Kind: RefusalKind.Busy or RefusalKind.Limit } => BusyRetrySeconds,
            _ => (int?)null,
        };
        var problem = new Problem(
            $"urn:campaigns:refusal:{refusal.Code}",
            text.English,
            StatusOf(refusal),
            refusal.Code,
            more is null ? detail : $"{detail} {more}",
            context.TraceIdentifier,
            refusal.Limit,
            refusal.ResetsAt,
            wait,
            refusal.Findings);

        if (wait is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.ContentLanguage = PrefersEnglish(context) ? "en" : "zh-CN";
        context.Response.StatusCode = problem.Status;
        context.RequestServices.GetService<Telemetry>()?.Refused(refusal.Code);
        return context.Response.WriteAsJsonAsync(problem, Api.Json, ContentType);
    }

    /// <summary>
    /// <c>503 Busy</c> from prepared bytes, for a house that is full: made like any other problem it would cost as much as a read that is answered,
    /// and ten times the load would leave no time for anything else.
    /// </summary>
    /// <param name="context">the request that is refused</param>
    /// <param name="retryAfter">1–<see cref="RetryAfterMax"/> seconds</param>
    public static void WriteBusy(HttpContext context, int retryAfter)
    {
        context.TraceIdentifier = NewRequestId();
        var isEnglish = PrefersEnglish(context);
        context.Response.Headers.RetryAfter = retryAfter.ToString(CultureInfo.InvariantCulture);
        Write(context, (isEnglish ? BusyEnglish : BusyChinese).Value[retryAfter - 1], isEnglish);
    }

    /// <summary><c>409 SoldOut</c> from prepared bytes, for the ninety-nine of a hundred who come too late.</summary>
    public static void WriteSoldOut(HttpContext context)
    {
        var isEnglish = PrefersEnglish(context);
        Write(context, (isEnglish ? SoldOutEnglish : SoldOutChinese).Value, isEnglish);
    }

    private static void Write(HttpContext context, Prepared prepared, bool isEnglish)
    {
        var (status, before, after) = prepared;
        var (id, response) = (context.TraceIdentifier, context.Response);
        response.StatusCode = status;
        response.ContentType = ContentType;
        response.ContentLength = before.Length + id.Length + after.Length;
        response.Headers.ContentLanguage = isEnglish ? "en" : "zh-CN";
        response.Headers[RequestLog.IdHeader] = id;
        var body = response.BodyWriter.GetSpan((int)response.ContentLength);
        before.CopyTo(body);
        Encoding.ASCII.GetBytes(id, body[before.Length..]);
        after.CopyTo(body[(before.Length + id.Length)..]);
        response.BodyWriter.Advance((int)response.ContentLength); // sent with the end of the request
    }

    public static string NewRequestId() => Guid.CreateVersion7().ToString("N");

    /// <summary>Answers without a body that the framework makes (unknown route, wrong method, wrong media type) become problems too.</summary>
    public static Task Fill(StatusCodeContext status) => status.HttpContext.Response.StatusCode switch
    {
        404 => Write(status.HttpContext, EdgeRefusal.NotFound),
        405 => Write(status.HttpContext, EdgeRefusal.MethodNotAllowed),
        413 => Write(status.HttpContext, EdgeRefusal.TooLarge),
        415 => Write(status.HttpContext, EdgeRefusal.UnsupportedMediaType),
        400 => Write(status.HttpContext, EdgeRefusal.Malformed),
        _ => Task.CompletedTask,
    };

    private static Prepared[] PrepareBusy(string detail) => [.. Enumerable.Range(1, RetryAfterMax).Select(seconds => Prepare(Refusal.Of(GrainRefusal.Busy), detail, seconds))];

    private static Prepared Prepare(Refusal refusal, string detail, int? retryAfter = null)
    {
        const string id = "the-id-comes-here";
        var problem = new Problem($"urn:campaigns:refusal:{refusal.Code}", Texts[refusal.Code].English, StatusOf(refusal), refusal.Code, detail, id, Limit: null, ResetsAt: null, retryAfter, Findings: null);
        var parts = JsonSerializer.Serialize(problem, Api.Json).Split(id);
        return new Prepared(problem.Status, Encoding.UTF8.GetBytes(parts[0]), Encoding.UTF8.GetBytes(parts[1]));
    }

    /// <summary>The caller's language: zh-CN unless they prefer English.</summary>
    public static bool PrefersEnglish(HttpContext context) => context.Request.Headers.AcceptLanguage.ToString().TrimStart().StartsWith("en", StringComparison.OrdinalIgnoreCase);

    private static Dictionary<string, RefusesAttribute> ReadTexts()
    {
        var texts = new Dictionary<string, RefusesAttribute>(StringComparer.Ordinal);
        foreach (var type in new[] { typeof(Refusal).Assembly, typeof(Problems).Assembly }.SelectMany(a => a.GetTypes()).Where(t => t.IsEnum && t.Name.EndsWith("Refusal", StringComparison.Ordinal)))
            foreach (Enum code in Enum.GetValues(type))
                if (type.GetField(code.ToString())!.IsDefined(typeof(RefusesAttribute), inherit: false)) texts.TryAdd(code.ToString(), Refusal.TextOf(code));
        return texts;
    }

    /// <summary>A refusal in bytes; the request id comes between them.</summary>
    private sealed record Prepared(int Status, byte[] Before, byte[] After);
}

/// <summary>Requests that cannot be read, and our own bugs, as problems. Nothing of an exception ever reaches a client.</summary>
internal sealed class ProblemsOfExceptions(ILogger<ProblemsOfExceptions> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        switch (exception)
        {
            case BadHttpRequestException { StatusCode: 413 }:
                await Problems.Write(httpContext, EdgeRefusal.TooLarge);
                return true;
            case BadHttpRequestException { StatusCode: 415 }:
                await Problems.Write(httpContext, EdgeRefusal.UnsupportedMediaType);
                return true;
            case BadHttpRequestException bad:
                await Problems.Write(httpContext, EdgeRefusal.Malformed, WhereIn(bad));
                return true;
            case DocumentsUnavailable:
                log.LogWarning("Request {RequestId} was refused: {Reason}", httpContext.TraceIdentifier, exception.Message);
                await Problems.Write(httpContext, GrainRefusal.Busy);
                return true;
            case OperationCanceledException when httpContext.RequestAborted.IsCancellationRequested:
                return true;
            default:
                log.LogError(exception, "Request {RequestId} failed.", httpContext.TraceIdentifier);
                await Problems.Write(httpContext, GrainRefusal.Faulted);
                return true;
        }
    }

    // The path tells the client which field it was; the rest of the message names our types.
    private static string? WhereIn(BadHttpRequestException bad) => bad.InnerException is System.Text.Json.JsonException { Path: { Length: > 0 } path } ? $"({path})" : null;
}
