using StackExchange.Redis;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>
/// Shared buckets in a Redis (5 or later). Nobody waits for it longer than <paramref name="patience"/>: then it counts as down, which is said once, and
/// once a second it is tried whether it is back.
/// </summary>
/// <param name="configuration">of StackExchange.Redis</param>
/// <param name="prefix">of every key</param>
/// <param name="patience">for one answer</param>
internal sealed class RedisBuckets(ConfigurationOptions configuration, string prefix, TimeSpan patience, ILogger<RedisBuckets> log) : ISharedBuckets, IHostedService, IAsyncDisposable
{
    /// <summary>A hundred times what an answer takes next door; people do not notice it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    // One number for each bucket: when it will be full, in microseconds of the server's clock. It expires when it is, and is kept within two bursts, whatever
    // a server's clock does. Numbers are written out because Lua would round them.
    private const string Script = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local each = 1000000 / ARGV[1]
        local burst = tonumber(ARGV[2])
        local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now)) + ARGV[3] * each
        local granted = math.max(0, math.min(tonumber(ARGV[4]), math.floor(burst - (full - now) / each)))
        full = math.min(full + granted * each, now + 2 * burst * each)
        if full > now then redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000))) end
        if granted > 0 then return {granted, 0} end
        return {0, math.max(0, math.ceil((full - now - (burst - 1) * each) / 1000))}
        """;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource ended = new();
    private ConnectionMultiplexer? connection;
    private Task watching = Task.CompletedTask;
    private int state;

    private enum State
    {
        Unknown = 0,
        Up,
        Down,
    }

    public bool IsUp => Volatile.Read(ref state) == (int)State.Up;

    /// <exception cref="ArgumentException">it is no configuration</exception>
    public static ConfigurationOptions Read(string configuration)
    {
        var options = ConfigurationOptions.Parse(configuration);
        if (options.EndPoints.Count == 0) throw new ArgumentException("it names no server", nameof(configuration));
        options.AbortOnConnectFail = false;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ReconnectRetryPolicy = new LinearRetry((int)Pause.TotalMilliseconds);
        return options;
    }

    /// <summary>Waits for nothing: until the first answer each process counts for itself.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        watching = Watch();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask<Grant?> Take(string name, int perSecond, int burst, int spent, int wanted)
    {
        try
        {
            return await Evaluate(name, perSecond, burst, spent, wanted);
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException or ObjectDisposedException)
        {
            Turn(State.Down, failure);
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (ended.IsCancellationRequested) return; // a container disposes a singleton once for each type it is known by
        await ended.CancelAsync();
        await watching;
        if (connection is not null) await connection.DisposeAsync();
        ended.Dispose();
    }

    private async Task<Grant> Evaluate(string name, int perSecond, int burst, int spent, int wanted)
    {
        var answer = await connection!.GetDatabase().ScriptEvaluateAsync(Script, [prefix + name], [perSecond, burst, spent, wanted]).WaitAsync(patience);
        return new((int)answer[0], TimeSpan.FromMilliseconds((long)answer[1]));
    }

    // The whole script is tried, not a ping: a server may be there and unable to write.
    private async Task Watch()
    {
        using var timer = new PeriodicTimer(Pause);
        try
        {
            do
            {
                if (IsUp) continue;
                try
                {
                    connection ??= await ConnectionMultiplexer.ConnectAsync(configuration).WaitAsync(ended.Token);
                    await Evaluate("probe", perSecond: 1, burst: 1, spent: 0, wanted: 0);
                    Turn(State.Up, failure: null);
                }
                catch (Exception failure) when (failure is RedisException or TimeoutException or System.Net.Sockets.SocketException)
                {
                    Turn(State.Down, failure);
                }
            }
            while (await timer.WaitForNextTickAsync(ended.Token));
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            Turn(State.Unknown, failure: null);
        }
    }

    private void Turn(State to, Exception? failure)
    {
        if (Interlocked.Exchange(ref state, (int)to) == (int)to) return;
        if (to == State.Up) log.LogInformation("Rate limits are shared through Redis.");
        if (to == State.Down) log.LogWarning("Redis does not answer: each process counts its rate limits alone until it does ({Reason}).", failure!.Message.Split('\n')[0]);
    }
}
