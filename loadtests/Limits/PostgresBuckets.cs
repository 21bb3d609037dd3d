using Campaigns.ApiFrontend.Edge;
using Npgsql;

namespace Campaigns.LoadTests.Limits;

/// <summary>The same buckets in an unlogged table: what a shop with a database and no Redis would do.</summary>
internal sealed class PostgresBuckets(NpgsqlDataSource database) : ISharedBuckets
{
    private const string Update = """
        with asked as (
          insert into bucket as b (name, full_at) values ($1, extract(epoch from clock_timestamp()) + ($4::float8 + $5::float8) / $2)
          on conflict (name) do update set full_at = greatest(b.full_at, extract(epoch from clock_timestamp())) + ($4 + greatest(0, least($5,
            floor($3 - (greatest(b.full_at, extract(epoch from clock_timestamp())) - extract(epoch from clock_timestamp())) * $2) - $4))) / $2
          returning $3 - (full_at - extract(epoch from clock_timestamp())) * $2 as tokens)
        select tokens from asked
        """;

    public bool IsUp => true;

    public async Task Create(CancellationToken cancellation)
    {
        await using var create = database.CreateCommand("create unlogged table bucket (name text primary key, full_at float8 not null) with (fillfactor = 50)");
        await create.ExecuteNonQueryAsync(cancellation);
    }

    public async ValueTask<Grant?> Take(string name, int perSecond, int burst, int spent, int wanted)
    {
        await using var update = database.CreateCommand(Update);
        foreach (var value in (object[])[name, (double)perSecond, (double)burst, (double)spent, (double)wanted]) update.Parameters.Add(new() { Value = value });
        var left = (double)(await update.ExecuteScalarAsync())!;
        return left >= 1 ? new(wanted, TimeSpan.Zero) : new(0, TimeSpan.FromSeconds((1 - left) / perSecond));
    }
}
