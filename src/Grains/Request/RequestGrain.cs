using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Request;

internal sealed class RequestGrain() : GrainDefinition<RequestState, RequestEvent>(RequestJson.Default)
{
    public override string Kind => "request";

    public override Decision<RequestEvent> Decide(RequestState state, object command, in Turn turn) => command switch
    {
        RecordRequest c => RequestRules.Decide(state, c, turn.Now),
        Wake c => RequestRules.Decide(state, c, turn.Now),
        RecallRequest => Decision<RequestEvent>.Nothing,
        _ => throw Unknown(command),
    };

    public override RequestState Evolve(RequestState state, RequestEvent @event) => RequestRules.Evolve(state, @event);

    public override Answer Answer(RequestState state, object command, in Turn turn) => command switch
    {
        RecallRequest => Kernel.Answer.Of(new RecalledRequest(state.ResponseAt(turn.Now))),
        _ => Kernel.Answer.Of(Done.Instance),
    };

    public override DateTimeOffset? Deadline(RequestState state) => state.Response is null ? null : state.ForgetAt;

    public override bool Forgotten(RequestState state) => state.Response is null;
}
