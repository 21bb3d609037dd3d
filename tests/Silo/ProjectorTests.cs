using Campaigns.Grains.Kernel;
using Campaigns.Silo.Projections;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Silo;

/// <summary>Read models follow the journal, go on after a restart, and can be built again from zero, wherever they are kept.</summary>
public abstract class ProjectorTests : StoredTests
{
    private static readonly ShopId Shop = new("demo");
    private static readonly DateTimeOffset At = Story<CounterState, CounterEvent>.Start;

    private readonly CounterTotals totals = new();

    [Fact]
    public async Task Documents_follow_the_journal_until_nothing_lags()
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        await using var projector = Project(engines, documents);
        projector.Start();
        engines.Engine.Flushed += _ => projector.Signal();
        for (var i = 1; i <= 50; i++) await engines.Ask(CounterGrain.Id(i % 5), new Add(i));
        await CaughtUp(projector);

        Assert.Equal(0, projector.LagFlushes);
        Assert.Equal(new CounterTotal(10 + 5 + 15 + 20 + 25 + 30 + 35 + 40 + 45 + 50, 10), documents.Read<CounterTotal>(Shop, "totals", CounterGrain.Id(0).Key.ToString("N")));
        Assert.Null(documents.Read<CounterTotal>(new("other"), "totals", CounterGrain.Id(0).Key.ToString("N")));
        Assert.InRange(documents.AsOf, engines.Clock.GetUtcNow().AddMinutes(-1), engines.Clock.GetUtcNow());
    }

    [Fact]
    public async Task Restart_continues_where_it_stopped()
    {
        await using var engines = await Start();
        await engines.Ask(CounterGrain.Id(1), new Add(1));
        using (var documents = await Open(engines)) Assert.Equal(1, Project(engines, documents).Step());
        await engines.Ask(CounterGrain.Id(1), new Add(2));
        using (var documents = await Open(engines))
        {
            var projector = Project(engines, documents);
            engines.Journal.FindLastPosition();
            Assert.Equal(1, projector.LagFlushes);
            Assert.Equal(1, projector.Step());
            Assert.Equal(0, projector.Step());
            Assert.Equal(new CounterTotal(3, 2), documents.Read<CounterTotal>(Shop, "totals", CounterGrain.Id(1).Key.ToString("N")));
        }
    }

    [Fact]
    public async Task A_document_that_was_dropped_is_gone_stored_or_not()
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        documents.Put(Shop, "totals", "stored", "all", engines.Clock.GetUtcNow(), new CounterTotal(1, 1));
        documents.Commit(1, engines.Clock.GetUtcNow());
        Assert.Single(All(documents));

        documents.Put(Shop, "totals", "new", "all", engines.Clock.GetUtcNow(), new CounterTotal(2, 2));
        foreach (var key in (string[])["stored", "new", "unknown"]) documents.Drop(Shop, "totals", key);
        Assert.Null(documents.Find<CounterTotal>(Shop, "totals", "stored"));
        documents.Commit(2, engines.Clock.GetUtcNow());
        Assert.Empty(All(documents));
        Assert.Null(documents.Find<CounterTotal>(Shop, "totals", "new"));

        documents.Drop(Shop, "totals", "stored");
        documents.Put(Shop, "totals", "stored", "all", engines.Clock.GetUtcNow(), new CounterTotal(3, 3));
        documents.Commit(3, engines.Clock.GetUtcNow());
        Assert.Equal(new(3, 3), Assert.Single(All(documents)));
    }

    [Fact]
    public async Task Rebuild_from_zero_gives_the_same_documents()
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        var projector = Project(engines, documents);
        var random = new Random(5);
        for (var i = 0; i < 100; i++)
        {
            await engines.Ask(CounterGrain.Id(random.Next(20)), new Add(random.Next(100)));
            if (i % 10 == 0) projector.Step();
        }

        projector.Step();
        using var rebuilt = await Open(engines, "rebuilt");
        while (Project(engines, rebuilt).Step() > 0)
        {
            // From the first flush on.
        }

        Assert.Equal(All(documents), All(rebuilt));
        Assert.Equal(20, All(rebuilt).Count);
        Assert.Equal(documents.AsOf, rebuilt.AsOf);

        Assert.True(documents.Clear());
        Assert.Equal((0L, 0), (documents.Position, All(documents).Count));
        while (projector.Step() > 0)
        {
            // The same store once more.
        }

        Assert.Equal(All(rebuilt), All(documents));
    }

    [Fact]
    public async Task Failure_is_told_and_shows_no_half_flush()
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        await using var projector = Project(engines, documents);
        await engines.Ask(CounterGrain.Id(1), new Add(13));
        totals.Fails = true;
        Assert.Throws<InvalidDataException>(() => projector.Step());
        Assert.Equal(1, projector.LagFlushes);
        Assert.Null(documents.Read<CounterTotal>(Shop, "totals", CounterGrain.Id(1).Key.ToString("N")));

        projector.Start();
        using var limit = new CancellationTokenSource(Engines.Patience);
        await Assert.ThrowsAsync<InvalidOperationException>(() => projector.WhenCaughtUp(limit.Token));
        Assert.IsType<InvalidDataException>(projector.Failure);
    }

    [Fact]
    public async Task Documents_from_the_future_of_a_restored_journal_are_built_again()
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        documents.Put(Shop, "totals", "ghost", "all", engines.Clock.GetUtcNow(), new CounterTotal(1, 1));
        documents.Commit(999, engines.Clock.GetUtcNow());
        await engines.Ask(CounterGrain.Id(1), new Add(13));
        await using var projector = Project(engines, documents);
        projector.Start();
        await CaughtUp(projector);
        Assert.Equal([new CounterTotal(13, 1)], All(documents));
    }

    [Fact]
    public async Task Pages_follow_each_other_newest_first_without_gap_or_double()
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        for (var i = 0; i < 25; i++) documents.Put(Shop, "c", $"key/{i:00}", "me", At.AddSeconds(i / 3), new CounterTotal(i, 1));
        documents.Put(Shop, "c", "not-mine", "you", At, new CounterTotal(99, 1));
        documents.Put(new("other"), "c", "not-ours", "me", At, new CounterTotal(98, 1));
        documents.Commit(1, At);

        var seen = new List<long>();
        string? cursor = null;
        do
        {
            var page = documents.List<CounterTotal>(Shop, "c", "me", cursor, 10);
            Assert.InRange(page.Items.Count, 1, 10);
            seen.AddRange(page.Items.Select(d => d.Total));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Range(0, 25).Reverse().Select(i => (long)i), seen);
    }

    [Theory]
    [InlineData("")]
    [InlineData("zz")]
    [InlineData("00")]
    [InlineData("31")]
    [InlineData("2f2f2f")]
    [InlineData("ffff2fff")]
    [InlineData("' or 1=1 --")]
    public async Task Broken_cursor_starts_at_the_beginning_and_sizes_are_bounded(string cursor)
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        for (var i = 0; i < 150; i++) documents.Put(Shop, "c", $"{i}", "me", At, new CounterTotal(i, 1));
        documents.Commit(1, At);
        Assert.Equal(DocumentStore.PageMax, documents.List<CounterTotal>(Shop, "c", "me", cursor, 1_000).Items.Count);
        Assert.Single(documents.List<CounterTotal>(Shop, "c", "me", cursor, -3).Items);
    }

    [Fact]
    public async Task Lists_are_ordered_by_the_bytes_of_keys_where_times_are_the_same()
    {
        await using var engines = await Start();
        using var documents = await Open(engines);
        string[] keys = ["", "-", "A", "Z", "_", "a", "a/", "a0", "aa", "z", "é", "茶", "\uffee", "😀"]; // UTF-16 would put the last before the one before
        foreach (var (i, key) in keys.Index().Reverse()) documents.Put(Shop, "c", key, "me", At, new CounterTotal(i, 1));
        documents.Put(Shop, "c", "later", "me", At.AddTicks(1), new CounterTotal(100, 1));
        documents.Put(Shop, "c", "earlier", "me", At.AddTicks(-1), new CounterTotal(-1, 1));
        documents.Commit(1, At);

        var seen = new List<long>();
        string? cursor = null;
        do
        {
            var page = documents.List<CounterTotal>(Shop, "c", "me", cursor, 1);
            seen.AddRange(page.Items.Select(d => d.Total));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal([100, .. Enumerable.Range(0, keys.Length).Reverse().Select(i => (long)i), -1], seen);
        Assert.Equal(keys.Length, documents.List<CounterTotal>(Shop, "c", "me", DocumentStore.CursorBefore(At.AddTicks(1)), 100).Items.Count - 1);
        Assert.Equal(keys.Length, documents.Count(Shop, "c", "me", At, At.AddTicks(1)));
    }

    [Fact]
    public async Task A_document_may_hold_any_text_and_its_names_only_what_is_text()
    {
        await using var engines = await Start();
        const string Any = "NUL \0, 茶, 😀, \u2028, \"quoted\", \\u0000";
        using (var documents = await Open(engines))
        {
            documents.Put(Shop, "c", "茶 😀 \"'\\", "我", At, new Words(Any));
            foreach (var wrong in (string[])["a\0b", "\ud83d"])
            {
                Assert.Throws<ArgumentException>(() => documents.Put(Shop, wrong, "k", "o", At, new Words("")));
                Assert.Throws<ArgumentException>(() => documents.Put(Shop, "c", wrong, "o", At, new Words("")));
                Assert.Throws<ArgumentException>(() => documents.Put(Shop, "c", "k", wrong, At, new Words("")));
                documents.Drop(Shop, "c", wrong);
                Assert.Null(documents.Find<Words>(Shop, "c", wrong));
                Assert.Null(documents.Read<Words>(Shop, "c", wrong));
                Assert.Empty(documents.List<Words>(Shop, "c", wrong, null, 10).Items);
                Assert.Equal(0, documents.Count(Shop, wrong, "我", At, At.AddDays(1)));
            }

            documents.Commit(1, At);
        }

        using var again = await Open(engines);
        Assert.Equal(new(Any), again.Find<Words>(Shop, "c", "茶 😀 \"'\\"));
        Assert.Equal(new(Any), again.Read<Words>(Shop, "c", "茶 😀 \"'\\"));
        Assert.Equal([new(Any)], again.List<Words>(Shop, "c", "我", Convert.ToHexString("99/a\0"u8), 10).Items); // a cursor that holds no text starts at the beginning
    }

    /// <summary>The store of that name, ready to be written.</summary>
    private protected abstract Task<DocumentStore> Open(Engines engines, string name = "documents");

    private static IReadOnlyList<CounterTotal> All(DocumentStore documents) => documents.List<CounterTotal>(Shop, "totals", "all", null, 100).Items;

    private static Task CaughtUp(Projector projector) => projector.WhenCaughtUp(CancellationToken.None).WaitAsync(Engines.Patience);

    private Projector Project(Engines engines, DocumentStore documents) => new(engines.Journal, [engines.Grain], [totals], documents, NullLogger<Projector>.Instance);
}

