using Campaigns.Grains.Kernel;
using Campaigns.Silo.Projections;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Campaigns.Tests.Silo;

/// <summary>Read models that several processes share: one writes at a time, and every fact counts once whoever does.</summary>
public sealed class PostgresDocumentsTests : IAsyncLifetime
{
    private static readonly ShopId Shop = new("demo");
    private static readonly DateTimeOffset At = Story<CounterState, CounterEvent>.Start;

    // Before the server would end a session because it is silent.
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(4);

    private readonly List<PostgresDocuments> opened = [];
    private string database = "";

    public async Task InitializeAsync() => database = await PrivatePostgres.NewDatabase();

    public Task DisposeAsync()
    {
        foreach (var documents in opened) documents.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task One_process_leads_and_the_others_see_how_far_it_is()
    {
        await using var engines = await Engines.Start(Store.Postgres());
        var (first, second) = (Open(), Open());
        await using var writing = Project(engines, first);
        writing.Start();
        await using var watching = Project(engines, second);
        watching.Start();
        for (var i = 1; i <= 20; i++) await engines.Ask(CounterGrain.Id(1), new Add(i));
        await CaughtUp(watching);

        Assert.True(first.TryLead());
        Assert.False(second.TryLead());
        Assert.Equal((0L, first.Position, first.AsOf), (watching.LagFlushes, second.Position, second.AsOf));
        Assert.Equal(new(210, 20), second.Read<CounterTotal>(Shop, "totals", Key(1)));
    }

    [Fact]
    public async Task When_the_leader_is_cut_off_another_takes_over_and_no_fact_counts_twice()
    {
        await using var engines = await Engines.Start(Store.Postgres());
        await Execute($"create role {Role} login superuser");
        var (first, second) = (Open(As(Role)), Open());
        await using var cutOff = Project(engines, first);
        cutOff.Start();
        await using var other = Project(engines, second);
        other.Start();

        for (var i = 1; i <= 100; i++)
        {
            if (i == 50)
            {
                await Execute($"alter role {Role} nologin");
                await Execute($"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{Role}'");
            }

            await engines.Ask(CounterGrain.Id(i % 5), new Add(i));
        }

        await CaughtUp(other);
        for (var i = 0; i < 5; i++) Assert.Equal(new(Enumerable.Range(1, 100).Where(n => n % 5 == i).Sum(), 20), second.Read<CounterTotal>(Shop, "totals", Key(i)));
        await Until(() => cutOff.Failure is NpgsqlException);

        await Execute($"alter role {Role} login");
        await Until(() => cutOff.Failure is null);
        await CaughtUp(cutOff);
        Assert.False(first.TryLead());
    }

    [Fact]
    public async Task A_leader_that_ends_leaves_the_lead_to_the_next_at_once()
    {
        await using var engines = await Engines.Start(Store.Postgres());
        var (first, second) = (Open(), Open());
        await using (var projector = Project(engines, first))
        {
            projector.Start();
            Assert.False(second.TryLead());
        }

        await Until(second.TryLead, AtOnce);
        Assert.False(first.TryLead());
    }

    [Fact]
    public async Task A_leader_that_hangs_loses_the_lead_and_finds_its_way_back()
    {
        var (hanging, other) = (Open(), Open());
        Assert.True(hanging.TryLead());
        hanging.Put(Shop, "totals", "a", "all", At, new CounterTotal(1, 1));
        await Until(other.TryLead); // the server ends a session that is silent for five seconds
        other.Put(Shop, "totals", "a", "all", At, new CounterTotal(2, 2));
        Assert.True(other.Commit(1, At));

        Assert.ThrowsAny<NpgsqlException>(() => hanging.Commit(1, At));
        Assert.False(hanging.TryLead());
        Assert.Equal((1L, At), (hanging.Position, hanging.AsOf));
        Assert.Equal(new(2, 2), hanging.Find<CounterTotal>(Shop, "totals", "a"));
    }

    [Fact]
    public async Task A_leader_that_a_bug_has_stopped_leaves_the_lead_to_who_may_know_better()
    {
        await using var engines = await Engines.Start(Store.Postgres());
        await engines.Ask(CounterGrain.Id(1), new Add(13));
        var (old, @new) = (Open(), Open());
        await using var broken = Project(engines, old, new CounterTotals { Fails = true });
        broken.Start();
        await Until(() => broken.Failure is InvalidDataException);
        await Until(@new.TryLead, AtOnce);

        await using var better = Project(engines, @new);
        better.Start();
        await CaughtUp(better);
        Assert.Equal(new(13, 1), @new.Read<CounterTotal>(Shop, "totals", Key(1)));
    }

    [Fact]
    public async Task A_commit_of_a_leader_that_was_overtaken_changes_nothing()
    {
        var documents = Open();
        Assert.True(documents.TryLead());
        documents.Put(Shop, "totals", "kept", "all", At, new CounterTotal(1, 1));
        documents.Put(Shop, "totals", "dropped", "all", At, new CounterTotal(2, 1));
        Assert.True(documents.Commit(1, At));

        await Execute("update campaigns.document_progress set position = 5, at = 77");
        documents.Put(Shop, "totals", "kept", "all", At, new CounterTotal(9, 9));
        documents.Put(Shop, "totals", "new", "all", At, new CounterTotal(9, 9));
        documents.Drop(Shop, "totals", "dropped");
        Assert.False(documents.Commit(2, At));
        Assert.Equal([new(1, 1), new(2, 1)], documents.List<CounterTotal>(Shop, "totals", "all", null, 10).Items.OrderBy(t => t.Total));
        Assert.Equal(5L, await Scalar("select position from campaigns.document_progress"));

        // What it knew is forgotten: it leads again from what is stored.
        await Execute("""update campaigns.document set json = '{"total":3,"facts":3}' where key = 'kept'""");
        Assert.True(documents.TryLead());
        Assert.Equal((5L, 77L), (documents.Position, documents.AsOf.UtcTicks));
        Assert.Equal(new(3, 3), documents.Find<CounterTotal>(Shop, "totals", "kept"));
        await Execute("update campaigns.document_progress set position = 6");
        Assert.False(documents.Clear());
        Assert.Equal(2L, await Scalar("select count(*) from campaigns.document"));
    }

    [Fact]
    public async Task Nothing_is_written_by_who_does_not_lead()
    {
        var (leader, other) = (Open(), Open());
        Assert.True(leader.TryLead());
        Assert.False(other.TryLead());
        other.Put(Shop, "totals", "a", "all", At, new CounterTotal(1, 1));
        Assert.False(other.Commit(1, At));
        Assert.False(other.Clear());
        Assert.Equal(0L, await Scalar("select position + (select count(*) from campaigns.document) from campaigns.document_progress"));
    }

    [Fact]
    public async Task A_step_that_was_overtaken_is_done_again_from_what_is_stored()
    {
        await using var engines = await Engines.Start(Store.Postgres());
        await engines.Ask(CounterGrain.Id(1), new Add(1));
        var documents = Open();
        var meddler = new Meddler(() => Execute("update campaigns.document_progress set position = 1").Wait());
        await using var projector = Project(engines, documents, meddler);
        Assert.Equal(0, projector.Step());
        Assert.Equal(1, meddler.Times);
        await engines.Ask(CounterGrain.Id(1), new Add(2));
        Assert.Equal(1, projector.Step());
        Assert.Equal([new(2, 1)], documents.List<CounterTotal>(Shop, "totals", "all", null, 10).Items);
    }

    [Fact]
    public async Task A_reader_without_a_projector_knows_the_time_of_what_it_reads()
    {
        var (writer, reader) = (Open(), Open());
        Assert.True(writer.TryLead());
        writer.Put(Shop, "totals", "a", "all", At, new CounterTotal(1, 1));
        writer.Commit(1, At);
        Assert.Equal(At, reader.List<CounterTotal>(Shop, "totals", "nobody", null, 10).AsOf);
        writer.Commit(2, At.AddMinutes(1));
        Assert.Equal(new(1, 1), reader.Read<CounterTotal>(Shop, "totals", "a"));
        Assert.Equal(At.AddMinutes(1), reader.AsOf);
    }

    [Fact]
    public async Task What_a_step_does_not_know_is_asked_for_at_once_and_the_step_runs_again()
    {
        await using var engines = await Engines.Start(Store.Postgres());
        for (var i = 1; i <= 3; i++) await engines.Ask(CounterGrain.Id(i), new Add(i));
        using (var before = Open()) Assert.Equal(3, Steps(Project(engines, before)));

        for (var i = 1; i <= 3; i++) await engines.Ask(CounterGrain.Id(i), new Add(10));
        var documents = Open();
        Assert.Equal(3, Steps(Project(engines, documents, new CounterTotals { Continues = true })));
        Assert.Equal([new(11, 2), new(12, 2), new(13, 2)], documents.List<CounterTotal>(Shop, "totals", "all", null, 10).Items.OrderBy(t => t.Total));
    }

    [Fact]
    public async Task A_bug_is_no_thing_that_was_not_known()
    {
        await using var engines = await Engines.Start(Store.Postgres());
        await engines.Ask(CounterGrain.Id(1), new Add(1));
        var documents = Open();
        Assert.Throws<InvalidDataException>(() => Project(engines, documents, new CounterTotals { Continues = true }).Step());
        Assert.Throws<InvalidDataException>(() => Project(engines, documents, new CounterTotals { Fails = true }).Step());
        Assert.Equal(0L, await Scalar("select count(*) from campaigns.document"));
    }

    [Fact]
    public async Task Many_processes_may_make_the_tables_at_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => new PostgresDocuments(database, "made_at_once").Dispose())));
        Assert.Equal(1L, await Scalar("select count(*) from made_at_once.document_progress"));
        Assert.Throws<ArgumentException>(() => new PostgresDocuments(database, "x; drop schema made_at_once"));
        Assert.Throws<DocumentsUnavailable>(() => new PostgresDocuments($"{database};Username=nobody_of_this_name"));
    }

    [Fact]
    public async Task Lists_are_ordered_by_bytes_whatever_order_the_database_prefers()
    {
        var english = new NpgsqlConnectionStringBuilder(database);
        english.Database += "_english";
        await Execute($"create database {english.Database} template template0 locale_provider icu icu_locale 'en'");
        var documents = Open(english.ToString());
        Assert.True(documents.TryLead());
        string[] keys = ["B", "_", "a", "aa", "é"];
        foreach (var (i, key) in keys.Index()) documents.Put(Shop, "c", key, "me", At, new CounterTotal(i, 1));
        documents.Commit(1, At);
        Assert.Equal([4, 3, 2, 1, 0], documents.List<CounterTotal>(Shop, "c", "me", null, 10).Items.Select(t => t.Total));
    }

    [Fact]
    public async Task Who_may_only_read_can_open_what_is_there()
    {
        Assert.Equal(0, Open().Position);
        await Execute($"create role {Role} login; grant usage on schema campaigns to {Role}; grant select on all tables in schema campaigns to {Role}");
        Assert.Null(Open(As(Role)).Read<CounterTotal>(Shop, "totals", "a"));
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_told_from_a_document_that_is_not_there()
    {
        await Execute($"create role {Role} login superuser");
        var documents = Open(As(Role));
        Assert.Null(documents.Read<CounterTotal>(Shop, "totals", "a"));
        await Execute($"alter role {Role} nologin");
        await Execute($"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{Role}'");
        for (var i = 0; i < 2; i++)
        {
            Assert.Throws<DocumentsUnavailable>(() => documents.Read<CounterTotal>(Shop, "totals", "a"));
            Assert.Throws<DocumentsUnavailable>(() => documents.List<CounterTotal>(Shop, "totals", "all", null, 10));
            Assert.Throws<DocumentsUnavailable>(() => documents.Count(Shop, "totals", "all", At, At.AddDays(1)));
        }

        await Execute($"alter role {Role} login");
        Assert.Null(documents.Read<CounterTotal>(Shop, "totals", "a"));
    }

    // Roles belong to the whole server.
    private string Role => $"role_of_{new NpgsqlConnectionStringBuilder(database).Database}";

    private static string Key(int counter) => CounterGrain.Id(counter).Key.ToString("N");

    private static Task CaughtUp(Projector projector) => projector.WhenCaughtUp(CancellationToken.None).WaitAsync(Engines.Patience);

    private static int Steps(Projector projector)
    {
        var sum = 0;
        for (int read; (read = projector.Step()) > 0;) sum += read;
        return sum;
    }

    private static async Task Until(Func<bool> isSo, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? Engines.Patience);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!isSo()) await again.WaitForNextTickAsync(limit.Token);
    }

    private static Projector Project(Engines engines, DocumentStore documents, IProjection? projection = null) => new(engines.Journal, [engines.Grain], [projection ?? new CounterTotals()], documents, NullLogger<Projector>.Instance);

    private string As(string role) => new NpgsqlConnectionStringBuilder(database) { Username = role }.ToString();

    private PostgresDocuments Open(string? connectionString = null)
    {
        var documents = new PostgresDocuments(connectionString ?? database);
        opened.Add(documents);
        return documents;
    }

    private async Task Execute(string sql) => await Scalar(sql);

    private async Task<object?> Scalar(string sql)
    {
        await using var source = NpgsqlDataSource.Create($"{database};Pooling=false");
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Does something the first time a fact is applied.</summary>
    private sealed class Meddler(Action act) : IProjection
    {
        private readonly CounterTotals totals = new();

        public int Times { get; private set; }

        public bool Reads(string kind) => totals.Reads(kind);

        public void Apply(in Recorded fact, IDocuments documents)
        {
            if (Times == 0)
            {
                Times++;
                act();
            }

            totals.Apply(fact, documents);
        }
    }
}

