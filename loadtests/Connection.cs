using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Campaigns.LoadTests;

/// <summary>One keep-alive connection with one request at a time: prepared bytes out, and no more parsing than it takes to find the end of an answer.</summary>
internal sealed class Connection
{
    private readonly byte[] buffer = new byte[8_192];
    private int read;

    public Connection(IPEndPoint server) => Socket.Connect(server);

    public Socket Socket { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    /// <summary>When the newest request was to be sent.</summary>
    public long Since { get; private set; }

    public int Ticket { get; private set; }

    /// <summary>Where the next request is written.</summary>
    public Span<byte> Buffer => buffer;

    /// <summary>What was read of the newest answer, head and body.</summary>
    public ReadOnlySpan<byte> Answer => buffer.AsSpan(0, read);

    /// <summary>The seconds that the newest answer asks to stay away.</summary>
    public int? RetryAfter => Answer.IndexOf("Retry-After: "u8) is >= 0 and var at ? NumberAt(buffer, at + "Retry-After: "u8.Length) : null;

    /// <param name="length">how much of <see cref="Buffer"/> is the request</param>
    /// <param name="ticket">whose it is</param>
    /// <param name="since">when it was to be sent: a timestamp of <see cref="Stopwatch"/></param>
    public void Send(int length, int ticket, long since)
    {
        (Since, Ticket, read) = (since, ticket, 0);
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
        return answer.Length >= head + 4 + NumberAt(answer, at + "Content-Length: "u8.Length);
    }

    private static int NumberAt(ReadOnlySpan<byte> text, int at)
    {
        var number = 0;
        for (; text[at] is >= (byte)'0' and <= (byte)'9'; at++) number = number * 10 + text[at] - '0';
        return number;
    }
}
