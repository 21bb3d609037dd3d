using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Request;

// Stored in the journal forever: add fields, never rename or remove them.
internal abstract record RequestEvent;

[Stored("request-recorded")]
internal sealed record RequestRecorded(StoredResponse Response, DateTimeOffset ForgetAt) : RequestEvent;

[Stored("request-forgotten")]
internal sealed record RequestForgotten : RequestEvent;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RequestRecorded))]
[JsonSerializable(typeof(RequestForgotten))]
[JsonSerializable(typeof(RequestState))]
internal sealed partial class RequestJson : JsonSerializerContext;
