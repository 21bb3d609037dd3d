using System.Text.Json.Nodes;
using Campaigns.ApiFrontend;
using Campaigns.ApiFrontend.Backups;
using Campaigns.Grains;
using Campaigns.Silo.Books;
using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Operations;

public sealed class BackupTests : IAsyncLifetime
{
    private readonly string root = Directory.CreateTempSubdirectory("campaigns-").FullName;
    private readonly LiveShop shop = new();

    public Task InitializeAsync() => shop.InitializeAsync();

    public async Task DisposeAsync()
    {
        await shop.DisposeAsync();
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task Taken_while_people_use_the_shop_and_restored_it_is_clean_and_serves_the_same_bargain()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var bargain = await amei.Succeed(campaign);
        var order = await amei.Order(bargain);
        await amei.Pay(order);
        var before = (await amei.Bargain(bargain)).Body;

        using var enough = new CancellationTokenSource();
        var crowd = Enumerable.Range(0, 3).Select(_ => Task.Run(() => UseTheShop(campaign, enough.Token))).ToList();
        var copies = Enumerable.Range(0, 2).Select(i => Path.Combine(root, $"copy-{i}")).ToList();
        var positions = new List<long>();
        foreach (var copy in copies)
        {
            var from = shop.Position;
            var ended = await Program.Run("backup", "--data", shop.Folder, "--to", copy);
            Assert.True(ended.Code == 0, ended.Says);
            positions.Add(JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(copy, "backup.json")))!["position"]!.GetValue<long>());
            Assert.InRange(positions[^1], from, shop.Position);
        }

        await enough.CancelAsync();
        await Task.WhenAll(crowd);
        Assert.True(positions[1] > positions[0], "nobody did anything meanwhile");

        foreach (var copy in copies) Assert.Equal(0, (await Program.Run("check", "--data", copy)).Code);
        var restored = Path.Combine(root, "restored");
        var told = await Program.Run("restore", "--from", copies[0], "--data", restored);
        Assert.True(told.Code == 0 && told.Says.Contains($"up to flush {positions[0]}.", StringComparison.Ordinal), told.Says);

        var report = await Check(restored);
        Assert.True(report.IsClean && report.Events > 20, string.Join('\n', report.Findings));
        await using var second = new LiveShop { Folder = restored };
        await second.InitializeAsync();
        var after = (await new Client(second, ("Authorization", $"Bearer {amei.Token}")).Get($"/v1/bargains/{bargain}")).Expect(200).Body;
        foreach (var view in (JsonNode[])[before, after]) view.AsObject().Remove("serverTime");
        Assert.Equal(before.ToJsonString(), after.ToJsonString());

        // The lists are made again, and the shop goes on.
        await second.CaughtUp();
        Assert.Contains((await (await second.SignIn(amei.Name)).Get("/v1/orders")).Expect(200).Items, o => o["id"]!.GetValue<string>() == order);
        await (await second.SignIn()).Succeed(campaign);
    }

    [Fact]
    public async Task Secrets_stay_their_owners_alone()
    {
        var copy = Path.Combine(root, "copy");
        Backup.Take(shop.Folder, copy, DateTimeOffset.UnixEpoch, default);
        Backup.Restore(copy, Path.Combine(root, "restored"), default);
        foreach (var folder in (string[])[copy, Path.Combine(root, "restored")])
        {
            var files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
            Assert.Contains(Path.Combine(folder, "keys", "token.key"), files);
            foreach (var file in files)
                if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(shop.Folder, "keys", "token.key")), await File.ReadAllTextAsync(Path.Combine(root, "restored", "keys", "token.key")));
    }

    [Fact]
    public async Task The_clock_goes_with_the_journal()
    {
        await shop.Pass(TimeSpan.FromHours(5));
        var copy = Path.Combine(root, "copy");
        Backup.Take(shop.Folder, copy, DateTimeOffset.UnixEpoch, default);
        Backup.Restore(copy, Path.Combine(root, "restored"), default);
        Assert.Equal("18000", await File.ReadAllTextAsync(Path.Combine(root, "restored", "clock-offset-seconds")));
    }

    [Theory]
    [InlineData("journal.db", "the SHA-256 of journal.db is")]
    [InlineData("keys/token.key", "the SHA-256 of keys/token.key is")]
    [InlineData("backup.json", "cannot be read")]
    public void Restore_refuses_a_file_with_one_flipped_bit(string name, string message)
    {
        var copy = TakeBackup();
        var file = Path.Combine(copy, name);
        var bytes = File.ReadAllBytes(file);
        bytes[name == "backup.json" ? 0 : bytes.Length / 2] ^= 4;
        File.WriteAllBytes(file, bytes);
        Refused(copy, message);
    }

    [Theory]
    [InlineData("journal.db", "journal.db is missing")]
    [InlineData("keys/token.key", "keys/token.key is missing")]
    [InlineData("backup.json", "it has no backup.json")]
    public void Restore_refuses_a_backup_that_lacks_a_file(string name, string message)
    {
        var copy = TakeBackup();
        File.Delete(Path.Combine(copy, name));
        Refused(copy, message);
    }

    [Theory]
    [InlineData("../elsewhere")]
    [InlineData("keys/../../elsewhere")]
    [InlineData("owner.lock")]
    public void Restore_writes_nothing_outside_of_a_data_folder(string name)
    {
        var copy = TakeBackup();
        var manifest = JsonNode.Parse(File.ReadAllText(Path.Combine(copy, "backup.json")))!;
        manifest["files"]!.AsArray().Add(new JsonObject { ["name"] = name, ["bytes"] = 0, ["sha256"] = "" });
        File.WriteAllText(Path.Combine(copy, "backup.json"), manifest.ToJsonString());
        Refused(copy, "is no file of a data folder");
    }

    [Fact]
    public void What_is_there_is_never_overwritten()
    {
        var copy = TakeBackup();
        Assert.Contains("is not empty", Assert.Throws<IOException>(() => Backup.Take(shop.Folder, copy, DateTimeOffset.UnixEpoch, default)).Message, StringComparison.Ordinal);
        Assert.Contains("is not empty", Assert.Throws<IOException>(() => Backup.Restore(copy, shop.Folder, default)).Message, StringComparison.Ordinal);

        Directory.CreateDirectory(Path.Combine(root, "empty"));
        Backup.Restore(copy, Path.Combine(root, "empty"), default);
    }

    [Fact]
    public void An_interrupted_restore_leaves_no_folder_that_would_start()
    {
        var copy = TakeBackup();
        var target = Path.Combine(root, "restored");
        Directory.CreateDirectory(target + ".partial");
        Assert.Contains("is left of a restore that was interrupted", Assert.Throws<IOException>(() => Backup.Restore(copy, target, default)).Message, StringComparison.Ordinal);

        Directory.Delete(target + ".partial");
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        Assert.Throws<OperationCanceledException>(() => Backup.Restore(copy, target, stopped.Token));
        Assert.False(Directory.Exists(target));
    }

    [Fact]
    public async Task Interrupted_backup_is_no_backup()
    {
        await shop.SignIn();
        var copy = Path.Combine(root, "copy");
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();
        Assert.ThrowsAny<OperationCanceledException>(() => Backup.Take(shop.Folder, copy, DateTimeOffset.UnixEpoch, stopped.Token));
        Refused(copy, "it has no backup.json");
    }

    private static async Task<BookReport> Check(string folder)
    {
        await using var journal = SqliteJournal.OpenToRead(folder);
        return BookCheck.Walk(journal, CampaignsHost.Definitions(), Mechanics.Books);
    }

    private string TakeBackup()
    {
        var copy = Path.Combine(root, "copy");
        Backup.Take(shop.Folder, copy, DateTimeOffset.UnixEpoch, default);
        return copy;
    }

    private void Refused(string copy, string message)
    {
        var target = Path.Combine(root, "refused");
        Assert.Contains(message, Assert.Throws<IOException>(() => Backup.Restore(copy, target, default)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(target) || Directory.Exists(target + ".partial"));
    }

    private async Task UseTheShop(LiveCampaign campaign, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            var somebody = await shop.SignIn();
            if ((await somebody.TryLaunch(campaign.Id)) is not { Status: 201 } launched) return; // no place left
            foreach (var friend in await shop.SignIn(campaign.AssistsNeeded)) await friend.Assist(launched.Text("id"));
            await somebody.Pay(await somebody.Order(launched.Text("id")));
        }
    }
}
