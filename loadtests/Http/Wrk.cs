using System.Diagnostics;
using System.Globalization;
using Campaigns.LoadTests.Peers;

namespace Campaigns.LoadTests.Http;

/// <summary>The load generator <c>wrk</c>, to see whether ours is slower.</summary>
internal static class Wrk
{
    private static readonly string? Folder = Sandbox.Find(["wrk"]);

    public static bool IsInstalled => Folder is not null;

    /// <summary>Sends the same request again and again over so many connections, on one thread as ours does.</summary>
    /// <param name="request">head and body as they are sent</param>
    /// <returns>requests a second, and how many cores it used itself</returns>
    public static async Task<(double PerSecond, double Cores)> Run(Uri server, string request, int connections, int seconds, CancellationToken stop)
    {
        var (head, body) = (request.Split("\r\n\r\n")[0].Split("\r\n"), request.Split("\r\n\r\n")[1]);
        var script = Path.GetTempFileName();
        try
        {
            // Its own are Host and Content-Length.
            var headers = head[1..].Select(line => line.Split(": ")).Where(h => h[0] is not ("Host" or "Content-Length")).Select(h => $"wrk.headers['{h[0]}'] = '{h[1]}'");
            await File.WriteAllLinesAsync(script, ["wrk.method = 'POST'", $"wrk.path = '{head[0].Split(' ')[1]}'", $"wrk.body = '{body}'", .. headers], stop);
            var before = ProcessorTime.OfEndedChildren();
            var start = new ProcessStartInfo(Path.Combine(Folder!, "wrk"), ["-t", "1", "-c", $"{connections}", "-d", $"{seconds}s", "-s", script, server.ToString()]) { UseShellExecute = false, RedirectStandardOutput = true };
            using var wrk = Process.Start(start)!;
            var printed = await wrk.StandardOutput.ReadToEndAsync(stop);
            await wrk.WaitForExitAsync(stop);
            var rate = printed.Split('\n').Single(line => line.StartsWith("Requests/sec:", StringComparison.Ordinal)).Split(':')[1];
            return (double.Parse(rate, CultureInfo.InvariantCulture), (ProcessorTime.OfEndedChildren() - before) / seconds);
        }
        finally
        {
            File.Delete(script);
        }
    }
}
