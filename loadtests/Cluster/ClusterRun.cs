using System.Diagnostics;
using System.Globalization;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Peers;

namespace Campaigns.LoadTests.Cluster;

/// <param name="Every">time between two ends of a silo</param>
/// <param name="Duration">how long silos end; the checks come after</param>
/// <param name="Seed">chooses who does what, and which silo ends how; the instants are the machine's</param>
/// <param name="Workers">people who act at the same time</param>
internal sealed record ClusterOptions(int Silos, TimeSpan Every, TimeSpan Duration, int Seed, int Workers, string? Program)
{
    public int People { get; init; } = 600;

    public int RunningMax { get; init; } = 120;
}

/// <summary>How a silo ends.</summary>
internal enum SiloEnd
{
    /// <summary><c>kill -9</c>.</summary>
    Killed,

    /// <summary>Stopped for longer than the others wait for it, then woken: it must find itself fenced off.</summary>
    Paused,

    /// <summary>SIGTERM: it hands over and exits 0, and nobody at the edge notices.</summary>
    Drained,
}

/// <summary>How a run ended.</summary>
/// <param name="RefusedWhileDraining">answers 5xx and lost connections at the frontends from a SIGTERM to the end of that silo</param>
/// <param name="SlowestAgain">the longest time until every watched bargain was answered again, by how the silo ended</param>
internal sealed record ClusterReport(IReadOnlyDictionary<SiloEnd, int> Ends, long Acknowledged, long Unanswered, long RefusedWhileDraining, IReadOnlyDictionary<SiloEnd, TimeSpan> SlowestAgain, int Bargains, int Purchases, Findings Findings, TimeSpan Took, int Seed, IReadOnlyList<string> ServerLog)
{
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{Ends[SiloEnd.Killed]} silos killed, {Ends[SiloEnd.Paused]} paused past their lease, {Ends[SiloEnd.Drained]} drained; {Acknowledged} acknowledged, {Findings.Count(Wrong.Lost)} lost, {Findings.Count(Wrong.Doubled)} doubled, {Findings.Count(Wrong.Leaked)} leaked, {Findings.Count(Wrong.Late)} late deadlines, {Findings.Count(Wrong.Other)} otherwise wrong; all watched grains answered again within {SlowestAgain[SiloEnd.Killed].TotalSeconds:0.0} s of a kill and {SlowestAgain[SiloEnd.Paused].TotalSeconds:0.0} s of a pause; the slowest drain took {SlowestAgain[SiloEnd.Drained].TotalSeconds:0.0} s, {RefusedWhileDraining} requests refused or cut off at the edge meanwhile; {Took.TotalSeconds:0} seconds (seed {Seed}, {Bargains} bargains, {Purchases} purchases, {Unanswered} requests cut off and sent again)");
}

/// <summary>
/// People use two frontends while the silos behind them end in turn. At the end the cluster is stopped and one process alone goes on with its
/// journal: the clock is moved past every deadline, and what it then says is compared with what was acknowledged.
/// </summary>
internal sealed class ClusterRun : IDisposable
{
    private const int DailyCap = 100; // the most there is: the clock of a cluster stands, and a day has to last
    private const int Watched = 60;
    private static readonly TimeSpan PauseFor = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan QuietMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(60);

