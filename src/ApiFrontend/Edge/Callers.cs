using System.Globalization;
using System.Security.Claims;
using System.Text;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>Names of what is claimed about a caller, and of the rules that endpoints demand.</summary>
internal static class Rights
{
    public const string Shopper = "shopper";
    public const string MerchantRead = "merchant-read";
    public const string MerchantWrite = "merchant-write";

    public const string ShopClaim = "shop";
    public const string ScopeClaim = "scope";
    public const string ReadScope = "read";
    public const string WriteScope = "write";
}

/// <summary>The shopper who is asking, as their token says.</summary>
internal sealed record ShopperCaller(ShopId Shop, ShopperId Shopper)
{
    public GrainId Grain => Shopper.In(Shop);

    public static ValueTask<ShopperCaller?> BindAsync(HttpContext context) => new(Of(context.User));

    public static ShopperCaller? Of(ClaimsPrincipal user) => (user as ShopperPrincipal)?.Caller;
}

/// <summary>A shopper as the user of a request. Nothing is claimed about them as text: that would be made and parsed again for every tap.</summary>
internal sealed class ShopperPrincipal(ShopperCaller caller) : ClaimsPrincipal(SignedIn)
{
    private static readonly ClaimsIdentity SignedIn = new(Rights.Shopper);

    public ShopperCaller Caller => caller;
}

/// <summary>The merchant's program that is asking, as its key says.</summary>
internal sealed record MerchantCaller(ShopId Shop)
{
    public static ValueTask<MerchantCaller?> BindAsync(HttpContext context) => new(Of(context.User));

    public static MerchantCaller? Of(ClaimsPrincipal user) => user.FindFirstValue(Rights.ShopClaim) is { } shop ? new(new ShopId(shop)) : null;
}

/// <summary>
/// The id of this request's effect: what it makes gets this id, so that a repeat with the same <c>Idempotency-Key</c> finds it again.
/// </summary>
internal readonly record struct EffectId(Guid Value)
{
    private const string Item = "effect-id";

    /// <summary>True if the same request may have been sent before.</summary>
    public bool IsKeyed { get; init; }

    public static ValueTask<EffectId> BindAsync(HttpContext context) => new(context.Items[Item] is Guid derived ? new EffectId(derived) { IsKeyed = true } : new EffectId(Guid.CreateVersion7()));

    public static void Set(HttpContext context, Guid derived) => context.Items[Item] = derived;
}

/// <summary>The device as the client names it in <c>X-Device-Id</c>; only a short hash of it goes any further.</summary>
internal sealed record Device(string? Hash)
{
    private const int LengthMax = 128;

    public static ValueTask<Device> BindAsync(HttpContext context)
    {
        var text = context.Request.Headers["X-Device-Id"].ToString();
        return new(new Device(text.Length is 0 or > LengthMax ? null : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8))));
    }
}

/// <summary><c>?cursor=…&amp;limit=…</c> of a list.</summary>
internal sealed record Paging(string? Cursor, int Limit)
{
    public const int LimitDefault = 20;

    public static ValueTask<Paging> BindAsync(HttpContext context)
    {
        var text = context.Request.Query["limit"].ToString();
        if (text.Length == 0) return new(new Paging(context.Request.Query["cursor"], LimitDefault));
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) || limit is < 1 or > Silo.Projections.DocumentStore.PageMax)
            throw new BadHttpRequestException("limit is 1–100");
        return new(new Paging(context.Request.Query["cursor"], limit));
    }
}
