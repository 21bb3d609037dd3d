using System.Reflection;
using Campaigns.Silo.Cluster;
using Campaigns.Tests.Kit;
using Orleans;

namespace Campaigns.ClusterTests;

/// <summary>
/// Silos of neighbouring releases run beside each other while a deployment rolls. By these names and numbers they find each other's grains and
/// read each other's messages.
/// </summary>
public sealed class WireContractTests
{
    [Fact]
    public void Names_and_numbers_between_silos_do_not_change()
    {
        var file = Path.Combine(Repository.Root, "tests", "Cluster", "WireContract.txt");
        var written = File.ReadAllText(file).TrimEnd();
        var now = Describe();
        Assert.True(written == now, $"""
            What silos say to each other has changed. A silo of the last release would not understand one of this release while they run beside each
            other. Go back, or add: a new [Id] at the end of a message, a new method with an [Alias] of its own. What was only added belongs into {file}:

            {now}
            """);
    }

    [Fact]
    public void A_grain_has_the_same_type_in_every_release() =>
        Assert.Equal("cell", typeof(CellGrain).GetCustomAttribute<GrainTypeAttribute>()!.GetGrainType(null!, null!).ToString());

    private static string Describe()
    {
        var lines = new List<string>();
        lines.Add($"interface {NameOf(typeof(ICellGrain))}");
        lines.AddRange(typeof(ICellGrain).GetMethods().Select(m => $"  {NameOf(m)}({string.Join(", ", m.GetParameters().Select(p => Print(p.ParameterType)))}) {Print(m.ReturnType)}").Order(StringComparer.Ordinal));
        foreach (var message in (Type[])[typeof(WrittenCommand), typeof(WrittenAnswer), typeof(Written), typeof(CellEvent)])
        {
            lines.Add($"message {NameOf(message)}");
            lines.AddRange(message.GetProperties().Where(p => p.GetCustomAttribute<IdAttribute>() is not null).OrderBy(p => p.GetCustomAttribute<IdAttribute>()!.Id)
                .Select(p => $"  {p.GetCustomAttribute<IdAttribute>()!.Id} {p.Name} {Print(p.PropertyType)}"));
        }

        return string.Join('\n', lines);
    }

    // Without an alias its name is made of the types and their order in the source.
    private static string NameOf(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>()?.Alias ?? $"{member.Name} lacks an [Alias]";

    private static string Print(Type type) =>
        type.GetCustomAttribute<AliasAttribute>()?.Alias
        ?? (type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Print))}>" : type.Name);
}