/// <summary>What the writer of the read models keeps in memory is bounded, and what is in use stays.</summary>
public sealed class DocumentCacheTests
{
    [Fact]
    public void What_was_not_touched_for_long_goes()
    {
        var cache = new DocumentCache(100 * DocumentCache.CharactersPerDocument);
        for (var i = 0; i < 10_000; i++)
        {
            cache.Set(Name(i), $"{i}", 0);
            Assert.True(cache.TryGet(Name(0), out var used));
            Assert.Equal("0", used);
            cache.Trim();
            Assert.InRange(cache.Count, 1, 104);
        }

        Assert.False(cache.TryGet(Name(1), out _));
        Assert.True(cache.TryGet(Name(9_999), out _));
    }

    [Fact]
    public void A_long_document_takes_the_place_of_many()
    {
        var cache = new DocumentCache(100 * DocumentCache.CharactersPerDocument);
        for (var i = 0; i < 10; i++) cache.Set(Name(i), "", 0);
        foreach (var i in (int[])[10, 11])
        {
            cache.Set(Name(i), "long", 60 * DocumentCache.CharactersPerDocument);
            cache.Trim();
        }

        Assert.False(cache.TryGet(Name(9), out _));
        Assert.True(cache.TryGet(Name(11), out _));
    }

    [Fact]
    public void A_name_that_is_free_is_known_too_and_the_newest_word_counts()
    {
        var cache = new DocumentCache(1_000);
        Assert.False(cache.TryGet(Name(1), out _));
        cache.Set(Name(1), null, 0);
        Assert.True(cache.TryGet(Name(1), out var free));
        Assert.Null(free);
        cache.Set(Name(1), "there", 5);
        cache.Trim();
        Assert.True(cache.TryGet(Name(1), out var there));
        Assert.Equal("there", there);
        cache.Clear();
        Assert.Equal(0, cache.Count);
        Assert.False(cache.TryGet(Name(1), out _));
    }

    private static DocumentName Name(int i) => new(new("demo"), "c", $"{i}");
}
