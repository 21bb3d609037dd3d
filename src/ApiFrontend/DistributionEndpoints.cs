using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;

namespace Campaigns.ApiFrontend;

/// <summary>Whether distribution stands still; without a stop it runs.</summary>
internal sealed record DistributionGate(DistributionStop? Stop);

/// <summary>Distribution (分销) of the whole shop: its kill switch, and what law and platform say about its settings.</summary>
internal static class DistributionEndpoints
{
    public static void MapDistribution(this IEndpointRouteBuilder routes)
    {
        var read = routes.MapGroup("/merchant/v1/distribution").RequireAuthorization(Rights.MerchantRead).WithTags("Distribution");
        read.MapGet("/compliance", Compliance).Produces<DistributionComplianceView>().WithSummary("What law and platform say about the settings as they are");

        var write = routes.MapGroup("/merchant/v1/distribution").RequireAuthorization(Rights.MerchantWrite).WithTags("Distribution");
        write.MapPost("/stops", Stop).Produces<DistributionGate>(201).WithSummary("Kill switch: no new commission; what was earned is settled");
        write.MapPost("/resumptions", Resume).Produces<DistributionGate>().WithSummary("New sales earn commission again");
    }

    private static async Task<IResult> Compliance(MerchantCaller caller, IGrains grains) => (await grains.Ask(caller.Shop.Grain(), new GetDistributionCompliance())).Ok();

    private static async Task<IResult> Stop(ReasonBody body, MerchantCaller caller, IGrains grains) => Gate(await grains.Ask(caller.Shop.Grain(), new StopDistribution(body.Reason))).Created();

    private static async Task<IResult> Resume(EmptyBody? body, MerchantCaller caller, IGrains grains) => Gate(await grains.Ask(caller.Shop.Grain(), new ResumeDistribution())).Ok();

    private static Outcome<DistributionGate> Gate(Outcome<ShopView> shop) => shop.Refusal is { } refusal ? refusal : new Outcome<DistributionGate>(new(shop.Reply!.DistributionStop), null);
}
