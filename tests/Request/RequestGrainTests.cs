using Campaigns.Grains.Kernel;
using Campaigns.Grains.Request;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Request;

public sealed class RequestGrainTests
{
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);
    private static readonly RecordRequest Record = new("hash", 201, "/v1/orders/1", "{}");
    private static readonly StoredResponse Response = new("hash", 201, "/v1/orders/1", "{}");
    private static readonly RequestRecorded Recorded = new(Response, Story<RequestState, RequestEvent>.Start + Day);

    private readonly Story<RequestState, RequestEvent> story = new(new RequestGrain());

    private StoredResponse? Recalled => ((RecalledRequest)story.Answer(new RecallRequest()).Value!).Response;

    [Fact]
    public void A_request_nobody_sent_has_no_answer()
    {
        story.When(new RecallRequest()).ThenNothing();

        Assert.Null(Recalled);
    }

    [Fact]
    public void The_first_answer_is_recalled_word_for_word()
    {
        story.When(Record).Then(Recorded).ThenAgainNothing().ThenSurvivesSnapshot();

        Assert.Same(Done.Instance, story.Answer().Value);
        Assert.Equal(Response, Recalled);
    }

    [Fact]
    public void The_first_answer_wins()
    {
        story.Given(Recorded).When(Record with { Body = "other" }).ThenNothing();

        Assert.Equal(Response, Recalled);
    }

    [Fact]
    public void An_answer_too_long_to_remember_is_refused() =>
        story.When(Record with { Body = new('x', RecordRequest.BodyLengthMax + 1) }).ThenRefused(GrainRefusal.Invalid)
            .When(Record with { Body = new('x', RecordRequest.BodyLengthMax) }).ThenOne<RequestRecorded>();

    [Fact]
    public void An_answer_is_remembered_for_a_day_and_then_forgotten()
    {
        story.Given(Recorded);
        Assert.Equal(Recorded.ForgetAt, story.Deadline);

        story.After(Day - TimeSpan.FromTicks(1)).When(Wake.Instance).ThenNothing();
        Assert.Equal(Response, Recalled);
        Assert.False(new RequestGrain().Forgotten(story.State));

        story.At(Recorded.ForgetAt);
        Assert.Null(Recalled);

        story.When(Wake.Instance).Then(new RequestForgotten()).ThenAgainNothing().ThenSurvivesSnapshot();
        Assert.Null(Recalled);
        Assert.Null(story.Deadline);
        Assert.True(new RequestGrain().Forgotten(story.State));
    }

    [Fact]
    public void A_key_whose_day_is_over_is_new_even_before_the_deadline_fires() =>
        story.Given(Recorded).After(Day).When(Record).Then(Recorded with { ForgetAt = Recorded.ForgetAt + Day });

    [Fact]
    public void A_deadline_of_something_never_recorded_does_nothing() => story.When(Wake.Instance).ThenNothing();

    [Fact]
    public void Another_shop_caller_path_or_key_is_another_request()
    {
        var shop = new ShopId("demo");
        GrainId[] addresses =
        [
            RequestAddress.Of(shop, "amei", "/v1/orders", "k"),
            RequestAddress.Of(new("other"), "amei", "/v1/orders", "k"),
            RequestAddress.Of(shop, "bo", "/v1/orders", "k"),
            RequestAddress.Of(shop, "amei", "/v1/bargains", "k"),
            RequestAddress.Of(shop, "amei", "/v1/orders", "l"),
        ];

        Assert.Equal(5, addresses.Distinct().Count());
        Assert.All(addresses, a => Assert.Equal(story.Self.Kind, a.Kind));
        Assert.Equal(addresses[0], RequestAddress.Of(shop, "amei", "/v1/orders", "k"));
    }
}
