using System.Diagnostics;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;
using static Campaigns.Grains.Kernel.GrainRefusal;
using ApiKeyDecision = Campaigns.Grains.Kernel.Decision<Campaigns.Grains.Shop.ApiKeyEvent>;

namespace Campaigns.Grains.Shop;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record ApiKeyEvent;

[Stored("api-key-granted")]
internal sealed record ApiKeyGranted(ShopId Shop, IReadOnlyList<string> Scopes) : ApiKeyEvent;

internal sealed record ApiKeyState
{
    public ShopId? Shop { get; set; }

    public IReadOnlyList<string> Scopes { get; set; } = [];
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ApiKeyGranted))]
[JsonSerializable(typeof(ApiKeyState))]
internal sealed partial class ApiKeyJson : JsonSerializerContext;

/// <summary>Every rule of an API key. Pure: no clock, no chance, no I/O.</summary>
internal static class ApiKeyRules
{
    public const int ScopesMax = 32;
    public const int ScopeLengthMax = 64;

    public static ApiKeyDecision Decide(ApiKeyState state, GrantApiKey command, DateTimeOffset now)
    {
        if (!ShopId.TryParse(command.Shop.Value, out _)) return Refusal.Invalid("shop", "1 to 40 characters of a-z, 0-9 and -.");
        if (state.Shop is { } shop && shop != command.Shop) return WrongState;
        if (state.Shop is not null && state.Scopes.SequenceEqual(command.Scopes, StringComparer.Ordinal)) return ApiKeyDecision.Nothing;
        if (command.Scopes.Count is < 1 or > ScopesMax) return Refusal.Invalid("scopes", "1 to 32 scopes.");
        if (command.Scopes.Any(s => string.IsNullOrWhiteSpace(s) || s.Length > ScopeLengthMax)) return Refusal.Invalid("scopes", "A scope has 1 to 64 characters.");

        return new ApiKeyGranted(command.Shop, command.Scopes);
    }

    public static ApiKeyState Evolve(ApiKeyState state, ApiKeyEvent @event) => @event switch
    {
        ApiKeyGranted e => state with { Shop = e.Shop, Scopes = e.Scopes },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}"),
    };
}

internal sealed class ApiKeyGrain() : GrainDefinition<ApiKeyState, ApiKeyEvent>(ApiKeyJson.Default)
{
    public override string Kind => "api-key";

    public override Decision<ApiKeyEvent> Decide(ApiKeyState state, object command, in Turn turn) => command switch
    {
        GrantApiKey c => ApiKeyRules.Decide(state, c, turn.Now),
        GetApiKey => ApiKeyDecision.Nothing,
        _ => throw Unknown(command),
    };

    public override ApiKeyState Evolve(ApiKeyState state, ApiKeyEvent @event) => ApiKeyRules.Evolve(state, @event);

    public override Answer Answer(ApiKeyState state, object command, in Turn turn) =>
        state.Shop is { } shop ? Kernel.Answer.Of(new ApiKeyView(shop, state.Scopes)) : NotFound;
}
