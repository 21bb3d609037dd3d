using System.CommandLine;

namespace Campaigns.ApiFrontend.Cli;

/// <summary>Asks a running server whether it is ready: for a container without a shell, which has nothing else to ask with.</summary>
internal static class HealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var url = new Option<string>("--url") { Description = "What is asked; of a server named alone, /health/ready", DefaultValueFactory = _ => "http://127.0.0.1:8081/health/ready" };
        url.Validators.Add(parsed =>
        {
            if (Address(parsed.GetValueOrDefault<string>()) is null) parsed.AddError("--url: an address begins with http:// or https://");
        });
        var command = new Command("health", "Ask a running server whether it is ready; exit code 0: it is, 1: it is not or does not answer within 3 s") { url };
        command.SetAction((parsed, stop) => Ask(Address(parsed.GetValue(url))!, stop));
        return command;
    }

    private static Uri? Address(string? text) =>
        !Uri.TryCreate(text, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) ? null
        : url.AbsolutePath == "/" ? new(url, "/health/ready") : url;

    private static async Task<int> Ask(Uri url, CancellationToken stop)
    {
        // No proxy of the environment stands between a container and itself.
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };
        try
        {
            using var response = await http.GetAsync(url, stop);
            Console.WriteLine(await response.Content.ReadAsStringAsync(stop));
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException || (gone is OperationCanceledException && !stop.IsCancellationRequested))
        {
            await Console.Error.WriteLineAsync($"{url} does not answer: {gone.Message}");
            return 1;
        }
    }
}
