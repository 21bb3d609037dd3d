using Campaigns.LoadTests;

namespace Campaigns.Tests.LoadTests;

public sealed class OutsideMemoryTests
{
    private const string Heap = """
        700000000000-700000400000 rw-p 00000000 00:00 0
        Size:               4096 kB
        Rss:                3000 kB
        VmFlags: rd wr mr mw me ac
        700000400000-704000000000 ---p 00000000 00:00 0
        Rss:                   0 kB
        """;

    private const string Outside = """
        550000000000-550000100000 rw-p 00000000 00:00 0                          [heap]
        Rss:                 500 kB
        600000000000-600000100000 rw-p 00000000 00:00 0
        Rss:                  40 kB
        600000200000-600000300000 r-xp 00001000 fe:00 247239                     /usr/lib/libc.so.6
        Rss:                   2 kB
        """;

    private string smaps = Outside + "\n" + Heap;

    [Fact]
    public void All_but_the_piece_of_addresses_that_only_a_collector_reserves_is_outside()
    {
        var memory = Watch();
        Assert.Equal(542 << 10, memory.Read());

        smaps = smaps.Replace("40 kB", "50 kB", StringComparison.Ordinal).Replace("3000 kB", "3900 kB", StringComparison.Ordinal);
        Assert.Equal(552 << 10, memory.Read());
    }

    [Fact]
    public void Heap_that_is_later_seen_in_pieces_is_known_by_its_addresses()
    {
        var memory = Watch();
        smaps = smaps.Replace("700000400000-704000000000", "700000500000-704000000000", StringComparison.Ordinal);
        Assert.Equal(542 << 10, memory.Read());
    }

    [Fact]
    public void Nothing_is_said_without_a_heap()
    {
        smaps = Outside;
        Assert.Throws<InvalidDataException>(Watch);
    }

    [Fact]
    public void Nothing_is_said_of_a_process_that_is_gone() => Assert.ThrowsAny<IOException>(() => OutsideMemory.Of(int.MaxValue));

    [Fact]
    public void This_process_has_code_outside_its_heap() => Assert.InRange(OutsideMemory.Of(Environment.ProcessId).Read(), 20 << 20, Environment.WorkingSet);

    private OutsideMemory Watch() => new(() => smaps.Split('\n'));
}
