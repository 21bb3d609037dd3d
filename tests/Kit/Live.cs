using System.Text.Json.Nodes;

namespace Campaigns.Tests.Kit;

/// <summary>A viewer of a bargain, a room or a sale.</summary>
internal sealed class Live(HttpResponseMessage response, StreamReader lines, CancellationTokenSource limit) : IAsyncDisposable
{
    public string? LastId { get; private set; }

    public static Task<Live> OfBargain(Client viewer, string bargain, string? lastId = null) => Watch(viewer, $"/v1/bargains/{bargain}/events", lastId);

    public static Task<Live> OfRoom(Client viewer, string room, string? lastId = null) => Watch(viewer, $"/v1/group-rooms/{room}/events", lastId);

    public static Task<Live> OfSale(Client viewer, string sale, string? lastId = null) => Watch(viewer, $"/v1/flash-sales/{sale}/events", lastId);

    private static async Task<Live> Watch(Client viewer, string path, string? lastId)
    {
        var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var request = (lastId is null ? viewer : viewer.With("Last-Event-ID", lastId)).Request(HttpMethod.Get, path);
        var response = await viewer.Shop.Open(request, limit.Token);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new(response, new(await response.Content.ReadAsStreamAsync(limit.Token)), limit);
    }

    /// <summary>The next event, which must have this name.</summary>
    public async Task<JsonNode> Next(string name)
    {
        string? seen = null, data = null;
        while (await lines.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Length == 0 && data is not null)
            {
                Assert.Equal(name, seen);
                return JsonNode.Parse(data)!;
            }

            if (line.StartsWith("id: ", StringComparison.Ordinal)) LastId = line[4..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal)) seen = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
        }

        throw new EndOfStreamException($"The stream ended before '{name}'.");
    }

    public ValueTask DisposeAsync()
    {
        lines.Dispose();
        response.Dispose();
        limit.Dispose();
        return ValueTask.CompletedTask;
    }
}
