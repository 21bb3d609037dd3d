using Campaigns.Silo.Journal;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

/// <summary>The journal and the read models of this process, opened as the deployment says.</summary>
internal sealed class Stores : IAsyncDisposable
{
    private Stores(string name, string where, IJournal journal, DocumentStore documents) => (Name, Where, Journal, Documents) = (name, where, journal, documents);

    /// <summary>What the others call this process; a new one at each start.</summary>
    public string Name { get; }

    /// <summary>Where the journal is, for messages about it.</summary>
    public string Where { get; }

    public IJournal Journal { get; }

    public DocumentStore Documents { get; }

    /// <exception cref="IOException">what is stored is in use, damaged or cannot be reached</exception>
    public static async Task<Stores> Open(string data, Deployment deployment)
    {
        var name = $"{Environment.MachineName}/{Guid.NewGuid():N}";
        var (journal, where) = OpenJournal(data, deployment, name);
        try
        {
            return new(name, where, journal, OpenDocuments(data, deployment));
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    /// <summary>The journal alone, to read what is in it. A database may be written meanwhile; a file belongs to who opened it.</summary>
    /// <exception cref="IOException">it is in use, damaged or cannot be reached</exception>
    public static IJournal OpenToRead(string data, Deployment deployment) =>
        deployment.Postgres is { } postgres ? PostgresJournal.OpenToRead(new(postgres)) : SqliteJournal.OpenToRead(data);

    public static DocumentStore OpenDocuments(string data, Deployment deployment) =>
        deployment.Postgres is { } postgres ? new PostgresDocuments(postgres) : new SqliteDocuments(Path.Combine(data, "projections.db"));

    public async ValueTask DisposeAsync()
    {
        Documents.Dispose();
        await Journal.DisposeAsync();
    }

    private static (IJournal Journal, string Where) OpenJournal(string data, Deployment deployment, string name)
    {
        if (deployment.Postgres is not { } postgres)
        {
            var file = SqliteJournal.Open(data);
            return (file, file.FileName);
        }

        var options = new PostgresJournalOptions(postgres) { Name = name, TakesOver = deployment.Cluster is null };
        return (deployment.HasGrains ? PostgresJournal.Open(options) : PostgresJournal.OpenToRead(options), "the journal's database");
    }
}
