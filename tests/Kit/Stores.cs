using Campaigns.Silo.Journal;
using Microsoft.Data.Sqlite;

namespace Campaigns.Tests.Kit;

/// <summary>Where a test keeps its journal, and a folder for what else it keeps. Journals are opened one after another, as processes would.</summary>
internal abstract class Store : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");

    public static Store Sqlite() => new SqliteStore();

    /// <param name="schema">null for one of its own</param>
    public static Store Postgres(string? schema = null) => new PostgresStore(schema ?? PrivatePostgres.NewSchema());

    public string Folder => folder.FullName;

    /// <summary>True if a start replays the tail of all grains; false if each grain finds its own when it is needed.</summary>
    public abstract bool IsReplayed { get; }

    public abstract IJournal Open();

    /// <summary>The process that has this journal dies: it says nothing to anybody.</summary>
    public abstract ValueTask Die(IJournal journal);

    /// <summary>Somebody does something to the database by hand.</summary>
    public abstract void Execute(string sql);

    public virtual ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private sealed class SqliteStore : Store
    {
        public override bool IsReplayed => true;

        public override IJournal Open() => SqliteJournal.Open(Folder);

        // The system unlocks the folder of a process that is gone.
        public override ValueTask Die(IJournal journal) => journal.DisposeAsync();

        public override void Execute(string sql)
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(Folder, "journal.db"), Pooling = false }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }

    private sealed class PostgresStore(string schema) : Store
    {
        private readonly List<IJournal> dead = [];

        public override bool IsReplayed => false;

        public override IJournal Open() => PostgresJournal.Open(new(PrivatePostgres.ConnectionString) { Schema = schema, Name = schema });

        // Its connections may stay for long, as those of a machine without power do.
        public override ValueTask Die(IJournal journal)
        {
            dead.Add(journal);
            return ValueTask.CompletedTask;
        }

        public override void Execute(string sql)
        {
            using var connection = PrivatePostgres.Connect(schema);
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }

        public override async ValueTask DisposeAsync()
        {
            foreach (var journal in dead) await journal.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
