using System.Collections.Concurrent;
using Campaigns.Grains;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Microsoft.Extensions.Logging.Abstractions;
using static Campaigns.Tests.Ledger.LedgerCast;

namespace Campaigns.Tests.Withdrawal;

/// <summary>Withdrawals and their ledger on the real engine, with a gateway that does what it is told.</summary>
public sealed class WithdrawalRaceTests : IAsyncLifetime
{
    private static readonly WithdrawalPolicy Policy = new(new(1), new(100_000), new(100_000), 0, Zone);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");
    private readonly Till till = new();
    private SqliteJournal journal = null!;
    private LocalEngine engine = null!;

    private GrainId Ledger => Amei.LedgerIn(Demo, LedgerKind.Commission);

    public async Task InitializeAsync()
    {
        journal = SqliteJournal.Open(folder.FullName);
        var grains = Mechanics.Grains.Where(g => g.Kind != DistributorAddress.Kind);
        engine = new(journal, grains, [till, new Distributors()], new ProductClock(), new() { Lanes = 2, DuePoll = TimeSpan.FromMilliseconds(20), DrainMax = TimeSpan.FromSeconds(5) }, NullLogger<LocalEngine>.Instance);
        await engine.Start().WaitAsync(Patience);
        await Ask(Ledger, Post(1, Give(10_000)));
    }

    public async Task DisposeAsync()
    {
        await engine.DisposeAsync();
        await journal.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    [Trait("EdgeCase", "45")]
    public async Task Of_eight_withdrawals_of_the_whole_balance_at_once_one_is_accepted()
    {
        for (var round = 1; round <= 20; round++)
        {
            var ids = Enumerable.Range(0, 8).Select(_ => new WithdrawalId(Guid.CreateVersion7())).ToList();
            var asked = await Task.WhenAll(ids.Select(id => Ask(id.In(Demo), new AskWithdrawal(Amei, new(10_000), Policy))));
            Assert.Single(asked, a => a.IsAccepted);
            Assert.All(asked.Where(a => !a.IsAccepted), a => Assert.Equal("WithdrawalOpen", a.Refusal!.Code));
            Assert.Equal((0, 10_000), await AvailableAndHeld());

            Assert.True((await Ask(ids[Array.FindIndex(asked, a => a.IsAccepted)].In(Demo), new DecideWithdrawal(Guid.CreateVersion7(), IsApproved: false, null))).IsAccepted);
            Assert.Equal((10_000, 0), await AvailableAndHeld());
        }
    }

    [Fact]
    [Trait("EdgeCase", "45")]
    public async Task Of_many_decisions_at_once_one_takes_effect()
    {
        for (var round = 0; round < 20; round++)
        {
            var before = (await View()).WithdrawnFen;
            var id = new WithdrawalId(Guid.CreateVersion7());
            Assert.True((await Ask(id.In(Demo), new AskWithdrawal(Amei, new(100), Policy))).IsAccepted);
            var decided = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Ask(id.In(Demo), new DecideWithdrawal(Guid.CreateVersion7(), IsApproved: i % 2 == round % 2, null))));
            Assert.Single(decided, d => d.IsAccepted);
            Assert.All(decided.Where(d => !d.IsAccepted), d => Assert.Equal("AlreadyDecided", d.Refusal!.Code));
            await Quiet();

            var isPaid = (await Ask(id.In(Demo), new GetWithdrawal(null))).Reply!.State == WithdrawalStatus.Paid;
            Assert.Equal(isPaid ? 1 : 0, till.Of(id));
            Assert.Equal(before + (isPaid ? 100 : 0), (await View()).WithdrawnFen);
        }
    }

    [Fact]
    [Trait("EdgeCase", "46")]
    public async Task Ten_callbacks_at_once_that_a_transfer_failed_give_the_money_back_once()
    {
        till.Next = new(TransferStatus.Processing);
        var id = new WithdrawalId(Guid.CreateVersion7());
        await Ask(id.In(Demo), new AskWithdrawal(Amei, new(10_000), Policy));
        await Ask(id.In(Demo), new DecideWithdrawal(Guid.CreateVersion7(), IsApproved: true, null));
        await Quiet();
        Assert.Equal(WithdrawalStatus.Transferring, (await Ask(id.In(Demo), new GetWithdrawal(Amei))).Reply!.State);

        Assert.Equal("AmountMismatch", (await Ask(id.In(Demo), new NoteTransfer(new(9_999), TransferStatus.Failed))).Refusal!.Code);
        Assert.Equal("NotFound", (await Ask(new WithdrawalId(Guid.CreateVersion7()).In(Demo), new NoteTransfer(new(10_000), TransferStatus.Failed))).Refusal!.Code);
        Assert.Equal((0, 10_000), await AvailableAndHeld());
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Ask(id.In(Demo), new NoteTransfer(new(10_000), TransferStatus.Failed, "CLOSED")))), n => Assert.True(n.IsAccepted));
        await Quiet();
        Assert.Equal((10_000, 0), await AvailableAndHeld());
        Assert.Equal(WithdrawalStatus.Failed, (await Ask(id.In(Demo), new GetWithdrawal(Amei))).Reply!.State);
    }

    private Task<Outcome<TReply>> Ask<TReply>(GrainId grain, ICommand<TReply> command) => engine.Ask(grain, command).AsTask().WaitAsync(Patience);

    private async Task<LedgerView> View() => (await Ask(Ledger, new GetLedger())).Reply!;

    private async Task<(long Available, long Held)> AvailableAndHeld() => await View() is var view ? (view.AvailableFen, view.HeldFen) : default;

    private async Task Quiet()
    {
        using var limit = new CancellationTokenSource(Patience);
        await engine.WhenQuiet(limit.Token);
    }

    private sealed class Distributors : IReceiver
    {
        public string Kind => DistributorAddress.Kind;

        public Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation) => Task.FromResult(new Receipt(new DistributorTerms(DistributorStanding.Active, null, null, 100, 100), null));
    }

    private sealed class Till : IReceiver
    {
        private readonly ConcurrentDictionary<WithdrawalId, int> asked = new();

        public TransferredAtGateway Next { get; set; } = new(TransferStatus.Succeeded);

        public string Kind => TransferGateway.Kind;

        public int Of(WithdrawalId withdrawal) => asked.GetValueOrDefault(withdrawal);

        public Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
        {
            asked.AddOrUpdate(((TransferAtGateway)command).Withdrawal, 1, (_, times) => times + 1);
            return Task.FromResult(new Receipt(Next, null));
        }
    }
}
