using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Local;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.Serialization;

namespace Campaigns.Silo.Cluster;

/// <summary>Makes a host a silo of the cluster, or a client of it.</summary>
public static class ClusterHosting
{
    private const string Invariant = "Npgsql";
    private const int MissedProbesMax = 3;

    // A call that waits longer went to a silo that stands still: it is sent again, perhaps by another way.
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(4);

    /// <summary>How every value between silos is written, whoever writes it.</summary>
    internal static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>The host's <see cref="LocalEngine"/> joins the cluster when the host starts, and hands its grains over when it stops.</summary>
    /// <param name="name">what the journal calls this silo: by it the others fence it off when it is dead</param>
    /// <param name="connectionString">the journal's database; the table of members is in it</param>
    public static void AddSilo(this IHostApplicationBuilder builder, ClusterSettings settings, string name, string connectionString)
    {
        var members = ClusterTables.Create(connectionString);
        builder.UseOrleans(silo =>
        {
            silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Invariant, members));
            silo.Configure<ClusterOptions>(o => o.ClusterId = o.ServiceId = settings.Id);
            silo.Configure<SiloOptions>(o => o.SiloName = name);
            if (settings.Address is { } address) silo.ConfigureEndpoints(IPAddress.Parse(address), settings.SiloPort, settings.GatewayPort, listenOnAnyHostAddress: true);
            else silo.ConfigureEndpoints(settings.SiloPort, settings.GatewayPort, listenOnAnyHostAddress: true);
            silo.Configure<ClusterMembershipOptions>(o =>
            {
                o.ProbeTimeout = settings.ProbeTimeout;
                o.NumMissedProbesLimit = MissedProbesMax;
                o.TableRefreshTimeout = TimeSpan.FromSeconds(5);
                o.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
                o.DefunctSiloExpiration = TimeSpan.FromHours(1);
            });
            silo.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = o.SystemResponseTimeout = AnswerMax);
            silo.Configure<GrainCollectionOptions>(o => o.CollectionAge = TimeSpan.FromMinutes(30)); // the engine lets idle grains go long before
            if (settings.DashboardPassword is { Length: > 0 }) silo.AddDashboard();

            // The other directory forgets where grains are when a silo goes that knew it, and lets one live on two silos while others join:
            // then a share of them moves for nothing, and one of the two shows what is old.
#pragma warning disable ORLEANSEXP003 // may change in a later version of Orleans
            silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003

            // How long nobody may take over what a dead silo had, in case it still runs. Ours cannot write any more: the journal sees to that.
            silo.Configure<GrainDirectoryOptions>(o => o.RangeLeaseDuration = settings.ProbeTimeout * MissedProbesMax);
            silo.Services.AddSerializer(ConfigureSerializer);
            silo.Services.AddSingleton<Residents>().AddSingleton<OrleansGrains>().AddSingleton<IMembers, Members>();
            silo.Services.AddKeyedSingleton<IGrains>(ClusterSettings.Grains, (s, _) => s.GetRequiredService<OrleansGrains>()).AddSingleton<ICluster, SiloCluster>();
            silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, SiloEngine>();
        });
    }

    /// <summary>The host asks the grains of the cluster and has none itself.</summary>
    public static void AddClusterClient(this IHostApplicationBuilder builder, ClusterSettings settings, string connectionString)
    {
        var members = ClusterTables.Create(connectionString);
        builder.UseOrleansClient(client =>
        {
            client.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Invariant, members));
            client.Configure<ClusterOptions>(o => o.ClusterId = o.ServiceId = settings.Id);
            client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = AnswerMax);
            client.Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(2));
            client.UseConnectionRetryFilter(async (_, cancellation) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(1), cancellation); // no silo answers yet
                return true;
            });
            if (settings.DashboardPassword is { Length: > 0 }) client.AddDashboard();
            client.Services.AddSerializer(ConfigureSerializer);
            client.Services.AddSingleton<OrleansGrains>().AddSingleton<IMembers, Members>().AddKeyedSingleton<IGrains>(ClusterSettings.Grains, (s, _) => s.GetRequiredService<OrleansGrains>());
        });
    }

    /// <summary>How messages are written.</summary>
    internal static void ConfigureSerializer(ISerializerBuilder serializer) => serializer.AddJsonSerializer(IsOurs, Json);

    // Everything that mechanics and the edge put into a message; what the cluster itself says has serializers of its own.
    internal static bool IsOurs(Type type) => type.Namespace is { } name && name.StartsWith("Campaigns.", StringComparison.Ordinal) && type.Assembly != typeof(ClusterHosting).Assembly;
}
