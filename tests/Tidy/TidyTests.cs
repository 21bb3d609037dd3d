using System.Reflection;
using System.Text.RegularExpressions;
using Campaigns.ApiFrontend;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Local;
using Campaigns.Tests.Kit;
using Mono.Cecil;

namespace Campaigns.Tests.Tidy;

/// <summary>What a machine can check of the style. Each rule comes with a sample that it must find.</summary>
public sealed partial class TidyTests
{
    private static readonly Assembly[] Ours = [typeof(GrainDefinition).Assembly, typeof(LocalEngine).Assembly, typeof(CampaignsHost).Assembly];

    // A fifth file of a mechanic, and why it stands alone.
    private static readonly Dictionary<string, string> ExtraFiles = new(StringComparer.Ordinal)
    {
        ["Bargain/BargainPlan.cs"] = "the arithmetic of the cuts, verified by clients and the command line too",
        ["Bargain/BargainPublication.cs"] = "what a merchant is told before publishing is read apart from what a shopper is",
        ["Bargain/BargainViews.cs"] = "read models",
        ["Campaign/CampaignKinds.cs"] = "the registration of mechanics, read by the edge",
        ["Campaign/CampaignViews.cs"] = "read models",
        ["Commission/CommissionViews.cs"] = "read models",
        ["Distributor/DistributorViews.cs"] = "read models",
        ["Order/OrderNets.cs"] = "the arithmetic of discounts and refunds by line",
        ["Order/OrderTimeline.cs"] = "read models: what happened to an order, in words",
        ["FlashSale/FlashSaleCalendar.cs"] = "weeks, days and zones are read and tested apart from what is sold",
        ["FlashSale/FlashSalePublication.cs"] = "what a merchant is told before publishing is read apart from what a shopper is",
        ["FlashSale/FlashSaleViews.cs"] = "read models",
        ["GroupBuy/GroupBuyPublication.cs"] = "what a merchant is told before publishing is read apart from what a shopper is",
        ["GroupBuy/GroupBuyViews.cs"] = "read models",
        ["Ledger/LedgerViews.cs"] = "read models",
        ["Order/OrderViews.cs"] = "read models",
        ["Payment/PaymentMoney.cs"] = "what came and went, compared with the gateway's bill by the command line",
        ["Payment/PaymentViews.cs"] = "read models",
        ["Withdrawal/WithdrawalViews.cs"] = "read models",
        ["Shop/DistributionCompliance.cs"] = "what law and platform forbid is read apart from the bounds of settings",
        ["Shop/ApiKeyGrain.cs"] = "a grain of thirty lines: events, rules and shell fit one file",
    };

    // Names that end like plumbing and are words of the domain.
    private static readonly string[] DomainNames = ["BargainHelper"];

