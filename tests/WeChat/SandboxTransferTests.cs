using System.Collections.Concurrent;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.Sandbox;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.WeChat;

public sealed class SandboxTransferTests : IDisposable
{
    private static readonly ShopId Demo = new("demo");
    private static readonly WithdrawalId Withdrawal = new(Guid.Parse("0190000000007000800000000000abcd"));
    private static readonly TransferAtGateway TheTransfer = new(Withdrawal, new(Guid.Parse("0190000000007000800000000000aaaa")), new(3_000));
    private static readonly AskedAtSandbox Asked = new(Demo, new(3_000));

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Transfer_is_asked_for_once() => Story().Given().When(new TransferAtSandbox(Demo, new(3_000))).Then(Asked);

    [Fact]
    public void Transfer_asked_for_again_is_the_same() => Story().Given(Asked).When(new TransferAtSandbox(Demo, new(3_000))).ThenNothing();

    [Fact]
    public void Transfer_that_nobody_asked_for_cannot_end() => Story().Given().When(new EndAtSandbox(null, 0, false, null)).ThenRefused(GrainRefusal.NotFound);

    [Fact]
    public void End_is_told_as_often_as_wanted() =>
        Story().Given(Asked).When(new EndAtSandbox("OVERDUE_CLOSE", 1, false, null)).Then(new EndedAtSandbox("OVERDUE_CLOSE"), Owed(0, 3_000, "OVERDUE_CLOSE"), Owed(1, 3_000, "OVERDUE_CLOSE"));

    [Fact]
    public void Same_end_again_is_told_again() =>
        Story().Given(Asked, new EndedAtSandbox(null), Owed(0, 3_000)).When(new EndAtSandbox(null, 0, false, null)).Then(Owed(1, 3_000));

    [Fact]
    public void Another_end_is_refused() => Story().Given(Asked, new EndedAtSandbox(null), Owed(0, 3_000)).When(new EndAtSandbox("FAIL", 0, false, null)).ThenRefused(GrainRefusal.WrongState);

    [Fact]
    public void Lie_ends_nothing()
    {
        Story().Given(Asked).When(new EndAtSandbox(null, 0, true, null)).Then(Owed(0, 3_000, forge: true));
        Story().Given(Asked).When(new EndAtSandbox(null, 0, false, new(1))).Then(Owed(0, 1));
        Story().Given(Asked, new EndedAtSandbox(null), Owed(0, 3_000)).When(new EndAtSandbox("FAIL", 0, true, null)).Then(Owed(1, 3_000, "FAIL", forge: true));
    }

    [Fact]
    public void Callbacks_have_a_limit()
    {
        SandboxTransferEvent[] all = [Asked, new EndedAtSandbox(null), .. Enumerable.Range(0, 45).Select(i => Owed(i, 3_000))];
        Story().Given(all).When(new EndAtSandbox(null, 5, false, null)).ThenRefused(GrainRefusal.WrongState);
        Story().Given(all).When(new EndAtSandbox(null, 4, false, null)).Then([.. Enumerable.Range(45, 5).Select(i => Owed(i, 3_000))]);
    }

    [Fact]
    public async Task Callback_survives_a_crash()
    {
        var silent = new Poster(answers: false);
        var clock = new ProductClock();
        var journal = new HeldJournal(SqliteJournal.Open(folder.FullName));
        var engine = await Start(journal, silent, clock);
        Assert.Equal(new(TransferStatus.Processing), (await engine.Ask(SandboxTransfers.Of(Withdrawal), new TransferAtSandbox(Demo, new(3_000)))).Reply);
        Assert.Null((await engine.Ask(SandboxTransfers.Of(Withdrawal), new EndAtSandbox("OVERDUE_CLOSE", 0, false, null))).Refusal);
        await silent.Called.Task.WaitAsync(Engines.Patience);
        journal.Die();
        await engine.DisposeAsync().AsTask().WaitAsync(Engines.Patience);
        await journal.DisposeAsync();

        var poster = new Poster(answers: true);
        await using var again = SqliteJournal.Open(folder.FullName);
        await using var restarted = await Start(again, poster, clock);
        await poster.Called.Task.WaitAsync(Engines.Patience);
        using var limit = new CancellationTokenSource(Engines.Patience);
        await restarted.WhenQuiet(limit.Token);
        Assert.Equal([new PostTransferCallback(Withdrawal, Demo, new(3_000), "OVERDUE_CLOSE", false)], poster.Posted);
        Assert.Equal(new(TransferStatus.Failed, Problem: "OVERDUE_CLOSE"), (await restarted.Ask(SandboxTransfers.Of(Withdrawal), new TransferAtSandbox(Demo, new(3_000)))).Reply);
    }

