using System.Net;
using System.Runtime;
using Campaigns.ApiFrontend.Edge;
using Campaigns.ApiFrontend.Payments;
using Campaigns.ApiFrontend.Sandbox;
using Campaigns.ApiFrontend.WeChat;
using Campaigns.Grains;
using Campaigns.Grains.Kernel;
using Campaigns.Silo;
using Campaigns.Silo.Journal;
using Campaigns.Silo.Local;
using Campaigns.Silo.Projections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.RateLimiting;

namespace Campaigns.ApiFrontend;

/// <param name="Urls">where shoppers and merchants are served</param>
/// <param name="OpsUrls">where SREs are served; null means the next port on loopback</param>
/// <param name="Data">the folder of the journal, the read models and the secrets</param>
internal sealed record HostOptions(string Urls = "http://127.0.0.1:8080", string? OpsUrls = null, string Data = "./data", LocalEngineOptions? Engine = null)
{
    /// <summary>How long a request waits for what is not in our hands, such as a gateway that does not answer; then it is <c>503 Busy</c>.</summary>
    public TimeSpan PatienceMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long anything waits for Redis; then the process counts alone.</summary>
    public TimeSpan RedisPatience { get; init; } = RedisBuckets.Patience;
}

/// <summary>
/// The product in one process: HTTP edge, engine, journal, read models; in Development a demo shop and the sandbox. In a cluster it is a silo, or a
/// frontend that has everything but an engine.
/// </summary>
internal sealed class CampaignsHost : IAsyncDisposable
{
    public const string DemoKey = "demo-merchant-key";

    public static readonly ShopId DemoShop = new("demo");

    private readonly WebApplication app;
    private readonly WebApplication ops;
    private readonly Stores stores;
    private Task engineFailed = Task.CompletedTask;

    private CampaignsHost(WebApplication app, WebApplication ops, Stores stores) => (this.app, this.ops, this.stores) = (app, ops, stores);

    public Uri Address => AddressOf(app);

    public bool IsDevelopment => app.Environment.IsDevelopment();

    public Uri OpsAddress => AddressOf(ops);

    public IServiceProvider Services => app.Services;

    /// <summary>The failure that stopped the engine, if one did.</summary>
    public Exception? Failure { get; private set; }

    public IEnumerable<Endpoint> Endpoints => EndpointsOf(app);

    /// <summary>What the operations port serves.</summary>
    public IEnumerable<Endpoint> OperatorEndpoints => EndpointsOf(ops);

