using Campaigns.Grains;
using Campaigns.Grains.Binding;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Silo.Books;

namespace Campaigns.Tests.Binding;

/// <summary>
/// Shoppers who join and promote each other, each with a binding and a distributor grain played by the real rules. Messages arrive one at a
/// time, in any order, now and then twice.
/// </summary>
internal sealed class Team(int seed) : IBooks
{
    public static readonly BindingPolicy FirstTouch = new(BindingMode.FirstTouch, 15, 0);
    public static readonly BindingPolicy LastTouch = new(BindingMode.LastTouch, 15, 0);

    private static readonly ShopId Shop = new("demo");
    private static readonly Dictionary<string, GrainDefinition> Definitions = Mechanics.Grains.ToDictionary(d => d.Kind, StringComparer.Ordinal);

    private readonly Dictionary<GrainId, object> states = [];
    private readonly List<Owed> sent = [];
    private readonly Random random = new(seed);

    public DateTimeOffset Now { get; set; } = BindingCast.Start;

    /// <summary>Every message that a grain has received from another.</summary>
    public IReadOnlyList<Owed> Sent => sent;

    public IReadOnlyList<string> Findings
    {
        get
        {
            var findings = new BookFindings();
            BookCheck.Look(states, this, Mechanics.Books, findings);
            return [.. findings.Kept.Select(f => $"{f.Where}: {f.What}")];
        }
    }

    public IEnumerable<string> Owing => states.SelectMany(s => Definitions[s.Key.Kind].OwedBy(s.Value)!.Open.Select(d => $"{s.Key} owes {d.What}"));

    public static ShopperId Person(int number) => ShopperId.Of(new Guid(number, 0, 0x7000, 0x80, 7, 0, 0, 0, 0, 0, 0));

    public static GrainId BindingOf(int person) => Person(person).BindingIn(Shop);

    public static GrainId DistributorOf(int person) => Person(person).DistributorIn(Shop);

    public TState? Of<TState>(GrainId grain)
        where TState : class =>
        states.GetValueOrDefault(grain) as TState;

    public void Change<TState>(GrainId grain, Func<TState, TState> change)
        where TState : class =>
        states[grain] = change(Of<TState>(grain)!);

    public void Remove(GrainId grain) => states.Remove(grain);

    public Refusal? Join(int person, string? device = null) => Tell(DistributorOf(person), new JoinDistribution(HasBought: true, device));

    public Refusal? Bind(int person, int promoter, BindingPolicy? policy = null, string? device = null) => Tell(BindingOf(person), BindTo(promoter, policy, device));

    /// <summary>Binds, lets all messages arrive, and asks how it went.</summary>
    public Refusal? BindNow(int person, int promoter, BindingPolicy? policy = null, string? device = null)
    {
        if (Bind(person, promoter, policy, device) is { } refusal) return refusal;
        Settle();
        var answer = Answer(BindingOf(person), BindTo(promoter, policy, device));
        Assert.False(answer.IsLater);
        return answer.Refusal;
    }

    public Answer Answer(GrainId grain, object question) =>
        Definitions[grain.Kind].AnswerAny(states.GetValueOrDefault(grain) ?? Definitions[grain.Kind].NewState(), question, new Turn(grain, Now));

    /// <summary>Who promotes whom right now, as the bindings themselves say.</summary>
    public Dictionary<ShopperId, ShopperId> Promoters() => states.Where(s => s.Value is BindingState)
        .Select(s => (Buyer: ShopperId.Of(s.Key.Key), Bond: ((BindingState)s.Value).BondAt(Now)))
        .Where(b => b.Bond is not null)
        .ToDictionary(b => b.Buyer, b => b.Bond!.Promoter);

    public Dictionary<ShopperId, ShopperId> Uplines() => states.Where(s => s.Value is DistributorState { Upline: not null })
        .ToDictionary(s => ShopperId.Of(s.Key.Key), s => ((DistributorState)s.Value).Upline!.Value);

    /// <summary>One open message arrives, and its answer.</summary>
    /// <returns>false if none could be answered</returns>
    public bool Deliver() => states.Keys.OrderBy(_ => random.Next()).ToList().Exists(Deliver);

    /// <summary>A message of this grain arrives, and its answer.</summary>
    public bool Deliver(GrainId debtor)
    {
        var definition = Definitions[debtor.Kind];
        if (!states.TryGetValue(debtor, out var state)) return false;
        foreach (var debt in definition.OwedBy(state)!.Open.ToList())
        {
            var message = definition.MessageFor(state, debt, debtor);
            if (random.Next(8) == 0) Receive(message);
            if (Receive(message) is not { } receipt) continue;
            Record(debtor, definition.SettleAny(states[debtor], debt, receipt, new Turn(debtor, Now)));
            return true;
        }

        return false;
    }

    public void Settle()
    {
        for (var i = 0; Deliver(); i++) Assert.True(i < 10_000, "The messages never end.");
    }

    public Refusal? Tell(GrainId grain, object command)
    {
        var definition = Definitions[grain.Kind];
        var decided = definition.DecideAny(states.GetValueOrDefault(grain) ?? definition.NewState(), command, new Turn(grain, Now));
        if (decided is Refusal refusal) return refusal;
        Record(grain, decided);
        return null;
    }

    private static BindPromoter BindTo(int promoter, BindingPolicy? policy, string? device) => new(Person(promoter), "moments", device, policy ?? LastTouch);

    private Receipt? Receive(Owed owed)
    {
        sent.Add(owed);
        if (Tell(owed.To, owed.Command) is { } refusal) return new(null, refusal);
        var answer = Answer(owed.To, owed.Command);
        return answer.IsLater ? null : new(answer.Value, answer.Refusal);
    }

    private void Record(GrainId grain, object? decided)
    {
        foreach (var fact in decided is object[] many ? many : decided is null ? [] : [decided])
            states[grain] = Definitions[grain.Kind].EvolveAny(states.GetValueOrDefault(grain) ?? Definitions[grain.Kind].NewState(), fact);
    }
}