    private readonly ClusterOptions options;
    private readonly Action<string> say;
    private readonly Random chance;
    private readonly string folder = Directory.CreateTempSubdirectory("campaigns-cluster-").FullName;
    private readonly HttpClient http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2), PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource stop = new();
    private readonly Findings findings = new();
    private readonly Ledger ledger = new();
    private readonly PostgresServer database;
    private readonly List<ServerProcess> silos = [];
    private readonly List<ServerProcess> frontends = [];
    private readonly Dictionary<SiloEnd, int> ends = Enum.GetValues<SiloEnd>().ToDictionary(e => e, _ => 0);
    private readonly ShopClient client;
    private ServerProcess? alone;
    private readonly Dictionary<SiloEnd, TimeSpan> slowest = Enum.GetValues<SiloEnd>().ToDictionary(e => e, _ => TimeSpan.Zero);
    private long refusedWhileDraining;
    private int asked;
    private long clockAheadTicks;

    private ClusterRun(ClusterOptions options, PostgresServer database, Action<string> say)
    {
        (this.options, this.database, this.say) = (options, database, say);
        chance = new(options.Seed);
        client = new(http, Address, findings, stop.Token);
    }

    public static async Task<ClusterReport> Play(ClusterOptions options, Action<string> say, CancellationToken cancellation)
    {
        using var database = await PostgresServer.Start(["max_connections=200"], cancellation);
        using var run = new ClusterRun(options, database, say);
        await using var registration = cancellation.Register(run.stop.Cancel);
        return await run.Play();
    }

    public void Dispose()
    {
        stop.Cancel();
        foreach (var process in Processes) process.Dispose();
        http.Dispose();
        stop.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private IEnumerable<ServerProcess> Processes => [.. silos, .. frontends, .. alone is null ? [] : (ServerProcess[])[alone]];

    private async Task<ClusterReport> Play()
    {
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < options.Silos; i++) silos.Add(await Start($"silo{i}", "Silo"));
        for (var i = 0; i < 2; i++) frontends.Add(await Start($"frontend{i}", "Frontend"));
        say(string.Create(CultureInfo.InvariantCulture, $"{options.Silos} silos and 2 frontends are ready after {watch.Elapsed.TotalSeconds:0.0} s."));

        var people = Enumerable.Range(0, options.People).Select(i => new Person($"cluster{options.Seed}.{i}")).ToList();
        var shop = await Shop.Open(client, chance, DailyCap, Now);
        await Parallel.ForEachAsync(people, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (person, _) => await client.SignIn(person));
        var checkout = new Checkout(client, ledger, findings);
        var crowd = new Crowd(client, ledger, findings, people, shop.Bargains, checkout, new(client, ledger, findings, checkout, people, shop.Sales, shop.Groups), Now, options.RunningMax);
        var audit = new Audit(client, ledger, findings, people, shop, DailyCap, TimeZoneInfo.FindSystemTimeZoneById("Asia/Shanghai"));
        var workers = Enumerable.Range(0, options.Workers).Select(w => Task.Run(() => crowd.Work(Seeds.Of(options.Seed, w), stop.Token))).ToList();
        try
        {
            var until = watch.Elapsed + options.Duration;
            for (var round = 0; watch.Elapsed < until && findings.Count(Wrong.Other) < 20; round++)
            {
                await Task.Delay(options.Every, stop.Token);
                await End(round, people[0]);
            }

            crowd.Pause();
            if (await Quiet(crowd)) await audit.Books(all: true, settled: false, Now());
            await StopAll();
            foreach (var wrong in await silos[0].Check()) findings.Add(Wrong.Other, wrong);
            await GoOnAlone(audit);
        }
        catch (ServerGone gone)
        {
            findings.Add(Wrong.Other, gone.Message);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(workers).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        return new(ends, ledger.Acknowledged, client.Unanswered, refusedWhileDraining, slowest, ledger.Deals.Count, ledger.Purchases.Count, findings, watch.Elapsed, options.Seed, findings.IsEmpty ? [] : [.. Processes.SelectMany(p => p.Log.TakeLast(40))]);
    }

    // One of ten is paused and two of ten are drained; the first three are one of each.
    private async Task End(int round, Person viewer)
    {
        var number = chance.Next(silos.Count);
        var silo = silos[number];
        var how = round < 3 ? (SiloEnd)round : chance.Next(10) switch { 0 => SiloEnd.Paused, 1 or 2 => SiloEnd.Drained, _ => SiloEnd.Killed };
        ends[how]++;
        var watch = Stopwatch.StartNew();
        switch (how)
        {
            case SiloEnd.Killed:
                silo.Kill();
                await WhenAnswered(viewer, watch, how);
                break;
            case SiloEnd.Paused:
                silo.Suspend();
                await WhenAnswered(viewer, watch, how);
                await Task.Delay(PauseFor > watch.Elapsed ? PauseFor - watch.Elapsed : TimeSpan.Zero, stop.Token);
                silo.Continue();
                await WhenGone(silo);
                break;
            case SiloEnd.Drained:
                var (refused, cutOff) = (client.Busy, client.Unanswered);
                silo.Terminate();
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token))
                {
                    limit.CancelAfter(DrainMax);
                    if (await silo.WhenEnded(limit.Token) is not 0 and var code) findings.Add(Wrong.Other, $"A silo that was drained ended with {code}.");
                }

                await WhenAnswered(viewer, watch, how);
                refusedWhileDraining += client.Busy - refused + client.Unanswered - cutOff;
                break;
        }

        say(string.Create(CultureInfo.InvariantCulture, $"{how} silo {number}: {watch.Elapsed.TotalSeconds:0.0} s; {ledger.Acknowledged} acknowledged so far."));
        silo.Start();
        await silo.WhenReady(stop.Token);
    }

    // Bargains lie on every silo: when all of a good number are answered, so are those that the silo had.
    private async Task WhenAnswered(Person viewer, Stopwatch since, SiloEnd how)
    {
        var bargains = ledger.Deals.OrderBy(d => d.Id, StringComparer.Ordinal).TakeLast(Watched).ToList();
        await Task.WhenAll(bargains.Select(b => client.Get($"/v1/bargains/{b.Id}", viewer)));
        if (since.Elapsed > slowest[how]) slowest[how] = since.Elapsed;
    }

    // What it decided while the others had already given it up must not be written: it finds itself fenced off, and ends.
    private async Task WhenGone(ServerProcess silo)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        limit.CancelAfter(DrainMax);
        try
        {
            if (await silo.WhenEnded(limit.Token) == 0) findings.Add(Wrong.Other, "A silo that the others had given up ended as if nothing had been.");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            findings.Add(Wrong.Other, $"A silo that the others had given up still runs {DrainMax.TotalSeconds} s after it was woken.");
            silo.Kill();
        }
    }

    private async Task<bool> Quiet(Crowd crowd)
    {
        var since = Stopwatch.StartNew();
        for (var quiet = 0; quiet < 3; await Task.Delay(100, stop.Token))
        {
            if (since.Elapsed > QuietMax)
            {
                findings.Add(Wrong.Other, $"Something is on its way or without an answer {QuietMax.TotalSeconds} s after the last act.");
                return false;
            }

            var busy = !crowd.IsQuiet;
            foreach (var process in (ServerProcess[])[.. silos, .. frontends])
            {
                using var answer = await http.GetAsync(new Uri(process.OpsAddress, "/ops/status"), stop.Token);
                using var status = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(stop.Token));
                busy |= ((string[])["queuedCommands", "messagesInFlight", "projectionLagFlushes"]).Any(n => status.RootElement.GetProperty(n).GetInt64() > 0);
            }

            quiet = busy ? 0 : quiet + 1;
        }

        return true;
    }

    private async Task StopAll()
    {
        foreach (var process in (ServerProcess[])[.. frontends, .. silos])
        {
            process.Terminate();
            if (await process.WhenEnded(stop.Token) is not 0 and var code) findings.Add(Wrong.Other, $"A process that was asked to end ended with {code}.");
        }
    }

    // One machine over the cluster's database: time can be moved there, and it sees the same facts.
    private async Task GoOnAlone(Audit audit)
    {
        alone = new(options.Program!, Data("silo0"), http) { Settings = Settings(null) };
        alone.Start();
        await alone.WhenReady(stop.Token);
        for (var hours = 0; hours < 26; hours += 2) await Advance(TimeSpan.FromHours(2));
        await audit.Books(all: true, settled: true, Now());
        await audit.NothingOpen();
        alone.Kill();
        foreach (var wrong in await alone.Check()) findings.Add(Wrong.Other, wrong);
    }

    private async Task Advance(TimeSpan by)
    {
        var now = (await client.Post("/sandbox/clock", new { advanceSeconds = (long)by.TotalSeconds })).Body.GetProperty("now").GetDateTimeOffset();
        Interlocked.Exchange(ref clockAheadTicks, (now - DateTimeOffset.UtcNow).Ticks);
    }

    private DateTimeOffset Now() => DateTimeOffset.UtcNow.AddTicks(Interlocked.Read(ref clockAheadTicks));

    private Uri Address() => alone?.Address ?? frontends[(int)((uint)Interlocked.Increment(ref asked) % frontends.Count)].Address;

    private async Task<ServerProcess> Start(string name, string role)
    {
        // The keys that sign tokens are the same for all: what the first process made is given to the others.
        var keys = Path.Combine(Data("silo0"), "keys");
        if (Directory.Exists(keys))
        {
            var copy = Directory.CreateDirectory(Path.Combine(Data(name), "keys")).FullName;
            foreach (var key in Directory.GetFiles(keys)) File.Copy(key, Path.Combine(copy, Path.GetFileName(key)), overwrite: true);
        }

        var process = new ServerProcess(options.Program!, Data(name), http) { Settings = Settings(role) };
        process.Start();
        await process.WhenReady(stop.Token);
        return process;
    }

    private string Data(string name) => Path.Combine(folder, name);

    private Dictionary<string, string> Settings(string? role)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["Journal__Postgres"] = database.ConnectionString };
        if (role is null) return settings;
        settings["Cluster__Role"] = role;
        settings["Cluster__Address"] = "127.0.0.1";
        settings["Cluster__SiloPort"] = Loopback.FreePort().ToString(CultureInfo.InvariantCulture);
        settings["Cluster__GatewayPort"] = Loopback.FreePort().ToString(CultureInfo.InvariantCulture);
        return settings;
    }
}
