using System.Text;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Http;

public sealed class IdempotencyTests(LiveShop shop) : IClassFixture<LiveShop>
{
    [Fact]
    public async Task The_same_key_gets_the_first_answer_word_for_word_and_nothing_new_happens()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var first = (await amei.PostOnce("launch-1", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201);
        await shop.Quiet();
        var position = shop.Position;
        var again = (await amei.PostOnce("launch-1", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201);
        Assert.Equal(first.Content, again.Content);
        Assert.Equal(first.Header("Location"), again.Header("Location"));
        Assert.Equal("true", again.Header("Idempotency-Replayed"));
        Assert.Equal(position, shop.Position);
        Assert.NotEqual(first.Text("id"), (await amei.PostOnce("launch-2", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201).Text("id"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5_000)]
    [InlineData(40_000)]
    public async Task A_body_that_comes_in_pieces_is_the_same_request(int padding)
    {
        var campaign = await shop.Merchant.Run();
        var amei = (await shop.SignIn()).With("Idempotency-Key", "pieces");
        var first = (await Launch(chunked: true)).Expect(201);
        Assert.Equal(first.Content, (await Launch(chunked: false)).Expect(201).Content);
        Assert.Equal("true", (await Launch(chunked: true)).Expect(201).Header("Idempotency-Replayed"));

        async Task<Reply> Launch(bool chunked)
        {
            using var request = amei.Request(HttpMethod.Post, "/v1/bargains");
            request.Content = new StringContent($$"""{"campaignId":"{{campaign.Id}}"{{new string(' ', padding)}}}""", Encoding.UTF8, "application/json");
            request.Headers.TransferEncodingChunked = chunked;
            return await shop.Send(request);
        }
    }

    [Fact]
    public async Task Another_body_under_the_same_key_is_refused()
    {
        var (one, other, amei) = (await shop.Merchant.Run(), await shop.Merchant.Run(), await shop.SignIn());
        (await amei.PostOnce("key", "/v1/bargains", new { campaignId = one.Id })).Expect(201);
        (await amei.PostOnce("key", "/v1/bargains", new { campaignId = other.Id })).Refused(422, "IdempotencyKeyReused");
    }

    [Fact]
    public async Task A_key_belongs_to_its_caller_and_its_path()
    {
        var campaign = await shop.Merchant.Run();
        var (amei, bo) = (await shop.SignIn(), await shop.SignIn());
        var one = (await amei.PostOnce("mine", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201).Text("id");
        var two = (await bo.PostOnce("mine", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201).Text("id");
        Assert.NotEqual(one, two);
        (await bo.PostOnce("mine", $"/v1/bargains/{one}/assists")).Expect(201);
    }

    [Fact]
    public async Task Repeats_in_flight_wait_and_get_the_same_answer()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => amei.PostOnce("at-once", "/v1/bargains", new { campaignId = campaign.Id })));
        Assert.Single(answers.Select(a => a.Expect(201).Content).Distinct());
        Assert.Equal(99, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["left"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_refusal_is_not_remembered_but_decided_again()
    {
        var campaign = await shop.Merchant.Run();
        var amei = await shop.SignIn();
        (await shop.Merchant.Do(campaign.Id, "pauses")).Expect(200);
        (await amei.PostOnce("patient", "/v1/bargains", new { campaignId = campaign.Id })).Refused(409, "CampaignPaused");
        (await shop.Merchant.Do(campaign.Id, "resumptions")).Expect(200);
        (await amei.PostOnce("patient", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201);
    }

    [Fact]
    public async Task A_change_of_stock_or_quota_happens_once()
    {
        var campaign = await shop.Merchant.Run();
        for (var i = 0; i < 3; i++)
        {
            (await shop.Merchant.PostOnce("plus-7", $"/merchant/v1/skus/{campaign.Sku}/stock-changes", new { delta = 7, reason = "delivery" })).Expect(200);
            (await shop.Merchant.PostOnce("plus-5", $"/merchant/v1/campaigns/{campaign.Id}/quota-changes", new { delta = 5 })).Expect(200);
        }

        Assert.Equal(1_007, (await shop.Merchant.Stock(campaign.Sku)).OnHand);
        Assert.Equal(105, (await shop.Merchant.Campaign(campaign.Id)).Body["quota"]!["total"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("钥匙")]
    public async Task A_key_that_is_none_is_refused(string key)
    {
        var amei = await shop.SignIn();
        using var request = amei.Request(HttpMethod.Post, "/v1/bargains");
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        request.Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json");
        var reply = await shop.Send(request);
        Assert.True(reply.Status is 400 or 422, $"{reply.Status}: {reply.Content}");
    }

    [Fact]
    public async Task A_key_of_129_characters_is_refused_and_of_128_is_not()
    {
        var (campaign, amei) = (await shop.Merchant.Run(), await shop.SignIn());
        (await amei.PostOnce(new string('k', 129), "/v1/bargains", new { campaignId = campaign.Id })).Refused(422, "Invalid");
        (await amei.PostOnce(new string('k', 128), "/v1/bargains", new { campaignId = campaign.Id })).Expect(201);
    }

    [Fact]
    public async Task After_a_restart_the_key_the_token_and_the_bargain_are_still_known()
    {
        await using var own = await LiveShop.Open();
        var campaign = await own.Merchant.Run();
        var (amei, friend) = (await own.SignIn(), await own.SignIn());
        var first = (await amei.PostOnce("before", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201);
        var assist = (await friend.Assist(first.Text("id"))).Expect(201);

        await own.Restart();
        Assert.Equal(first.Content, (await amei.PostOnce("before", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201).Content);
        (await amei.PostOnce("before", "/v1/bargains", new { campaignId = new string('0', 32) })).Refused(422, "IdempotencyKeyReused");
        Assert.Equal(assist.Content, (await friend.Assist(first.Text("id"))).Expect(200).Content);
        Assert.Equal(assist.Number("priceFen"), (await amei.Bargain(first.Text("id"))).Number("priceFen"));
    }

    [Fact]
    public async Task A_key_is_forgotten_after_a_day()
    {
        await using var own = await LiveShop.Open();
        var campaign = await own.Merchant.Run();
        var amei = await own.SignIn();
        var first = (await amei.PostOnce("daily", "/v1/bargains", new { campaignId = campaign.Id })).Expect(201);
        await own.Pass(TimeSpan.FromHours(25));
        var second = await (await amei.Again()).PostOnce("daily", "/v1/bargains", new { campaignId = campaign.Id });

        // What the first one made has its id from the key: the repeat finds it, and never makes another.
        Assert.Equal(first.Text("id"), second.Expect(201).Text("id"));
        Assert.Null(second.Header("Idempotency-Replayed"));
    }
}
