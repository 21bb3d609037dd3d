using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Campaign;
using Spectre.Console;

namespace Campaigns.ApiFrontend.Cli;

/// <summary>
/// <c>campaigns demo</c>: an evening of a bargain campaign against the real HTTP API. A few people start, their friends help and start
/// their own, some pay, some forget, the merchant pauses once; the sandbox's clock lets the hours pass in seconds.
/// </summary>
internal sealed class DemoEvening(DemoClient client, int friends, int minutes, int seed)
{
    private const int StepMinutes = 5;
    private const int StartersPercent = 4;
    private const int AssistsNeeded = 5;
    private const int Quota = 60;
    private const long ListPriceFen = 9_900;

    private readonly Random chance = new(seed);
    private readonly List<DemoPerson> people = [.. Enumerable.Range(1, friends).Select(i => new DemoPerson($"friend{i}"))];
    private readonly HashSet<DemoPerson> owners = [];
    private readonly List<DemoBargain> bargains = [];
    private readonly PriorityQueue<Func<Task>, (int Step, int Order)> plans = new();
    private int planned;
    private string campaign = "";
    private int assists;
    private int repeats;

    public static Command Create()
    {
        var url = new Option<string>("--url") { Description = "A running server in Development; when none answers there, the demo starts its own", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
        var friends = new Option<int>("--friends") { Description = "How many people take part (20–5,000)", DefaultValueFactory = _ => 300 };
        var minutes = new Option<int>("--minutes") { Description = "How long the evening is, on the product's clock (60–720)", DefaultValueFactory = _ => 180 };
        var seed = new Option<int>("--seed") { Description = "The same seed plays the same evening", DefaultValueFactory = _ => 1 };
        var command = new Command("demo", "Play an evening of a bargain campaign over the HTTP API, and show what came of it") { url, friends, minutes, seed };
        url.Validators.Add(given =>
        {
            if (!Uri.TryCreate(given.GetValueOrDefault<string>(), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")) given.AddError("--url needs an address such as http://127.0.0.1:8080.");
        });
        command.SetAction((parsed, cancellation) =>
            Run(new(parsed.GetValue(url)!, UriKind.Absolute), Math.Clamp(parsed.GetValue(friends), 20, 5_000), Math.Clamp(parsed.GetValue(minutes), 60, 720), parsed.GetValue(seed), cancellation));
        return command;
    }

    private static async Task<int> Run(Uri url, int friends, int minutes, int seed, CancellationToken cancellation)
    {
        if (await Answers(url, cancellation))
        {
            if (await HasClock(url, cancellation)) return await Play(url, friends, minutes, seed, cancellation);
            await Console.Error.WriteLineAsync("That server's clock cannot be moved: it is one of a cluster, or not in Development. Stop it, or name another with --url: without a server the demo starts its own.");
            return 4;
        }

        Console.WriteLine($"No server answers at {url.ToString().TrimEnd('/')}, so the demo starts its own with an empty data folder.");
        var data = Directory.CreateTempSubdirectory("campaigns-demo-").FullName;
        try
        {
            await using var host = await CampaignsHost.Start(new("http://127.0.0.1:0", "http://127.0.0.1:0", data), ["--Logging:LogLevel:Default=Warning"]);
            return await Play(host.Address, friends, minutes, seed, cancellation);
        }
        catch (StartRefused refused)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return 4;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<bool> HasClock(Uri url, CancellationToken cancellation)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        using var answer = await http.GetAsync(new Uri(url, "/sandbox/clock"), cancellation);
        return answer.IsSuccessStatusCode;
    }

    private static async Task<bool> Answers(Uri url, CancellationToken cancellation)
    {
        try
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
            using var answer = await http.GetAsync(new Uri(url, "/health/ready"), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception nobody) when (nobody is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task<int> Play(Uri url, int friends, int minutes, int seed, CancellationToken cancellation)
    {
        // A shop of its own: on a server that is in use the demo disturbs nobody's figures, and a second evening starts afresh.
        var shop = $"evening-{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)}";
        using var client = new DemoClient(url, shop, cancellation);
        var opened = await client.Sandbox(HttpMethod.Post, "/sandbox/shops", new { shopId = shop });
        if (!opened.IsSuccess)
        {
            await Console.Error.WriteLineAsync($"{url} has no sandbox ({opened.Status} {opened.Code}). The demo needs a server in Development.");
            return 1;
        }

        client.MerchantKey = opened.Text("merchantKey");
        Console.WriteLine($"An evening with {friends} friends at {url.ToString().TrimEnd('/')} (shop {shop}, seed {seed}):");
        var evening = new DemoEvening(client, friends, minutes, seed);
        await evening.OpenCampaign();
        var console = AnsiConsole.Create(new() { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect, Interactive = Console.IsOutputRedirected ? InteractionSupport.No : InteractionSupport.Detect });
        await console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()).StartAsync(evening.Pass);
        return await evening.Tell(console) ? 0 : 1;
    }

    private async Task OpenCampaign()
    {
        var product = DemoClient.Require(await client.Merchant(HttpMethod.Post, "/merchant/v1/products", new { title = "手工桂花糕", type = "handmade", skus = new[] { new { name = "礼盒装", listPriceFen = ListPriceFen, stock = 500 } } }));
        var now = (await Advance(0)).ToUniversalTime();
        var draft = DemoClient.Require(await client.Merchant(HttpMethod.Post, "/merchant/v1/campaigns", new
        {
            kind = "bargain",
            title = "砍价夜 · 桂花糕",
            startsAt = now,
            endsAt = now.AddMinutes(minutes),
            sku = product.Body.GetProperty("skus")[0].GetProperty("id").GetString(),
            rules = new { floorFen = 1_990, assistsNeeded = AssistsNeeded, curve = "front-loaded", minCutFen = 100, ttlMinutes = 60, payWindowMinutes = 60, quota = Quota, selfCut = true, launchesPerUser = 1 },
        }));
        campaign = draft.Text("id");
        DemoClient.Require(await client.Merchant(HttpMethod.Post, $"/merchant/v1/campaigns/{campaign}/publications"));
    }

    private async Task Pass(ProgressContext progress)
    {
        var steps = minutes / StepMinutes;
        var task = progress.AddTask("The evening", maxValue: steps);
        foreach (var starter in people.Take(Math.Max(3, friends * StartersPercent / 100))) Plan(chance.Next(0, steps / 2), () => Launch(starter));
        Plan(steps * 2 / 5, Pause);
        Plan((steps * 2 / 5) + 2, Resume);
        for (Step = 0; Step < steps; Step++)
        {
            while (plans.TryPeek(out _, out var at) && at.Step <= Step) await plans.Dequeue()();
            await Advance(StepMinutes * 60);
            task.Increment(1);
        }

        // Afterwards: payment windows close, earned prices nobody ordered lapse, late friends find the doors shut.
        for (var late = 0; late < 120 / StepMinutes; late++, Step++)
        {
            while (plans.TryPeek(out _, out var at) && at.Step <= Step) await plans.Dequeue()();
            await Advance(StepMinutes * 60);
        }
    }

    private int Step { get; set; }

    private void Plan(int step, Func<Task> act) => plans.Enqueue(act, (step, planned++));

    private void Later(int stepsMax, Func<Task> act) => Plan(Step + 1 + chance.Next(stepsMax), act);

    private async Task Launch(DemoPerson owner)
    {
        if (!owners.Add(owner)) return;
        var launched = await client.As(owner, HttpMethod.Post, "/v1/bargains", new { campaignId = campaign });
        if (!launched.IsSuccess)
        {
            // A pause passes: those who were refused try once more when it is over.
            if (launched.Code == nameof(CampaignRefusal.CampaignPaused) && owners.Remove(owner)) Later(4, () => Launch(owner));
            return;
        }

        var bargain = new DemoBargain(launched.Text("id"), owner);
        bargains.Add(bargain);
        for (var invited = chance.Next(6, 16); invited > 0; invited--)
        {
            // A tenth of the people are everybody's friend: they are asked more often than a day allows.
            var friend = people[chance.Next(chance.Next(3) == 0 ? people.Count / 10 : people.Count)];
            if (chance.Next(10) < 8) Later(13, () => Help(friend, bargain));
        }
    }

    private async Task Help(DemoPerson friend, DemoBargain bargain)
    {
        var path = $"/v1/bargains/{bargain.Id}/assists";
        var tap = client.As(friend, HttpMethod.Post, path);
        if (chance.Next(12) == 0)
        {
            await tap;
            tap = client.As(friend, HttpMethod.Post, path); // an impatient thumb: answered with the first result
        }

        var helped = await tap;
        if (!helped.IsSuccess) return;
        if (helped.Status == 200) repeats++;
        if (bargain.Helpers.Add(friend)) assists++;
        if (helped.Text("state") == "Succeeded" && !bargain.HasSucceeded)
        {
            bargain.HasSucceeded = true;
            Later(6, () => Order(bargain, tries: 2));
        }

        // This is how a campaign travels: who has helped sees the price and wants it too.
        if (chance.Next(100) < 28) Later(5, () => Launch(friend));
    }

    private async Task Order(DemoBargain bargain, int tries)
    {
        var mood = chance.Next(100);
        if (mood < 8) return; // has changed their mind: the earned price lapses
        var ordered = await client.As(bargain.Owner, HttpMethod.Post, $"/v1/bargains/{bargain.Id}/orders");
        if (!ordered.IsSuccess) return;

        var order = ordered.Text("id");
        if (mood < 70)
        {
            var payment = DemoClient.Require(await client.As(bargain.Owner, HttpMethod.Post, $"/v1/orders/{order}/payments"));
            DemoClient.Require(await client.Sandbox(HttpMethod.Post, $"/sandbox/payments/{payment.Text("paymentId")}/pay", new { repeat = chance.Next(2) }));
            await Paid(bargain.Owner, order);
        }
        else
        {
            if (mood < 82) await client.As(bargain.Owner, HttpMethod.Post, $"/v1/orders/{order}/cancellations", new { reason = "想再看看" });

            // The others forget to pay: the order times out. Either way the price stays earned while its window lasts.
            if (tries > 1) Later(5, () => Order(bargain, tries - 1));
        }
    }

    // The gateway calls back by itself; the evening goes on when it has, so that the same seed plays the same evening.
    private async Task Paid(DemoPerson owner, string order)
    {
        for (var tries = 500; tries > 0; tries--)
        {
            if (DemoClient.Require(await client.As(owner, HttpMethod.Get, $"/v1/orders/{order}")).Text("state") != "Pending") return;
            await Task.Delay(20);
        }
    }

    private async Task Pause() => DemoClient.Require(await client.Merchant(HttpMethod.Post, $"/merchant/v1/campaigns/{campaign}/pauses", new { reason = "counting the boxes" }));

    private async Task Resume() => DemoClient.Require(await client.Merchant(HttpMethod.Post, $"/merchant/v1/campaigns/{campaign}/resumptions", new { reason = "all there" }));

    private async Task<DateTimeOffset> Advance(int seconds) =>
        DemoClient.Require(await client.Sandbox(HttpMethod.Post, "/sandbox/clock", new { advanceSeconds = seconds })).Body.GetProperty("now").GetDateTimeOffset();

    /// <returns>true if the figures of the merchant's report are those that the friends were told, and the proof holds</returns>
    private async Task<bool> Tell(IAnsiConsole console)
    {
        var report = await Report();
        Show(console, "What the friends saw",
            ("bargains started", $"{bargains.Count}"),
            ("assists", $"{assists}, and {repeats} second taps answered with the first result"),
            ("bargains at the lowest price", $"{bargains.Count(b => b.HasSucceeded)}"),
            ("refused", client.Refusals.Count == 0 ? "nothing" : string.Join('\n', client.Refusals.Select(r => $"{r.Value} × {r.Key}"))),
            ("answers", $"{client.Answers}, the slowest after {client.Slowest.Took.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture)} ms"));
        Show(console, "The merchant's report",
            ("started", $"{report.Launched}"),
            ("assists / helpers", $"{report.Assists} / {report.Helpers}"),
            ("new customers", $"{report.NewCustomers}"),
            ("succeeded", $"{report.Succeeded}"),
            ("orders / paid", $"{report.Orders} / {report.PaidOrders}"),
            ("revenue / discounts", $"{Yuan(report.RevenueFen)} / {Yuan(report.DiscountFen)}"),
            ("new people per hop", report.Hops.Count == 0 ? "none" : string.Join(" → ", report.Hops)),
            ("health", string.Join('\n', report.Health.Select(h => $"{h.Metric} {h.Value}: {h.Verdict} ({h.Low}–{h.High})"))));

        var agrees = report.Launched == bargains.Count && report.Assists == assists;
        Console.WriteLine(agrees ? "The report agrees with what the friends were told." : "The report does not agree with what the friends were told.");
        return agrees & await Verify();
    }

    // Reports are read models: they follow the facts by some milliseconds.
    private async Task<CampaignReport> Report()
    {
        for (var tries = 50; ; tries--)
        {
            var answer = DemoClient.Require(await client.Merchant(HttpMethod.Get, $"/merchant/v1/campaigns/{campaign}/report"));
            var report = JsonSerializer.Deserialize<CampaignReport>(answer.Body, Api.Json)!;
            if ((report.Launched == bargains.Count && report.Assists == assists) || tries == 0) return report;
            await Task.Delay(100);
        }
    }

    private async Task<bool> Verify()
    {
        if (bargains.Find(b => b.HasSucceeded) is not { } bargain)
        {
            Console.WriteLine("No bargain succeeded, so there is no proof to verify yet.");
            return true;
        }

        var proof = DemoClient.Require(await client.As(bargain.Owner, HttpMethod.Get, $"/v1/bargains/{bargain.Id}/proof"));
        var file = Path.Combine(Path.GetTempPath(), $"proof-{bargain.Id}.json");
        await File.WriteAllTextAsync(file, proof.Body.GetRawText());
        Console.WriteLine($"The proof of {bargain.Owner.Name}'s bargain, checked again like anybody can (campaigns verify-proof {file}):");
        return Commands.Verify(new(file)) == 0;
    }

    private static void Show(IAnsiConsole console, string title, params ReadOnlySpan<(string What, string Value)> rows)
    {
        var table = new Table { Border = Console.IsOutputRedirected ? TableBorder.Ascii : TableBorder.Rounded, Title = new(Markup.Escape(title)) };
        table.AddColumn("what").AddColumn("value");
        foreach (var (what, value) in rows) table.AddRow(Markup.Escape(what), Markup.Escape(value));
        console.Write(table);
    }

    private static string Yuan(long fen) => (fen / 100).ToString(CultureInfo.InvariantCulture) + "." + (fen % 100).ToString("00", CultureInfo.InvariantCulture) + " yuan";

    private sealed class DemoBargain(string id, DemoPerson owner)
    {
        public string Id { get; } = id;

        public DemoPerson Owner { get; } = owner;

        public HashSet<DemoPerson> Helpers { get; } = [];

        public bool HasSucceeded { get; set; }
    }
}
