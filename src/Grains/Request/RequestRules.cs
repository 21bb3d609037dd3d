using System.Diagnostics;
using Campaigns.Grains.Kernel;
using RequestDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Request.RequestEvent>;

namespace Campaigns.Grains.Request;

internal sealed record RequestState
{
    public StoredResponse? Response { get; set; }

    public DateTimeOffset ForgetAt { get; set; }

    public StoredResponse? ResponseAt(DateTimeOffset now) => now < ForgetAt ? Response : null;
}

/// <summary>Every rule of a remembered request. Pure: no clock, no chance, no I/O.</summary>
internal static class RequestRules
{
    public static readonly TimeSpan Remembered = TimeSpan.FromHours(24);

    public static RequestDecision Decide(RequestState state, RecordRequest command, DateTimeOffset now)
    {
        if (state.ResponseAt(now) is not null) return RequestDecision.Nothing;
        if (command.Body.Length > RecordRequest.BodyLengthMax) return Refusal.Invalid("body", "At most 1,000,000 characters.");

        return new RequestRecorded(new(command.BodyHash, command.Status, command.Location, command.Body), now + Remembered);
    }

    public static RequestDecision Decide(RequestState state, Wake command, DateTimeOffset now)
    {
        if (state.Response is null) return RequestDecision.Nothing;
        if (now < state.ForgetAt) return RequestDecision.Nothing;

        return new RequestForgotten();
    }

    public static RequestState Evolve(RequestState state, RequestEvent @event) => @event switch
    {
        RequestRecorded e => state with { Response = e.Response, ForgetAt = e.ForgetAt },
        RequestForgotten => new(),
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };
}
