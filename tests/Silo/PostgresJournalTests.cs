using Campaigns.Grains.Kernel;
using Campaigns.LoadTests.Peers;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;
using Npgsql;

namespace Campaigns.Tests.Silo;

/// <summary>What the journal of several processes promises beyond the others: one order, one writer of a grain, and an outcome that is known.</summary>
public sealed class PostgresJournalTests : JournalTests
{
    private static readonly DateTimeOffset AtOnce = Campaigns.Silo.Journal.Snapshot.AtOnce;
    private static readonly GrainId Three = CounterGrain.Id(3);

    private readonly string schema;
    private readonly List<PostgresJournal> others = [];

    public PostgresJournalTests()
        : this(PrivatePostgres.NewSchema())
    {
    }

    private PostgresJournalTests(string schema)
        : base(Store.Postgres(schema)) => this.schema = schema;

    private PostgresJournal Ours => (PostgresJournal)Journal;

    public override async ValueTask DisposeAsync()
    {
        foreach (var other in others) await other.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task Silos_that_write_at_once_share_one_order_and_no_number()
    {
        var hosts = new[] { Ours, Beside("b"), Beside("c") }.Select(j => new SecondHost(j, new CounterGrain())).ToArray();
        var done = 0;
        var writing = hosts.Select((host, h) => Task.Run(() =>
        {
            var random = new Random(h);
            for (var i = 0; i < 100; i++)
            {
                // Each takes the grains of the others now and then: it is refused once and goes on from what they wrote.
                var add = new Add(1, Guid.CreateVersion7());
                var grain = CounterGrain.Id(random.Next(10) == 0 ? random.Next(3) : h);
                while (!host.Ask(grain, add).IsAccepted) { }
                if (random.Next(10) == 0) host.Leave(grain);
            }

            Interlocked.Increment(ref done);
        })).ToArray();
        var follower = Task.Run(() =>
        {
            var sequences = new long[3];
            for (var position = 0L; ;)
            {
                var wasDone = Volatile.Read(ref done) == hosts.Length;
                var flushes = Ours.ReadAfter(position, 2_000);
                if (flushes.Count == 0 && wasDone) return sequences;
                foreach (var flush in flushes)
                {
                    Assert.Equal(++position, flush.Position);
                    var reader = new DecisionReader(flush.Decisions.Span);
                    while (reader.Next()) Assert.Equal(++sequences[Array.FindIndex([CounterGrain.Id(0), CounterGrain.Id(1), CounterGrain.Id(2)], reader.Grain.Equals)], reader.FirstSequence);
                }
            }
        });
        await Task.WhenAll(writing).WaitAsync(Engines.Patience);
        Assert.Equal(300, (await follower.WaitAsync(Engines.Patience)).Sum());
        Assert.Equal(300, Enumerable.Range(0, 3).Sum(i => new SecondHost(Ours, new CounterGrain()).Ask(CounterGrain.Id(i), new GetCounter()).Reply!.Total));
    }

    [Fact]
    public void Write_that_began_first_and_ends_last_keeps_its_place_and_is_not_missed()
    {
        Append(Facts(One, 1));
        using var slow = PrivatePostgres.Connect(schema);
        using (var transaction = slow.BeginTransaction())
        {
            Execute(slow, "insert into flush(silo, number, decisions, checksum) values (gen_random_uuid(), 1, '\\x', 0)");
            Append(Facts(One, 2));
            Assert.Equal(1, Journal.FindLastPosition());
            Assert.Empty(Journal.ReadAfter(1, int.MaxValue));
            Assert.Equal([1L, 2L], Tail(One)); // who reads the grain does not wait
            transaction.Commit();
        }

        Assert.Equal(3, Journal.FindLastPosition());
        Assert.Equal((long[])[3], Numbers("select position from flush where position is not null order by xid desc limit 1"));
        Assert.Equal([(One, 2L)], Decisions(2));
    }

    [Fact]
    public void Transaction_that_was_undone_leaves_no_gap()
    {
        using var slow = PrivatePostgres.Connect(schema);
        using (var transaction = slow.BeginTransaction())
        {
            Execute(slow, "insert into flush(silo, number, decisions, checksum) values (gen_random_uuid(), 1, '\\x', 0)");
            Append(Facts(One, 1));
            transaction.Rollback();
        }

        Assert.Equal(1, Journal.FindLastPosition());
        Assert.Equal([(One, 1L)], Decisions(0));
    }

    [Fact]
    public void Flushes_that_came_with_a_dump_of_another_server_get_their_place()
    {
        Append(Facts(One, 1));
        Append(Facts(One, 2));
        Store.Execute("update flush set position = null, xid = (xid::text::bigint + 1000000000)::text::xid8");
        Assert.Equal(2, Journal.FindLastPosition());
        Assert.Equal([(One, 1L), (One, 2L)], Decisions(0));
    }

    [Fact]
    public void Silo_that_slept_is_fenced_from_what_others_wrote_and_from_nothing_else()
    {
        var other = Beside("b");
        Append(Facts(One, 1));
        Assert.Single(other.Read(One).Tail);
        Assert.Empty(other.Append([Facts(One, 2, 3)]));

        var batch = Facts(Two, 1);
        batch.Snapshots.Add(new(Three, 0, null, []));
        Assert.Equal([One], Journal.Append([Facts(One, 2), batch]));
        Assert.Equal([1L, 2L, 3L], Tail(One));
        Assert.Equal([1L], Tail(Two));
        Assert.Equal(3, Journal.FindLastPosition());
        Append(Facts(One, 4)); // read again by Tail
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Snapshot_of_a_silo_that_slept_is_refused(bool stored)
    {
        var other = Beside("b");
        Append(Facts(One, 1));
        other.Read(One);
        var batch = Facts(One, 2);
        if (stored)
        {
            batch.Snapshots.Add(new(One, 2, null, [2]));
            batch.Closed.Add(One);
        }

        Assert.Empty(other.Append([batch]));
        Assert.Equal([One], Journal.Append([Snapshot(One, 1)]));
        Assert.Equal(stored ? 2 : 0, Journal.Read(One, withTail: false).Sequence);
    }

    [Fact]
    public void Grain_that_came_without_a_farewell_can_be_stored_and_is_then_the_new_silos()
    {
        var other = Beside("b");
        Append(Facts(One, 1));
        other.Read(One);
        Assert.Empty(other.Append([Snapshot(One, 1)]));
        Assert.Equal([other.Silos[0]], Ids("select owner from grain"));
        Append(Snapshot(One, 1)); // and back: nobody has written on
        Assert.Equal([Ours.Silos[0]], Ids("select owner from grain"));
    }

    [Fact]
    public void Closed_grain_that_others_wrote_to_is_due_at_once()
    {
        var other = Beside("b");
        Append(Facts(One, 1));
        other.Read(One);
        Assert.Empty(other.Append([Facts(One, 2)]));
        Store.Execute($"update grain set owner = '{Ours.Silos[0]}'");
        var closing = new Batch();
        closing.Closed.Add(One);
        Append(closing);
        Assert.Equal([One], Journal.Due(DateTimeOffset.MinValue, AtOnce, 10));
    }

    [Fact]
    public async Task What_comes_on_one_line_does_not_wait_for_another()
    {
        Task writing;
        using (var busy = PrivatePostgres.Connect(schema))
        using (var transaction = busy.BeginTransaction())
        {
            Execute(busy, $"select from silo where id = '{Ours.Silos[0]}' for update");
            writing = Task.Run(() => Append(Facts(One, 1)));
            Assert.Empty(Journal.Append([Facts(Two, 1)], line: 1));
            Assert.Empty(Journal.Append([Facts(Two, 2)], line: 1));
            Assert.Equal([1L, 2L], Tail(Two));
            Assert.False(writing.IsCompleted);
        }

        await writing.WaitAsync(Engines.Patience);
        Assert.Equal([1L], Tail(One));
        Assert.Equal(3, Journal.FindLastPosition());
    }

    [Fact]
    public async Task Process_that_is_fenced_is_fenced_on_all_lines_and_leaves_nothing_open()
    {
        Assert.Empty(Journal.Append([Facts(One, 1)], line: 0));
        Assert.Empty(Journal.Append([Facts(Two, 1)], line: 1));
        await using var next = PostgresJournal.Open(new(PrivatePostgres.ConnectionString) { Schema = schema });
        Assert.Equal([One, Two], next.Due(DateTimeOffset.MinValue, AtOnce, 10).OrderBy(g => g == Two));
        Assert.Throws<JournalFailure>(() => Journal.Append([Facts(Three, 1)], line: 1));
    }

    [Fact]
    public async Task Functions_of_an_older_release_are_replaced_and_those_of_a_newer_one_are_left()
    {
        foreach (var (version, replaced) in ((int, bool)[])[(1, true), (1_000, false)])
        {
            Store.Execute($"create or replace function newest(of_grain uuid) returns bigint language sql as 'select 4711::bigint'; update meta set value = {version} where name = 'functions'");
            await Reopen();
            Assert.Equal(replaced ? 0 : 4_711, Numbers("select newest(gen_random_uuid())")[0]);
        }
    }

    [Fact]
    public async Task Process_that_takes_over_fences_the_one_before()
    {
        Append(Facts(One, 1));
        await using var next = PostgresJournal.Open(new(PrivatePostgres.ConnectionString) { Schema = schema });
        var failure = Assert.Throws<JournalFailure>(() => Journal.Append([Facts(Two, 1)]));
        Assert.Contains("another one has taken over", failure.Message, StringComparison.Ordinal);
        Assert.Throws<JournalFailure>(() => Journal.Append([Facts(Two, 1)]));
        Assert.Equal([One], next.Due(DateTimeOffset.MinValue, AtOnce, 10));
        Assert.Empty(next.Read(Two).Tail);
    }

    [Fact]
    public void What_a_dead_silo_had_open_is_due_at_once_and_it_writes_no_more()
    {
        var dead = Beside("dead");
        Assert.Empty(dead.Append([Facts(One, 1)]));
        Append(Facts(Two, 1));
        Assert.Empty(Journal.Due(DateTimeOffset.MinValue, At, 10));

        Assert.Equal(1, Ours.FenceDead(["dead", "never seen"]));
        Assert.Equal(0, Ours.FenceDead(["dead"]));
        Assert.Empty(Journal.Due(AtOnce, At, 10));
        Assert.Equal([One], Journal.Due(DateTimeOffset.MinValue, At, 10));
        Assert.Throws<JournalFailure>(() => dead.Append([Facts(Three, 1)]));

        Ours.FenceDead([]);
        Assert.Equal(Ours.Silos.Order(), Ids("select id from silo").Order()); // nothing is left of it
        Assert.Throws<JournalFailure>(() => Beside("gone", j => Store.Execute($"delete from silo where id = '{j.Silos[0]}'")).Append([Facts(Three, 1)]));
    }

    [Fact]
    public void Due_grain_is_woken_by_one_silo_and_found_again_if_that_did_not()
    {
        var other = Beside("b");
        Append(Closed((One, At), (Two, At.AddSeconds(-1)), (Three, AtOnce), (CounterGrain.Id(4), null)));
        Append(Snapshots((CounterGrain.Id(5), At))); // open: it wakes by itself
        Assert.Empty(Journal.Due(AtOnce, At.AddSeconds(-2), 10));
        Assert.Equal([Two], Journal.Due(AtOnce, At, 1));
        Assert.Equal([One], other.Due(AtOnce, At, 10));
        Assert.Empty(Journal.Due(AtOnce, At.AddSeconds(9), 10));
        Assert.Equal([Two, One], other.Due(AtOnce, At.AddSeconds(10), 10).OrderBy(g => g == One));
        Assert.Equal([Three], Journal.Due(DateTimeOffset.MinValue, AtOnce, int.MaxValue));
    }

    [Fact]
    public void Grain_that_somebody_is_changing_is_left_out_and_not_waited_for()
    {
        Append(Closed((One, At), (Two, At)));
        using var busy = PrivatePostgres.Connect(schema);
        using var transaction = busy.BeginTransaction();
        Execute(busy, $"select from grain where id = '{One}' for update");
        Assert.Equal([Two], Journal.Due(AtOnce, At, 10));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Connection_that_breaks_leaves_no_doubt_and_no_double(bool isWritten)
    {
        Append(Facts(One, 1));
        Kill();
        if (isWritten) Store.Execute("update silo set flushes = flushes + 1"); // as if the answer alone had been lost
        Append(Facts(One, 2));
        Assert.Equal(isWritten ? [1L] : [1L, 2L], Tail(One));
        Append(Facts(Two, 1));
        Assert.Equal(isWritten ? 2 : 3, Journal.FindLastPosition());
    }

    [Fact]
    public async Task Write_whose_connection_is_killed_under_way_takes_place_once()
    {
        Append(Facts(One, 1));
        using var busy = PrivatePostgres.Connect(schema);
        Task writing;
        using (var transaction = busy.BeginTransaction())
        {
            Execute(busy, "select from silo for update");
            writing = Task.Run(() => Append(Facts(One, 2)));
            while (Numbers($"select count(*) from pg_stat_activity where application_name = 'campaigns {schema}' and wait_event_type = 'Lock'") is not [1]) await Task.Yield();
            Kill();
            transaction.Commit();
        }

        await writing.WaitAsync(Engines.Patience);
        Assert.Equal([1L, 2L], Tail(One));
        Assert.Equal(2, Journal.FindLastPosition());
    }

    [Fact]
    public void Server_that_lost_what_it_confirmed_stops_the_silo()
    {
        Append(Facts(One, 1));
        Append(Facts(One, 2));
        Store.Execute("update silo set flushes = flushes - 1");
        Kill();
        Assert.Contains("has lost what it had confirmed", Assert.Throws<JournalFailure>(() => Journal.Append([Facts(One, 3)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_that_dies_while_silos_append_loses_and_doubles_nothing()
    {
        using var server = await PostgresServer.Start(["shared_buffers=64MB"], CancellationToken.None).WaitAsync(Engines.Patience);
        await using var journal = PostgresJournal.Open(new(server.ConnectionString));
        var appended = 0L;
        using var enough = new CancellationTokenSource();
        var appending = Task.Run(() =>
        {
            for (var i = 1L; !enough.IsCancellationRequested; i++)
            {
                Assert.Empty(journal.Append([Facts(One, i)]));
                Volatile.Write(ref appended, i);
            }
        });
        for (var crash = 0; crash < 2; crash++)
        {
            for (var seen = Volatile.Read(ref appended); Volatile.Read(ref appended) < seen + 20;) await Task.Yield();
            await server.Crash(CancellationToken.None).WaitAsync(Engines.Patience);
        }

        await enough.CancelAsync();
        await appending.WaitAsync(Engines.Patience);
        Assert.Equal(appended, journal.FindLastPosition());
        Assert.Equal(appended, journal.Read(One).Tail.Count);
    }

    [Fact]
    public void Server_that_does_not_come_back_stops_the_silo()
    {
        var lonely = Beside("lonely", reconnectMax: TimeSpan.Zero);
        Kill("lonely");
        var failure = Assert.Throws<JournalFailure>(() => lonely.Append([Facts(One, 1)]));
        Assert.Contains("Whether the last write took place is unknown", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clean_end_hands_over_what_was_open()
    {
        var batch = Facts(One, 1);
        batch.Snapshots.Add(new(One, 1, At, [1]));
        Append(batch);
        Append(Facts(Two, 1));
        await Reopen();
        Assert.Equal([Two], Journal.Due(DateTimeOffset.MinValue, AtOnce, 10)); // no snapshot contains it
        Assert.Equal([One], Journal.Due(AtOnce.AddSeconds(10), At, 10)); // until then the other one is taken
        Assert.Equal(Ours.Silos.Order(), Ids("select id from silo").Order());
    }

    [Fact]
    public void Old_decisions_leave_the_index_when_a_snapshot_contains_them_and_stay_in_the_journal()
    {
        Append(Facts(One, 1, 2));
        var batch = Facts(One, 3);
        batch.Snapshots.Add(new(One, 2, null, [2]));
        Append(batch);
        Append(Facts(Two, 1));
        Store.Execute("update flush set at = now() - interval '1 day'");
        Append(Facts(One, 4));
        Append(Snapshot(Three, 0));
        Assert.Equal(1, Ours.Prune(TimeSpan.FromHours(3)));
        Assert.Equal(0, Ours.Prune(TimeSpan.FromHours(3)));
        Assert.Equal([3L, 4L], Tail(One));
        Assert.Equal([1L], Tail(Two));

        // Tests beside this one write on the same server, and the order waits for them: up to a second at each look.
        for (var looks = 0; looks < 30 && Journal.FindLastPosition() < 4; looks++)
        {
        }

        Assert.Equal(5, Decisions(0).Count);
    }

    [Fact]
    public void Number_whose_row_was_pruned_is_fenced_all_the_same()
    {
        var asleep = Beside("asleep");
        Append(Facts(One, 1));
        asleep.Read(One);
        Append(Facts(One, 2));
        Append(Snapshot(One, 2));
        Store.Execute("update flush set at = now() - interval '1 day'");
        Assert.Equal(2, Ours.Prune(TimeSpan.FromHours(3)));
        Assert.Equal([One], asleep.Append([Facts(One, 2)]));
        Assert.Equal(2, Journal.Read(One).Sequence);
    }

    [Fact]
    public void Silo_that_was_silent_for_long_is_fenced_before_anything_is_pruned()
    {
        var asleep = Beside("asleep");
        Store.Execute($"update silo set seen_at = now() - interval '100 minutes' where name = 'asleep'");
        Ours.Prune(TimeSpan.FromHours(4));
        Assert.Empty(asleep.Append([Facts(One, 1)]));
        Store.Execute($"update silo set seen_at = now() - interval '100 minutes' where name = 'asleep'");
        Ours.Prune(TimeSpan.FromHours(3));
        Assert.Throws<JournalFailure>(() => asleep.Append([Facts(Two, 1)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Ours.Prune(TimeSpan.FromMinutes(119)));
    }

    [Fact]
    public async Task Reader_sees_everything_writes_nothing_and_fences_nobody()
    {
        Append(Facts(One, 1));
        await using var reader = PostgresJournal.OpenToRead(new(PrivatePostgres.ConnectionString) { Schema = schema });
        Assert.Equal(1, reader.LastPosition);
        Append(Facts(One, 2));
        Assert.Equal(2, reader.FindLastPosition());
        Assert.Equal(2, reader.Read(One).Tail.Count);
        Assert.Throws<InvalidOperationException>(() => reader.Append([Facts(One, 3)]));
    }

    [Fact]
    public async Task Silos_that_start_at_once_on_an_empty_database_make_it_once()
    {
        var empty = PrivatePostgres.NewSchema();
        var opened = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() => PostgresJournal.Open(new(PrivatePostgres.ConnectionString) { Schema = empty, TakesOver = false, Name = $"{i}" })))).WaitAsync(Engines.Patience);
        Assert.Equal(4, opened.Select(j => j.Silos[0]).Distinct().Count());
        foreach (var journal in opened) await journal.DisposeAsync();
    }

    [Theory]
    [InlineData("update flush set decisions = decisions || '\\x00'", "flush 1 is not what was written")]
    [InlineData("delete from flush", "flush 1 is missing")]
    [InlineData("update grain set state = '\\xff'", "the stored state of counter")]
    [InlineData("update decision set start = start + 1", "decision 2 of counter")]
    [InlineData("delete from decision where first_sequence = 2", "jumps from 1 to 3")]
    public void Damage_is_found_where_it_is_read(string damage, string found)
    {
        Append(Facts(One, 1));
        Append(Snapshot(One, 1));
        Append(Facts(One, 2));
        Append(Facts(One, 3));
        Journal.FindLastPosition();
        using (var connection = PrivatePostgres.Connect(schema)) Execute(connection, damage == "delete from flush" ? "delete from flush where position = 1" : damage);
        var damaged = Assert.ThrowsAny<IOException>(() =>
        {
            Journal.Read(One);
            Journal.ReadAfter(0, 1);
        });
        Assert.Contains(found, damaged.Message, StringComparison.Ordinal);
        Assert.IsType<JournalDamaged>(damaged);
    }

    [Theory]
    [InlineData("Host=/nowhere", "cannot be reached")]
    [InlineData("Database=nowhere", "Create the database")]
    [InlineData("Username=nobody", "Check user and password")]
    [InlineData("Username=guest", "Grant it CREATE on the database")]
    [InlineData("Options=-c synchronous_commit=off", "Set synchronous_commit = on")]
    [InlineData("Options=-c default_transaction_isolation=serializable", "read committed")]
    [InlineData("Hast=localhost", "The connection string cannot be read")]
    public void Database_that_cannot_be_used_is_refused_with_what_to_do(string wrong, string advice)
    {
        using (var connection = PrivatePostgres.Connect(schema))
            Execute(connection, "do $$ begin create role guest login; exception when duplicate_object or unique_violation then null; end $$");
        var refused = Assert.Throws<IOException>(() => PostgresJournal.Open(new($"{PrivatePostgres.ConnectionString};{wrong}") { Schema = PrivatePostgres.NewSchema() }));
        Assert.Contains(advice, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reader_of_an_empty_database_and_a_schema_with_a_strange_name_are_refused()
    {
        Assert.Contains("holds no journal", Assert.Throws<IOException>(() => PostgresJournal.OpenToRead(new(PrivatePostgres.ConnectionString) { Schema = PrivatePostgres.NewSchema() })).Message, StringComparison.Ordinal);
        Assert.Contains("is no name", Assert.Throws<IOException>(() => PostgresJournal.Open(new(PrivatePostgres.ConnectionString) { Schema = "a\"; drop" })).Message, StringComparison.Ordinal);
    }

    private static Batch Closed(params (GrainId Grain, DateTimeOffset? WakeAt)[] all)
    {
        var batch = Snapshots(all);
        batch.Closed.AddRange(all.Select(a => a.Grain));
        return batch;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private PostgresJournal Beside(string name, Action<PostgresJournal>? then = null, TimeSpan? reconnectMax = null)
    {
        var options = new PostgresJournalOptions(PrivatePostgres.ConnectionString) { Schema = schema, Name = name, TakesOver = false };
        var journal = PostgresJournal.Open(reconnectMax is { } max ? options with { ReconnectMax = max } : options);
        others.Add(journal);
        then?.Invoke(journal);
        return journal;
    }

    private void Kill(string? name = null)
    {
        Numbers($"select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity where application_name = 'campaigns {name ?? schema}'");
    }

    private List<long> Numbers(string sql) => Column<long>(sql);

    private List<Guid> Ids(string sql) => Column<Guid>(sql);

    private List<TValue> Column<TValue>(string sql)
    {
        using var connection = PrivatePostgres.Connect(schema);
        using var command = new NpgsqlCommand(sql, connection);
        using var row = command.ExecuteReader();
        var found = new List<TValue>();
        while (row.Read()) found.Add(row.GetFieldValue<TValue>(0));
        return found;
    }
}
