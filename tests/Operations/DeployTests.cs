using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Campaigns.Tests.Kit;
using k8s;
using k8s.Models;
using YamlDotNet.Core;

namespace Campaigns.Tests.Operations;

/// <summary>What is deployed is well-formed, starts the program as it wants to be started, and may do as little as possible.</summary>
public sealed class DeployTests
{
    private const string Compose = "deploy/compose.yaml";
    private const string Settings = "deploy/kubernetes/settings.env";
    private const string User = "1654:1654";

    // A drain takes 40 s: 20 of the engine, 20 of the host.
    private const int GraceSecondsMin = 60;

    // What the program and its runtime read, besides what WeChatSettings names.
    private static readonly string[] Known =
    [
        "ASPNETCORE_ENVIRONMENT", "ASPNETCORE_FORWARDEDHEADERS_ENABLED", "ASPNETCORE_HTTP_PORTS", "DOTNET_EnableDiagnostics",
        "Journal__Postgres", "Journal__PostgresFile", "Cluster__Role", "Cluster__Id", "Cluster__SiloPort", "Cluster__GatewayPort", "Cluster__Address", "Redis__Configuration",
    ];

    [Fact]
    public void Every_file_is_well_formed()
    {
        Assert.True(DeployFiles.Ending(".yaml").Count() >= 10);
        foreach (var file in DeployFiles.Ending(".yaml")) Assert.NotEmpty(DeployFiles.Yaml(file));
        foreach (var file in DeployFiles.Ending(".json")) Assert.NotNull(DeployFiles.Json(file));
        Assert.ThrowsAny<YamlException>(() => DeployFiles.Parse("a: 1\na: 2\n"));
        Assert.ThrowsAny<YamlException>(() => DeployFiles.Parse("a: [1\n"));
    }

