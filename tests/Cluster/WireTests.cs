using System.Reflection;
using System.Text;
using System.Text.Json;
using Campaigns.ApiFrontend.Payments;
using Campaigns.Grains;
using Campaigns.Grains.Kernel;
using Campaigns.Silo.Cluster;
using Microsoft.Extensions.DependencyInjection;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Orleans.Serialization;

namespace Campaigns.ClusterTests;

/// <summary>What is said between processes, written and read exactly as the cluster does it.</summary>
public sealed class WireTests
{
    private static readonly Assembly[] Ours = [typeof(Mechanics).Assembly, typeof(Silo.ProductClock).Assembly, typeof(GatewayReceiver).Assembly];
    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer(ClusterHosting.ConfigureSerializer).BuildServiceProvider().GetRequiredService<Serializer>();

    public static TheoryData<string> Commands => Names(Ours.SelectMany(a => a.GetTypes()).Where(t => RepliesTo(t).Any() && t is { IsAbstract: false, ContainsGenericParameters: false }));

    public static TheoryData<string> Replies => Names(Ours.SelectMany(a => a.GetTypes()).SelectMany(RepliesTo).Where(t => !t.IsGenericParameter).SelectMany(Filled.KindsOf));

    public static TheoryData<string> LivePayloads => Names(Mechanics.Grains.SelectMany(MadeForViewers));

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_command_arrives_as_it_was_sent(string type) => Variants(type, command => AssertSame(new CellCommand(command)));

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_reply_arrives_as_it_was_given(string type) => Variants(type, reply => AssertSame(new CellAnswer(reply, null, IsLater: false)));

    [Theory]
    [MemberData(nameof(LivePayloads))]
    public void A_live_event_arrives_as_it_happened(string type) => Variants(type, data => AssertSame(new CellEvent(5_000_000_000, "cut", data, null)));

    [Fact]
    public void A_refusal_arrives_with_everything_that_helps()
    {
        Variants(typeof(Refusal).AssemblyQualifiedName!, refusal => AssertSame(new CellAnswer(null, (Refusal)refusal, IsLater: false)));
        Variants(typeof(Refusal).AssemblyQualifiedName!, refusal => AssertSame(new CellEvent(0, "", null, (Refusal)refusal)));
        AssertSame(new CellAnswer(null, null, IsLater: true));
    }

    [Fact]
    public void The_lists_of_what_is_said_are_not_empty()
    {
        Assert.True(Commands.Count > 100 && Replies.Count > 40 && LivePayloads.Count >= 4, $"{Commands.Count} commands, {Replies.Count} replies, {LivePayloads.Count} live payloads");
    }

    [Fact]
    public void A_member_that_a_newer_release_added_is_skipped()
    {
        var read = Rewritten("""{"Name":"tea","Amount":3,"Grade":{"Of":["a",1]},"Note":"新"}""");
        Assert.Equal(new Parcel("tea", 3, null, 7, null!), read);
    }

    [Fact]
    public void A_member_that_an_older_release_did_not_have_is_its_default()
    {
        Assert.Equal(new Parcel("tea", 0, null, 7, null!), Rewritten("""{"Name":"tea"}"""));
    }

    [Fact]
    public void A_refusal_that_this_release_does_not_know_passes_through()
    {
        var sent = new CellAnswer(null, new Refusal("QuotaMovedToAnotherPlanet", (RefusalKind)42) { Limit = 3 }, IsLater: false);
        Assert.Equal(sent, Copy(sent));
    }

    [Fact]
    public void A_command_that_this_release_does_not_know_cannot_be_read()
    {
        var bytes = Serializer.SerializeToArray(new CellCommand(new Parcel("tea", 1, null, 7, [])));
        Replace(bytes, nameof(Parcel), "Barrel");
        Assert.Throws<JsonException>(() => Serializer.Deserialize<CellCommand>(bytes));
    }

    // A message whose JSON somebody else wrote. Blanks keep its length, which stands before it.
    private static object Rewritten(string json)
    {
        var bytes = Serializer.SerializeToArray(new CellCommand(new Parcel(new('x', 200), 1, 2, 3, [])));
        var (start, end) = (Array.IndexOf(bytes, (byte)'{'), Array.LastIndexOf(bytes, (byte)'}'));
        var written = Encoding.UTF8.GetBytes(json);
        bytes.AsSpan(start..(end + 1)).Fill((byte)' ');
        written.CopyTo(bytes, start);
        return Serializer.Deserialize<CellCommand>(bytes)!.Command;
    }

    private static void Replace(byte[] bytes, string what, string by)
    {
        var at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(what));
        Assert.True(at >= 0 && what.Length == by.Length);
        Encoding.UTF8.GetBytes(by).CopyTo(bytes, at);
    }

    private static void Variants(string type, Action<object> check)
    {
        for (var seed = 0; seed < 4; seed++) check(new Filled(isBare: false, seed).Make(Type.GetType(type, throwOnError: true)!));
        check(new Filled(isBare: true, 0).Make(Type.GetType(type, throwOnError: true)!));
    }

    private static void AssertSame<T>(T sent)
        where T : class
    {
        if (Deep.Difference(sent, Copy(sent)) is { } difference) Assert.Fail(difference);
    }

    private static T Copy<T>(T sent) => Serializer.Deserialize<T>(Serializer.SerializeToArray(sent))!;

    private static TheoryData<string> Names(IEnumerable<Type> types) => [.. types.Distinct().Select(t => t.AssemblyQualifiedName!).Order(StringComparer.Ordinal)];

    private static IEnumerable<Type> RepliesTo(Type command) =>
        command.GetInterfaces().Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(ICommand<>)).Select(i => i.GetGenericArguments()[0]);

    // What the Live method of a kind and the methods beside it make, as its code says.
    private static IEnumerable<Type> MadeForViewers(GrainDefinition definition)
    {
        using var module = ModuleDefinition.ReadModule(definition.GetType().Assembly.Location);
        var type = module.GetType(definition.GetType().FullName!.Replace('+', '/'));
        var todo = new Queue<MethodDefinition>(type.Methods.Where(m => m.Name == nameof(GrainDefinition<,>.Live)));
        var seen = todo.ToHashSet();
        var made = new HashSet<string>(StringComparer.Ordinal);
        while (todo.TryDequeue(out var method))
        {
            foreach (var instruction in method.Body.Instructions)
            {
                if (instruction.Operand is not MethodReference called || called.Resolve() is not { } target) continue;
                if (instruction.OpCode.Code == Code.Newobj) made.Add(target.DeclaringType.FullName);
                else if (target.HasBody && target.Module == module && target.DeclaringType.Namespace == type.Namespace && seen.Add(target)) todo.Enqueue(target);
            }
        }

        return made.Select(n => definition.GetType().Assembly.GetType(n)).OfType<Type>().Where(t => t.IsPublic && !t.IsAbstract && t.Namespace!.StartsWith("Campaigns.", StringComparison.Ordinal)).ToList();
    }

    private sealed record Parcel(string Name, int Amount, long? Weight = null, int Fee = 7, IReadOnlyList<string> Extras = null!);
}
