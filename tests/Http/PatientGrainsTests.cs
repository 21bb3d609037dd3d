using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Simulation;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Http;

/// <summary>An end to the patience with a grain that does not answer, and no end to anything else.</summary>
public sealed class PatientGrainsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly CounterView View = new(7, 1);

    private readonly SimulatedTime clock = new();
    private readonly SlowGrains slow = new();
    private readonly PatientGrains grains;

    public PatientGrainsTests() => grains = new(slow, Patience, clock);

    [Fact]
    public async Task Answer_that_is_there_is_given_at_once()
    {
        slow.Answer(View);
        var asked = Ask();
        Assert.True(asked.IsCompleted);
        Assert.Same(View, (await asked).Reply);
        Assert.Equal(0, clock.TimersSet);
    }

    [Fact]
    public async Task Answer_that_comes_in_time_is_given_and_the_end_of_the_patience_changes_nothing()
    {
        var asked = Ask();
        clock.Pass(Patience);
        Assert.False(asked.IsCompleted);
        slow.Answer(View);
        Assert.Same(View, (await asked).Reply);
        clock.Pass(Patience);
    }

    [Fact]
    public async Task Question_without_an_answer_is_busy_and_a_late_answer_is_nobodys()
    {
        var asked = Ask();
        clock.Pass(Patience + PatientGrains.Together);
        Assert.Equal(RefusalKind.Busy, (await asked).Refusal?.Kind);
        slow.Answer(View);
    }

    [Fact]
    public async Task Failure_is_thrown_if_it_comes_in_time_and_nobodys_if_not()
    {
        var asked = Ask();
        slow.Fail(new InvalidDataException());
        await Assert.ThrowsAsync<InvalidDataException>(asked.AsTask);

        slow.Forget();
        var late = Ask();
        clock.Pass(Patience + PatientGrains.Together);
        slow.Fail(new InvalidDataException());
        Assert.Equal(RefusalKind.Busy, (await late).Refusal?.Kind);
    }

    [Fact]
    public async Task Those_who_ask_within_a_second_share_a_timer_and_those_after_it_have_their_own_patience()
    {
        var first = new List<Task<Outcome<CounterView>>>();
        for (var i = 0; i < 9; i++)
        {
            first.Add(Ask().AsTask());
            clock.Pass(PatientGrains.Together / 10);
        }

        Assert.Equal(1, clock.TimersSet);
        clock.Pass(PatientGrains.Together / 10);
        var later = Ask();
        Assert.Equal(2, clock.TimersSet);
        clock.Pass(Patience);
        Assert.All(await Task.WhenAll(first), o => Assert.Equal(RefusalKind.Busy, o.Refusal?.Kind));
        Assert.False(later.IsCompleted);
        slow.Answer(View);
        Assert.Same(View, (await later).Reply);
    }

    [Fact]
    public async Task When_both_come_together_each_question_gets_one_of_them()
    {
        for (var round = 0; round < 200; round++)
        {
            slow.Forget();
            var asked = Ask().AsTask();
            await Task.WhenAll(Task.Run(() => slow.Answer(View)), Task.Run(() => clock.Pass(Patience + PatientGrains.Together)));
            var outcome = await asked;
            Assert.True(outcome.Reply == View ^ outcome.Refusal?.Kind == RefusalKind.Busy);
        }
    }

    private ValueTask<Outcome<CounterView>> Ask() => grains.Ask(CounterGrain.Id(1), new GetCounter());

    private sealed class SlowGrains : IGrains
    {
        private TaskCompletionSource<Outcome<CounterView>> answer = new();

        public void Forget() => answer = new();

        public void Answer(CounterView view) => answer.SetResult(new(view, null));

        public void Fail(Exception failure) => answer.SetException(failure);

        public async ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default) => (Outcome<TReply>)(object)await answer.Task.ConfigureAwait(false);

        public ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default) => throw new NotSupportedException();
    }
}
