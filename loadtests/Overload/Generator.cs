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
    /// <param name="latency">until now, from when it was due where requests arrive at a rate, else from when it was sent</param>
    void Done(int ticket, int status, TimeSpan latency);
}

/// <summary>
/// Many keep-alive connections, one request at a time on each, as many phones would have. One thread, plain sockets, prepared bytes and no more
/// parsing than it takes to find the end of an answer: the generator must not be what is slow.
/// </summary>
internal sealed class Generator(IPEndPoint server, IRequests requests) : IDisposable
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(1);

    private readonly Poller poller = new();
    private readonly List<Connection> connections = [];
    private readonly Stack<int> idle = new();
    private readonly HashSet<int> busy = [];

    public void Connect(int wanted)
    {
        while (idle.Count + busy.Count < wanted)
        {
            idle.Push(connections.Count);
            connections.Add(new(server));
            poller.Watch(connections[^1].Socket, connections.Count - 1);
        }
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
            Receive(tally, tally, LookAgain);
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
        var away = new PriorityQueue<int, TimeSpan>();
        var watch = Stopwatch.StartNew();
        var partSince = TimeSpan.Zero;
        while (watch.Elapsed < time && !stop.IsCancellationRequested)
        {
            while (away.TryPeek(out _, out var at) && at <= watch.Elapsed) idle.Push(away.Dequeue());
            while (idle.Count > 0) Send(tally, part);
            Receive(tally, part, LookAgain, (refused, seconds) => away.Enqueue(refused, watch.Elapsed + TimeSpan.FromSeconds(seconds)));
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

    /// <summary>Requests arrive at a rate, whether or not the earlier ones are answered; latency is from when one was due. Who finds no free connection gets no answer.</summary>
    /// <param name="each">called after each window with the tally of that window alone</param>
    public Tally Open(double perSecond, TimeSpan time, TimeSpan window, Action<TimeSpan, Tally> each, CancellationToken stop)
    {
        var (tally, part) = (new Tally(), new Tally());
        var (start, watch) = (Stopwatch.GetTimestamp(), Stopwatch.StartNew());
        var (arrived, partSince) = (0L, TimeSpan.Zero);
        while (watch.Elapsed < time && !stop.IsCancellationRequested)
        {
            for (var due = (long)(watch.Elapsed.TotalSeconds * perSecond); arrived < due; arrived++)
            {
                if (idle.Count > 0) Send(tally, part, start + (long)(arrived / perSecond * Stopwatch.Frequency));
                else (tally.Offered, tally.Unanswered) = (tally.Offered + 1, tally.Unanswered + 1);
            }

            Receive(tally, part, LookAgain);
            if (watch.Elapsed - partSince < window) continue;
            part.Took = watch.Elapsed - partSince;
            each(watch.Elapsed, part);
            (part, partSince) = (new(), watch.Elapsed);
        }

        tally.Took = watch.Elapsed;
        Drain(tally);
        return tally;
    }

    /// <summary>
    /// Requests at times that do not hang on the answers to earlier ones. Who finds no free connection waits for one, and the wait counts: each latency is
    /// from the scheduled time. Who has waited ten seconds goes away without an answer.
    /// </summary>
    /// <param name="arrivals">from the start on, in order; taken one at a time, so there may be more than fit in memory</param>
    public Tally Scheduled(IEnumerable<TimeSpan> arrivals, CancellationToken stop)
    {
        var tally = new Tally();
        using var due = arrivals.GetEnumerator();
        var more = due.MoveNext();
        for (var start = Stopwatch.GetTimestamp(); more && !stop.IsCancellationRequested; tally.Took = Stopwatch.GetElapsedTime(start))
        {
            var now = Stopwatch.GetElapsedTime(start);
            for (; more && due.Current <= now; more = due.MoveNext())
            {
                if (now - due.Current > AnswerMax) (tally.Offered, tally.Unanswered) = (tally.Offered + 1, tally.Unanswered + 1);
                else if (idle.Count > 0) Send(tally, tally, start + (long)(due.Current.TotalSeconds * Stopwatch.Frequency));
                else break;
            }

            if (more) Receive(tally, tally, idle.Count > 0 ? due.Current - Stopwatch.GetElapsedTime(start) : LookAgain);
        }

        Drain(tally);
        return tally;
    }

    public void Dispose()
    {
        foreach (var connection in connections) connection.Socket.Dispose();
        poller.Dispose();
    }

    /// <param name="since">what its latency is counted from; null is now</param>
    private void Send(Tally tally, Tally part, long? since = null)
    {
        tally.Offered++;
        if (part != tally) part.Offered++;
        var number = idle.Pop();
        busy.Add(number);
        try
        {
            var (length, ticket) = requests.Write(connections[number].Buffer);
            connections[number].Send(length, ticket, since ?? Stopwatch.GetTimestamp());
        }
        catch (SocketException)
        {
            Replace(number, tally);
        }
    }

    /// <param name="sendAway">takes a connection that was refused, and for how many seconds; null if nobody cares</param>
    private void Receive(Tally tally, Tally part, TimeSpan atMost, Action<int, int>? sendAway = null)
    {
        foreach (var number in poller.Wait(atMost))
        {
            var connection = connections[number];
            try
            {
                if (!busy.Contains(number)) Reconnect(number); // closed while nobody used it
                else if (connection.Receive() is { } status)
                {
                    var latency = Stopwatch.GetElapsedTime(connection.Since);
                    requests.Done(connection.Ticket, status, latency);
                    tally.Answered(status, latency);
                    if (part != tally) part.Answered(status, latency);
                    busy.Remove(number);
                    if (sendAway is not null && connection.RetryAfter is { } seconds) sendAway(number, seconds);
                    else idle.Push(number);
                }
            }
            catch (SocketException)
            {
                Replace(number, tally);
            }
        }
    }

    private void Replace(int number, Tally tally)
    {
        tally.Unanswered++;
        requests.Done(connections[number].Ticket, 0, TimeSpan.Zero);
        busy.Remove(number);
        Reconnect(number);
        idle.Push(number);
    }

    private void Reconnect(int number)
    {
        connections[number].Socket.Dispose();
        connections[number] = new(server);
        poller.Watch(connections[number].Socket, number);
    }

    private void Drain(Tally tally)
    {
        for (var since = Stopwatch.StartNew(); busy.Count > 0 && since.Elapsed < AnswerMax;) Receive(tally, tally, LookAgain);
        foreach (var silent in busy.ToList()) Replace(silent, tally);
    }
}