    /// <summary>Recovers, opens the ports and is ready when it returns.</summary>
    /// <exception cref="IOException">the data folder is in use, damaged or cannot be written</exception>
    /// <exception cref="JournalFailure">the disk failed while it started</exception>
    /// <exception cref="StartRefused">the configuration is incomplete or not allowed</exception>
    public static async Task<CampaignsHost> Start(HostOptions options, string[]? args = null)
    {
        // A heap of many grains must not be compacted while everybody waits: for a gigabyte that is seconds. It is collected in the background instead.
        GCSettings.LatencyMode = GCLatencyMode.SustainedLowLatency;
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args ?? [], ContentRootPath = AppContext.BaseDirectory, EnvironmentName = EnvironmentName() });
        var weChat = StartRefused.ThrowIfNotAllowed(builder.Environment, builder.Configuration, options.Data);

        var deployment = Deployment.Read(builder.Configuration);

        var stores = await Stores.Open(options.Data, deployment);
        Configure(builder, options, stores, deployment, weChat);
        var app = builder.Build();
        foreach (var warning in weChat.Warnings) app.Logger.LogWarning("{Warning}", warning);
        var host = new CampaignsHost(app, BuildOps(app.Services, options, deployment), stores);
        try
        {
            Map(app, deployment);
            await host.Run(deployment);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public Task WaitForShutdown(CancellationToken stop = default) => app.WaitForShutdownAsync(stop);

    /// <summary>Drains: new requests are refused by the closed ports, accepted ones are finished, states are stored.</summary>
    public async ValueTask DisposeAsync()
    {
        await engineFailed;
        await app.StopAsync();
        await ops.StopAsync();
        if (Services.GetService<LocalEngine>() is { } engine) await engine.DisposeAsync();
        await Services.GetRequiredService<Projector>().DisposeAsync();
        await app.DisposeAsync();
        await ops.DisposeAsync();
        await stores.DisposeAsync();
    }

    internal static string EnvironmentName() => Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? Environments.Development;

    private static void Configure(WebApplicationBuilder builder, HostOptions options, Stores stores, Deployment deployment, WeChatSettings weChat)
    {
        var services = builder.Services;
        builder.WebHost.UseUrls(options.Urls);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Api.BodyBytesMax;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        });
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        builder.Logging.ClearProviders();
        if (builder.Environment.IsDevelopment()) builder.Logging.AddSimpleConsole(o => o.SingleLine = true);
        else builder.Logging.AddJsonConsole(o => o.IncludeScopes = true);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Orleans", LogLevel.Warning).AddFilter("Polly", LogLevel.Warning).AddFilter("System", LogLevel.Warning).AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);

        // While it may say anything it makes an activity and a scope for every request; requests have a log and an id of their own, and a start that fails is told by the program.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);

        // Every request without a token would be a line; the metrics count them.
        builder.Logging.AddFilter(typeof(ShopperAuthentication).FullName, LogLevel.Warning).AddFilter(typeof(MerchantAuthentication).FullName, LogLevel.Warning);

        var clock = new ProductClock(Path.Combine(options.Data, "clock-offset-seconds"));
        services.AddSingleton(clock).AddSingleton<TimeProvider>(clock);
        services.AddSingleton(stores.Journal).AddSingleton(stores.Documents).AddSingleton<Telemetry>().AddSingleton(s => new Startup(s.GetService<LocalEngine>()));
        services.AddSingleton(new ShopperTokens(SecretFiles.ReadOrMake(Path.Combine(KeyFolder(options.Data), "token.key"), 32), clock));
        AddGrains(builder, options, stores, deployment, clock);
        services.AddSingleton(s => new Projector(stores.Journal, Definitions(), Projections(), stores.Documents, s.GetRequiredService<ILogger<Projector>>()));
        services.AddHttpClient();
        services.AddSingleton<IReceiver>(s => new GatewayReceiver(s.GetRequiredService<IPaymentGateway>));
        services.AddSingleton<IReceiver>(s => new TransferReceiver(s.GetRequiredService<IPaymentGateway>));
        if (builder.Environment.IsDevelopment()) AddSandbox(services, KeyFolder(options.Data));
        AddWeChat(services, weChat);

        services.AddCallers();
        var limits = builder.Configuration.GetSection("Limits").Get<RateLimits>() ?? (builder.Environment.IsDevelopment() ? new() { PerAddress = 20_000, PerDevice = 500, PerShopper = 500 } : new());
        services.AddSingleton(builder.Configuration.GetSection("Distribution").Get<DistributionLinks>() ?? new());
        services.AddSingleton(limits).AddSingleton<InFlight>().AddSingleton<SoldOutSales>().AddSingleton<Limiters>().AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<Limiters>((o, limiters) => limiters.Configure(o));
        if (deployment.Redis is { } redis) AddRedis(services, redis, deployment.Cluster, options.RedisPatience);
        services.ConfigureHttpJsonOptions(o => Api.Configure(o.SerializerOptions));
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.Configure<RouteOptions>(o => o.SetParameterPolicy<IdSegment>("id"));
        services.AddExceptionHandler<ProblemsOfExceptions>();
        services.AddOpenApi("v1", OpenApiDocument.Describe);
    }

    private static void AddGrains(WebApplicationBuilder builder, HostOptions options, Stores stores, Deployment deployment, ProductClock clock)
    {
        var services = builder.Services;
        if (deployment.HasGrains)
            services.AddSingleton(s => new LocalEngine(stores.Journal, Definitions(), s.GetServices<IReceiver>(), clock, options.Engine ?? new(), s.GetRequiredService<ILogger<LocalEngine>>(), s.GetService<ICluster>()));
        if (stores.Journal is PostgresJournal postgres) services.AddSingleton(postgres);
        if (deployment.Cluster is { } cluster) ClusterNode.Add(builder, cluster, stores.Name, deployment.Postgres!);
        services.AddSingleton<IGrains>(s => new PatientGrains(s.GetKeyedService<IGrains>(ClusterSettings.Grains) ?? s.GetRequiredService<LocalEngine>(), options.PatienceMax, TimeProvider.System));
    }

    private static void AddRedis(IServiceCollection services, string configuration, ClusterSettings? cluster, TimeSpan patience)
    {
        services.AddSingleton(s => new RedisBuckets(RedisBuckets.Read(configuration), $"{cluster?.Id ?? "campaigns"}:limit:", patience, s.GetRequiredService<ILogger<RedisBuckets>>()));
        services.AddSingleton<ISharedBuckets>(s => s.GetRequiredService<RedisBuckets>()).AddHostedService(s => s.GetRequiredService<RedisBuckets>());
    }

    internal static IEnumerable<GrainDefinition> Definitions() => [.. Mechanics.Grains, new SandboxPaymentGrain(), new SandboxTransferGrain()];

    internal static IReadOnlyList<IProjection> Projections() => [.. Mechanics.Projections, new SandboxBill()];

    internal static string KeyFolder(string data) => Path.Combine(data, "keys");

    // Development alone: StartRefused lets nothing else start without what the sandbox stands in for.
    private static void AddSandbox(IServiceCollection services, string keyFolder)
    {
        services.AddSingleton(_ => new SandboxKeys(keyFolder));
        services.AddSingleton(s => new WeChatPayKeyRing(s.GetRequiredService<SandboxKeys>().Merchants, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SandboxGateway>().AddSingleton<IPaymentGateway>(s => s.GetRequiredService<SandboxGateway>());
        services.AddSingleton<IReceiver>(s => new CallbackPoster(s.GetRequiredService<IHttpClientFactory>(), s.GetRequiredService<SandboxKeys>(), () => AddressOf(s.GetRequiredService<IServer>()), s.GetRequiredService<TimeProvider>()));
        services.AddHttpClient<WeChatLogin>((s, http) => http.BaseAddress = new(AddressOf(s.GetRequiredService<IServer>()), StandInWeChat.Path + "/")).RemoveAllLoggers();
        services.AddSingleton(SandboxKeys.App);
    }

    // What is configured takes the place of the sandbox's.
    private static void AddWeChat(IServiceCollection services, WeChatSettings weChat)
    {
        if (weChat.App is { } app) services.AddWeChatLogin(weChat.LoginAddress, app);
        if (weChat.Merchant is { } merchant) services.AddWeChatPay(merchant);
    }

    private static void Map(WebApplication app, Deployment deployment)
    {
        app.UseRouting();
        app.Use(app.Services.GetRequiredService<InFlight>().Enter);
        app.UseMiddleware<RequestLog>();
        app.Use(app.Services.GetRequiredService<SoldOutSales>().Enter);
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(Problems.Fill);
        app.UseRules();
        app.UseRateLimiter(); // addresses and devices: their limit costs less than looking at a token
        app.UseAuthentication();
        app.UseAuthorization();
        app.RefuseOtherCharsets();
        app.UseMiddleware<ShopperLimit>();
        app.UseMiddleware<Idempotency>();

        app.MapSessions();
        app.MapCampaigns();
        app.MapBargains();
        app.MapFlashSales();
        app.MapGroupBuys();
        app.MapOrders();
        app.MapDistribution();
        app.MapDistributors();
        app.MapCommissions();
        app.MapWithdrawals();
        app.MapCatalogue();
        app.MapPaymentCallbacks();
        app.MapHealth();
        app.MapOpenApi("/openapi/v1.json").AllowAnonymous();
        if (!app.Environment.IsDevelopment()) return;
        app.MapSandbox(deployment.Cluster is null);
        app.MapStandInWeChat(SandboxKeys.App).AllowAnonymous().DisableRateLimiting().WithMetadata(new Counted(Counts.Never));
    }

    // A second listener of its own: what is not mapped on the public port cannot be reached there by any trick of headers.
    private static WebApplication BuildOps(IServiceProvider shared, HostOptions options, Deployment deployment)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        var first = new Uri(options.Urls.Split(';')[0].Replace("*", "localhost", StringComparison.Ordinal).Replace("+", "localhost", StringComparison.Ordinal));
        builder.WebHost.UseUrls(options.OpsUrls ?? $"http://127.0.0.1:{(first.Port == 0 ? 0 : first.Port + 1)}");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(shared.GetRequiredService<Projector>());
        builder.Services.AddSingleton(shared.GetRequiredService<Startup>());
        builder.Services.AddSingleton(shared.GetRequiredService<Telemetry>()).AddSingleton(shared.GetRequiredService<TimeProvider>());
        builder.Services.AddAuthorization();
        builder.Services.AddRateLimiter(_ => { });
        builder.Services.ConfigureHttpJsonOptions(o => Api.Configure(o.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        builder.Services.AddExceptionHandler<ProblemsOfExceptions>();
        var ops = builder.Build();
        ops.UseMiddleware<RequestLog>();
        ops.UseExceptionHandler(_ => { });
        ops.UseStatusCodePages(Problems.Fill);
        ops.RefuseOtherCharsets();
        if (deployment.Cluster is { } cluster) ClusterNode.MapDashboard(ops, shared, cluster);
        ops.MapHealth();
        ops.MapOps(shared.GetRequiredService<Startup>(), shared.GetService<LocalEngine>(), shared.GetRequiredService<IJournal>(), shared.GetRequiredService<Projector>(), shared.GetRequiredService<InFlight>(), shared.GetRequiredService<Telemetry>(), shared.GetRequiredService<IGrains>(), shared.GetRequiredService<DocumentStore>(), shared.GetService<IMembers>(), shared.GetService<ISharedBuckets>(), shared.GetRequiredService<TimeProvider>());
        return ops;
    }

    private static IEnumerable<Endpoint> EndpointsOf(WebApplication app) => ((IEndpointRouteBuilder)app).DataSources.SelectMany(s => s.Endpoints);

    private static Uri AddressOf(WebApplication app) => AddressOf(app.Services.GetRequiredService<IServer>());

    private static Uri AddressOf(IServer server)
    {
        var address = server.Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new(address.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", IPAddress.Loopback.ToString(), StringComparison.Ordinal));
    }

    private async Task Run(Deployment deployment)
    {
        var engine = Services.GetService<LocalEngine>();
        var projector = Services.GetRequiredService<Projector>();
        if (engine is not null)
        {
            engine.Flushed += _ => projector.Signal();
            engine.Failed += failure =>
            {
                Failure = failure;

                // Nobody gets an answer any more: who waits for one is told so now, not when their patience ends.
                engineFailed = Task.Run(async () => await engine.DisposeAsync());
                app.Lifetime.StopApplication();
            };
        }

        // The ports open first: what recovery sends again (a callback, a prepay) must find us listening. A silo starts its engine by itself.
        await app.StartAsync();
        try
        {
            if (deployment.Cluster is null) await engine!.Start();
        }
        catch (Exception failure) when (failure is InvalidDataException or System.Text.Json.JsonException)
        {
            throw new JournalDamaged(stores.Where, $"it cannot be replayed ({failure.Message})");
        }

        projector.Start();
        await ops.StartAsync();
        if (app.Environment.IsDevelopment() && await DemoShopSetup.Open(Services.GetRequiredService<IGrains>(), Services.GetRequiredService<TimeProvider>()) is { } refusal)
            throw Failure ?? new InvalidOperationException($"The demo shop could not be opened: {refusal.Code}.");
        Services.GetRequiredService<Startup>().IsDone = true;
    }
}
