using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orleans.Dashboard;

namespace Campaigns.Silo.Cluster;

/// <summary>Orleans' dashboard on the operations port. It shows grains by name and has no authentication of its own, so it is behind a password here.</summary>
public static class Dashboard
{
    private const string Path = "/ops/dashboard";

    /// <param name="ops">the listener of the operations port, which has services of its own</param>
    /// <param name="silo">the services of the silo or the client that the dashboard asks</param>
    /// <param name="password">see <see cref="ClusterSettings.DashboardPassword"/></param>
    public static void MapDashboard(this WebApplication ops, IServiceProvider silo, string password)
    {
        var expected = Encoding.UTF8.GetBytes(password);
        ops.Use((context, next) =>
        {
            if (!context.Request.Path.StartsWithSegments(Path, StringComparison.OrdinalIgnoreCase)) return next(context);
            if (Knows(context.Request, expected))
            {
                context.RequestServices = silo;
                return next(context);
            }

            context.Response.Headers.WWWAuthenticate = "Basic realm=\"operations\"";
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        new RoutesOf(ops, silo).MapOrleansDashboard(Path);
    }

    private static bool Knows(HttpRequest request, byte[] expected)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header) || header is not { Scheme: "Basic", Parameter: { } encoded }) return false;
        var pair = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, pair, out var length)) return false;
        var password = pair.AsSpan(0, length);
        return password.IndexOf((byte)':') is >= 0 and var colon && CryptographicOperations.FixedTimeEquals(password[(colon + 1)..], expected);
    }

    private sealed class RoutesOf(IEndpointRouteBuilder routes, IServiceProvider services) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => services;

        public ICollection<EndpointDataSource> DataSources => routes.DataSources;

        public IApplicationBuilder CreateApplicationBuilder() => routes.CreateApplicationBuilder();
    }
}
