using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Http;

/// <param name="PerSecond">visits that begin in a second</param>
/// <param name="Seconds">how long visits begin</param>
internal sealed record EveningOptions(int PerSecond, int Seconds, int Running, double Skew, int Seed, Uri? Url);

/// <summary>What a visitor does.</summary>
internal enum Act
{
    List = 1,
    View = 2,

    /// <summary>A bargain's events, watched for a while and dropped.</summary>
    Live = 3,

    Assist = 4,

    /// <summary>The same request twice at once.</summary>
    DoubleTap = 5,

    /// <summary>The same request again some time after its answer.</summary>
    Retry = 6,

    /// <summary>The first request was cut off before its answer; this is the next one.</summary>
    AfterDisconnect = 7,

    Take = 8,
}

/// <summary>
/// A mixed evening: visits begin at times fixed in advance, each a list, a bargain, then mostly an assist, often a live view, sometimes a take of a flash
/// sale, with pauses to think. Latency counts from when a visitor was to act. Afterwards bargains and sale must be exactly what visitors were told.
/// </summary>
internal sealed class EveningRun(EveningOptions options, Action<string> say)
{
    private const double Assists = 0.7;
    private const double DoubleTaps = 0.15;
    private const double Retries = 0.15;
    private const double Disconnects = 0.1;
    private const double LiveViews = 0.3;
    private const double Takes = 0.3;
    private const int UnitsPerVisits = 10; // so many visits for a unit: the sale is sold out before the evening ends
    private const int PerUserLimit = 2;
    private static readonly TimeSpan DisconnectMax = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LiveAnswerMax = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<int, int> helped = new();
    private int taken;
    private RealServer server = null!;
    private AssistShop shop = null!;
    private AssistPlan plan = null!;
    private string sale = "";

    public Findings Findings { get; } = new();

    /// <returns>the latencies of each kind of request</returns>
    public async Task<IReadOnlyList<Latencies>> Play(CancellationToken stop)
    {
        var arrivals = Arrivals.AtRandom(options.PerSecond, TimeSpan.FromSeconds(options.Seconds), options.Seed).ToList();
        plan = new(arrivals.Count, options.Running, options.Skew, options.Seed);
        using var started = server = await RealServer.Start(options.Url, Findings, stop);
        shop = new(server);
        await shop.Open(plan, stop);
        var units = Math.Max(1, arrivals.Count / UnitsPerVisits);
        var merchant = new Merchant(server.Client);
        sale = await merchant.Publish("flash-sale", "Evening", await merchant.AddSku("Evening cake", units), new { salePriceFen = 5_900, quota = units, perUserLimit = PerUserLimit, holdSeconds = 3_600 });

        var (own, servers, visits) = (Environment.CpuUsage.TotalTime, server.ProcessorSeconds, new Visits<Act>(stop));
        await visits.Play(arrivals, (visit, due) => Visit(visits, visit, due, stop));
        var seconds = visits.Elapsed.TotalSeconds;
        say(string.Create(CultureInfo.InvariantCulture, $"{arrivals.Count} visits with {visits.Requests} requests in {seconds:0.0} s; generator {(Environment.CpuUsage.TotalTime - own).TotalSeconds / seconds:0.00} cores, server {(server.ProcessorSeconds - servers) / seconds:0.00}; {helped.Values.Sum()} helped, {taken} of {units} units taken"));

        await shop.Audit(bargain => helped.GetValueOrDefault(bargain), Findings, stop);
        var left = (await server.Client.Get($"/merchant/v1/campaigns/{sale}")).Body.GetProperty("quota").GetProperty("left").GetInt32();
        if (left != units - taken) Findings.Add(Wrong.Leaked, $"{taken} of {units} units were taken and {left} are left.");
        await server.EndAndCheck();
        return visits.Read();
    }

