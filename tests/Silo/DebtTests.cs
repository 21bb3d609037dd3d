using System.Collections.Concurrent;
using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Silo;

/// <summary>What one grain owes another or an outside system is paid exactly once, whatever happens in between (law 5).</summary>
public abstract class DebtTests : StoredTests
{
    private static readonly GrainId Payer = CounterGrain.Id(1);
    private static readonly GrainId Payee = CounterGrain.Id(2);
    private static readonly GrainId Bank = new("bank", new("demo"), Guid.Parse("01890000-0000-7000-8000-0000000000ba"));

    [Fact]
    public void A_debt_that_is_owed_again_waits_behind_what_was_owed_in_between()
    {
        var (first, second) = (new Debt("claim", Payer.Key), new Debt("return", Payer.Key));
        var debts = new Debts().Owe(first.What, first.About).Settle(first.What, first.About).Owe(second.What, second.About).Owe(first.What, first.About);
        Assert.Equal([second, first], debts.Open);

        Assert.True(debts.TryTakeFresh(out var next));
        Assert.Equal(second, next);
        Assert.True(debts.TryTakeFresh(out next));
        Assert.Equal(first, next);
        Assert.False(debts.TryTakeFresh(out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Payment_is_answered_when_it_is_settled(int lanes)
    {
        await using var engines = await Start(o => o with { Lanes = lanes });
        for (var i = 1; i <= 20; i++)
        {
            var payee = CounterGrain.Id(100 + i);
            var paid = await engines.Ask(Payer, new Pay(CounterGrain.PaymentNumber(i), payee, 10));
            Assert.Equal(-10 * i, paid.Reply!.Total);
            Assert.Equal(10, await engines.Total(payee));
        }

        await engines.Quiet();
        Assert.Equal(0, engines.Engine.MessagesOnTheirWay);
        Assert.Equal(40, (await engines.View(Payer)).Sequence);
    }

    [Fact]
    public async Task Refused_payment_comes_back()
    {
        await using var engines = await Start();
        await engines.Ask(Payee, new CloseCounter());
        Assert.Equal(0, (await engines.Ask(Payer, new Pay(CounterGrain.PaymentNumber(1), Payee, 10))).Reply!.Total);
    }

    [Fact]
    public async Task Message_leaves_only_after_the_debt_is_durable()
    {
        var bank = new Bank();
        await using var engines = await Start(receivers: bank);
        engines.Journal.Hold();
        var paid = engines.Send(Payer, new Pay(CounterGrain.PaymentNumber(1), Bank, 10));
        await engines.Journal.Arrival();
        Assert.Empty(bank.Received);
        engines.Journal.Release();
        Assert.Equal(-10, (await paid.WaitAsync(Engines.Patience)).Reply!.Total);
        Assert.Single(bank.Received);
    }

    [Theory]
    [InlineData(1)] // killed when the debt is durable and the payment is on its way to the disk
    [InlineData(2)] // killed when the payment is durable and its settlement is on its way to the disk
    public async Task Killed_between_debt_and_settlement_it_is_paid_exactly_once(int durable)
    {
        await using var engines = await Start();
        engines.Journal.Hold();
        var paid = engines.Send(Payer, new Pay(CounterGrain.PaymentNumber(1), Payee, 10));
        for (var i = 0; i < durable; i++)
        {
            await engines.Journal.Arrival();
            engines.Journal.ReleaseOne();
        }

        await engines.Journal.Arrival();
        await engines.Kill();
        Assert.False((await paid).IsAccepted);

        await engines.Start();
        await engines.Quiet();
        Assert.Equal(new CounterView(-10, 2), await engines.View(Payer));
        Assert.Equal(new CounterView(10, 1), await engines.View(Payee));
        Assert.Equal(new CounterView(-10, 2), (await engines.Ask(Payer, new Pay(CounterGrain.PaymentNumber(1), Payee, 10))).Reply);
    }

    [Fact]
    public async Task Debt_in_a_snapshot_is_paid_after_a_clean_restart_without_being_asked()
    {
        var bank = new Bank { IsDown = true };
        await using var engines = await Start(receivers: bank);
        var paid = engines.Send(Payer, new Pay(CounterGrain.PaymentNumber(1), Bank, 10));
        await bank.Call();
        await engines.Stop();
        Assert.Equal(RefusalKind.Busy, (await paid).Refusal?.Kind);

        bank.IsDown = false;
        await engines.Start();
        Assert.Equal(0, engines.Engine.Recovery.Events);
        await bank.Call();
        await engines.Quiet();
        Assert.Equal(new CounterView(-10, 2), await engines.View(Payer));
    }

    [Fact]
    public async Task Each_receiver_gets_its_messages_in_order()
    {
        var bank = new Bank();
        await using var engines = await Start(o => o with { MessagesInFlightMax = 2 }, bank);
        var other = Bank with { Key = Guid.Empty };
        await engines.Ask(Payer, new PayMany(Bank, 500));
        await Task.WhenAll(Enumerable.Range(501, 100).Select(i => engines.Ask(Payer, new Pay(CounterGrain.PaymentNumber(i), i % 2 == 0 ? Bank : other, 1))));
        await engines.Quiet();
        Assert.Equal(600, bank.Received.Count);
        foreach (var line in bank.Received.GroupBy(r => r.To)) Assert.Equal(line.Select(r => r.Payment).Order(), line.Select(r => r.Payment));
        Assert.InRange(bank.MostAtOnce, 1, 2);
    }

    [Fact]
    public async Task More_receivers_than_may_be_served_at_once_all_get_theirs()
    {
        await using var engines = await Start(o => o with { Lanes = 2, MessagesInFlightMax = 3, InboxMax = 5 });
        for (var i = 1; i <= 40; i++)
        {
            // The queues are tiny: the caller is refused now and then and asks again; messages back off by themselves.
            while (!(await engines.Ask(CounterGrain.Id(1_000), new Pay(CounterGrain.PaymentNumber(i), CounterGrain.Id(i), 1))).IsAccepted) await Task.Yield();
        }

        Assert.Equal(-40, await engines.Total(CounterGrain.Id(1_000)));
        for (var i = 1; i <= 40; i++) Assert.Equal(1, await engines.Total(CounterGrain.Id(i)));
    }

    [Fact]
    public async Task Receiver_that_fails_is_called_again_after_a_growing_pause_on_the_products_clock()
    {
        var bank = new Bank { IsDown = true };
        await using var engines = await Start(o => o with { ReceiverBackoff = TimeSpan.FromHours(1), BackoffMax = TimeSpan.FromHours(3) }, bank);
        var paid = engines.Send(Payer, new Pay(CounterGrain.PaymentNumber(1), Bank, 10));
        foreach (var hours in new[] { 1, 2, 3, 3 })
        {
            await bank.Call();
            await engines.Quiet();
            var calls = bank.Calls;
            engines.Clock.Advance(TimeSpan.FromMinutes(60 * hours - 5));
            await engines.Quiet();
            Assert.Equal(calls, bank.Calls);
            engines.Clock.Advance(TimeSpan.FromMinutes(6));
        }

        await bank.Call();
        await engines.Quiet();
        Assert.False(paid.IsCompleted);
        bank.IsDown = false;
        engines.Clock.Advance(TimeSpan.FromHours(4));
        Assert.Equal(-10, (await paid.WaitAsync(Engines.Patience)).Reply!.Total);
        Assert.Equal(6, bank.Calls);
    }

    [Fact]
    public async Task Receiver_that_never_answers_is_given_up_and_called_again()
    {
        var bank = new Bank { Hangs = true };
        await using var engines = await Start(o => o with { ReceiverTimeout = TimeSpan.FromMilliseconds(20), ReceiverBackoff = TimeSpan.FromMilliseconds(1) }, bank);
        var paid = engines.Send(Payer, new Pay(CounterGrain.PaymentNumber(1), Bank, 10));
        await bank.Call();
        bank.Hangs = false;
        Assert.Equal(-10, (await paid.WaitAsync(Engines.Patience)).Reply!.Total);
    }

    [Fact]
    public async Task Debt_whose_message_cannot_be_built_is_paid_when_the_bug_is_gone()
    {
        await using var engines = await Start();
        engines.Grain.MessagesAreBroken = true;
        var paid = engines.Send(Payer, new Pay(CounterGrain.PaymentNumber(1), Payee, 10));
        Assert.Equal(-10, await engines.Total(Payer));
        engines.Grain.MessagesAreBroken = false;
        engines.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(-10, (await paid.WaitAsync(Engines.Patience)).Reply!.Total);
        Assert.Equal(10, await engines.Total(Payee));
    }

    [Fact]
    public async Task Too_many_who_wait_for_one_debt_are_refused()
    {
        var bank = new Bank { IsDown = true };
        await using var engines = await Start(o => o with { WaitingMax = 3 }, bank);
        var pay = new Pay(CounterGrain.PaymentNumber(1), Bank, 10);
        var waiting = Enumerable.Range(0, 3).Select(_ => engines.Send(Payer, pay)).ToArray();
        Assert.Equal(RefusalKind.Busy, (await engines.Ask(Payer, pay)).Refusal?.Kind);
        Assert.DoesNotContain(waiting, w => w.IsCompleted);

        await bank.Call();
        bank.IsDown = false;
        await engines.Quiet();
        engines.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.All(await Task.WhenAll(waiting).WaitAsync(Engines.Patience), w => Assert.Equal(-10, w.Reply!.Total));
    }

    [Theory]
    [InlineData(1, 11)]
    [InlineData(3, 12)]
    [InlineData(3, 13)]
    public async Task Money_between_many_counters_is_neither_made_nor_lost_through_kills(int lanes, int seed)
    {
        await using var engines = await Start(o => o with { Lanes = lanes, TailEventsMax = 30, GrainBackoff = TimeSpan.FromMilliseconds(1) });
        var random = new Random(seed);
        for (var life = 0; life < 5; life++)
        {
            var sent = Enumerable.Range(1, 200).Select(i => engines.Send(CounterGrain.Id(random.Next(9)), new Pay(CounterGrain.PaymentNumber(life * 1_000 + i), CounterGrain.Id(random.Next(9)), random.Next(50)))).ToArray();
            await sent[random.Next(sent.Length)].WaitAsync(Engines.Patience);
            if (life == 2) engines.Clock.Advance(TimeSpan.FromHours(1));
            await engines.Kill();
            await Task.WhenAll(sent).WaitAsync(Engines.Patience);
            await engines.Start();
        }

        await engines.Quiet();
        var totals = await Task.WhenAll(Enumerable.Range(0, 9).Select(async i => (await engines.Ask(CounterGrain.Id(i), new GetCounter())).Reply?.Total ?? 0));
        Assert.True(totals.Sum() == 0, $"seed {seed}: {string.Join(", ", totals)}");
        Assert.Contains(totals, t => t != 0);
    }
}

public sealed class DebtTestsOnSqlite : DebtTests
{
    private protected override Store NewStore() => Store.Sqlite();
}

public sealed class DebtTestsOnPostgres : DebtTests
{
    private protected override Store NewStore() => Store.Postgres();
}

/// <summary>A payment system that can be down, and hang, and that remembers what it took.</summary>
internal sealed class Bank : IReceiver
{
    private readonly SemaphoreSlim called = new(0);
    private int calls;
    private int inside;

    public string Kind => "bank";

    public volatile bool IsDown;

    public volatile bool Hangs;

    public int Calls => Volatile.Read(ref calls);

    public int MostAtOnce { get; private set; }

    public ConcurrentQueue<(GrainId To, Guid Payment)> Received { get; } = new();

    public Task Call() => called.WaitAsync().WaitAsync(Engines.Patience);

    public async Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
    {
        lock (called) MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref inside));
        try
        {
            Interlocked.Increment(ref calls);
            called.Release();
            await Task.Yield();
            if (Hangs) await new TaskCompletionSource().Task; // deaf to the cancellation too
            if (IsDown) throw new TimeoutException("The bank is down.");
            Received.Enqueue((to, ((ReceivePayment)command).Payment));
            return new(Done.Instance, null);
        }
        finally
        {
            Interlocked.Decrement(ref inside);
        }
    }
}
