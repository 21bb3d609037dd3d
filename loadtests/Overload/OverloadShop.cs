using System.Collections.Concurrent;
using System.Text;
using Campaigns.LoadTests.Crash;

namespace Campaigns.LoadTests.Overload;

/// <summary>A campaign in the demo shop with many bargains and many helpers who have not helped yet.</summary>
internal sealed class OverloadShop(ShopClient client, string host)
{
    private const int Helpers = 4_500;
    private const int AssistsPerHelper = 100;
    private const int Slots = 200;
    private const int Bargains = Helpers * AssistsPerHelper / Slots;
    private const int BargainMinutes = 1_440;
    private const int Quota = 10_000;
    private const int Owners = 24; // each starts a hundred bargains at most

    private readonly List<byte[]> helperTails = [];
    private readonly List<byte[]> bargainHeads = [];
    private byte[] read = [];

    public async Task Open(CancellationToken stop)
    {
        var campaign = await new Merchant(client).OpenBargains("Overload", Slots, BargainMinutes, Quota, AssistsPerHelper);
        var people = Enumerable.Range(0, Owners + Helpers).Select(i => new Person($"overload{i}")).ToList();
        await Parallel.ForEachAsync(people, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stop }, async (person, _) => await client.SignIn(person));
        var bargains = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Bargains + 1), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stop }, async (i, _) =>
            bargains.Add(Merchant.Require(await client.Post("/v1/bargains", new { campaignId = campaign }, people[i % Owners])).Body.GetProperty("id").GetString()!));

        var all = bargains.ToList();
        read = Encoding.ASCII.GetBytes($"GET /v1/bargains/{all[^1]} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {people[0].Token}\r\n\r\n");
        bargainHeads.AddRange(all.SkipLast(1).Select(b => Encoding.ASCII.GetBytes($"POST /v1/bargains/{b}/assists HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAuthorization: Bearer ")));
        helperTails.AddRange(people.Skip(Owners).Select(p => Encoding.ASCII.GetBytes($"{p.Token}\r\n\r\n{{}}")));
    }

    public IRequests Reads => new SameRequest(read);

    public IRequests Assists => new FreshAssists(bargainHeads, helperTails, AssistsPerHelper);

    // Each helper helps in so many bargains, each time for the first time: nothing is answered as a repeat. What was refused is offered again.
    private sealed class FreshAssists(List<byte[]> bargains, List<byte[]> helpers, int each) : IRequests
    {
        private readonly Queue<int> again = new();
        private int next = -1;

        public (int Length, int Ticket) Write(Span<byte> buffer)
        {
            if (!again.TryDequeue(out var ticket) && (ticket = ++next) >= helpers.Count * each)
                throw new InvalidOperationException("Every helper has helped as often as a day allows; shorten the run.");

            // Helpers change with each request and so do bargains: no grain is hotter than another.
            var (helper, round) = (ticket % helpers.Count, ticket / helpers.Count);
            var (head, tail) = (bargains[(helper + round * 7) % bargains.Count], helpers[helper]);
            head.CopyTo(buffer);
            tail.CopyTo(buffer[head.Length..]);
            return (head.Length + tail.Length, ticket);
        }

        public void Done(int ticket, int status, TimeSpan latency)
        {
            if (status is < 200 or >= 300) again.Enqueue(ticket);
        }
    }
}
