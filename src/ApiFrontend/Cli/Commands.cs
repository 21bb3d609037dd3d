using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Bargain;
using Campaigns.Silo.Journal;

namespace Campaigns.ApiFrontend.Cli;

/// <summary>The command line. Exit codes: 0 done, 1 failed, 2 usage, 4 refused.</summary>
internal static class Commands
{
    private static readonly Option<string> Data = new("--data") { Description = "Folder of the journal, the read models and the secrets", DefaultValueFactory = _ => "./data", Recursive = true };
    private static readonly Option<string> Urls = new("--urls") { Description = "Where shoppers and merchants are served", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
    private static readonly Option<string?> OpsUrls = new("--ops-urls") { Description = "Where SREs are served (default: the next port on loopback)" };

    public static RootCommand Root()
    {
        var root = new RootCommand("Campaigns: the campaign runtime. Without a command it serves.") { Data, Urls, OpsUrls };
        root.SetAction((parsed, stop) => Serve(new(parsed.GetValue(Urls)!, parsed.GetValue(OpsUrls), parsed.GetValue(Data)!), stop));
        root.Add(VerifyProof());
        foreach (var command in Upkeep.Create(Data)) root.Add(command);
        root.Add(HealthCheck.Create());
        root.Add(DemoEvening.Create());
        return root;
    }

    private static async Task<int> Serve(HostOptions options, CancellationToken stop)
    {
        CampaignsHost host;
        try
        {
            host = await CampaignsHost.Start(options);
        }
        catch (Exception refused) when (refused is StartRefused or IOException or UnauthorizedAccessException or JournalFailure)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return refused is StartRefused ? 4 : 1;
        }

        await using (host)
        {
            Greet(host);
            await host.WaitForShutdown(stop);
        }

        if (host.Failure is null) return 0;
        await Console.Error.WriteLineAsync($"Stopped because the journal failed: {host.Failure.Message}");
        return 1;
    }

    private static void Greet(CampaignsHost host)
    {
        var api = host.Address.ToString().TrimEnd('/');
        Console.WriteLine($"""

            Campaigns is ready.
              API      {api}
              OpenAPI  {api}/openapi/v1.json
              Ops      {host.OpsAddress.ToString().TrimEnd('/')}/metrics
            """);
        if (!host.IsDevelopment) return;
        Console.WriteLine($"""
              Merchant X-Api-Key: {CampaignsHost.DemoKey} (shop '{CampaignsHost.DemoShop}')

            Play a bargain in three lines (another terminal):
              amei=$(curl -s {api}/v1/sessions -H 'content-type: application/json' -d '{"{"}"shopId":"demo","code":"dev:amei"{"}"}' | sed 's/.*"token":"\([^"]*\).*/\1/'); friend=$(curl -s {api}/v1/sessions -H 'content-type: application/json' -d '{"{"}"shopId":"demo","code":"dev:friend"{"}"}' | sed 's/.*"token":"\([^"]*\).*/\1/')
              bargain=$(curl -s {api}/v1/bargains -H "authorization: Bearer $amei" -H 'content-type: application/json' -d '{"{"}"campaignId":"{DemoShopSetup.Campaign}"{"}"}' | sed 's/^{"{"}"id":"\([^"]*\).*/\1/'); echo "bargain $bargain"
              curl -s -X POST {api}/v1/bargains/$bargain/assists -H "authorization: Bearer $friend" -H 'content-type: application/json' -d '{"{}"}'

            Stop with Ctrl-C: what was accepted is finished first.
            """);
    }

    private static Command VerifyProof()
    {
        var file = new Argument<FileInfo>("file") { Description = "What GET /v1/bargains/{id}/proof answered" };
        var command = new Command("verify-proof", "Recompute a bargain's cuts from its revealed seed and compare with what was promised at launch") { file };
        command.SetAction(parsed => Verify(parsed.GetValue(file)!));
        return command;
    }

    /// <summary>Recomputes the cuts of a proof file and says whether they are the promised ones.</summary>
    internal static int Verify(FileInfo file)
    {
        try
        {
            using var json = file.OpenRead();
            var proof = JsonSerializer.Deserialize<BargainProof>(json, Api.Json)!;
            if (BargainPlan.Verify(proof, out var problem))
            {
                Console.WriteLine($"The proof holds: {proof.Slots!.Count} cuts, {proof.Slots.Sum().ToString(CultureInfo.InvariantCulture)} fen together, fixed at launch as {proof.Commitment}.");
                return 0;
            }

            Console.Error.WriteLine($"The proof does not hold: {problem}");
            return 1;
        }
        catch (Exception unreadable) when (unreadable is IOException or JsonException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The file cannot be read as a proof: {unreadable.Message}");
            return 2;
        }
    }
}
