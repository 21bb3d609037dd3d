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
            connection.Send(requests);
        }
        catch (SocketException)
        {
            Replace(connection, tally);
        }
    }

    private void Receive(Tally tally, Tally part)
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
                idle.Push(connection);
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

    private sealed class Connection
    {
        private readonly byte[] buffer = new byte[8_192];
        private int read;

        public Connection(IPEndPoint server) => Socket.Connect(server);

        public Socket Socket { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public long Since { get; private set; }

        public int Ticket { get; private set; }

        public void Send(IRequests requests)
        {
            (var length, Ticket) = requests.Write(buffer);
            (Since, read) = (Stopwatch.GetTimestamp(), 0);
            Socket.Send(buffer.AsSpan(0, length));
        }

        /// <returns>the status once the answer is whole</returns>
        public int? Receive()
        {
            var more = Socket.Receive(buffer.AsSpan(read));
            if (more == 0) throw new SocketException((int)SocketError.ConnectionReset);
            return IsWhole(buffer.AsSpan(0, read += more)) ? (buffer[9] - '0') * 100 + (buffer[10] - '0') * 10 + buffer[11] - '0' : null;
        }

        private static bool IsWhole(ReadOnlySpan<byte> answer)
        {
            if (answer.EndsWith("\r\n0\r\n\r\n"u8)) return true;
            var head = answer.IndexOf("\r\n\r\n"u8);
            var at = head < 0 ? -1 : answer[..head].IndexOf("Content-Length: "u8);
            if (at < 0) return false;
            var size = 0;
            for (at += "Content-Length: "u8.Length; answer[at] is >= (byte)'0' and <= (byte)'9'; at++) size = size * 10 + answer[at] - '0';
            return answer.Length >= head + 4 + size;
        }
    }
}