    [Fact]
    public void Rules_are_pure()
    {
        Assert.Empty(Repository.Sources("src/Grains").Where(s => IsPure(s.Path)).SelectMany(Impure));
        Assert.True(Repository.Sources("src/Grains").Count(s => IsPure(s.Path)) >= 9);

        static bool IsPure(string path) => path.EndsWith("Rules.cs", StringComparison.Ordinal) || path.EndsWith("Plan.cs", StringComparison.Ordinal) || path.EndsWith("Publication.cs", StringComparison.Ordinal) || path.EndsWith("Compliance.cs", StringComparison.Ordinal) || path.EndsWith("Grain.cs", StringComparison.Ordinal) || path.EndsWith("Book.cs", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("var now = DateTimeOffset.UtcNow;")]
    [InlineData("if (DateTime.Now > end) return Ended;")]
    [InlineData("var id = Guid.NewGuid();")]
    [InlineData("var id = Guid.CreateVersion7();")]
    [InlineData("var cut = Random.Shared.Next(100);")]
    [InlineData("RandomNumberGenerator.Fill(seed);")]
    [InlineData("static void Decide(ILogger log)")]
    [InlineData("var bargain = await grains.Ask(id, command);")]
    [InlineData("using System.Net.Http;\nHttpClient http;")]
    [InlineData("File.ReadAllText(path);")]
    [InlineData("Environment.GetEnvironmentVariable(name);")]
    public void An_impure_rule_is_found(string code) => Assert.NotEmpty(Impure(("XRules.cs", code)));

    [Fact]
    public void A_comment_may_speak_of_what_the_code_must_not_do() => Assert.Empty(Impure(("XRules.cs", "/// <summary>No DateTime.Now, nothing to await.</summary>\nreturn now >= state.EndsAt; // not UtcNow")));

    [Fact]
    public void Every_mechanic_has_its_four_files_and_no_stray_one() => Assert.Empty(Strays(Directory.GetDirectories(Path.Combine(Repository.Root, "src", "Grains"))
        .Select(d => (Name: Path.GetFileName(d), Files: Directory.GetFiles(d, "*.cs").Select(f => Path.GetFileName(f)).ToList()))
        .Where(m => m.Name is not ("Kernel" or "bin" or "obj"))));

    [Fact]
    public void A_missing_and_a_stray_file_are_found() =>
        Assert.Equal(["Lottery/LotteryRules.cs is missing", "Lottery/Tools.cs is no file of the roster"], Strays([("Lottery", ["LotteryContract.cs", "LotteryEvents.cs", "LotteryGrain.cs", "Tools.cs"])]));

    [Fact]
    public void No_extra_file_is_excused_that_is_not_there() => Assert.All(ExtraFiles.Keys, f => Assert.True(File.Exists(Path.Combine(Repository.Root, "src", "Grains", f)), f));

    [Fact]
    public void The_domain_references_neither_web_nor_storage_nor_engine()
    {
        using var grains = ModuleDefinition.ReadModule(typeof(GrainDefinition).Assembly.Location);
        Assert.Empty(Foreign(grains.AssemblyReferences.Select(r => r.Name)));
        using var tests = ModuleDefinition.ReadModule(typeof(TidyTests).Assembly.Location);
        Assert.NotEmpty(Foreign(tests.AssemblyReferences.Select(r => r.Name)));
    }

    [Fact]
    public void No_method_of_ours_ends_in_Async()
    {
        Assert.Empty(Ours.SelectMany(Methods).Where(SaysAsync).Select(m => m.FullName));
        Assert.Equal(["Wrong" + "Async"], Methods(typeof(TidyTests).Assembly).Where(m => m.DeclaringType.Name == nameof(Samples) && SaysAsync(m)).Select(m => m.Name));
    }

    [Fact]
    public void No_type_of_ours_is_named_after_plumbing()
    {
        Assert.Empty(Ours.SelectMany(a => a.GetTypes()).Where(t => t.Namespace?.StartsWith("Campaigns", StringComparison.Ordinal) == true).Select(t => t.Name).Where(IsPlumbing).Except(DomainNames, StringComparer.Ordinal));
        Assert.All((string[])["OrderManager", "PriceHelper", "CampaignService", "MoneyUtils", "BaseGrain`1", "GrainBase"], name => Assert.True(IsPlumbing(name), name));
        Assert.False(IsPlumbing("Serviced"));
    }

    [Fact]
    public void Nothing_is_left_to_be_fixed_and_no_path_is_of_one_machine()
    {
        Assert.Empty(new[] { "src", "tests", "loadtests" }.SelectMany(Repository.Sources).SelectMany(LeftOver));
        Assert.NotEmpty(LeftOver(("X.cs", "// FIX" + "ME: later")));
        Assert.NotEmpty(LeftOver(("X.cs", "var data = \"/ho" + "me/me/data\";")));
        Assert.Empty(LeftOver(("X.cs", "var data = \"./data\";")));
    }

    [Fact]
    public void Tests_wait_for_conditions_and_never_for_time()
    {
        Assert.Empty(Repository.Sources("tests").SelectMany(Sleeps));
        Assert.NotEmpty(Sleeps(("XTests.cs", "await Task.Del" + "ay(100);")));
        Assert.NotEmpty(Sleeps(("XTests.cs", "Thread.Sl" + "eep(100);")));
    }

    [Fact]
    public void Every_refusal_is_explained_in_both_languages_and_a_code_means_the_same_everywhere()
    {
        var enums = Ours.SelectMany(a => a.GetTypes()).Where(t => t.IsEnum && t.GetFields().Any(f => f.IsDefined(typeof(RefusesAttribute), inherit: false))).ToList();
        Assert.True(enums.Count >= 8, $"Only {enums.Count}.");
        Assert.Empty(Unexplained(enums));
        Assert.All(Ours.SelectMany(a => a.GetTypes()).Where(t => t.IsEnum && t.Name.EndsWith("Refusal", StringComparison.Ordinal) && t.Namespace!.StartsWith("Campaigns.Grains", StringComparison.Ordinal)), t => Assert.Contains(t, enums));
    }

    [Fact]
    public void A_refusal_without_words_or_with_two_meanings_is_found() =>
        Assert.Equal(["BadRefusal.Silent has no [Refuses]", "BadRefusal.Foreign has no Chinese text", "BadRefusal.SoldOut is Busy and elsewhere State"], Unexplained([typeof(Campaigns.Grains.Stock.StockRefusal), typeof(BadRefusal)]));

    [Fact]
    public void Every_event_has_a_stored_name_of_its_own()
    {
        var families = Ours.SelectMany(a => a.GetTypes()).Where(t => t.IsDefined(typeof(StoredAttribute), inherit: false)).GroupBy(t => t.BaseType!).ToList();
        Assert.True(families.Count >= 9, $"Only {families.Count}.");
        Assert.Empty(families.SelectMany(f => Doubles(f)));
        Assert.DoesNotContain(Ours.SelectMany(a => a.GetTypes()), t => !t.IsAbstract && families.Any(f => f.Key == t.BaseType) && !t.IsDefined(typeof(StoredAttribute), inherit: false));
        Assert.Equal(["told-twice"], Doubles([typeof(One), typeof(Two)]));
    }

    [Fact]
    public void Each_kind_of_grain_is_registered_once() => Assert.Distinct(Campaigns.Grains.Mechanics.Grains.Select(g => g.Kind));

    private static IEnumerable<string> Impure((string Path, string Text) source) => Forbidden().Matches(WithoutComments(source.Text)).Select(m => $"{source.Path}: {m.Value}");

    private static IEnumerable<string> LeftOver((string Path, string Text) source) => Unfinished().Matches(source.Text).Select(m => $"{source.Path}: {m.Value}");

    private static IEnumerable<string> Sleeps((string Path, string Text) source) => Waits().Matches(WithoutComments(source.Text)).Select(m => $"{source.Path}: {m.Value}");

    private static string WithoutComments(string code) => Comments().Replace(code, "");

    private static IEnumerable<string> Strays(IEnumerable<(string Name, List<string> Files)> mechanics)
    {
        foreach (var (name, files) in mechanics)
        {
            var roster = ((string[])["Contract", "Events", "Rules", "Grain"]).Select(role => $"{name}{role}.cs").ToList();
            foreach (var missing in roster.Except(files, StringComparer.Ordinal)) yield return $"{name}/{missing} is missing";
            foreach (var stray in files.Except(roster, StringComparer.Ordinal).Where(f => f != $"{name}Book.cs" && !ExtraFiles.ContainsKey($"{name}/{f}"))) yield return $"{name}/{stray} is no file of the roster";
        }
    }

    private static IEnumerable<string> Foreign(IEnumerable<string> references) =>
        references.Where(r => ((string[])["Microsoft.", "Campaigns.", "campaigns", "SQLite", "Npgsql", "Orleans", "System.Net", "System.Data", "System.IO.Pipes", "System.Diagnostics.Process"]).Any(f => r.StartsWith(f, StringComparison.Ordinal)) && r != "Microsoft.CSharp");

    private static IEnumerable<MethodDefinition> Methods(Assembly assembly) =>
        from type in ModuleDefinition.ReadModule(assembly.Location).GetTypes()
        from method in type.Methods
        where !method.Name.Contains('<', StringComparison.Ordinal) && !type.FullName.Contains('<', StringComparison.Ordinal)
        select method;

    // Overrides and implementations are named by others; minimal APIs find BindAsync by its name.
    private static bool SaysAsync(MethodDefinition method) =>
        method.Name.Split('.')[^1].EndsWith("Async", StringComparison.Ordinal) && method.Name != "BindAsync" && !(method.IsVirtual && !method.DeclaringType.IsInterface);

    private static bool IsPlumbing(string type) => Plumbing().IsMatch(type.Split('`')[0]);

    private static IEnumerable<string> Unexplained(IEnumerable<Type> enums)
    {
        var kinds = new Dictionary<string, RefusalKind>(StringComparer.Ordinal);
        foreach (var member in enums.SelectMany(e => e.GetFields(BindingFlags.Public | BindingFlags.Static)))
        {
            var name = $"{member.DeclaringType!.Name}.{member.Name}";
            if (member.GetCustomAttribute<RefusesAttribute>() is not { } text)
            {
                yield return $"{name} has no [Refuses]";
                continue;
            }

            if (!text.Chinese.Any(c => c is >= '\u4e00' and <= '\u9fff') && !text.Chinese.Contains("application/json", StringComparison.Ordinal)) yield return $"{name} has no Chinese text";
            if (text.English.Length < 5 || text.English.Any(c => c > '\u2fff')) yield return $"{name} has no English text";
            if (!kinds.TryAdd(member.Name, text.Kind) && kinds[member.Name] != text.Kind) yield return $"{name} is {text.Kind} and elsewhere {kinds[member.Name]}";
        }
    }

    private static IEnumerable<string> Doubles(IEnumerable<Type> events) => events.GroupBy(e => e.GetCustomAttribute<StoredAttribute>()!.Name).Where(g => g.Count() > 1).Select(g => g.Key);

    [GeneratedRegex(@"\bUtcNow\b|\bDateTime(Offset)?\.(Now|Today)\b|\bTimeProvider\b|\bNewGuid\b|\bCreateVersion7\b|\bRandom\b(?=[.(\s]*(Shared|new|\())|\bnew Random\b|\bRandomNumberGenerator\b|\bILogger\b|\bawait\b|\bTask\b|\bHttpClient\b|\bFile\.|\bEnvironment\.|\bThread\b|\bStopwatch\b", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Forbidden();

    [GeneratedRegex(@"//.*$|/\*[\s\S]*?\*/", RegexOptions.Multiline, 5_000)]
    private static partial Regex Comments();

    [GeneratedRegex("""\bFIXM[E]\b|\bHAC[K]\b|["\s(](/hom[e]/|/roo[t]/|/User[s]/|/tm[p]/|[A-Z]:\\\\)\w*""", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\bThread\.Slee[p]\b|\bTask\.Dela[y]\((?!Timeout\.Infinite)|\bSpinUnti[l]\b", RegexOptions.None, 5_000)]
    private static partial Regex Waits();

    [GeneratedRegex("(Manager|Helper|Service|Services|Utils|Util|Base)$|^Base[A-Z]", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Plumbing();

    private enum BadRefusal
    {
        Silent = 1,

        [Refuses(RefusalKind.State, "only English", "Only English.")]
        Foreign = 2,

        [Refuses(RefusalKind.Busy, "售罄", "Sold out.")]
        SoldOut = 3,
    }

    private abstract record Told;

    [Stored("told-twice")]
    private sealed record One : Told;

    [Stored("told-twice")]
    private sealed record Two : Told;

    private sealed class Samples : IAsyncDisposable
    {
        public static Task Right() => Task.CompletedTask;

        public static Task WrongAsync() => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
