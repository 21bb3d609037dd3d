using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Campaigns.LoadTests.Flash;

/// <summary>What a client heard.</summary>
/// <param name="Status">of the final answer</param>
/// <param name="Answer">the final answer, head and body</param>
/// <param name="FirstMs">from the scheduled time to the first answer, be it "come back later"</param>
/// <param name="FinalMs">from the scheduled time to the final answer</param>
/// <param name="SentAway">how often it was told to come back later</param>
internal readonly record struct Heard(int Status, byte[] Answer, double FirstMs, double FinalMs, int SentAway)
{
    /// <summary>Of whole answers of this server, which have one JSON object, in one chunk or with their length.</summary>
    public JsonElement Body => JsonSerializer.Deserialize<JsonElement>(Answer.AsSpan()[Answer.AsSpan().IndexOf((byte)'{')..(Answer.AsSpan().LastIndexOf((byte)'}') + 1)]);
}

/// <summary>
/// Everybody's request, each at its scheduled time whether or not earlier ones are answered, over as many connections as a balancer keeps to one
/// server: who finds none free waits, and the wait counts. Whoever is told to come back later does when told, until there is a final answer.
/// </summary>
internal sealed class Opening(IPEndPoint server, IReadOnlyList<byte[]> requests, int connections)
{
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    private readonly Heard[] heard = new Heard[requests.Count];
    private readonly Queue<int> due = new();
    private readonly PriorityQueue<int, TimeSpan> away = new();
    private readonly Stack<Connection> idle = new();
    private readonly Dictionary<Socket, Connection> busy = [];
    private readonly List<Socket> ready = [];
    private int answered;

    /// <param name="within">all requests are scheduled evenly over this time</param>
    /// <returns>what each client heard, in the order of the requests</returns>
    /// <exception cref="TimeoutException">the server fell silent</exception>
    public IReadOnlyList<Heard> Play(TimeSpan within, CancellationToken stop)
    {
        while (idle.Count < connections) idle.Push(new(server));
        var watch = Stopwatch.StartNew();
        var (arrived, newest) = (0, TimeSpan.Zero);
        while (answered < requests.Count)
        {
            stop.ThrowIfCancellationRequested();
            var now = watch.Elapsed;
            while (arrived < requests.Count && Scheduled(arrived) <= now) due.Enqueue(arrived++);
            while (away.TryPeek(out _, out var back) && back <= now) due.Enqueue(away.Dequeue());
            while (idle.Count > 0 && due.TryDequeue(out var client)) Send(client);
            if (Receive(watch)) newest = watch.Elapsed;
            else if (busy.Count > 0 && watch.Elapsed - newest > SilenceMax) throw new TimeoutException($"No answer for {SilenceMax.TotalSeconds} s; {answered} of {requests.Count} were answered.");
        }

        foreach (var connection in idle) connection.Socket.Dispose();
        return heard;

        TimeSpan Scheduled(int client) => within * client / requests.Count;

        bool Receive(Stopwatch watch)
        {
            if (busy.Count == 0)
            {
                Thread.Sleep(1);
                return false;
            }

            ready.Clear();
            ready.AddRange(busy.Keys);
            Socket.Select(ready, null, null, microSeconds: 1_000);
            foreach (var socket in ready)
            {
                var connection = busy[socket];
                if (connection.Receive() is not { } status) continue;
                busy.Remove(socket);
                idle.Push(connection);
                Hear(connection, status, watch.Elapsed - Scheduled(connection.Ticket), watch.Elapsed);
            }

            return ready.Count > 0;
        }
    }

    private void Send(int client)
    {
        var connection = idle.Pop();
        requests[client].CopyTo(connection.Buffer);
        busy.Add(connection.Socket, connection);
        connection.Send(requests[client].Length, client, Stopwatch.GetTimestamp());
    }

    private void Hear(Connection connection, int status, TimeSpan took, TimeSpan now)
    {
        ref var client = ref heard[connection.Ticket];
        var first = client.SentAway == 0 ? took.TotalMilliseconds : client.FirstMs;
        if (status is 429 or 503 && connection.RetryAfter is { } seconds)
        {
            client = client with { FirstMs = first, SentAway = client.SentAway + 1 };
            away.Enqueue(connection.Ticket, now + TimeSpan.FromSeconds(seconds));
            return;
        }

        client = new(status, connection.Answer.ToArray(), first, took.TotalMilliseconds, client.SentAway);
        answered++;
    }
}
