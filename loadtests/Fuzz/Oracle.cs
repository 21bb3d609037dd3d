using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>An answer, read whole; of a live stream, its first bytes.</summary>
/// <param name="Status">0 if the connection ended without an answer</param>
internal sealed record Answer(int Status, string? MediaType, string? RequestId, string? RetryAfter, string Content, TimeSpan Took)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    public string? Code => !IsSuccess && MediaType == Oracle.ProblemType && TryParse(Content) is JsonObject problem ? problem["code"]?.GetValue<string>() : null;

    public static JsonNode? TryParse(string json)
    {
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What must hold of every answer, whatever was asked.</summary>
internal static partial class Oracle
{
    public const string ProblemType = "application/problem+json";

    private const int BodyBytesMax = 64 * 1024;

    private static readonly TimeSpan TookMax = TimeSpan.FromSeconds(5);

    /// <returns>what is wrong with the answer, null if nothing is</returns>
    public static string? WrongWith(FuzzRequest request, Answer answer)
    {
        // A body over the limit is refused before it has come in; who goes on sending it may miss the answer.
        if (answer.Status == 0 && request.Body?.Length > BodyBytesMax) return null;
        if (answer.Status == 0) return $"no answer: {answer.Content}";
        if (answer.Took > TookMax) return string.Create(CultureInfo.InvariantCulture, $"took {answer.Took.TotalSeconds:0.0} s");
        if (answer.Status >= 500 && answer.Status != 503) return "a failure of the server"; // a full house is no failure, and says when to come back
        if (answer.IsSuccess) return WrongWithSuccess(request, answer);
        if (answer.Status is not (>= 400 and < 500 or 503)) return "neither success nor refusal";
        if (IsOfTheHttpServer(answer)) return null;
        if (answer.RequestId is null) return "no X-Request-Id";
        return request.Method == "HEAD" ? null : WrongWithProblem(answer);
    }

    // What is no HTTP at all is refused before there is a request: it has no id, and an empty body.
    private static bool IsOfTheHttpServer(Answer answer) => answer is { Status: 400 or 411 or 414 or 431 or 417, RequestId: null, Content: "" };

    private static string? WrongWithSuccess(FuzzRequest request, Answer answer)
    {
        if (request.Method == request.Operation.Method && request.Mutations.Count == 0 && !request.Operation.Answers.Contains(answer.Status)) return "a success that the document does not know";
        if (answer.RequestId is null) return "no X-Request-Id";
        return answer.MediaType == "application/json" && request.Method != "HEAD" && Answer.TryParse(answer.Content) is null ? "no JSON" : null;
    }

    private static string? WrongWithProblem(Answer answer)
    {
        if (answer.MediaType != ProblemType) return $"{answer.MediaType ?? "nothing"} instead of a problem document";
        if (Answer.TryParse(answer.Content) is not JsonObject problem) return "a problem that is no JSON object";
        foreach (var field in (string[])["type", "title", "code", "detail", "requestId"])
            if (problem[field] is not JsonValue text || text.GetValueKind() != JsonValueKind.String || string.IsNullOrWhiteSpace(text.GetValue<string>())) return $"a problem without {field}";
        if (problem["status"]?.ToJsonString() != answer.Status.ToString(CultureInfo.InvariantCulture)) return "a problem with another status";
        if (problem["type"]!.GetValue<string>() != $"urn:campaigns:refusal:{problem["code"]}") return "a type that does not name the code";
        if (problem["requestId"]!.GetValue<string>() != answer.RequestId) return "a problem with another request id";
        if (answer.Status is 429 or 503 && answer.RetryAfter is null) return "no Retry-After";
        return Leak().Match(answer.Content) is { Success: true } leak ? $"it tells '{leak.Value}'" : null;
    }

    [GeneratedRegex(@"\bat [A-Z]\w+\.\w+|Exception\b|\.cs:line|\bSystem\.\w+|\bCampaigns\.\w+|\bMicrosoft\.\w+|SQLite|\bsqlite_|StackTrace|/(home|root|tmp|usr|var|work)/\w", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Leak();
}
