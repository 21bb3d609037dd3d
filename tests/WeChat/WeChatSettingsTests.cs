using System.Security.Cryptography;
using Campaigns.ApiFrontend;
using Campaigns.ApiFrontend.WeChat;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;

namespace Campaigns.Tests.WeChat;

public sealed class WeChatSettingsTests : IAsyncLifetime
{
    private PayDesk desk = null!;

    public async Task InitializeAsync() => desk = await PayDesk.Open();

    public async Task DisposeAsync() => await desk.DisposeAsync();

    [Fact]
    public void Production_starts_with_everything_there()
    {
        var settings = Start(Complete());
        Assert.Equal(new WeChatApp(PayDesk.Appid, "s3cret"), settings.App);
        Assert.Equal(new Uri("https://api.weixin.qq.com"), settings.LoginAddress);
        var merchant = settings.Merchant!;
        Assert.Equal((PayDesk.Mchid, PayDesk.Appid, PayDesk.MerchantSerial, PayDesk.PublicKeyId, false), (merchant.Mchid, merchant.Appid, merchant.Key.Serial, merchant.PublicKeyId, merchant.UsesCertificates));
        Assert.Equal((WeChatPayMerchant.Official, WeChatPayMerchant.OfficialStandby), (merchant.Address, merchant.Standby));
        Assert.Equal([PayDesk.PublicKeyId], merchant.Keys.PlatformKeys.Keys);
        Assert.Empty(settings.Warnings);
    }

    [Fact]
    public void Production_lists_everything_that_is_missing()
    {
        var refused = Assert.Throws<StartRefused>(() => Start([]));
        foreach (var name in (string[])["WeChat:AppId", "WeChat:SecretFile", "WeChatPay:MchId", "WeChatPay:SerialNo", "WeChatPay:PrivateKeyFile", "WeChatPay:ApiV3KeyFile", "WeChatPay:NotifyUrl"])
            Assert.Contains($"missing: {name} (environment variable {name.Replace(":", "__", StringComparison.Ordinal)})", refused.Message, StringComparison.Ordinal);
        Assert.Contains("missing: WeChatPay:PublicKeyId with WeChatPay:PublicKeyFile, or WeChatPay:PlatformCertificates=true", refused.Message, StringComparison.Ordinal);
        Assert.Single(refused.Message.Split("missing: WeChat:AppId").Skip(1));
    }

