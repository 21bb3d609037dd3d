using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Campaigns.LoadTests.Overload;

/// <summary>Where the requests come from.</summary>
internal interface IRequests
{
    /// <summary>Writes the next request.</summary>
    /// <returns>its length, and what <see cref="Done"/> is told</returns>
    (int Length, int Ticket) Write(Span<byte> buffer);

    /// <param name="status">0 if there was no answer</param>
    void Done(int ticket, int status);
}

/// <summary>
/// Many keep-alive connections, one request at a time on each, as many phones would have. One thread, plain sockets, prepared bytes and no more
/// parsing than it takes to find the end of an answer: the generator must not be what is slow.
/// </summary>
internal sealed class Generator(IPEndPoint server, IRequests requests) : IDisposable
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(10);

    private readonly Stack<Connection> idle = new();
    private readonly Dictionary<Socket, Connection> busy = [];
    private readonly List<Socket> ready = [];

    public void Connect(int connections)
    {
        while (idle.Count < connections) idle.Push(new(server));
    }

    /// <summary>So many callers, each with its next request as soon as it has its answer.</summary>
    public Tally Closed(int callers, TimeSpan time, CancellationToken stop)
    {
        Connect(callers);
        var tally = new Tally();
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < time && !stop.IsCancellationRequested)
        {
            while (busy.Count < callers) Send(tally, tally);
            Receive(tally, tally);
        }

        tally.Took = watch.Elapsed;
        Drain(tally);
        return tally;
    }

    /// <summary>
    /// So many callers, each with its next request as soon as it has its answer; who is refused comes back when it is told to.
    /// </summary>
    /// <param name="each">called after each window with the tally of that window alone</param>
    public Tally Patient(int callers, TimeSpan time, TimeSpan window, Action<TimeSpan, Tally> each, CancellationToken stop)
    {
        Connect(callers);
        var (tally, part) = (new Tally(), new Tally());
        var away = new PriorityQueue<Connection, TimeSpan>();
        var watch = Stopwatch.StartNew();
        var partSince = TimeSpan.Zero;
        while (watch.Elapsed < time && !stop.IsCancellationRequested)
        {
            while (away.TryPeek(out var back, out var at) && at <= watch.Elapsed) idle.Push(away.Dequeue());
            while (idle.Count > 0) Send(tally, part);
            Receive(tally, part, (refused, seconds) => away.Enqueue(refused, watch.Elapsed + TimeSpan.FromSeconds(seconds)));
            if (watch.Elapsed - partSince < window) continue;
            part.Took = watch.Elapsed - partSince;
            each(watch.Elapsed, part);
            (part, partSince) = (new(), watch.Elapsed);
        }

        tally.Took = watch.Elapsed;
        while (away.TryDequeue(out var last, out _)) idle.Push(last);
        Drain(tally);
        return tally;
    }

    /// <summary>Requests arrive at a rate, whether or not the earlier ones are answered; who finds no free connection gets no answer.</summary>
    /// <param name="each">called after each window with the tally of that window alone</param>
    public Tally Open(double perSecond, TimeSpan time, TimeSpan window, Action<TimeSpan, Tally> each, CancellationToken stop)
    {
        var (tally, part) = (new Tally(), new Tally());
        var watch = Stopwatch.StartNew();
        var (arrived, partSince) = (0L, TimeSpan.Zero);
        while (watch.Elapsed < time && !stop.IsCancellationRequested)
        {
            for (var due = (long)(watch.Elapsed.TotalSeconds * perSecond); arrived < due; arrived++)
            {
                if (idle.Count > 0) Send(tally, part);
                else (tally.Offered, tally.Unanswered) = (tally.Offered + 1, tally.Unanswered + 1);
            }

            Receive(tally, part);
            if (watch.Elapsed - partSince < window) continue;
            part.Took = watch.Elapsed - partSince;
            each(watch.Elapsed, part);
            (part, partSince) = (new(), watch.Elapsed);
        }

        tally.Took = watch.Elapsed;
        Drain(tally);
        return tally;
    }

    public void Dispose()
    {
        foreach (var connection in idle) connection.Socket.Dispose();
    }

    private void Send(Tally tally, Tally part)
    {
        tally.Offered++;
        if (part != tally) part.Offered++;
        var connection = idle.Pop();
        busy.Add(connection.Socket, connection);
        try
        {
            var (length, ticket) = requests.Write(connection.Buffer);
            connection.Send(length, ticket);
        }
        catch (SocketException)
        {
            Replace(connection, tally);
        }
    }

    /// <param name="sendAway">takes a connection that was refused, and for how many seconds; null if nobody cares</param>
    private void Receive(Tally tally, Tally part, Action<Connection, int>? sendAway = null)
    {
        if (busy.Count == 0)
        {
            Thread.Sleep(1);
            return;
        }

        ready.Clear();
        ready.AddRange(busy.Keys);
        Socket.Select(ready, null, null, microSeconds: 1_000);
        foreach (var socket in ready)
        {
            var connection = busy[socket];
            try
            {
                if (connection.Receive() is not { } status) continue;
                var latency = Stopwatch.GetElapsedTime(connection.Since);
                requests.Done(connection.Ticket, status);
                tally.Answered(status, latency);
                if (part != tally) part.Answered(status, latency);
                busy.Remove(socket);
                if (sendAway is not null && connection.RetryAfter is { } seconds) sendAway(connection, seconds);
                else idle.Push(connection);
            }
            catch (SocketException)
            {
                Replace(connection, tally);
            }
        }
    }

    private void Replace(Connection connection, Tally tally)
    {
        tally.Unanswered++;
        requests.Done(connection.Ticket, 0);
        busy.Remove(connection.Socket);
        connection.Socket.Dispose();
        idle.Push(new(server));
    }

    private void Drain(Tally tally)
    {
        for (var since = Stopwatch.StartNew(); busy.Count > 0 && since.Elapsed < AnswerMax;) Receive(tally, tally);
        foreach (var silent in busy.Values.ToList()) Replace(silent, tally);
    }
}