/// <summary>In a file of its own.</summary>
public sealed class SqliteProjectorTests : ProjectorTests
{
    private protected override Store NewStore() => Store.Sqlite();

    private protected override Task<DocumentStore> Open(Engines engines, string name = "documents") => Task.FromResult<DocumentStore>(new SqliteDocuments(Path.Combine(engines.Folder, $"{name}.db")));
}

/// <summary>In PostgreSQL.</summary>
public sealed class PostgresProjectorTests : ProjectorTests
{
    private protected override Store NewStore() => Store.Sqlite();

    private readonly Lazy<Task<string>> database = new(PrivatePostgres.NewDatabase);

    private protected override async Task<DocumentStore> Open(Engines engines, string name = "documents")
    {
        var documents = new PostgresDocuments(await database.Value, name);
        Assert.True(documents.TryLead());
        return documents;
    }
}

internal sealed record Words(string Text);

internal sealed record CounterTotal(long Total, long Facts);

internal sealed class CounterTotals : IProjection
{
    public bool Fails { get; set; }

    /// <summary>A document is there before the first fact, or there is a bug.</summary>
    public bool Continues { get; set; }

    public bool Reads(string kind) => kind == CounterGrain.Name;

    public void Apply(in Recorded fact, IDocuments documents)
    {
        var key = fact.Grain.Key.ToString("N");
        var known = documents.Find<CounterTotal>(fact.Grain.Shop, "totals", key) ?? (Continues ? throw new InvalidDataException("There is no document.") : new(0, 0));
        documents.Put(fact.Grain.Shop, "totals", key, "all", fact.At, new CounterTotal(known.Total + ((fact.Event as Added)?.Amount ?? 0), known.Facts + 1));
        if (Fails) throw new InvalidDataException("A bug, on purpose.");
    }
}
