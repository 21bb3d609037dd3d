using System.Diagnostics;
using Npgsql;

namespace Campaigns.Silo.Journal;

/// <summary>
/// The table <c>silo</c>: who may write. A process has a row for each of its connections that write, all of the same name, so that what it
/// writes on one does not wait for the disk of the other.
/// </summary>
/// <param name="Mine">the rows of this process</param>
internal readonly record struct PostgresSilos(Guid[] Mine)
{
    private const int ReleasedTogether = 10_000;
    private static readonly TimeSpan ReleaseMax = TimeSpan.FromSeconds(10);

    // Fenced rows that own nothing any more: no row and a fenced row mean the same.
    private const string ForgetEmpty = "delete from silo s where fenced and not exists (select from grain g where g.owner = s.id)";

    /// <summary>Makes this process known, and fences the others off if it is to be alone.</summary>
    public void Register(NpgsqlConnection connection, string name, bool takesOver)
    {
        Execute(connection, "insert into silo(id, name) select id, $2 from unnest($1) id", Mine, name);

        // Waits for their writes that are under way: what they wrote counts, and then they write no more.
        if (takesOver) Execute(connection, "update silo set fenced = true where id <> all($1) and not fenced", Mine);
        Execute(connection, ForgetEmpty);
    }

    /// <summary>Says that this process lives, to whoever prunes.</summary>
    /// <returns>false if others have fenced it off</returns>
    public bool BeSeen(NpgsqlConnection connection) => Execute(connection, "update silo set seen_at = now() where id = any($1) and not fenced", Mine) == Mine.Length;

    /// <summary>Fences the processes of these names, this one excepted.</summary>
    /// <returns>how many were not fenced before</returns>
    public int Fence(NpgsqlConnection connection, string[] names)
    {
        using var fence = new NpgsqlCommand("with dead as (update silo set fenced = true where id <> all($1) and name = any($2) and not fenced returning name) select count(distinct name)::int from dead", connection)
        {
            Parameters = { new() { Value = Mine }, new() { Value = names } },
        };
        var dead = (int)fence.ExecuteScalar()!;
        Execute(connection, ForgetEmpty);
        return dead;
    }

    /// <summary>Fences those that were silent for so long.</summary>
    public static int FenceSilent(NpgsqlConnection connection, TimeSpan since) => Execute(connection, "update silo set fenced = true where seen_at < now() - $1 and not fenced", since);

    /// <summary>Lets go of what this process had open, for whoever comes next.</summary>
    public void Release(NpgsqlConnection connection)
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var silo in Mine)
        {
            using var command = new NpgsqlCommand("select release($1, $2)", connection) { Parameters = { new() { Value = silo }, new() { Value = ReleasedTogether } } };
            while ((int)command.ExecuteScalar()! == ReleasedTogether && Stopwatch.GetElapsedTime(start) < ReleaseMax)
            {
                // There is more.
            }
        }

        Execute(connection, "update silo set fenced = true where id = any($1)", Mine);
        Execute(connection, ForgetEmpty);
    }

    private static int Execute(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command.ExecuteNonQuery();
    }
}
