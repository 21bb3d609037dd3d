using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Tests.Kit;

namespace Campaigns.Tests.Operations;

/// <summary>Alerts and dashboards ask for what the program tells, and every alert has somewhere to look.</summary>
public sealed partial class AlertTests(LiveShop shop) : IClassFixture<LiveShop>
{
    private const string Alerts = "deploy/prometheus/alerts.yaml";

    // What Prometheus itself adds.
    private static readonly string[] MetricsOfPrometheus = ["up"];
    private static readonly string[] LabelsOfPrometheus = ["job", "instance", "role"];

    [Fact]
    public async Task Alerts_and_panels_ask_for_metrics_and_labels_that_the_program_has()
    {
        var (metrics, labels) = await Told();
        var expressions = Rules().Select(r => r["expr"]!.GetValue<string>()).Concat(Panels().SelectMany(p => p["targets"]!.AsArray()).Select(t => t!["expr"]!.GetValue<string>())).ToList();
        Assert.True(expressions.Count > 40);
        foreach (var expression in expressions)
        {
            Assert.NotEmpty(PromQl.Metrics(expression));
            Assert.Empty(PromQl.Metrics(expression).Except(metrics, StringComparer.Ordinal));
            Assert.Empty(PromQl.Labels(expression).Except(labels, StringComparer.Ordinal));
            Assert.Empty(PromQl.Values(expression, "code").Except([.. Enum.GetNames<EdgeRefusal>(), .. Enum.GetNames<GrainRefusal>()], StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Every_metric_that_a_file_of_deploy_names_is_there()
    {
        var (metrics, _) = await Told();
        var families = metrics.Concat(metrics.Select(m => Regex.Replace(m, "_(bucket|sum|count)$", "", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)))).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(DeployFiles.All.SelectMany(f => Ours().Matches(DeployFiles.Text(f)).Select(m => m.Value)).Except(families, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_alert_waits_has_a_severity_and_a_runbook()
    {
        var rules = Rules().ToList();
        Assert.Equal(rules.Count, rules.DistinctBy(r => r["alert"]!.GetValue<string>(), StringComparer.Ordinal).Count());
        foreach (var rule in rules)
        {
            var name = rule["alert"]!.GetValue<string>();
            Assert.Matches("^[1-9][0-9]*[mh]$", rule["for"]?.GetValue<string>() ?? $"{name} does not wait");
            Assert.Contains(rule["labels"]!["severity"]!.GetValue<string>(), (string[])["critical", "warning"]);
            Assert.False(string.IsNullOrWhiteSpace(rule["annotations"]!["summary"]!.GetValue<string>()), name);
            var runbook = rule["annotations"]!["runbook"]!.GetValue<string>();
            Assert.True(DeployFiles.Exists(runbook), $"{name}: there is no {runbook}.");
            Assert.Contains(name, DeployFiles.Text(runbook), StringComparison.Ordinal);
        }

        Assert.Equal(Ordered(rules.Select(r => r["annotations"]!["runbook"]!.GetValue<string>()).Distinct(StringComparer.Ordinal)), Ordered(DeployFiles.All.Where(f => f.StartsWith("deploy/runbooks/alert-", StringComparison.Ordinal))));
    }

    // promtool plays them: `promtool test rules`. Here: that none was forgotten.
    [Fact]
    public void Every_alert_is_played()
    {
        var played = DeployFiles.Yaml("deploy/prometheus/alerts-test.yaml").Single()["tests"]!.AsArray().SelectMany(t => t!["alert_rule_test"]!.AsArray()).ToList();
        foreach (var isFiring in (bool[])[true, false])
            Assert.Equal(Ordered(Rules().Select(r => r["alert"]!.GetValue<string>())), Ordered(played.Where(p => p!["exp_alerts"] is not null == isFiring).Select(p => p!["alertname"]!.GetValue<string>())));
    }

    [Fact]
    public void Every_panel_says_what_it_shows_and_in_which_unit()
    {
        foreach (var file in DeployFiles.Ending(".json"))
        {
            var panels = DeployFiles.Json(file)["panels"]!.AsArray();
            Assert.Equal(panels.Count, panels.Select(p => p!["id"]!.GetValue<int>()).Distinct().Count());
            foreach (var panel in panels)
                foreach (var text in (JsonNode?[])[panel!["title"], panel["description"], panel["fieldConfig"]!["defaults"]!["unit"]]) Assert.False(string.IsNullOrWhiteSpace(text?.GetValue<string>()), $"{file}: {panel["title"]}");
        }
    }

    [Fact]
    public void Every_runbook_is_on_the_map_and_every_link_leads_somewhere()
    {
        var linked = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in DeployFiles.Ending(".md"))
        {
            foreach (Match link in Link().Matches(DeployFiles.Text(file)))
            {
                var target = Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(file)!, link.Groups["to"].Value))).Replace('\\', '/');
                Assert.True(Path.Exists(Path.Combine(Repository.Root, target)), $"{file} links {link.Groups["to"].Value}, which is not there.");
                if (file == "deploy/README.md") linked.Add(target);
            }
        }

        Assert.Empty(DeployFiles.Ending(".md").Where(f => f.StartsWith("deploy/runbooks/", StringComparison.Ordinal)).Except(linked, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""histogram_quantile(0.99, sum by (le, route) (rate(a_bucket{x=~"b|c{}"}[5m]))) > 1.7e9""", "a_bucket", "x,le,route")]
    [InlineData("""count(count by (version) (a)) > 1 and on (job) b{c!="d",e="f"} or 2 * c:d""", "a,b,c:d", "c,e,version,job")]
    public void Names_are_found_in_expressions(string expression, string metrics, string labels)
    {
        Assert.Equal(metrics.Split(','), PromQl.Metrics(expression));
        Assert.Equal(labels.Split(','), PromQl.Labels(expression));
    }

    private static IOrderedEnumerable<string> Ordered(IEnumerable<string> names) => names.Order(StringComparer.Ordinal);

    private static IEnumerable<JsonNode> Rules() => DeployFiles.Yaml(Alerts).Single()["groups"]!.AsArray().SelectMany(g => g!["rules"]!.AsArray()).Select(r => r!);

    private static IEnumerable<JsonNode> Panels() => DeployFiles.Ending(".json").SelectMany(f => DeployFiles.Json(f)["panels"]!.AsArray()).Select(p => p!);

    private async Task<(IReadOnlySet<string> Metrics, IReadOnlySet<string> Labels)> Told()
    {
        // Series with labels begin with the first request and the first refusal.
        await shop.Nobody.Get("/nowhere");
        await shop.Nobody.Get("/v1/me");
        var lines = (await shop.Ops(HttpMethod.Get, "/metrics")).Expect(200).Content.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var types = lines.Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')).ToList();
        var metrics = types.SelectMany(t => t[3] == "histogram" ? (string[])[$"{t[2]}_bucket", $"{t[2]}_sum", $"{t[2]}_count"] : [t[2]]);
        return (metrics.Concat(MetricsOfPrometheus).ToHashSet(StringComparer.Ordinal), lines.Where(l => l[0] != '#').SelectMany(PromQl.Labels).Concat(LabelsOfPrometheus).ToHashSet(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"\bcampaigns_[a-z_]+", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Ours();

    [GeneratedRegex(@"\]\((?<to>[^)#:]+)(#[^)]*)?\)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Link();
}
