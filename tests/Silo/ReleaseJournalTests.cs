using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Campaigns.ApiFrontend.Sandbox;
using Campaigns.Grains;
using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Projections;
using Campaigns.Tests.Kit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Silo;

/// <summary>
/// The journal of each release, as that release left it after two demo evenings (bargains, orders, payments, a forgotten payment) and a kill
/// in the middle of a third. Whatever is changed here must still replay it to the states and lists that the release itself had.
/// </summary>
public sealed class ReleaseJournalTests : IDisposable
{
    private static readonly Dictionary<string, GrainDefinition> Definitions = ((IEnumerable<GrainDefinition>)[.. Mechanics.Grains, new SandboxPaymentGrain(), new SandboxTransferGrain()]).ToDictionary(d => d.Kind, StringComparer.Ordinal);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("campaigns-");

    public static TheoryData<string> Releases => [.. Directory.GetDirectories(Path.Combine(Repository.Root, "tests", "Silo", "Journals")).Select(d => Path.GetFileName(d))];

    [Theory]
    [MemberData(nameof(Releases))]
    public async Task Facts_of_a_release_replay_to_the_states_that_it_stored(string release)
    {
        await using var journal = Open(release);
        var facts = Facts(journal);
        var stored = 0;
        foreach (var grain in facts.Keys)
        {
            var record = journal.Read(grain, withTail: false);
            if (record.Sequence == 0) continue;
            stored++;
            var until = facts[grain].Where(f => f.Sequence <= record.Sequence).Select(f => f.Decision).ToList();
            var replayed = Cell.Restore(grain, Definitions[grain.Kind], GrainRecord.Empty with { Tail = until }).Snapshot();
            Assert.Equal((grain, record.Sequence, record.State.HasValue), (grain, replayed.Sequence, replayed.State is not null));
            if (record.State is not { } state) continue;

            var (requests, json) = Parts(state.Span);
            var (requestsNow, jsonNow) = Parts(replayed.State);
            Assert.Equal(requests, requestsNow);
            foreach (var campaign in (JsonNode[])[json, jsonNow]) WithoutFreedPlaces(campaign);
            Assert.True(Holds(jsonNow, json, out var where), $"{grain} at {where}:\n{json}\nis replayed as\n{jsonNow}");
        }

        Assert.True(stored > 50, $"Only {stored} states were stored.");
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public async Task Every_grain_of_a_release_can_be_activated_and_has_all_of_its_facts(string release)
    {
        await using var journal = Open(release);
        foreach (var (grain, decisions) in Facts(journal))
            Assert.Equal((grain, decisions[^1].Last), (grain, Cell.Restore(grain, Definitions[grain.Kind], journal.Read(grain)).Sequence));
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public async Task Lists_and_reports_of_a_release_are_made_again_as_they_were(string release)
    {
        await using var journal = Open(release);
        var file = Path.Combine(folder.FullName, "projections.db");
        using (var documents = new SqliteDocuments(file))
        {
            await using var projector = new Projector(journal, Definitions.Values, Mechanics.Projections, documents, NullLogger<Projector>.Instance);
            while (projector.Step() > 0)
            {
                // Until it has read everything.
            }
        }

        var now = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "select shop || '/' || collection || '/' || key, json from document";
        await using (var row = await command.ExecuteReaderAsync())
            while (await row.ReadAsync()) now.Add(row.GetString(0), JsonNode.Parse(row.GetString(1))!);

        var expected = (await File.ReadAllLinesAsync(Path.Combine(Folder(release), "read-models.tsv"))).Select(l => l.Split('\t')).ToList();
        Assert.NotEmpty(expected);
        foreach (var line in expected)
        {
            var key = string.Join('/', line[..3]);
            Assert.True(now.TryGetValue(key, out var document), $"{key} is not made any more.");
            Assert.True(Holds(document, JsonNode.Parse(line[3]), out var where), $"{key} at {where}:\n{line[3]}\nis made as\n{document}");
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static string Folder(string release) => Path.Combine(Repository.Root, "tests", "Silo", "Journals", release);

    private static Dictionary<GrainId, List<(long Sequence, long Last, ReadOnlyMemory<byte> Decision)>> Facts(SqliteJournal journal)
    {
        var facts = new Dictionary<GrainId, List<(long, long, ReadOnlyMemory<byte>)>>();
        foreach (var flush in journal.ReadAfter(0, int.MaxValue))
        {
            var decision = new DecisionReader(flush.Decisions.Span);
            while (decision.Next())
            {
                if (!facts.TryGetValue(decision.Grain, out var of)) facts.Add(decision.Grain, of = []);
                of.Add((decision.FirstSequence, decision.LastSequence, decision.Encoded.ToArray()));
            }
        }

        return facts;
    }

    // Release 0.1 went on to say of a participation that is over that it has a place when that was free again; nothing was decided by it.
    private static void WithoutFreedPlaces(JsonNode state)
    {
        foreach (var (_, participation) in state["participations"] as JsonObject ?? [])
            if (participation!["isOver"]!.GetValue<bool>()) participation.AsObject().Remove("hasPlace");
    }

    private static (byte[] Requests, JsonNode Json) Parts(ReadOnlySpan<byte> snapshot)
    {
        var header = 4 + 16 * BinaryPrimitives.ReadInt32LittleEndian(snapshot);
        return (snapshot[..header].ToArray(), JsonNode.Parse(snapshot[header..])!);
    }

    // A later release may add fields; what an earlier one had must be there and the same.
    private static bool Holds(JsonNode? now, JsonNode? then, out string? where)
    {
        where = then?.GetPath();
        switch (then)
        {
            case JsonObject fields:
                foreach (var (name, value) in fields)
                    if (!Holds((now as JsonObject)?[name], value, out where)) return false;
                return now is JsonObject;
            case JsonArray items:
                if (now is not JsonArray itemsNow || itemsNow.Count != items.Count) return false;
                for (var i = 0; i < items.Count; i++)
                    if (!Holds(itemsNow[i], items[i], out where)) return false;
                return true;
            default:
                return JsonNode.DeepEquals(now, then);
        }
    }

    private SqliteJournal Open(string release)
    {
        File.Copy(Path.Combine(Folder(release), "journal.db"), Path.Combine(folder.FullName, "journal.db"));
        return SqliteJournal.Open(folder.FullName);
    }
}
