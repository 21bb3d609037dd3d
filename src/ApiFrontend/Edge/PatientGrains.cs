using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>
/// Grains as the edge asks them: with an end to the patience. An answer may depend on a system outside that is down for hours; the request
/// is then refused <c>Busy</c>, and what was decided goes on: a repeat finds it.
/// </summary>
/// <param name="patience">how long an answer is waited for, and up to a second more: those who ask within a second lose it together, because a timer for each question would cost more than the question</param>
/// <param name="time">the machine's: moving the product's clock makes nobody less patient</param>
internal sealed class PatientGrains(IGrains grains, TimeSpan patience, TimeProvider time) : IGrains
{
    /// <summary>How much later the patience may end.</summary>
    internal static readonly TimeSpan Together = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private CancellationToken end = CancellationToken.None;
    private long newSince;

    public ValueTask<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command, CancellationToken cancellation = default)
    {
        var asked = grains.Ask(grain, command, cancellation);
        return asked.IsCompleted ? asked : new Patient<TReply>(asked, End()).Outcome;
    }

    public ValueTask<Outcome<IAsyncEnumerable<LiveEvent>>> Watch<TView>(GrainId grain, ICommand<TView> view, long? after, CancellationToken cancellation = default) =>
        grains.Watch(grain, view, after, cancellation);

    private CancellationToken End()
    {
        lock (sync)
        {
            if (end.CanBeCanceled && time.GetElapsedTime(newSince) < Together) return end;
            newSince = time.GetTimestamp();
            return end = new CancellationTokenSource(patience + Together, time).Token;
        }
    }

    /// <summary>Whatever comes first: the answer or the end of the patience.</summary>
    private sealed class Patient<TReply> : IValueTaskSource<Outcome<TReply>>
    {
        private readonly ValueTaskAwaiter<Outcome<TReply>> asked;
        private readonly CancellationTokenRegistration patience;
        private ManualResetValueTaskSourceCore<Outcome<TReply>> completion;
        private int completed;

        public Patient(ValueTask<Outcome<TReply>> asked, CancellationToken end)
        {
            this.asked = asked.GetAwaiter();
            patience = end.UnsafeRegister(static p => ((Patient<TReply>)p!).GiveUp(), this);
            this.asked.UnsafeOnCompleted(Answer);
        }

        /// <summary>To be awaited once.</summary>
        public ValueTask<Outcome<TReply>> Outcome => new(this, completion.Version);

        public Outcome<TReply> GetResult(short token) => completion.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => completion.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            completion.OnCompleted(continuation, state, token, flags);

        private void Answer()
        {
            var isFirst = Interlocked.Exchange(ref completed, 1) == 0;
            patience.Unregister();
            try
            {
                var answer = asked.GetResult();
                if (isFirst) completion.SetResult(answer);
            }
            catch (Exception failure)
            {
                if (isFirst) completion.SetException(failure);
            }
        }

        private void GiveUp()
        {
            // Thousands may lose their patience together: each goes on by itself.
            if (Interlocked.Exchange(ref completed, 1) == 0)
                ThreadPool.UnsafeQueueUserWorkItem(static p => p.completion.SetResult(Refusal.Of(GrainRefusal.Busy)), this, preferLocal: false);
        }
    }
}
