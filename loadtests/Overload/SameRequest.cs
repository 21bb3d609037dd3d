namespace Campaigns.LoadTests.Overload;

/// <summary>One request again and again.</summary>
internal sealed class SameRequest(byte[] request) : IRequests
{
    public (int Length, int Ticket) Write(Span<byte> buffer)
    {
        request.CopyTo(buffer);
        return (request.Length, 0);
    }

    public void Done(int ticket, int status, TimeSpan latency)
    {
    }
}