    [Fact]
    public void Every_manifest_is_what_its_kind_allows()
    {
        Assert.Equal(14, Manifests().Count);
        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString("apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { selectors: { a: b } }\n", strict: true));
        var resources = DeployFiles.Yaml("deploy/kubernetes/kustomization.yaml").Single()["resources"]!.AsArray().Select(r => $"deploy/kubernetes/{r}");
        Assert.Equal(ManifestFiles().Order(StringComparer.Ordinal), resources.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_pod_is_confined_probed_bounded_and_given_time_to_drain()
    {
        var deployments = Manifests().OfType<V1Deployment>().ToList();
        Assert.Equal(2, deployments.Count);
        foreach (var pod in deployments.Select(d => d.Spec.Template.Spec))
        {
            Assert.True(pod.SecurityContext.RunAsNonRoot);
            Assert.Equal(User, $"{pod.SecurityContext.RunAsUser}:{pod.SecurityContext.RunAsGroup}");
            Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
            Assert.False(pod.AutomountServiceAccountToken);
            Assert.True(pod.HostNetwork is null or false);
            Assert.Equal(["topology.kubernetes.io/zone", "kubernetes.io/hostname"], pod.TopologySpreadConstraints.Select(c => c.TopologyKey));
            var container = Assert.Single(pod.Containers);
            Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
            Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
            Assert.Equal(["/health/live", "/health/ready", "/health/ready"], new[] { container.LivenessProbe, container.ReadinessProbe, container.StartupProbe }.Select(p => p.HttpGet.Path));
            Assert.Contains("memory", container.Resources.Limits.Keys);
            Assert.Contains("cpu", container.Resources.Requests.Keys);
            Assert.True(pod.TerminationGracePeriodSeconds >= GraceSecondsMin + (container.Lifecycle?.PreStop?.Sleep?.Seconds ?? 0));
            Assert.Equal(pod.Volumes.Select(v => v.Name).Order(StringComparer.Ordinal), container.VolumeMounts.Select(m => m.Name).Order(StringComparer.Ordinal));
            Assert.All(container.VolumeMounts.Where(m => pod.Volumes.Single(v => v.Name == m.Name).Secret is not null), m => Assert.True(m.ReadOnlyProperty));
        }
    }

    [Fact]
    public void Every_deployment_keeps_a_number_of_pods_and_is_scaled()
    {
        foreach (var deployment in Manifests().OfType<V1Deployment>())
        {
            var labels = deployment.Spec.Selector.MatchLabels;
            Assert.Equal(labels, deployment.Spec.Template.Metadata.Labels);
            Assert.Equal("0", deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.Value);
            Assert.Single(Manifests().OfType<V1PodDisruptionBudget>(), b => b.Spec.Selector.MatchLabels.SequenceEqual(labels));
            var scaler = Assert.Single(Manifests().OfType<V2HorizontalPodAutoscaler>(), s => s.Spec.ScaleTargetRef.Name == deployment.Metadata.Name && s.Spec.ScaleTargetRef.Kind == "Deployment");
            Assert.True(scaler.Spec.MinReplicas >= 2);
        }
    }

    [Fact]
    public void Ports_are_open_to_those_who_need_them_alone()
    {
        var policies = Manifests().OfType<V1NetworkPolicy>().ToList();
        var nobody = Assert.Single(policies, p => p.Spec.PodSelector.MatchLabels is null && p.Spec.PodSelector.MatchExpressions is null);
        Assert.Equal(["Ingress", "Egress"], nobody.Spec.PolicyTypes);
        Assert.True(nobody.Spec.Ingress is null && nobody.Spec.Egress is null);
        var open = from policy in policies
                   from rule in policy.Spec.Ingress ?? []
                   from peer in rule.FromProperty
                   from port in rule.Ports
                   select $"{string.Join(' ', (peer.PodSelector ?? peer.NamespaceSelector).MatchLabels.Select(l => l.Key == "app.kubernetes.io/name" ? l.Value : l.Key))} to {port.Port.Value}";
        Assert.Equal(["campaigns-frontend to 30000", "campaigns-ingress to 8080", "campaigns-operators to 8081", "campaigns-silo to 11111", "campaigns-silo to 30000"], open.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_container_of_compose_is_confined_watched_and_bounded()
    {
        var services = Services();
        Assert.Equal((3, 2), (services.Count(s => s.Key.StartsWith("silo-", StringComparison.Ordinal)), services.Count(s => s.Key.StartsWith("frontend-", StringComparison.Ordinal))));
        foreach (var (name, service) in services)
        {
            Assert.True(Regex.IsMatch(Text(service!["user"]), "^[1-9][0-9]*:[0-9]+$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)), $"{name} is root.");
            Assert.Equal(("true", "ALL", "no-new-privileges:true"), (Text(service["read_only"]), Text(service["cap_drop"]![0]), Text(service["security_opt"]![0])));
            Assert.NotNull(service["healthcheck"]!["test"]);
            Assert.NotNull(service["deploy"]!["resources"]!["limits"]!["memory"]);
            foreach (var port in service["ports"]?.AsArray() ?? []) Assert.StartsWith("127.0.0.1:", Text(port), StringComparison.Ordinal);
            foreach (var after in service["depends_on"]?.AsObject() ?? [])
            {
                Assert.Contains(after.Key, services.Select(s => s.Key));
                Assert.Equal("service_healthy", Text(after.Value!["condition"]));
            }

            if (!IsOurs(service)) continue;
            Assert.Equal(User, Text(service["user"]));
            Assert.True(int.Parse(Text(service["stop_grace_period"]).TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture) >= GraceSecondsMin);
            Assert.Equal(["CMD", "/app/campaigns", "health"], service["healthcheck"]!["test"]!.AsArray().Select(Text));
        }

        var targets = DeployFiles.Yaml("deploy/prometheus/prometheus.yaml").Single()["scrape_configs"]![0]!["static_configs"]!.AsArray().SelectMany(s => s!["targets"]!.AsArray()).Select(t => Text(t).Split(':')[0]);
        Assert.Equal(services.Where(s => IsOurs(s.Value!)).Select(s => s.Key).Order(StringComparer.Ordinal), targets.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Secrets_are_files_that_the_script_makes()
    {
        var script = DeployFiles.Text("deploy/make-secrets");
        var secrets = DeployFiles.Yaml(Compose).Single()["secrets"]!.AsObject();
        foreach (var (name, secret) in secrets)
        {
            Assert.Equal($"./secrets/{name}", Text(secret!["file"]));
            Assert.Contains($"$folder/{name}", script, StringComparison.Ordinal);
        }

        foreach (var (name, service) in Services()) Assert.All(service!["secrets"]?.AsArray() ?? [], s => Assert.True(secrets.ContainsKey(Text(s)), $"{name}: {s}"));
        Assert.Contains("deploy/secrets/", File.ReadAllLines(Path.Combine(Repository.Root, ".gitignore")));
    }

    [Fact]
    public void Only_variables_are_set_that_the_program_reads()
    {
        var program = File.ReadAllText(Path.Combine(Repository.Root, "src/ApiFrontend/WeChat/WeChatSettings.cs"));
        var set = Services().Where(s => IsOurs(s.Value!)).SelectMany(s => s.Value!["environment"]!.AsObject().Select(e => e.Key))
            .Concat(Manifests().OfType<V1Deployment>().SelectMany(d => d.Spec.Template.Spec.Containers.Single().Env.Select(e => e.Name)))
            .Concat(DeployFiles.Text(Settings).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=')[0]))
            .Concat(Regex.Matches(DeployFiles.Text("deploy/Dockerfile"), @"(?<=^ENV .*)\b\w+(?==)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Select(m => m.Value))
            .Concat(Regex.Matches(DeployFiles.Text("deploy/campaigns.service"), @"(?<=^Environment=)\w+", RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Select(m => m.Value))
            .Distinct(StringComparer.Ordinal).ToList();
        Assert.Contains("Cluster__Role", set);
        Assert.Contains("WeChatPay__MchId", set);
        Assert.Contains("DOTNET_EnableDiagnostics", set);
        foreach (var name in set.Except(Known, StringComparer.Ordinal))
        {
            Assert.StartsWith("WeChat", name, StringComparison.Ordinal);
            Assert.Contains($"\"{name.Replace("__", ":", StringComparison.Ordinal)}\"", program, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Images_are_pinned_to_a_version()
    {
        var images = Services().Select(s => Text(s.Value!["image"]))
            .Concat(Manifests().OfType<V1Deployment>().SelectMany(d => d.Spec.Template.Spec.Containers.Select(c => c.Image)))
            .Concat(Regex.Matches(DeployFiles.Text("deploy/Dockerfile"), "(?<=^ARG (SDK|RUNTIME)=).+$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Select(m => m.Value)).ToList();
        Assert.True(images.Count >= 14);
        Assert.All(images, i => Assert.Matches(@":v?\d+\.\d+(\.\d+)?(-[\w.-]+)?$", i));
    }

    [Fact]
    public void Image_runs_as_nobody_special_has_the_time_zones_and_is_asked_without_a_shell()
    {
        var lines = DeployFiles.Text("deploy/Dockerfile").Split('\n');
        Assert.Contains($"USER {User}", lines);
        Assert.Contains(lines, l => l.StartsWith("ARG RUNTIME=", StringComparison.Ordinal) && l.EndsWith("-chiseled-extra", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("HEALTHCHECK ", StringComparison.Ordinal) && l.EndsWith("CMD [\"/app/campaigns\", \"health\"]", StringComparison.Ordinal));
        Assert.Contains("ENTRYPOINT [\"/app/campaigns\"]", lines);
    }

    private static IReadOnlyList<KeyValuePair<string, JsonNode?>> Services() => [.. DeployFiles.Yaml(Compose).Single()["services"]!.AsObject()];

    private static bool IsOurs(JsonNode service) => Text(service["image"]).StartsWith("campaigns:", StringComparison.Ordinal);

    private static string Text(JsonNode? node) => node?.GetValue<string>() ?? "";

    // What Kubernetes itself defines; kustomizations and what operators define are not among it.
    private static IEnumerable<string> ManifestFiles() => DeployFiles.Ending(".yaml").Where(f => Path.GetDirectoryName(f)!.Replace('\\', '/') == "deploy/kubernetes" && Path.GetFileName(f) != "kustomization.yaml");

    private static List<object> Manifests() => [.. ManifestFiles().SelectMany(f => KubernetesYaml.LoadAllFromString(DeployFiles.Text(f), strict: true))];
}
