namespace Campaigns.LoadTests.Peers;

/// <summary>The assist as a team would write it for PostgreSQL, its load, and the books that prove it right.</summary>
internal static class PostgresScripts
{
    // Room in each page keeps every update of shopper and bargain on its page (HOT), off the index. Once loaded, shopper is told 100,
    // because a page is pruned at each touch while it is fuller than the factor says: a tenth of the CPU per assist.
    // No foreign keys: each would lock and look up a row that the function locks anyway.
    public const string Schema = """
        create table shopper (id int primary key, day int not null, used int not null) with (fillfactor = 50);
        create table bargain (id int primary key, price bigint not null, slots_used int not null, slots int not null)
          with (fillfactor = 20);
        create table slot (number int primary key, cut int not null);
        create table assist (bargain int, helper int, day int not null, primary key (bargain, helper));

        insert into slot select number, 1 + number * 7919::bigint % 100 from generate_series(1, 1000000) number;
        insert into shopper select id, 0, 0 from generate_series(1, 1000000) id;
        insert into bargain select id, (select sum(cut) from slot), 0, 1000000 from generate_series(1, 10000) id;
        alter table shopper set (fillfactor = 100);

        -- The price after the cut, or a refusal below zero. Locks are always taken in the order assist, shopper,
        -- bargain: no deadlock, and the contended row is held only for the commit. A refusal undoes by hand: an exception block would
        -- cost every call.
        -- Queued callers wait for an advisory lock where a crowd is expected: waiters on the row itself each walk its dead versions
        -- again (hot 2,600/s against 1,900/s). Where there is none it would only cost; the row lock alone is what makes it right.
        create function assist(to_bargain int, by_helper int, today int, daily_cap int, queued boolean) returns bigint
        language plpgsql as $$
        declare
          new_price bigint;
        begin
          insert into assist values (to_bargain, by_helper, today) on conflict do nothing;
          if not found then return -1; end if;

          update shopper set day = today, used = case when day = today then used + 1 else 1 end
           where id = by_helper and (day <> today or used < daily_cap);
          if not found then
            delete from assist where bargain = to_bargain and helper = by_helper;
            return -2;
          end if;

          if queued then perform pg_advisory_xact_lock(to_bargain); end if;
          update bargain set slots_used = slots_used + 1, price = price - (select cut from slot where number = slots_used + 1)
           where id = to_bargain and slots_used < slots returning price into new_price;
          if not found then
            delete from assist where bargain = to_bargain and helper = by_helper;
            update shopper set used = used - 1 where id = by_helper;
            return -3;
          end if;

          return new_price;
        end $$;
        """;

    // The daily cap is out of reach: the figure is about accepted assists. Each client walks its own helpers, in scattered order.
    public const string Hot = """
        \set turn :turn + 1
        \set helper 1 + permute(:client_id + 32 * :turn, 1000000)
        select assist(:bargain, :helper, 1, 1000000, true);
        """;

    public const string Spread = """
        \set bargain random(1, 10000)
        \set helper random(1, 100000)
        select assist(:bargain, :helper, 1, 1000000, false);
        """;

    /// <summary>Answers how many assists were ever accepted, or null when quotas, assists and prices disagree; all on one day.</summary>
    public const string Books = """
        with paid as (
          select number, sum(cut) over (order by number) as total from slot where number <= (select max(slots_used) from bargain)),
        helped as (select bargain, count(*) as helpers from assist group by bargain),
        wrong as (
          select from bargain left join paid on number = slots_used left join helped on helped.bargain = id
           where price <> (select sum(cut) from slot) - coalesce(total, 0) or slots_used <> coalesce(helpers, 0))
        select count(*) from assist where not exists (select from wrong)
        having count(*) = (select sum(slots_used) from bargain) and count(*) = (select sum(used) from shopper)
        """;
}
