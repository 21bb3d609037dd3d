using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Request;

/// <summary>A request with an Idempotency-Key (幂等请求): its grain is found by who sent it, to where, and the key.</summary>
public static class RequestAddress
{
    public static GrainId Of(ShopId shop, string caller, string path, string key) => new("request", shop, Ids.Derive("request", caller, path, key));
}

/// <summary>The first answer of a request, word for word.</summary>
/// <param name="BodyHash">of the request's body: the same key with another body is not a repeat</param>
public sealed record StoredResponse(string BodyHash, int Status, string? Location, string Body);

/// <param name="Response">null if the request has not been answered, or longer ago than it is remembered</param>
public sealed record RecalledRequest(StoredResponse? Response);

public sealed record RecallRequest : ICommand<RecalledRequest>;

/// <summary>Remembers the answer for 24 h. The first one wins.</summary>
public sealed record RecordRequest(string BodyHash, int Status, string? Location, string Body) : ICommand<Done>
{
    public const int BodyLengthMax = 1_000_000;
}
