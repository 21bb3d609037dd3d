using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>Issues and checks the shoppers' tokens: HS256 JWTs that live two hours and survive a restart.</summary>
internal sealed class ShopperTokens(byte[] key, TimeProvider clock)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(2);

    private const string Prefix = "Bearer ";
    private const string Issuer = "campaigns";
    private const string Audience = "campaigns-shopper";
    private const int TokenLengthMax = 2_048;

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private readonly SigningCredentials signing = new(new SymmetricSecurityKey(key), SecurityAlgorithms.HmacSha256);
    private readonly GoodTokens good = new();

    public (string Token, DateTimeOffset ExpiresAt) Issue(ShopId shop, ShopperId shopper)
    {
        var now = clock.GetUtcNow();
        var expires = now + Lifetime;
        var token = handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Audience,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = expires.UtcDateTime,
            Claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = shopper.ToString(), [Rights.ShopClaim] = shop.Value },
            SigningCredentials = signing,
        });
        good.Add(token, new(shop, shopper), expires);
        return (token, expires);
    }

    /// <returns>who is asking; null if the token is not valid</returns>
    public ValueTask<ShopperCaller?> Check(ReadOnlySpan<char> token)
    {
        if (good.TryGet(token, out var known)) return new(known.Expires > clock.GetUtcNow() ? known.Caller : null);
        return token.Length > TokenLengthMax ? new((ShopperCaller?)null) : CheckSignature(token.ToString());
    }

    /// <returns>who is asking, if that can be told without checking a signature</returns>
    public ShopperCaller? Known(HttpRequest request) =>
        good.TryGet(TokenOf(request), out var known) && known.Expires > clock.GetUtcNow() ? known.Caller : null;

    /// <returns>the token of <c>Authorization: Bearer …</c>; nothing without one</returns>
    public static ReadOnlySpan<char> TokenOf(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? header.AsSpan(Prefix.Length) : default;

    private async ValueTask<ShopperCaller?> CheckSignature(string token)
    {
        var now = clock.GetUtcNow();
        var result = await handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudience = Audience,
            IssuerSigningKey = signing.Key,
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            LifetimeValidator = (from, until, _, _) => from <= now.UtcDateTime.AddMinutes(1) && until > now.UtcDateTime,
            RequireExpirationTime = true,
        });
        if (!result.IsValid || result.ClaimsIdentity.FindFirst(Rights.ShopClaim)?.Value is not { } shop) return null;
        if (!Ids.TryParse<ShopperId>(result.ClaimsIdentity.FindFirst("sub")?.Value, out var shopper)) return null;

        var caller = new ShopperCaller(new(shop), shopper);
        good.Add(token, caller, new(result.SecurityToken.ValidTo, TimeSpan.Zero));
        return caller;
    }

    /// <summary>
    /// Tokens that were issued or checked by this process: a signature check costs 15 µs, and a shopper sends the same token with every tap. The
    /// newest 100,000 to 200,000; whoever is forgotten is checked again.
    /// </summary>
    private sealed class GoodTokens
    {
        private const int GenerationMax = 100_000;

        private ConcurrentDictionary<UInt128, (ShopperCaller Caller, DateTimeOffset Expires)> newest = new();
        private ConcurrentDictionary<UInt128, (ShopperCaller Caller, DateTimeOffset Expires)> older = new();

        // Counted apart: a concurrent dictionary locks all of itself to count.
        private int count;

        public bool TryGet(ReadOnlySpan<char> token, out (ShopperCaller Caller, DateTimeOffset Expires) known)
        {
            known = default;
            if (token.Length > TokenLengthMax) return false;
            var hash = Hash(token);
            return newest.TryGetValue(hash, out known) || older.TryGetValue(hash, out known);
        }

        public void Add(string token, ShopperCaller caller, DateTimeOffset expires)
        {
            if (Interlocked.Increment(ref count) % GenerationMax == 0) (older, newest) = (newest, new());
            newest[Hash(token)] = (caller, expires);
        }

        // Half a kilobyte of text would be most of what a token takes here. Nobody finds a text with the hash of somebody else's token: 2^128 tries, for each of 200,000.
        private static UInt128 Hash(ReadOnlySpan<char> token)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(MemoryMarshal.AsBytes(token), hash);
            return MemoryMarshal.Read<UInt128>(hash);
        }
    }
}

