using System.Net.Http.Headers;
using System.Text;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Silo.Projections;
using Campaigns.Tests.Kit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Campaigns.Tests.Http;

/// <summary>Whatever a client sends, the answer is readable, says the same in both languages, and nothing was written.</summary>
public sealed class ProblemTests(LiveShop shop) : IClassFixture<LiveShop>, IAsyncLifetime
{
    private const string Nothing = "00000000000000000000000000000000";

    private LiveCampaign campaign = null!;
    private LiveShopper amei = null!;
    private long position;

    public async Task InitializeAsync()
    {
        campaign = await shop.Merchant.Run();
        amei = await shop.SignIn();
        await shop.Quiet();
        position = shop.Position;
    }

    public Task DisposeAsync()
    {
        Assert.Equal(position, shop.Position);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_problem_has_a_stable_type_a_code_a_detail_in_two_languages_and_the_request_id()
    {
        var chinese = (await amei.Get($"/v1/bargains/{Nothing}")).Refused(404, "NotFound");
        Assert.Equal(("urn:campaigns:refusal:NotFound", 404, "没有找到"), (chinese.Text("type"), chinese.Number("status"), chinese.Text("detail")));
        Assert.NotEmpty(chinese.Text("title"));
        Assert.Equal(chinese.Header("X-Request-Id"), chinese.Text("requestId"));

        var english = (await amei.With("Accept-Language", "en-GB,en;q=0.9").Get($"/v1/bargains/{Nothing}")).Refused(404, "NotFound");
        Assert.Equal("There is nothing here, or it is not yours.", english.Text("detail"));
        Assert.NotEqual(chinese.Text("requestId"), english.Text("requestId"));
    }

    [Fact]
    public async Task Lists_whose_database_is_away_are_busy_and_not_broken()
    {
        await using var services = new ServiceCollection().AddSingleton(TimeProvider.System).BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        Assert.True(await new ProblemsOfExceptions(NullLogger<ProblemsOfExceptions>.Instance).TryHandleAsync(context, new DocumentsUnavailable("campaigns", new IOException("gone")), CancellationToken.None));
        Assert.Equal((503, "1"), (context.Response.StatusCode, context.Response.Headers.RetryAfter.ToString()));
    }

    [Fact]
    public async Task Every_reply_carries_a_request_id()
    {
        Reply[] replies =
        [
            await amei.Me(),
            await shop.Nobody.Get("/nowhere"),
            await shop.Nobody.Get("/v1/me"),
            await amei.Send(HttpMethod.Post, "/v1/bargains", "{"),
            await amei.With("Idempotency-Key", "k").Send(HttpMethod.Post, "/v1/bargains", "{"),
            await amei.Send(HttpMethod.Delete, "/v1/bargains"),
            await amei.Get("/v1/orders?limit=0"),
            await shop.Nobody.Post("/callbacks/wechat-pay"),
        ];
        Assert.All(replies, r => Assert.Matches("^[0-9a-f]{32}$", r.Header("X-Request-Id")));
        Assert.All(replies.Skip(1), r => Assert.Equal(r.Header("X-Request-Id"), r.Text("requestId")));
        Assert.Distinct(replies.Select(r => r.Header("X-Request-Id")));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/v1")]
    [InlineData("/v1/nothing")]
    [InlineData("/v1/bargains/not-an-id")]
    [InlineData("/v1/bargains/0000000000000000000000000000000")]
    [InlineData("/v1/bargains/..%2f..%2fetc")]
    [InlineData("/metrics")]
    [InlineData("/ops/status")]
    public async Task An_unknown_route_is_404(string path) => (await amei.Get(path)).Refused(404, "NotFound");

    [Fact]
    public async Task A_wrong_method_is_405_and_says_which_are_right()
    {
        var refused = (await amei.Send(HttpMethod.Delete, "/v1/bargains")).Refused(405, "MethodNotAllowed");
        Assert.Equal("urn:campaigns:refusal:MethodNotAllowed", refused.Text("type"));
        (await amei.Send(HttpMethod.Put, $"/v1/bargains/{Nothing}/assists", "{}")).Refused(405, "MethodNotAllowed");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task A_wrong_media_type_is_415(string mediaType) =>
        (await amei.Send(HttpMethod.Post, "/v1/bargains", $$"""{"campaignId":"{{campaign.Id}}"}""", mediaType)).Refused(415, "UnsupportedMediaType");

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_body_that_is_too_large_is_413(bool chunked, bool idempotent)
    {
        using var request = (idempotent ? amei.With("Idempotency-Key", "large") : amei).Request(HttpMethod.Post, "/v1/bargains");
        request.Content = new StringContent($$"""{"campaignId":"{{campaign.Id}}","padding":"{{new string('x', 70_000)}}"}""", Encoding.UTF8, "application/json");
        request.Headers.TransferEncodingChunked = chunked;
        (await shop.Send(request)).Refused(413, "TooLarge");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("""{"campaignId":null}""")]
    [InlineData("""{"campaignId":7}""")]
    [InlineData("""{"campaignId":""}""")]
    [InlineData("""{"campaignId":"00000000-0000-0000-0000-000000000000"}""")]
    [InlineData("""{"CampaignId":"00000000000000000000000000000000"}""")]
    [InlineData("""{"campaignId":"00000000000000000000000000000000","campaignId":"00000000000000000000000000000000"}""")]
    [InlineData("""{"campaignId":"00000000000000000000000000000000",}""")]
    [InlineData("""{"campaignId":"00000000000000000000000000000000"} {}""")]
    [InlineData("""{'campaignId':'00000000000000000000000000000000'}""")]
    [InlineData("""{"campaignId":"00000000000000000000000000000000"/* why */}""")]
    public async Task A_body_that_cannot_be_read_is_400(string body) => (await amei.Send(HttpMethod.Post, "/v1/bargains", body)).Refused(400, "Malformed");

    [Fact]
    public async Task Deep_json_is_400()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 5_000)) + string.Concat(Enumerable.Repeat("]", 5_000));
        (await amei.Send(HttpMethod.Post, "/v1/bargains", $$"""{"campaignId":"{{campaign.Id}}","more":{{deep}}}""")).Refused(400, "Malformed");
    }

