using System.Collections.Concurrent;
using System.Reflection;

namespace Campaigns.Grains.Kernel;

/// <summary>What sort of no it is. The edge has one table from this to the HTTP status.</summary>
public enum RefusalKind
{
    /// <summary>The thing asked about is in a state that does not allow it (409).</summary>
    State = 1,

    /// <summary>The caller may not (403).</summary>
    Rights = 2,

    /// <summary>The request is well-formed and makes no sense (422).</summary>
    Meaning = 3,

    /// <summary>A limit is reached; it may say when it resets (429).</summary>
    Limit = 4,

    /// <summary>Not there, or not the caller's (404).</summary>
    Missing = 5,

    /// <summary>Too much to do right now; the same request may be sent again (503).</summary>
    Busy = 6,

    /// <summary>The caller did not say who they are (401).</summary>
    Identity = 7,

    /// <summary>The request cannot be read (400).</summary>
    Form = 8,

    /// <summary>A bug of ours: logged with the request id (500).</summary>
    Fault = 9,
}

/// <summary>Stands beside each member of a mechanic's refusal enum: its kind, and what the shopper reads.</summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class RefusesAttribute(RefusalKind kind, string chinese, string english) : Attribute
{
    public RefusalKind Kind { get; } = kind;

    public string Chinese { get; } = chinese;

    public string English { get; } = english;
}

/// <summary>Refusals that every grain shares.</summary>
public enum GrainRefusal
{
    [Refuses(RefusalKind.Missing, "没有找到", "There is nothing here, or it is not yours.")]
    NotFound = 1,

    [Refuses(RefusalKind.State, "当前状态不能这样操作", "The current state does not allow this.")]
    WrongState = 2,

    [Refuses(RefusalKind.Meaning, "提交的内容不符合要求", "The request breaks a rule; see the findings.")]
    Invalid = 3,

    [Refuses(RefusalKind.Busy, "系统繁忙，请稍后再试", "Too busy right now; send the same request again.")]
    Busy = 4,

    [Refuses(RefusalKind.Fault, "系统内部错误，请联系客服", "An internal error; tell us the request id.")]
    Faulted = 5,
}

/// <summary>One thing that is wrong with, or worth knowing about, what was submitted.</summary>
/// <param name="RuleId">stable, such as <c>WX-SHARE-02</c> or <c>BARGAIN-FLOOR</c></param>
/// <param name="Severity"><c>block</c>, <c>warn</c> or <c>info</c></param>
/// <param name="Field">the JSON path of the field, such as <c>rules.floorFen</c></param>
public sealed record Finding(string RuleId, string Severity, string Field, string Message)
{
    public const string Block = "block";
    public const string Warn = "warn";
    public const string Info = "info";
}

/// <summary>A no, with what helps: the limit that was hit, when it resets, what to change.</summary>
/// <param name="Code">the name of the enum member; public, never renamed</param>
public sealed record Refusal(string Code, RefusalKind Kind)
{
    private static readonly ConcurrentDictionary<Enum, Refusal> Known = new();

    public long? Limit { get; init; }

    public DateTimeOffset? ResetsAt { get; init; }

    public IReadOnlyList<Finding>? Findings { get; init; }

    public static Refusal Of(Enum code) => Known.GetOrAdd(code, static c => new(c.ToString(), TextOf(c).Kind));

    /// <summary>A refusal of one field of the request.</summary>
    public static Refusal Invalid(string field, string message) =>
        Of(GrainRefusal.Invalid) with { Findings = [new("INVALID", Finding.Block, field, message)] };

    public static RefusesAttribute TextOf(Enum code) =>
        code.GetType().GetField(code.ToString())?.GetCustomAttribute<RefusesAttribute>()
        ?? throw new InvalidOperationException($"{code.GetType().Name}.{code} lacks [Refuses].");
}