/// <summary><c>Authorization: Bearer …</c> of a shopper.</summary>
internal sealed class ShopperAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ShopperTokens tokens)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (ShopperTokens.TokenOf(Request).IsEmpty) return AuthenticateResult.NoResult();
        return await tokens.Check(ShopperTokens.TokenOf(Request)) is { } caller
            ? AuthenticateResult.Success(new(new ShopperPrincipal(caller), Scheme.Name))
            : AuthenticateResult.Fail("The token is not valid.");
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Problems.Write(Context, EdgeRefusal.Unauthenticated);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => Problems.Write(Context, EdgeRefusal.Forbidden);
}

/// <summary><c>X-Api-Key</c> (or a bearer) of a merchant's program.</summary>
internal sealed class MerchantAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, IGrains grains)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Header = "X-Api-Key";

    private const string Prefix = "Bearer ";
    private const int KeyLengthMax = 128;

    private Refusal? busy;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var key = Request.Headers[Header].ToString();
        if (key.Length == 0 && Request.Headers.Authorization.ToString() is { } bearer && bearer.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) key = bearer[Prefix.Length..];
        if (key.Length is 0 or > KeyLengthMax) return AuthenticateResult.NoResult();

        var granted = await grains.Ask(ApiKeyAddress.Of(key), new GetApiKey());
        // Nobody knows yet whether the key is good: while the server starts that is 503, not 401, or a client would throw its key away.
        if (granted.Refusal is { Kind: RefusalKind.Busy }) busy = granted.Refusal;
        if (granted.Reply is not { } rights) return AuthenticateResult.Fail("The key is not valid.");
        var claims = rights.Scopes.Select(s => new Claim(Rights.ScopeClaim, s)).Append(new(Rights.ShopClaim, rights.Shop.Value));
        return AuthenticateResult.Success(new(new(new ClaimsIdentity(claims, Scheme.Name)), Scheme.Name));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (busy is null) Response.Headers.WWWAuthenticate = "ApiKey";
        return Problems.Write(Context, busy ?? Refusal.Of(EdgeRefusal.Unauthenticated));
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => Problems.Write(Context, EdgeRefusal.Forbidden);
}

internal static class AuthenticationSetup
{
    private const string MerchantScheme = "merchant";

    /// <summary>Two ways to say who you are, and one rule per right.</summary>
    public static void AddCallers(this IServiceCollection services)
    {
        services.AddAuthentication()
            .AddScheme<AuthenticationSchemeOptions, ShopperAuthentication>(Rights.Shopper, null)
            .AddScheme<AuthenticationSchemeOptions, MerchantAuthentication>(MerchantScheme, null);
        services.AddAuthorizationBuilder()
            .AddPolicy(Rights.Shopper, p => p.AddAuthenticationSchemes(Rights.Shopper).RequireAuthenticatedUser())
            .AddPolicy(Rights.MerchantRead, p => p.AddAuthenticationSchemes(MerchantScheme).RequireAuthenticatedUser().RequireClaim(Rights.ScopeClaim, Rights.ReadScope))
            .AddPolicy(Rights.MerchantWrite, p => p.AddAuthenticationSchemes(MerchantScheme).RequireAuthenticatedUser().RequireClaim(Rights.ScopeClaim, Rights.WriteScope));
    }

    /// <summary>An unknown route is 404 for everybody; a route that somebody mapped without saying who may use it is refused to everybody.</summary>
    public static void UseRules(this IApplicationBuilder app) => app.Use((context, next) => context.GetEndpoint() switch
    {
        null => Problems.Write(context, EdgeRefusal.NotFound),
        RouteEndpoint route when route.Metadata.GetMetadata<IAuthorizeData>() is null && route.Metadata.GetMetadata<IAllowAnonymous>() is null => Problems.Write(context, EdgeRefusal.Forbidden),
        _ => next(context),
    });
}
