using System.Text;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Silo;

/// <summary>The stored form of decisions. What is written today must be readable for ever, so one decision is pinned byte by byte.</summary>
public sealed class DecisionFormatTests
{
    private static readonly CounterGrain Grain = new();
    private static readonly DateTimeOffset At = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Decisions_are_read_as_they_were_written()
    {
        var request = Guid.CreateVersion7();
        var writer = new DecisionWriter();
        writer.Begin(CounterGrain.Id(1), 41, At, request, 2);
        writer.Add(Grain, new Added(5));
        writer.Add(Grain, new Rang());
        var first = writer.End();
        writer.Begin(CounterGrain.Id(2, "other-shop"), 1, At.AddTicks(1), Guid.Empty, 1);
        writer.Add(Grain, new Drawn(-1));
        var second = writer.End();
        Assert.Equal((0, first.Length), first);
        Assert.Equal((first.Length, writer.Length - first.Length), second);

        var reader = new DecisionReader(writer.Written.Span);
        Assert.True(reader.Next());
        Assert.Equal((CounterGrain.Id(1), 41, At, request, 2), (reader.Grain, reader.FirstSequence, reader.At, reader.Request, reader.Count));
        Assert.Equal(new Added(5), Event(ref reader));
        Assert.Equal(new Rang(), Event(ref reader));
        Assert.Equal(first.Length, reader.Encoded.Length);
        Assert.True(reader.Next());
        Assert.Equal((CounterGrain.Id(2, "other-shop"), 1, At.AddTicks(1), Guid.Empty, 1), (reader.Grain, reader.FirstSequence, reader.At, reader.Request, reader.Count));
        Assert.Equal(new Drawn(-1), Event(ref reader));
        Assert.False(reader.Next());
    }

    [Fact]
    public void Unread_events_do_not_disturb_the_next_decision()
    {
        var writer = new DecisionWriter();
        for (var i = 1; i <= 3; i++)
        {
            writer.Begin(CounterGrain.Id(i), i, At, Guid.Empty, 1);
            writer.Add(Grain, new Added(i));
            writer.End();
        }

        var reader = new DecisionReader(writer.Written.Span);
        for (var i = 1; i <= 3; i++)
        {
            Assert.True(reader.Next());
            Assert.Equal(i, reader.FirstSequence);
        }
    }

    [Fact]
    public void Bytes_never_change()
    {
        var writer = new DecisionWriter();
        writer.Begin(new("counter", new("demo"), Guid.Parse("01890000-0000-7000-8000-000000000001")), 2, At, Guid.Parse("01890000-0000-7000-8000-000000000002"), 1);
        writer.Add(Grain, new Added(5));
        writer.End();
        Assert.Equal(
            "5F00000007636F756E7465720464656D6F"
            + "00008901000000708000000000000001020000000000000000209ACDFD46DF08" + "00008901000000708000000000000002" + "01000000"
            + "0D" + Hex("counter-added") + "0C000000" + Hex("""{"Amount":5}"""),
            Convert.ToHexString(writer.Written.Span));
    }

    [Fact]
    public void Large_decisions_grow_the_buffer_and_clearing_keeps_it_usable()
    {
        var writer = new DecisionWriter();
        for (var round = 0; round < 2; round++)
        {
            writer.Begin(CounterGrain.Id(1), 1, At, Guid.Empty, 10_000);
            for (var i = 0; i < 10_000; i++) writer.Add(Grain, new Added(i));
            writer.End();
            var reader = new DecisionReader(writer.Written.Span);
            Assert.True(reader.Next());
            for (var i = 0; i < 10_000; i++) Assert.Equal(new Added(i), Event(ref reader));
            writer.Clear();
            Assert.Equal(0, writer.Length);
        }
    }

    [Fact]
    public void Unknown_event_says_what_to_do()
    {
        var failure = Assert.Throws<InvalidDataException>(() => Grain.ReadEvent("counter-from-the-future", "{}"u8));
        Assert.Contains("Run a version at least as new", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Taking_a_grain_out_of_a_batch_leaves_the_others()
    {
        var batch = new Batch();
        for (var i = 1; i <= 4; i++) Write(batch, CounterGrain.Id(i % 2), i);
        batch.Snapshots.Add(new(CounterGrain.Id(0), 4, null, null));
        batch.Snapshots.Add(new(CounterGrain.Id(1), 3, null, null));
        batch.Remove(new HashSet<GrainId> { CounterGrain.Id(0) });

        Assert.Equal([CounterGrain.Id(1)], batch.Snapshots.Select(s => s.Grain));
        Assert.Equal([1L, 3L], batch.Entries.Select(e => e.FirstSequence));
        foreach (var entry in batch.Entries)
        {
            var reader = new DecisionReader(batch.Decisions.Written.Span.Slice(entry.Offset, entry.Length));
            Assert.True(reader.Next());
            Assert.Equal((CounterGrain.Id(1), entry.FirstSequence), (reader.Grain, reader.FirstSequence));
            Assert.False(reader.Next());
        }
    }

    private static void Write(Batch batch, GrainId grain, long sequence)
    {
        batch.Decisions.Begin(grain, sequence, At, Guid.Empty, 1);
        batch.Decisions.Add(Grain, new Added(1));
        var (offset, length) = batch.Decisions.End();
        batch.Entries.Add(new(grain, sequence, 1, offset, length));
    }

    private static object Event(ref DecisionReader reader)
    {
        var json = reader.NextEvent(out var name);
        return Grain.ReadEvent(name, json);
    }

    private static string Hex(string ascii) => Convert.ToHexString(Encoding.ASCII.GetBytes(ascii));
}
