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

    [Theory]
    [InlineData(Outside + "\n" + Heap)]
    [InlineData(Heap + "\n" + Outside)]
    public void All_but_the_piece_of_addresses_that_only_a_collector_reserves_is_outside(string smaps) => Assert.Equal(542 << 10, OutsideMemory.Of(smaps.Split('\n')));

    [Fact]
    public void Nothing_is_said_if_the_heap_was_seen_in_pieces() => Assert.Null(OutsideMemory.Of((Outside + "\n" + Heap.Replace("700000400000-704000000000", "700000500000-700200000000", StringComparison.Ordinal)).Split('\n')));

    [Fact]
    public void Nothing_is_said_of_a_process_that_is_gone() => Assert.Null(OutsideMemory.Of(int.MaxValue));

    // The other tests of this process get memory while it is looked at.
    [Fact]
    public void This_process_has_code_outside_its_heap() =>
        Assert.InRange(Enumerable.Range(0, 100).Select(_ => OutsideMemory.Of(Environment.ProcessId)).First(bytes => bytes is not null)!.Value, 20 << 20, Environment.WorkingSet);
}