    private async Task Visit(Visits<Act> visits, int visit, TimeSpan due, CancellationToken stop)
    {
        var chance = Seeds.Of(options.Seed, 1_000 + visit);
        var who = new Person($"visitor {visit}") { Token = shop.Tokens[plan.HelperOf(visit)] };
        var (bargain, key) = (shop.Bargains[plan.BargainOf(visit)], $"evening-{visit}");
        Require(await Timed(Act.List, () => server.Client.Get("/v1/campaigns?kind=bargain", who)), 200);
        await Think();
        Require(await Timed(Act.View, () => server.Client.Get($"/v1/bargains/{bargain}", who)), 200);
        await Think();
        using var live = chance.NextDouble() < LiveViews ? await Watch() : null;
        if (live is not null) await Think();
        if (chance.NextDouble() < Assists) await Help();
        await Think();
        if (chance.NextDouble() < Takes) await Take();

        async Task Think() => due = await visits.Think(chance);

        async Task Help()
        {
            Task<Reply> Ask() => server.Client.Post($"/v1/bargains/{bargain}/assists", null, who, key);
            switch (chance.NextDouble())
            {
                case < DoubleTaps:
                    var taps = await Task.WhenAll(Timed(Act.DoubleTap, Ask), Timed(Act.DoubleTap, Ask));
                    Same(taps[0], taps[1]);
                    break;
                case < DoubleTaps + Retries:
                    var first = await Timed(Act.Assist, Ask);
                    await Think();
                    Same(first, await Timed(Act.Retry, Ask));
                    break;
                case < DoubleTaps + Retries + Disconnects:
                    await CutOff();
                    due = visits.Elapsed;
                    Require(await Timed(Act.AfterDisconnect, Ask), 201);
                    break;
                default:
                    Require(await Timed(Act.Assist, Ask), 201);
                    break;
            }

            helped.AddOrUpdate(plan.BargainOf(visit), 1, (_, n) => n + 1);
        }

        void Same(Reply one, Reply other)
        {
            Require(one, 201);
            Require(other, 201);
            if (!JsonElement.DeepEquals(one.Body, other.Body)) Findings.Add(Wrong.Doubled, $"An assist with one key was answered {one.Body} and {other.Body}.");
        }

        // Sent and given up before the answer: nobody knows whether it took effect.
        async Task CutOff()
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(DisconnectMax * chance.NextDouble());
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, $"/v1/bargains/{bargain}/assists")) { Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new("Bearer", who.Token);
            request.Headers.Add("Idempotency-Key", key);
            try
            {
                using var answer = await server.Http.SendAsync(request, patience.Token);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                // As meant.
            }
        }

        async Task Take()
        {
            var reply = await Timed(Act.Take, () => server.Client.Post($"/v1/flash-sales/{sale}/orders", new { quantity = 1 }, who, key));
            if (reply.Status == 201) Interlocked.Increment(ref taken);
            else if (reply.Code is not ("SoldOut" or "PurchaseLimit")) Findings.Add(Wrong.Other, $"A take was answered {reply.Status} {reply.Code}.");
        }

        async Task<IDisposable> Watch()
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Address, $"/v1/bargains/{bargain}/events"));
            request.Headers.Authorization = new("Bearer", who.Token);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(LiveAnswerMax);
            var since = visits.Since(due);
            var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            await (await answer.Content.ReadAsStreamAsync(patience.Token)).ReadExactlyAsync(new byte[1], patience.Token); // the first of the snapshot
            visits.Note(Act.Live, (int)answer.StatusCode, since);
            if (!answer.IsSuccessStatusCode) Findings.Add(Wrong.Other, $"A live view was answered {(int)answer.StatusCode}.");
            return answer;
        }

        Task<Reply> Timed(Act act, Func<Task<Reply>> ask) => visits.Timed(act, due, ask);
    }

    private void Require(Reply reply, int status)
    {
        if (reply.Status != status) Findings.Add(Wrong.Other, $"Instead of {status} a visitor was answered {reply.Status} {reply.Code}.");
    }
}
