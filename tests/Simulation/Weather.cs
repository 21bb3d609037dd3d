using Campaigns.Silo.Local;

namespace Campaigns.Simulation;

/// <summary>How rough the world of one seed is. Most seeds are rough in a few ways only: a world where all fails at once gets nowhere.</summary>
internal sealed record Weather
{
    public required int Actors { get; init; }

    public required int ActsEach { get; init; }

    /// <summary>A crash in so many steps; 0 for none.</summary>
    public required int CrashEvery { get; init; }

    /// <summary>A clean stop in so many steps; 0 for none.</summary>
    public required int StopEvery { get; init; }

    /// <summary>Of 1,000 writes, how many fail.</summary>
    public required int WritesFailing { get; init; }

    /// <summary>The disk fills up in so many steps and stays full for a while; 0 for never.</summary>
    public required int DiskFullEvery { get; init; }

    /// <summary>Of 100 messages, how many are late.</summary>
    public required int MessagesLate { get; init; }

    /// <summary>Of 100 messages, how many arrive twice.</summary>
    public required int MessagesRepeated { get; init; }

    /// <summary>Of 100 messages, how many leave a copy behind that arrives once more, up to days later.</summary>
    public required int MessagesCopied { get; init; }

    /// <summary>Of 100 calls of the gateway, how many fail.</summary>
    public required int GatewayFailing { get; init; }

    /// <summary>A jump of the clock in so many steps.</summary>
    public required int JumpEvery { get; init; }

    /// <summary>Of 100 steps, in how many a write that has begun makes progress: a slow disk makes big batches.</summary>
    public required int DiskSpeed { get; init; }

    public required LocalEngineOptions Engine { get; init; }

    public static Weather Of(Random chance)
    {
        return new()
        {
            Actors = chance.Next(2, 7),
            ActsEach = chance.Next(5, 26),
            CrashEvery = Pick(0, 200, 1_000, 5_000),
            StopEvery = Pick(0, 0, 2_000),
            WritesFailing = Pick(0, 0, 5, 50),
            DiskFullEvery = Pick(0, 0, 0, 2_000),
            MessagesLate = Pick(0, 5, 50),
            MessagesRepeated = Pick(0, 0, 20),
            MessagesCopied = Pick(0, 0, 5, 50),
            GatewayFailing = Pick(0, 10, 60),
            JumpEvery = Pick(100, 500, 3_000),
            DiskSpeed = Pick(5, 50, 100),
            Engine = new()
            {
                Lanes = chance.Next(1, 4),
                InboxMax = Pick(4, 100, 100_000),
                GrainInboxMax = Pick(2, 100_000),
                WaitingMax = Pick(1, 10_000),
                MessagesInFlightMax = Pick(1, 2, 64),
                // With the last, grains never leave: what one forgets in memory is not mended by reading it again.
                IdleAfter = Pick(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5), TimeSpan.FromDays(365)),
                TailEventsMax = Pick(1, 20, 200),
                UnflushedBytesMax = Pick(2_000, 8 << 20),
                BackoffMax = TimeSpan.FromSeconds(30),
            },
        };

        T Pick<T>(params ReadOnlySpan<T> values) => values[chance.Next(values.Length)];
    }
}