    [Fact]
    public async Task Callback_is_posted_to_the_shop_and_believed_unless_it_is_forged()
    {
        var keys = new SandboxKeys(folder.FullName);
        await using var path = await CallbackPath.Open(keys.Merchants);
        await using var services = new ServiceCollection().AddHttpClient().BuildServiceProvider();
        var poster = new CallbackPoster(services.GetRequiredService<IHttpClientFactory>(), keys, () => path.Address, TimeProvider.System);
        var to = new GrainId(poster.Kind, Demo, Withdrawal.Value);

        await poster.Receive(to, new PostTransferCallback(Withdrawal, Demo, new(3_000), null, Forge: true), default);
        Assert.Empty(path.Grains.Asked);
        await poster.Receive(to, new PostTransferCallback(Withdrawal, Demo, new(3_000), null, Forge: false), default);
        await poster.Receive(to, new PostTransferCallback(Withdrawal, Demo, new(1), "OVERDUE_CLOSE", Forge: false), default);
        Assert.Equal<(GrainId, object)>(
            [(Withdrawal.In(Demo), new NoteTransfer(new(3_000), TransferStatus.Succeeded)), (Withdrawal.In(Demo), new NoteTransfer(new(1), TransferStatus.Failed, "OVERDUE_CLOSE"))], path.Grains.Asked);
    }

    [Fact]
    public async Task Levers_end_a_transfer_of_the_running_product()
    {
        await using var shop = await LiveShop.Open();
        var lever = $"/sandbox/transfers/{Withdrawal}";
        (await shop.Nobody.Post($"{lever}/succeed")).Refused(404, "NotFound");
        Assert.Equal(new(TransferStatus.Processing), await Transfer(shop));
        Assert.Equal(new(TransferStatus.Processing), await Transfer(shop));
        (await shop.Nobody.Post($"{lever}/fail", new { problem = "no word" })).Refused(422, "Invalid");
        (await shop.Nobody.Post($"{lever}/fail", new { problem = "" })).Refused(422, "Invalid");
        (await shop.Nobody.Post($"{lever}/fail", new { repeat = 11 })).Refused(422, "Invalid");
        (await shop.Nobody.Post($"{lever}/succeed", new { repeat = -1 })).Refused(422, "Invalid");
        (await shop.Nobody.Post($"{lever}/succeed", new { amountFen = -1 })).Refused(422, "Invalid");
        (await shop.Nobody.Post($"{lever}/succeed", new { forge = true })).Expect(200);
        Assert.Equal(new(TransferStatus.Processing), await Transfer(shop));
        (await shop.Nobody.Post($"{lever}/fail")).Expect(200);
        (await shop.Nobody.Post($"{lever}/fail")).Expect(200);
        (await shop.Nobody.Post($"{lever}/succeed")).Refused(409, "WrongState");
        await shop.Restart();
        Assert.Equal(new(TransferStatus.Failed, Problem: "PAYEE_ACCOUNT_ABNORMAL"), await Transfer(shop));
    }

    private static Task<TransferredAtGateway> Transfer(LiveShop shop) => shop.Host.Services.GetRequiredService<IPaymentGateway>().Transfer(Demo, TheTransfer, default);

    private static CallbackOwed Owed(int index, long fen, string? problem = null, bool forge = false) => new(Ids.Derive("callback", $"{index}"), new(fen), problem, forge);

    private static Story<SandboxTransferState, SandboxTransferEvent> Story() => new(new SandboxTransferGrain());

    private static async Task<LocalEngine> Start(IJournal journal, IReceiver poster, ProductClock clock)
    {
        var engine = new LocalEngine(journal, [new SandboxTransferGrain()], [poster], clock, new() { Lanes = 1 }, NullLogger<LocalEngine>.Instance);
        await engine.Start().WaitAsync(Engines.Patience);
        return engine;
    }

    private sealed class Poster(bool answers) : IReceiver
    {
        public string Kind => SandboxPayments.CallbackKind;

        public TaskCompletionSource Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<object> Posted { get; } = new();

        public Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
        {
            Posted.Enqueue(command);
            Called.TrySetResult();
            return answers ? Task.FromResult(new Receipt(Done.Instance, null)) : throw new HttpRequestException("Nobody answers.");
        }
    }
}
