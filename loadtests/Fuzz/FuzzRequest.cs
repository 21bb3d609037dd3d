using System.Globalization;
using System.Net;
using System.Text;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>A request as it goes over the wire.</summary>
/// <param name="Number">its place in the run: with the seed, it makes the same request again</param>
/// <param name="Target">path and query, sent as they are</param>
/// <param name="Mutations">what was done to a valid request; empty if it still is one</param>
internal sealed record FuzzRequest(int Number, Operation Operation, string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers, byte[]? Body, IReadOnlyList<string> Mutations)
{
    private const int CurlBodyMax = 4_000;

    /// <exception cref="UriFormatException">no client can send this target</exception>
    public HttpRequestMessage ToMessage(Uri server)
    {
        var address = new Uri(server.ToString().TrimEnd('/') + Target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var message = new HttpRequestMessage(new HttpMethod(Method), address) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (Body is not null) message.Content = new ByteArrayContent(Body);
        foreach (var (name, value) in Headers)
            if (!message.Headers.TryAddWithoutValidation(name, value)) message.Content?.Headers.TryAddWithoutValidation(name, value);
        return message;
    }

    public string ToCurl(Uri server)
    {
        var line = new StringBuilder();
        if (Body is { Length: > 0 and <= CurlBodyMax }) line.Append(CultureInfo.InvariantCulture, $"echo {Convert.ToBase64String(Body)} | base64 -d | ");
        line.Append(CultureInfo.InvariantCulture, $"curl -si --path-as-is {(Method == "HEAD" ? "-I" : $"-X {Quoted(Method)}")} {Quoted(server.ToString().TrimEnd('/') + Target)}");
        foreach (var (name, value) in Headers) line.Append(CultureInfo.InvariantCulture, $" -H {Quoted(value.Length == 0 ? $"{name};" : $"{name}: {value}")}");
        if (Body is not null) line.Append(Body.Length <= CurlBodyMax ? " --data-binary @-" : $" # and a body of {Body.Length} bytes");
        return line.ToString();
    }

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
