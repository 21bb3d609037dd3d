using System.Globalization;
using Npgsql;
using StackExchange.Redis;

namespace Campaigns.LoadTests.Http;

/// <summary>Where a peer keeps its bargains.</summary>
internal interface IAssistStore : IAsyncDisposable
{
    /// <summary>One assist, durable as far as the store makes it so.</summary>
    /// <returns>the new price in fen, or a refusal below zero; the first answer if the key was used before</returns>
    Task<long> Assist(int bargain, int helper, string key, byte[] bodyHash);
}

/// <summary>Row locks behind one prepared function call, over as many connections as serve it best.</summary>
internal sealed class PostgresStore(string connection) : IAssistStore
{
    private const int Clients = 32;

    private readonly NpgsqlDataSource database = NpgsqlDataSource.Create($"{connection};Maximum Pool Size={Clients};Minimum Pool Size={Clients};Max Auto Prepare=4;Auto Prepare Min Usages=1;No Reset On Close=true");

    public async Task<long> Assist(int bargain, int helper, string key, byte[] bodyHash)
    {
        await using var command = database.CreateCommand(PeerScripts.PostgresAssist);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = bargain });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = helper });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = AssistPlan.AssistsPerDay });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = bodyHash });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();
}

/// <summary>The script over one connection that all requests share: the client sends whatever waits in one packet.</summary>
internal sealed class RedisStore(string configuration) : IAssistStore
{
    private const string Day = "20260101";
    private const int DaySeconds = 86_400;

    private readonly ConnectionMultiplexer redis = ConnectionMultiplexer.Connect(configuration);

    public async Task<long> Assist(int bargain, int helper, string key, byte[] bodyHash) => (long)await redis.GetDatabase().ScriptEvaluateAsync(
        PeerScripts.RedisAssist,
        [$"bargain:{bargain}:price", $"bargain:{bargain}:helpers", $"bargain:{bargain}:slots", string.Create(CultureInfo.InvariantCulture, $"request:{helper}:{bargain}:{key}")],
        [helper, Day, AssistPlan.AssistsPerDay, DaySeconds, Convert.ToHexStringLower(bodyHash)]);

    public ValueTask DisposeAsync() => redis.DisposeAsync();
}
