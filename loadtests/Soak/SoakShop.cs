using System.Collections.Concurrent;
using System.Text;
using Campaigns.LoadTests.Crash;
using Campaigns.LoadTests.Overload;
using HdrHistogram;

namespace Campaigns.LoadTests.Soak;

/// <summary>
/// A campaign in the demo shop in which new bargains and new helpers never end: they come in waves, each helper helping once in each bargain of
/// the wave, and what a wave leaves behind is not used again. Every other request looks at a bargain.
/// </summary>
internal sealed class SoakShop(ShopClient client, string host) : IRequests
{
    private const int WavesAhead = 20;
    private const int HelpersPerWave = Slots - 1; // the last assist is never made, so that no bargain takes a place of the campaign
    private const int BargainsPerWave = 100; // what one helper may do a day
    private const int Slots = 40; // the view of a bargain with so many helpers fits the generator's buffer
    private const int BargainMinutes = 60;
    private const int Quota = 1_000_000; // a bargain holds its place for an hour, and a hundred begin each second
    private const int PeopleAtOnce = 8;
    private const long LatencyMaxMicroseconds = 60_000_000;
    private const int LatencyDigits = 3;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentQueue<Wave> waves = new();
    private Wave? wave;
    private string campaign = "";
    private int people;
    private long requests;
    private long assists;

    /// <summary>From when a request was due to its answer, in µs. Read by another thread than writes it.</summary>
    public Recorder Latencies { get; } = new(1, LatencyMaxMicroseconds, LatencyDigits, (id, lowest, highest, digits) => new LongHistogram(id, lowest, highest, digits));

    /// <summary>Assists offered so far.</summary>
    public long Assists => Interlocked.Read(ref assists);

    public async Task Open(CancellationToken stop)
    {
        campaign = await new Merchant(client).OpenBargains("Soak", Slots, BargainMinutes, Quota, BargainsPerWave);
        while (waves.Count < WavesAhead) waves.Enqueue(await NextWave(stop));
        waves.TryDequeue(out wave);
    }

    /// <summary>Prepares waves until it is stopped.</summary>
    public async Task Supply(CancellationToken stop)
    {
        while (true)
        {
            if (waves.Count < WavesAhead) waves.Enqueue(await NextWave(stop));
            else await Task.Delay(LookAgain, stop);
        }
    }

    public (int Length, int Ticket) Write(Span<byte> buffer)
    {
        if (wave!.IsOver && waves.TryDequeue(out var next)) wave = next;

        // Without a wave at hand everybody looks: the rate of requests stays what it is.
        if (requests++ % 2 == 0 || wave.IsOver) return (wave.Look(buffer), 0);
        Interlocked.Increment(ref assists);
        return (wave.Assist(buffer), 0);
    }

    public void Done(int ticket, int status, TimeSpan latency)
    {
        if (status is >= 200 and < 300) Latencies.RecordValue(Math.Clamp((long)latency.TotalMicroseconds, 1, LatencyMaxMicroseconds));
    }

    private async Task<Wave> NextWave(CancellationToken stop)
    {
        var (owner, helpers) = (new Person($"soak{people++}"), Enumerable.Range(0, HelpersPerWave).Select(_ => new Person($"soak{people++}")).ToList());
        var few = new ParallelOptions { MaxDegreeOfParallelism = PeopleAtOnce, CancellationToken = stop };
        await Parallel.ForEachAsync([owner, .. helpers], few, async (person, _) => await client.SignIn(person));
        var bargains = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, BargainsPerWave), few, async (i, _) =>
            bargains.Add(Merchant.Require(await client.Post("/v1/bargains", new { campaignId = campaign }, owner, $"launch{i}")).Body.GetProperty("id").GetString()!));
        return new(
            [.. bargains.Select(b => Encoding.ASCII.GetBytes($"POST /v1/bargains/{b}/assists HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAuthorization: Bearer "))],
            [.. bargains.Select(b => Encoding.ASCII.GetBytes($"GET /v1/bargains/{b} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {owner.Token}\r\n\r\n"))],
            [.. helpers.Select(h => Encoding.ASCII.GetBytes($"{h.Token}\r\n\r\n{{}}"))]);
    }

    private sealed class Wave(byte[][] heads, byte[][] looks, byte[][] tails)
    {
        private int assisted;
        private int looked;

        public bool IsOver => assisted == heads.Length * tails.Length;

        public int Look(Span<byte> buffer)
        {
            var look = looks[looked++ % looks.Length];
            look.CopyTo(buffer);
            return look.Length;
        }

        // Helpers change with each request and so do bargains: no grain is hotter than another.
        public int Assist(Span<byte> buffer)
        {
            var (helper, round) = (assisted % tails.Length, assisted / tails.Length);
            var (head, tail) = (heads[(helper + round) % heads.Length], tails[helper]);
            assisted++;
            head.CopyTo(buffer);
            tail.CopyTo(buffer[head.Length..]);
            return head.Length + tail.Length;
        }
    }
}
