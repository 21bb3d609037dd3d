using System.Buffers.Binary;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Campaigns.LoadTests.Http;

internal enum PeerKind
{
    /// <summary>Answers the JSON it was sent: all that HTTP lets through.</summary>
    Echo = 1,

    Postgres = 2,
    Redis = 3,
}

/// <summary>
/// One process with the assist as a minimal API on Kestrel. Tokens are checked by the product's own code, which remembers the good ones; there is no
/// rate limit, which the product has.
/// </summary>
internal static class PeerServer
{
    private static readonly ShopId Shop = new("peer");

    /// <summary>Prints its address and serves until its input ends.</summary>
    /// <param name="store">how the store is reached; nothing for <see cref="PeerKind.Echo"/></param>
    public static async Task<int> Serve(PeerKind kind, string store, CancellationToken stop)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var tokens = new ShopperTokens(RandomNumberGenerator.GetBytes(32), TimeProvider.System);
        builder.Services.AddSingleton(tokens);
        builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, ShopperAuthentication>(Rights.Shopper, null);
        builder.Services.AddAuthorizationBuilder().AddPolicy(Rights.Shopper, p => p.AddAuthenticationSchemes(Rights.Shopper).RequireAuthenticatedUser());

        await using var app = builder.Build();
        await using var assists = kind switch { PeerKind.Postgres => new PostgresStore(store), PeerKind.Redis => new RedisStore(store), _ => (IAssistStore?)null };
        if (assists is null)
        {
            app.MapPost("/v1/bargains/{id}/assists", (JsonElement body) => body);
        }
        else
        {
            app.UseAuthentication();
            app.UseAuthorization();
            app.MapPost("/v1/bargains/{id:int}/assists", async (int id, [FromHeader(Name = Idempotency.Header)] string key, JsonElement body, ClaimsPrincipal helper) =>
                await assists.Assist(id, NumberOf(helper), key, SHA256.HashData(Encoding.UTF8.GetBytes(body.GetRawText()))) is >= 0 and var price
                    ? Results.Json(new { priceFen = price }, statusCode: 201)
                    : Results.Problem(statusCode: 409)).RequireAuthorization(Rights.Shopper);
        }

        app.MapPost("/tokens/{count:int}", (int count) => Enumerable.Range(1, count).Select(n => tokens.Issue(Shop, Numbered(n)).Token).ToList());
        await app.StartAsync(stop);
        await Console.Out.WriteLineAsync(app.Urls.Single());
        await Console.In.ReadLineAsync(stop);
        return 0;
    }

    // The stores know shoppers by number, the tokens by a Guid that begins with it.
    private static ShopperId Numbered(int number) => new(new Guid(number, 0, 0, new byte[8]));

    private static int NumberOf(ClaimsPrincipal shopper) => BinaryPrimitives.ReadInt32LittleEndian(ShopperCaller.Of(shopper)!.Shopper.Value.ToByteArray());
}
