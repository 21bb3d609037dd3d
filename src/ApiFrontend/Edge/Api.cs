using System.Text.Json;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Microsoft.Net.Http.Headers;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>What all endpoints share: strict JSON, and how an outcome becomes an answer.</summary>
internal static class Api
{
    public const int BodyBytesMax = 64 * 1024;

    public static readonly JsonSerializerOptions Json = Configure(new());

    public static JsonSerializerOptions Configure(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        json.PropertyNameCaseInsensitive = false;
        json.NumberHandling = JsonNumberHandling.Strict;
        json.AllowDuplicateProperties = false;
        json.RespectNullableAnnotations = true;
        json.RespectRequiredConstructorParameters = true;
        json.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        json.MaxDepth = 16;
        json.Converters.Add(new PlainText());
        json.Converters.Add(new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false));
        json.Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping; // JSON bodies only, never inside HTML: Chinese stays readable
        return json;
    }

    /// <summary>200 with the reply, or the problem.</summary>
    public static IResult Ok<TReply>(this Outcome<TReply> outcome) => outcome.Refusal is { } refusal ? new Refused(refusal) : TypedResults.Json(outcome.Reply, Json);

    /// <summary>201 with the reply, or the problem.</summary>
    public static IResult Created<TReply>(this Outcome<TReply> outcome, Func<TReply, string>? location = null) =>
        outcome.Refusal is { } refusal ? new Refused(refusal) : Created(outcome.Reply, location?.Invoke(outcome.Reply!));

    public static IResult Created<TReply>(TReply reply, string? location = null) => new CreatedJson<TReply>(reply, location);

    public static IResult Refuse(Enum code) => new Refused(Refusal.Of(code));

    /// <param name="more">behind the text of the refusal</param>
    public static IResult Refuse(Enum code, string more) => new Refused(Refusal.Of(code), more);

    public static IResult Refuse(Refusal refusal) => new Refused(refusal);

    private sealed class Refused(Refusal refusal, string? more = null) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => Problems.Write(httpContext, refusal, more);
    }

    private sealed class CreatedJson<TReply>(TReply reply, string? location) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (location is not null) httpContext.Response.Headers.Location = location;
            httpContext.Response.StatusCode = 201;
            return httpContext.Response.WriteAsJsonAsync(reply, Json);
        }
    }
}

/// <summary>Text as clients may send it: bounded, and without the NUL that PostgreSQL, C libraries and log readers each take for something else.</summary>
internal sealed class PlainText : JsonConverter<string>
{
    public const int LengthMax = 4_000;

    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String) throw new JsonException("Expected a string.");
        var text = reader.GetString()!;
        if (text.Length > LengthMax) throw new JsonException("The text is too long.");
        if (text.Contains('\0', StringComparison.Ordinal)) throw new JsonException("A text has no NUL in it.");
        return text;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    // Names of what a dictionary holds are ours, never a client's.
    public override void WriteAsPropertyName(Utf8JsonWriter writer, [System.Diagnostics.CodeAnalysis.DisallowNull] string value, JsonSerializerOptions options) => writer.WritePropertyName(value);
}

/// <summary>The body of an act that needs a reason.</summary>
/// <param name="Reason">1–500 characters</param>
internal sealed record ReasonBody(string Reason);

/// <summary>The body of an act that may have a reason.</summary>
/// <param name="Reason">at most 500 characters</param>
internal sealed record OptionalReasonBody(string? Reason = null);

/// <summary>The body <c>{}</c> of an act that has nothing to say.</summary>
internal sealed record EmptyBody;

/// <summary>A route segment that can be an id; anything else is no route at all, hence 404.</summary>
internal sealed class IdSegment : IRouteConstraint
{
    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        values[routeKey] is string text && Guid.TryParseExact(text, "N", out _);
}

/// <summary>JSON is UTF-8 (RFC 8259). The framework reads other charsets too, and fails on those that it does not know, "utf-8" in quotes included.</summary>
internal static class JsonCharset
{
    public static void RefuseOtherCharsets(this IApplicationBuilder app) => app.Use((context, next) =>
        MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) && type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            ? Problems.Write(context, EdgeRefusal.UnsupportedMediaType)
            : next(context));
}