    [Theory]
    [InlineData("WeChatPay:MchId", "19000O7291", "is not a merchant number")]
    [InlineData("WeChatPay:SerialNo", "not hex", "is not the serial of a certificate")]
    [InlineData("WeChatPay:PrivateKeyFile", "nowhere.pem", "there is no file")]
    [InlineData("WeChatPay:PrivateKeyFile", "@not a key", "is not an RSA key in PEM form")]
    [InlineData("WeChatPay:PrivateKeyFile", "@public", "holds a public key; the private one")]
    [InlineData("WeChatPay:PrivateKeyFile", "@short", "has 1024 bits, 2048 are the least")]
    [InlineData("WeChatPay:PrivateKeyFile", "@large", "is too large to be a key")]
    [InlineData("WeChatPay:ApiV3KeyFile", "@0123456789abcdef0123456789ABCDE", "an APIv3 key has 32 bytes")]
    [InlineData("WeChatPay:ApiV3KeyFile", "@", "is empty")]
    [InlineData("WeChatPay:SecondApiV3KeyFile", "@short text", "an APIv3 key has 32 bytes")]
    [InlineData("WeChatPay:PublicKeyId", "", "missing: WeChatPay:PublicKeyId")]
    [InlineData("WeChatPay:PublicKeyFile", "", "missing: WeChatPay:PublicKeyFile")]
    [InlineData("WeChatPay:PublicKeyId", "5157F09EFDC096DE15EBE81A47057A72", "does not begin with PUB_KEY_ID_")]
    [InlineData("WeChatPay:PublicKeyFile", "@private", "holds a private key")]
    [InlineData("WeChatPay:PublicKeyFile", "@not a key", "is not an RSA key in PEM form")]
    [InlineData("WeChatPay:SecondPublicKeyId", "PUB_KEY_ID_2", "missing: WeChatPay:SecondPublicKeyFile")]
    [InlineData("WeChatPay:PlatformCertificates", "perhaps", "is neither true nor false")]
    [InlineData("WeChatPay:NotifyUrl", "http://shop.example.com/callbacks/wechat-pay", "has to begin with https://")]
    [InlineData("WeChatPay:NotifyUrl", "shop.example.com/callbacks/wechat-pay", "is not an address")]
    [InlineData("WeChatPay:NotifyUrl", "https://shop.example.com/callbacks/wechat-pay?shop=1", "has a query")]
    [InlineData("WeChatPay:NotifyUrl", "@long", "is not an address of at most 215 characters")]
    [InlineData("WeChatPay:TransferRemark", "提现", "missing: WeChatPay:TransferSceneId")]
    [InlineData("WeChatPay:NotifyUrl", "https://shop.example.com/", "does not end in /callbacks/wechat-pay")]
    [InlineData("WeChatPay:BaseAddress", "http://127.0.0.1:1", "not allowed outside Development: WeChatPay:BaseAddress")]
    [InlineData("WeChatPay:BaseAddress", "https://pay.example.com", "not allowed outside Development: WeChatPay:BaseAddress")]
    [InlineData("WeChatPay:StandbyAddress", "http://127.0.0.1:1", "not allowed outside Development: WeChatPay:StandbyAddress")]
    [InlineData("WeChat:BaseAddress", "http://127.0.0.1:1", "not allowed outside Development: WeChat:BaseAddress")]
    [InlineData("WeChat:SecretFile", "nowhere", "there is no file")]
    [InlineData("Sandbox:Anything", "1", "not allowed outside Development: Sandbox")]
    [InlineData("StandIn", "1", "not allowed outside Development: StandIn")]
    [InlineData("DemoKey", "1", "not allowed outside Development: DemoKey")]
    public void Production_refuses_what_is_wrong_and_says_what(string name, string value, string words)
    {
        var configuration = Complete();
        configuration[name] = value switch
        {
            "@public" => desk.FileOf("public.pem"),
            "@private" => desk.FileOf("private.pem"),
            "@short" => desk.Keep("short.pem", ShortKey()),
            "@long" => $"https://shop.example.com/{new string('x', 190)}/callbacks/wechat-pay",
            "@large" => desk.Keep("large.pem", new string('x', 100_000)),
            ['@', ..] => desk.Keep("wrong", value[1..]),
            _ => value,
        };
        var refused = Assert.Throws<StartRefused>(() => Start(configuration));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, refused.Message.Split("\n  - ").Length);
    }

    [Fact]
    public void Transfers_are_there_if_their_scene_is()
    {
        var configuration = Complete();
        Assert.Null(Start(configuration).Merchant!.Transfers);
        configuration["WeChatPay:TransferSceneId"] = "1005";
        var scene = Start(configuration).Merchant!.Transfers!;
        Assert.Equal(("1005", "推广佣金提现", null), (scene.Id, scene.Remark, scene.Perception));
        Assert.Equal([new("岗位类型", "推广员"), new("报酬说明", "推广佣金")], scene.Reports);

        (configuration["WeChatPay:TransferSceneId"], configuration["WeChatPay:TransferReports"]) = ("1000", " 奖励说明 = 邀请=奖励 ; 活动名称=年货节; ");
        (configuration["WeChatPay:TransferRemark"], configuration["WeChatPay:TransferPerception"]) = ("奖励", "现金奖励");
        scene = Start(configuration).Merchant!.Transfers!;
        Assert.Equal(("1000", "奖励", "现金奖励"), (scene.Id, scene.Remark, scene.Perception));
        Assert.Equal([new("奖励说明", "邀请=奖励"), new("活动名称", "年货节")], scene.Reports);

        (configuration["WeChatPay:TransferSceneId"], configuration["WeChatPay:TransferReports"]) = ("1006", "事由=报销");
        Assert.Equal([new("事由", "报销")], Start(configuration).Merchant!.Transfers!.Reports);
    }

    [Theory]
    [InlineData("WeChatPay:TransferSceneId", "commission", "is not the id of a scene")]
    [InlineData("WeChatPay:TransferSceneId", "1006", "missing: WeChatPay:TransferReports, what has to be reported in scene 1006")]
    [InlineData("WeChatPay:TransferReports", "岗位类型=推广员", "in scene 1005 exactly 岗位类型 and 报酬说明 are reported")]
    [InlineData("WeChatPay:TransferReports", "岗位类型=推广员;报酬说明=推广佣金;活动名称=年货节", "in scene 1005 exactly 岗位类型 and 报酬说明 are reported")]
    [InlineData("WeChatPay:TransferReports", "岗位类型;报酬说明=推广佣金", "is not of the form")]
    [InlineData("WeChatPay:TransferReports", "岗位类型=推广员;报酬说明=123456789012345678901234567890123", "has more than 32 characters")]
    [InlineData("WeChatPay:TransferRemark", "123456789012345678901234567890123", "WeChatPay:TransferRemark has more than 32 characters")]
    [InlineData("WeChatPay:TransferPerception", "123456789012345678901234567890123", "WeChatPay:TransferPerception has more than 32 characters")]
    public void Transfers_that_WeChat_Pay_would_refuse_keep_Production_from_starting(string name, string value, string words)
    {
        var configuration = Complete();
        configuration["WeChatPay:TransferSceneId"] = "1005";
        configuration[name] = value;
        var refused = Assert.Throws<StartRefused>(() => Start(configuration));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, refused.Message.Split("\n  - ").Length);
    }

    [Fact]
    public void Production_refuses_a_folder_with_payments_of_the_sandbox()
    {
        var data = Directory.CreateTempSubdirectory("campaigns-");
        Directory.CreateDirectory(Path.Combine(data.FullName, "keys"));
        File.WriteAllText(Path.Combine(data.FullName, "keys", "sandbox-platform.pem"), "");
        Assert.Contains("holds payments of the sandbox", Assert.Throws<StartRefused>(() => Start(Complete(), data: data.FullName)).Message, StringComparison.Ordinal);
        Assert.NotNull(Start(Complete(), Environments.Development, data.FullName));
        data.Delete(recursive: true);
    }

    [Fact]
    public void Certificates_alone_will_do_and_both_for_the_time_of_a_move()
    {
        var configuration = Complete();
        configuration["WeChatPay:PlatformCertificates"] = "true";
        var both = Start(configuration).Merchant!;
        Assert.Equal((PayDesk.PublicKeyId, true), (both.PublicKeyId, both.UsesCertificates));

        foreach (var name in (string[])["WeChatPay:PublicKeyId", "WeChatPay:PublicKeyFile"]) configuration.Remove(name);
        var certificates = Start(configuration).Merchant!;
        Assert.Equal((null, true), (certificates.PublicKeyId, certificates.UsesCertificates));
        Assert.Empty(certificates.Keys.PlatformKeys);
    }

    [Fact]
    public void Second_keys_are_believed_while_the_first_are_changed()
    {
        var configuration = Complete();
        (configuration["WeChatPay:SecondPublicKeyId"], configuration["WeChatPay:SecondPublicKeyFile"]) = ("PUB_KEY_ID_2", desk.FileOf("public.pem"));
        configuration["WeChatPay:SecondApiV3KeyFile"] = desk.Keep("next.key", "FEDCBA9876543210fedcba9876543210");
        var merchant = Start(configuration).Merchant!;
        Assert.Equal([PayDesk.PublicKeyId, "PUB_KEY_ID_2"], merchant.Keys.PlatformKeys.Keys);
        Assert.Equal(PayDesk.PublicKeyId, merchant.PublicKeyId);
        Assert.NotNull(merchant.Keys.SecondApiV3Key);

        configuration["WeChatPay:SecondPublicKeyId"] = PayDesk.PublicKeyId;
        Assert.Contains("is given twice", Assert.Throws<StartRefused>(() => Start(configuration)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Development_needs_nothing_and_takes_a_stand_in()
    {
        var nothing = Start([], Environments.Development);
        Assert.Null(nothing.App);
        Assert.Null(nothing.Merchant);

        var configuration = desk.Settings();
        configuration["WeChatPay:NotifyUrl"] = "http://127.0.0.1:8080/callbacks/wechat-pay";
        var standIn = Start(configuration, Environments.Development);
        Assert.Null(standIn.App);
        Assert.Equal((desk.Address, null), (standIn.Merchant!.Address, standIn.Merchant.Standby));

        configuration.Remove("WeChatPay:ApiV3KeyFile");
        Assert.Contains("Development is not configured:\n  - missing: WeChatPay:ApiV3KeyFile", Assert.Throws<StartRefused>(() => Start(configuration, Environments.Development)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secret_that_others_can_read_is_warned_about_with_what_to_run()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var name in (string[])["private.pem", "public.pem", "app.secret"]) File.SetUnixFileMode(desk.FileOf(name) is var file && File.Exists(file) ? file : desk.Keep(name, "s3cret"), (UnixFileMode)0b110_100_100);
        var warnings = Start(Complete(keepSecret: false)).Warnings;
        Assert.Equal(
            [$"WeChat:SecretFile: others can read '{desk.FileOf("app.secret")}'. Run: chmod 600 '{desk.FileOf("app.secret")}'", $"WeChatPay:PrivateKeyFile: others can read '{desk.FileOf("private.pem")}'. Run: chmod 600 '{desk.FileOf("private.pem")}'"],
            warnings);
    }

    [Fact]
    public void No_refusal_prints_what_is_in_a_file()
    {
        var configuration = Complete();
        configuration["WeChatPay:ApiV3KeyFile"] = desk.Keep("wrong", "only-31-bytes-and-a-secret-text");
        configuration["WeChatPay:PrivateKeyFile"] = desk.FileOf("wrong");
        Assert.DoesNotContain("secret-text", Assert.Throws<StartRefused>(() => Start(configuration)).Message, StringComparison.Ordinal);
    }

    private Dictionary<string, string?> Complete(bool keepSecret = true)
    {
        var configuration = desk.Settings();
        configuration.Remove("WeChatPay:BaseAddress");
        configuration["WeChat:SecretFile"] = keepSecret ? desk.Keep("app.secret", "s3cret\n") : desk.FileOf("app.secret");
        return configuration;
    }

    private static string ShortKey()
    {
        using var key = RSA.Create(1024);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private static WeChatSettings Start(Dictionary<string, string?> configuration, string environment = "Production", string data = "./nowhere") =>
        StartRefused.ThrowIfNotAllowed(new Place(environment), new ConfigurationBuilder().AddInMemoryCollection(configuration).Build(), data);

    private sealed class Place(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;

        public string ApplicationName { get; set; } = "campaigns";

        public string ContentRootPath { get; set; } = ".";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
