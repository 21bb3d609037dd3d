using Campaigns.Silo;
#if ORLEANS
using Campaigns.Silo.Cluster;
#endif

namespace Campaigns.ApiFrontend;

/// <summary>This process as a part of a cluster, where the build has the engine for it.</summary>
internal static class ClusterNode
{
#if ORLEANS
    public static bool IsBuiltIn => true;

    public static void Add(WebApplicationBuilder builder, ClusterSettings settings, string name, string connectionString)
    {
        if (settings.Role == ClusterRole.Silo) builder.AddSilo(settings, name, connectionString);
        else builder.AddClusterClient(settings, connectionString);
    }

    public static void MapDashboard(WebApplication ops, IServiceProvider services, ClusterSettings settings)
    {
        if (settings.DashboardPassword is { Length: > 0 } password) ops.MapDashboard(services, password);
    }
#else
    public static bool IsBuiltIn => false;

    public static void Add(WebApplicationBuilder builder, ClusterSettings settings, string name, string connectionString) => throw new NotSupportedException();

    public static void MapDashboard(WebApplication ops, IServiceProvider services, ClusterSettings settings) => throw new NotSupportedException();
#endif
}
