using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Crash;

/// <summary>The real process on a disk that is full, fails or has lost something.</summary>
public sealed class DiskFaultTests : IDisposable
{
    // Without the mapping of code twice: that reserves a file larger than any limit here.
    private const string LimitedFiles = "trap '' XFSZ; export DOTNET_EnableWriteXorExecute=0; ulimit -f 3072; exec \"$0\" \"$@\"";

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("campaigns-");

    [Fact]
    public async Task A_full_disk_stops_the_process_and_nothing_acknowledged_is_lost()
    {
        using var disk = SmallDisk.TryMount(6);
        if (disk is null) await StopsAndRecovers(data.FullName, ["bash", "-c", LimitedFiles], () => { });
        else await StopsAndRecovers(disk.Folder, [], () => disk.Grow(64));
    }

    [Fact]
    public Task A_write_that_fails_stops_the_process_and_nothing_acknowledged_is_lost() => StopsAndRecovers(data.FullName, ["bash", "-c", LimitedFiles], () => { });

    [Fact]
    public async Task A_full_disk_of_the_read_models_makes_them_pause_and_nothing_else()
    {
        using var disk = SmallDisk.TryMount(1);
        if (disk is null) return; // needs root
        File.CreateSymbolicLink(Path.Combine(data.FullName, "projections.db"), Path.Combine(disk.Folder, "projections.db"));
        using var shop = new RunningShop(data.FullName);
        await shop.Open();
        await shop.SignIn(6);
        Assert.All(await shop.LaunchUntilItEnds(60), last => Assert.Equal(201, last));
        Assert.Contains("\"stopped\"", await shop.Health(), StringComparison.Ordinal);
        Assert.Contains("\"ready\"", await shop.Health(), StringComparison.Ordinal);

        disk.Grow(64);
        await shop.Lists();
        Assert.Single(shop.Server.Log, l => l.Contains("The read models pause at flush", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_log_that_lost_its_end_is_refused_with_the_way_out()
    {
        using var shop = new RunningShop(data.FullName);
        await shop.Open();
        await shop.SignIn(2);
        await shop.LaunchUntilItEnds(5);
        shop.Server.Kill();
        using (var log = new FileStream(Path.Combine(data.FullName, "journal.db-wal"), FileMode.Open)) log.SetLength(log.Length / 2);

        shop.Server.Start();
        Assert.Equal(1, await shop.Ended());
        var message = Assert.Single(shop.Server.Errors);
        foreach (var part in (string[])["journal.db' is damaged", "was acknowledged", "campaigns restore", "journal.high"]) Assert.Contains(part, message, StringComparison.Ordinal);

        // Whoever accepts the loss does what the message says.
        File.Delete(Path.Combine(data.FullName, "journal.high"));
        await shop.Open();
        shop.Acknowledged.Clear();
        await shop.Serves();
    }

    public void Dispose() => data.Delete(recursive: true);

    private static async Task StopsAndRecovers(string folder, string[] under, Action mend)
    {
        using var shop = new RunningShop(folder);
        await shop.Open(under);
        await shop.SignIn(8);
        Assert.All(await shop.LaunchUntilItEnds(), last => Assert.True(last is 0 or 503, $"The last answer was {last}."));
        Assert.True(shop.Acknowledged.Count > 10, $"Only {shop.Acknowledged.Count} bargains before the disk was full.");

        Assert.Equal(1, await shop.Ended());
        var message = Assert.Single(shop.Server.Errors);
        foreach (var part in (string[])["Writing '", "journal.db' failed", "Nothing of this write was acknowledged", "Free disk space or repair the disk, then start again"])
            Assert.Contains(part, message, StringComparison.Ordinal);

        mend();
        await shop.Open();
        await shop.Serves();
        await shop.Lists();
        shop.Server.Terminate();
        Assert.Equal(0, await shop.Ended());
    }
}
