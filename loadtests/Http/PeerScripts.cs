using Campaigns.LoadTests.Peers;

namespace Campaigns.LoadTests.Http;

/// <summary>The assist of <see cref="PostgresScripts"/> and <see cref="RedisScripts"/> with an idempotency key stored in the same step, so that it is still one round trip.</summary>
internal static class PeerScripts
{
    public const string PostgresSchema = """
        create table request (shopper int, bargain int, key text, body bytea not null, price bigint not null, primary key (shopper, bargain, key));

        create function assist_once(to_bargain int, by_helper int, today int, daily_cap int, with_key text, with_body bytea) returns bigint
        language plpgsql as $$
        declare
          known request;
          new_price bigint;
        begin
          select * into known from request where shopper = by_helper and bargain = to_bargain and key = with_key;
          if found then return case when known.body = with_body then known.price else -4 end; end if;

          new_price := assist(to_bargain, by_helper, today, daily_cap, false);
          if new_price >= 0 then
            insert into request values (by_helper, to_bargain, with_key, with_body, new_price);
            return new_price;
          end if;

          -- A repeat in flight has waited for the first one at its row in assist, and now sees what that stored.
          select price into known.price from request where shopper = by_helper and bargain = to_bargain and key = with_key and body = with_body;
          return coalesce(known.price, new_price);
        end $$;
        """;

    public const string PostgresAssist = "select assist_once($1, $2, 1, $3, $4, $5)";

    /// <summary>The answer is stored behind the hash of the body, which has 64 characters.</summary>
    public const string RedisAssist = $"""
        local known = redis.call('GET', KEYS[4])
        if known then
          if string.sub(known, 1, 64) ~= ARGV[5] then return -4 end
          return tonumber(string.sub(known, 65))
        end

        local function assist()
          {RedisScripts.Assist}
        end
        local price = assist()
        if price >= 0 then redis.call('SET', KEYS[4], ARGV[5] .. price, 'EX', ARGV[4]) end
        return price
        """;

    /// <summary>So many bargains, each with so many slots.</summary>
    public const string RedisSeed = """
        for bargain = 1, tonumber(ARGV[1]) do
          local price, slots = 0, {}
          for slot = 1, tonumber(ARGV[2]) do
            slots[slot] = 1 + slot * 7919 % 100
            price = price + slots[slot]
          end
          redis.call('RPUSH', 'bargain:' .. bargain .. ':slots', unpack(slots))
          redis.call('SET', 'bargain:' .. bargain .. ':price', price)
        end
        """;

    /// <summary>Answers how many assists were accepted in all of them.</summary>
    public const string RedisBooks = """
        local accepted, used = 0, 0
        for bargain = 1, tonumber(ARGV[1]) do
          local rest, name = 0, 'bargain:' .. bargain
          local slots = redis.call('LRANGE', name .. ':slots', 0, -1)
          for _, cut in ipairs(slots) do rest = rest + cut end
          local helpers = redis.call('SCARD', name .. ':helpers')
          if rest ~= tonumber(redis.call('GET', name .. ':price')) or helpers ~= ARGV[2] - #slots then
            return redis.error_reply('ERR bargain ' .. bargain .. ' does not add up')
          end
          accepted = accepted + helpers
        end
        for _, quota in ipairs(redis.call('KEYS', 'quota:*')) do used = used + redis.call('GET', quota) end
        if used ~= accepted then return redis.error_reply('ERR the quotas do not add up') end
        return accepted
        """;
}
