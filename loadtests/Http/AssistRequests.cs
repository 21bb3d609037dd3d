using System.Text;
using System.Text.Unicode;
using Campaigns.LoadTests.Overload;

namespace Campaigns.LoadTests.Http;

/// <summary>The requests of a plan as bytes, each with a key of its own, and what came of them.</summary>
/// <param name="bargains">their ids as the server knows them</param>
/// <param name="tokens">of the helpers</param>
internal sealed class AssistRequests(AssistPlan plan, string host, IEnumerable<string> bargains, IEnumerable<string> tokens) : IRequests
{
    private const int RequestBytesMax = 4_096;

    private readonly byte[][] heads = [.. bargains.Select(b => Encoding.ASCII.GetBytes($"POST /v1/bargains/{b}/assists HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAuthorization: Bearer "))];
    private readonly byte[][] credentials = [.. tokens.Select(Encoding.ASCII.GetBytes)];
    private readonly int[] accepted = new int[plan.Bargains];
    private int next;

    public int Accepted => accepted.Sum();

    /// <summary>Answers that were not <c>201</c>, and requests without any: there should be none.</summary>
    public int Others { get; private set; }

    /// <summary>How many were told that they helped in a bargain.</summary>
    public int AcceptedAt(int bargain) => accepted[bargain];

    /// <summary>The first request of the plan.</summary>
    public byte[] First
    {
        get
        {
            var buffer = new byte[RequestBytesMax];
            return buffer[..Write(buffer, 0)];
        }
    }

    /// <exception cref="InvalidOperationException">the plan is used up</exception>
    public (int Length, int Ticket) Write(Span<byte> buffer) =>
        next < plan.Count ? (Write(buffer, next), next++) : throw new InvalidOperationException($"All {plan.Count} assists are made; shorten the run.");

    public void Done(int ticket, int status, TimeSpan latency)
    {
        if (status == 201) accepted[plan.BargainOf(ticket)]++;
        else Others++;
    }

    private int Write(Span<byte> buffer, int assist)
    {
        var (head, token) = (heads[plan.BargainOf(assist)], credentials[plan.HelperOf(assist)]);
        head.CopyTo(buffer);
        token.CopyTo(buffer[head.Length..]);
        Utf8.TryWrite(buffer[(head.Length + token.Length)..], $"\r\nIdempotency-Key: storm-{assist:D8}\r\n\r\n{{}}", out var rest);
        return head.Length + token.Length + rest;
    }
}
