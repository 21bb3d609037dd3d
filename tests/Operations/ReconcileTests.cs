using System.Text.Json.Nodes;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Operations;

/// <summary><c>campaigns reconcile</c> on the real program, beside a running shop of the sandbox and after it.</summary>
public sealed class ReconcileTests : IAsyncLifetime
{
    private const string Heading =
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";

    private readonly string root = Directory.CreateTempSubdirectory("campaigns-").FullName;
    private readonly LiveShop shop = new();
    private string day = "";
    private string payment = "";

    public async Task InitializeAsync()
    {
        await shop.InitializeAsync();
        var amei = await shop.SignIn();
        var order = await amei.Order(await amei.Succeed(await shop.Merchant.Run()));
        day = (await shop.Now()).ToOffset(TimeSpan.FromHours(8)).ToString("yyyy-MM-dd");
        payment = await amei.StartPayment(order);
        await shop.Pay(payment);
        await shop.Pass(TimeSpan.FromHours(34));
    }

    public async Task DisposeAsync()
    {
        await shop.DisposeAsync();
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task Books_and_sandbox_agree_beside_a_running_shop_and_without_it()
    {
        foreach (var stop in (bool[])[false, true])
        {
            if (stop) await shop.Stop();
            var ended = await Program.Run("reconcile", "--date", day, "--data", shop.Folder);
            Assert.True(ended.Code == 0, ended.Says);
            Assert.Contains("They agree.", ended.Answer, StringComparison.Ordinal);
            var report = JsonNode.Parse((await Program.Run("reconcile", "--json", "--date", day, "--data", shop.Folder)).Answer)!;
            Assert.Equal((true, 1, 990, 0), (report["agrees"]!.GetValue<bool>(), report["books"]!["payments"]!.GetValue<int>(), report["gateway"]!["paidFen"]!.GetValue<int>(), report["differences"]!.AsArray().Count));
        }
    }

    [Fact]
    public async Task A_bill_that_says_the_same_agrees()
    {
        var ended = await Program.Run("reconcile", "--date", day, "--data", shop.Folder, "--bill", await Bill(Line(payment, "9.90")));
        Assert.True(ended.Code == 0, ended.Says);
    }

    [Fact]
    public async Task Every_difference_is_printed()
    {
        var ended = await Program.Run("reconcile", "--date", day, "--data", shop.Folder, "--bill", await Bill(Line(payment, "9.89"), Line("T000000000001", "1.00")));
        Assert.True(ended.Code == 1, ended.Says);
        Assert.Contains("2 differences:", ended.Answer, StringComparison.Ordinal);
        Assert.Contains($"payment {payment} (shop 'demo'): the amounts differ. Gateway: 9.89, at {day} 12:00:00", ended.Answer, StringComparison.Ordinal);
        Assert.Contains("payment T000000000001 (shop 'demo'): the gateway has money under a number that is none of ours. Gateway: 1.00", ended.Answer, StringComparison.Ordinal);

        var missing = await Program.Run("reconcile", "--json", "--date", day, "--data", shop.Folder, "--bill", await Bill());
        Assert.Equal((1, "PaymentMissing"), (missing.Code, JsonNode.Parse(missing.Answer)!["differences"]![0]!["kind"]!.GetValue<string>()));
    }

    [Fact]
    public async Task What_cannot_be_compared_is_a_matter_of_usage_or_of_waiting()
    {
        (int Code, string Says, string[] Arguments)[] rows =
        [
            (2, "is no date", ["--date", "24.11.2026", "--data", shop.Folder]),
            (2, "There is no journal in", ["--date", day, "--data", Path.Combine(root, "nowhere")]),
            (2, "There is no file", ["--date", day, "--data", shop.Folder, "--bill", Path.Combine(root, "nothing.csv")]),
            (2, "is no trade bill", ["--date", day, "--data", shop.Folder, "--bill", await Text("no bill")]),
            (2, "is no trade bill", ["--date", day, "--data", shop.Folder, "--bill", await Text(Heading + "\r\n" + Line(payment, "9.90") + "\r\n")]),
            (2, $"is the bill of {day}", ["--date", "2026-01-01", "--data", shop.Folder, "--bill", await Bill(Line(payment, "9.90"))]),
            (1, "is not ready", ["--date", "2099-01-01", "--data", shop.Folder]),
        ];
        foreach (var (code, says, arguments) in rows)
        {
            var ended = await Program.Run(["reconcile", .. arguments]);
            Assert.True(ended.Code == code && ended.Says.Contains(says, StringComparison.Ordinal), $"{string.Join(' ', arguments)}: {ended.Code} {ended.Says}");
        }

        Assert.Equal(4, (await Program.RunIn("Production", "reconcile", "--date", day, "--data", shop.Folder)).Code);
    }

    private string Line(string number, string yuan) =>
        $"`{day} 12:00:00,`wxcampaignsdemo,`1900000001,`0,`,`{$"42{number}".PadRight(32)[..32]},`{number},`openid,`JSAPI,`SUCCESS,`OTHERS,`CNY,`{yuan},`0.00,`0,`0,`0.00,`0.00,`,`,`礼盒,大,`demo,`0.00000,`0.60%,`{yuan},`0.00,`";

    private Task<string> Bill(params string[] lines) => Text($"\uFEFF{Heading}\r\n{string.Concat(lines.Select(l => l + "\r\n"))}总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`{lines.Length},`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00\r\n");

    private async Task<string> Text(string text)
    {
        var file = Path.Combine(root, $"{Guid.CreateVersion7():N}.csv");
        await File.WriteAllTextAsync(file, text);
        return file;
    }
}