    [Theory]
    [InlineData("\"100\"", 400)]
    [InlineData("1.5", 400)]
    [InlineData("1e2", 400)]
    [InlineData("1e400", 400)]
    [InlineData("99999999999999999999999999", 400)]
    [InlineData("true", 400)]
    [InlineData("null", 400)]
    [InlineData("NaN", 400)]
    [InlineData("-1", 422)]
    [InlineData("-9223372036854775808", 422)]
    [InlineData("9223372036854775807", 422)]
    [InlineData("10000000001", 422)]
    public async Task A_price_is_a_plain_number_within_bounds(string price, int status)
    {
        var body = $$"""{"title":"t","type":"daily","skus":[{"name":"n","listPriceFen":{{price}},"stock":1}]}""";
        (await shop.Merchant.Send(HttpMethod.Post, "/merchant/v1/products", body)).Refused(status, status == 400 ? "Malformed" : "Invalid");
        (await shop.Merchant.Send(HttpMethod.Post, $"/merchant/v1/skus/{campaign.Sku}/price-changes", $$"""{"listPriceFen":{{price}}}""")).Refused(status, status == 400 ? "Malformed" : "Invalid");
    }

    [Theory]
    [InlineData("""{"title":"a\u0000b","type":"daily","skus":[{"name":"n","listPriceFen":1,"stock":1}]}""")]
    [InlineData("""{"title":"\ud800","type":"daily","skus":[{"name":"n","listPriceFen":1,"stock":1}]}""")]
    [InlineData("""{"title":"t","type":"daily","skus":[null]}""")]
    [InlineData("""{"title":"t","type":"daily","skus":null}""")]
    [InlineData("""{"title":"t","type":"daily","skus":{}}""")]
    [InlineData("""{"title":["t"],"type":"daily","skus":[]}""")]
    [InlineData("""{"title":"t","skus":[]}""")]
    public async Task A_product_that_cannot_be_read_is_400(string body) => (await shop.Merchant.Send(HttpMethod.Post, "/merchant/v1/products", body)).Refused(400, "Malformed");

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("long")]
    public async Task A_title_without_sense_is_422(string title)
    {
        var body = new { title = title == "long" ? new string('长', 121) : title, type = "daily", skus = new[] { new { name = "n", listPriceFen = 1, stock = 1 } } };
        var refused = (await shop.Merchant.Post("/merchant/v1/products", body)).Refused(422, "Invalid");
        Assert.Equal("title", refused.Body["findings"]![0]!["field"]!.GetValue<string>());
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_400()
    {
        using var request = shop.Nobody.Request(HttpMethod.Post, "/v1/sessions");
        request.Content = new ByteArrayContent([.. "{\"shopId\":\"demo\",\"code\":\""u8, 0xff, 0xfe, .. "\"}"u8]);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        (await shop.Send(request)).Refused(400, "Malformed");
    }

    [Theory]
    [InlineData("application/json; charset=x")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/problem+json; charset=\"utf-7\"")]
    public async Task Another_charset_than_utf_8_is_415(string contentType)
    {
        (await Typed(contentType, amei.Request(HttpMethod.Post, "/v1/bargains"))).Refused(415, "UnsupportedMediaType");
        (await Typed(contentType, amei.With("Idempotency-Key", "k").Request(HttpMethod.Post, $"/v1/bargains/{Nothing}/assists"))).Refused(415, "UnsupportedMediaType");
        (await Typed(contentType, shop.Nobody.Request(HttpMethod.Post, "/v1/sessions"))).Refused(415, "UnsupportedMediaType");
    }

    [Theory]
    [InlineData("application/json; charset=UTF-8")]
    [InlineData("application/json;")]
    public async Task Utf_8_may_be_said(string contentType) => (await Typed(contentType, amei.Request(HttpMethod.Post, "/v1/bargains"))).Refused(400, "Malformed");

    [Fact]
    public async Task An_unknown_document_is_404() => (await shop.Nobody.Get("/openapi/v2.json")).Refused(404, "NotFound");

    [Fact]
    public async Task No_quantity_makes_the_dearest_sku_overflow()
    {
        var dear = await shop.Merchant.AddSku(10_000_000_000, stock: 10_000_000);
        await shop.Quiet();
        position = shop.Position;
        foreach (var quantity in (int[])[int.MaxValue, int.MinValue, -1, 0, 10_001])
        {
            var refused = (await amei.Post("/v1/orders", new { lines = new[] { new { sku = dear, quantity } } })).Refused(422, "Invalid");
            Assert.Equal("lines[0].quantity", refused.Body["findings"]![0]!["field"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task Neither_a_hopeless_launch_nor_a_hopeless_order_writes_anything()
    {
        var draft = await shop.Merchant.Draft(campaign.Sku);
        var scarce = await shop.Merchant.AddSku(stock: 1);
        await shop.Quiet();
        position = shop.Position;
        (await amei.TryLaunch(draft)).Refused(409, "CampaignNotRunning");
        (await amei.Post("/v1/orders", new { lines = new[] { new { sku = scarce, quantity = 2 } } })).Refused(409, "SoldOut");
        await shop.Quiet();
    }

    [Theory]
    [InlineData("null", "$.rules")]
    [InlineData("[]", "$.rules")]
    [InlineData("7", "$.rules")]
    [InlineData("{}", "$.rules")]
    [InlineData("""{"floorFen":1,"floorFen":2,"assistsNeeded":3,"ttlMinutes":60,"quota":1}""", "$.rules")]
    [InlineData("""{"floorFen":"1","assistsNeeded":3,"ttlMinutes":60,"quota":1}""", "$.rules.floorFen")]
    [InlineData("""{"floorFen":1,"assistsNeeded":3,"ttlMinutes":60,"quota":1,"curve":"zigzag"}""", "$.rules.curve")]
    [InlineData("""{"floorFen":1,"assistsNeeded":3,"ttlMinutes":60,"quota":1,"curve":1}""", "$.rules.curve")]
    [InlineData("""{"floorFen":1,"assistsNeeded":99999999999,"ttlMinutes":60,"quota":1}""", "$.rules.assistsNeeded")]
    public async Task Rules_that_cannot_be_read_are_400_and_say_where(string rules, string where)
    {
        var body = $$"""{"kind":"bargain","title":"t","startsAt":"2026-01-01T00:00:00Z","endsAt":"2027-01-01T00:00:00Z","sku":"{{campaign.Sku}}","rules":{{rules}}}""";
        Assert.Contains(where, (await shop.Merchant.Send(HttpMethod.Post, "/merchant/v1/campaigns", body)).Refused(400, "Malformed").Text("detail"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=101")]
    [InlineData("limit=-1")]
    [InlineData("limit=ten")]
    public async Task A_page_size_out_of_bounds_is_400(string query) => (await amei.Get($"/v1/orders?{query}")).Refused(400, "Malformed");

    [Fact]
    public async Task A_bug_of_ours_tells_nothing_about_itself()
    {
        var refusals = Campaigns.ApiFrontend.Edge.Problems.Texts;
        Assert.Equal(500, Campaigns.ApiFrontend.Edge.Problems.StatusOf(Campaigns.Grains.Kernel.Refusal.Of(Campaigns.Grains.Kernel.GrainRefusal.Faulted)));
        Assert.DoesNotContain("xception", refusals["Faulted"].English, StringComparison.Ordinal);
        var everything = await amei.Send(HttpMethod.Post, "/v1/bargains", """{"campaignId":7}""");
        Assert.DoesNotContain("Campaigns.", everything.Content, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", everything.Content, StringComparison.Ordinal);
    }

    private async Task<Reply> Typed(string contentType, HttpRequestMessage request)
    {
        using (request)
        {
            request.Content = new ByteArrayContent("{"u8.ToArray());
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            return await shop.Send(request);
        }
    }
}
