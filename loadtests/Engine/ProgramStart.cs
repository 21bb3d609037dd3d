using System.Diagnostics;
using System.Net;

namespace Campaigns.LoadTests.Engine;

/// <summary>Starts the real program on an empty folder and waits for its first answer.</summary>
internal static class ProgramStart
{
    private const int Rounds = 5;
    private static readonly TimeSpan LimitPerRound = TimeSpan.FromSeconds(30);

    /// <returns>the median, in seconds</returns>
    public static async Task<double> Measure(string program, CancellationToken cancellation)
    {
        var took = new List<double>();
        for (var i = 0; i < Rounds; i++) took.Add(await Once(program, cancellation));
        took.Sort();
        return took[Rounds / 2];
    }

    private static async Task<double> Once(string program, CancellationToken cancellation)
    {
        var data = Directory.CreateTempSubdirectory("campaigns-start-").FullName;
        var url = $"http://127.0.0.1:{Loopback.FreePort()}";
        var start = new ProcessStartInfo(program, ["--urls", url, "--ops-urls", $"http://127.0.0.1:{Loopback.FreePort()}", "--data", data]) { RedirectStandardOutput = true, UseShellExecute = false };
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        try
        {
            while (watch.Elapsed < LimitPerRound)
            {
                try
                {
                    // The demo shop is opened last: when it is there, everything is.
                    using var answer = await http.PostAsync(new Uri($"{url}/v1/sessions"), new StringContent("""{"shopId":"demo","code":"dev:first"}""", System.Text.Encoding.UTF8, "application/json"), cancellation);
                    if (answer.StatusCode == HttpStatusCode.Created) return watch.Elapsed.TotalSeconds;
                }
                catch (Exception notYet) when (notYet is HttpRequestException || (notYet is TaskCanceledException && !cancellation.IsCancellationRequested))
                {
                    // Not listening yet, or listening and still busy with its own start.
                }

                await Task.Delay(5, cancellation);
            }

            throw new TimeoutException($"The program did not answer within {LimitPerRound}.");
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(data, recursive: true);
        }
    }
}
