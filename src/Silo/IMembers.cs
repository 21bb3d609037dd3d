namespace Campaigns.Silo;

/// <summary>One silo that is, or lately was, a part of the cluster.</summary>
/// <param name="Status">as the cluster sees it: Joining, Active, ShuttingDown, Dead …</param>
public sealed record Member(string Name, string Address, string Status, DateTimeOffset StartedAt);

/// <summary>Who belongs to the cluster. Not registered on one machine.</summary>
public interface IMembers
{
    Task<IReadOnlyList<Member>> List();
}
