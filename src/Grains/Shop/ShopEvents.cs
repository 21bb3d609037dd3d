using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Shop;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record ShopEvent;

[Stored("shop-opened")]
internal sealed record ShopOpened(string Name, ShopSettings Settings) : ShopEvent;

[Stored("settings-replaced")]
internal sealed record SettingsReplaced(ShopSettings Settings) : ShopEvent;

[Stored("distribution-stopped")]
internal sealed record DistributionStopped(string Reason, DateTimeOffset At) : ShopEvent;

[Stored("distribution-resumed")]
internal sealed record DistributionResumed(DateTimeOffset At) : ShopEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ShopOpened))]
[JsonSerializable(typeof(SettingsReplaced))]
[JsonSerializable(typeof(DistributionStopped))]
[JsonSerializable(typeof(DistributionResumed))]
[JsonSerializable(typeof(ShopState))]
internal sealed partial class ShopJson : JsonSerializerContext;
