using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Tests.Kit;
using static Campaigns.Tests.Ledger.LedgerCast;

namespace Campaigns.Tests.Ledger;

/// <summary>
/// Random lives of a ledger beside a plain model of it: commissions are earned, frozen, released and taken back, withdrawals held, paid and
/// returned, everything now and then twice. A failing seed is in the name of the failing row.
/// </summary>
public sealed class LedgerHistoryTests
{
    private readonly LedgerGrain grain = new();
    private readonly Dictionary<Guid, List<LedgerEntry>> posted = [];
    private readonly Story<LedgerState, LedgerEvent> story = Story();
    private DateTimeOffset now = Start;
    private (Guid Id, long Fen)? open;
    private long given;
    private long takenBack;
    private long arrived;
    private long fees;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 80)];

    [Theory]
    [MemberData(nameof(Seeds))]
    [Trait("EdgeCase", "42")]
    [Trait("EdgeCase", "46")]
    [Trait("EdgeCase", "47")]
    public void No_history_loses_invents_or_doubles_a_fen(int seed)
    {
        var random = new Random(seed);
        for (var step = 0; step < 500; step++)
        {
            now += TimeSpan.FromMinutes(random.Next(0, 600));
            object command = random.Next(10) switch
            {
                < 7 => Commission(random),
                7 when open is null => Holding(random),
                _ when open is not null => Ending(random),
                _ => Commission(random),
            };
            Do(command);
            if (random.Next(2) == 0) Assert.Empty(Ask(command).Events.ToArray());
            if (random.Next(20) == 0) Assert.Empty(Ask(Repeat(random)).Events.ToArray());
            if (step % 50 == 0) story.ThenSurvivesSnapshot();
            Holds();
        }

        Assert.True(given > 0 && takenBack > 0 && arrived > 0, "The history came nowhere.");
    }

    private Decision<LedgerEvent> Ask(object command) => grain.Decide(story.State, command, new Turn(story.Self, now));

    private void Do(object command)
    {
        var before = story.State.View();
        var decision = Ask(command);
        story.At(now).When(command);
        if (decision.Refusal is not null)
        {
            Assert.Equal(before, story.State.View());
            return;
        }

        switch (command)
        {
            case HoldForWithdrawal hold:
                open = (hold.Withdrawal, hold.Amount.Fen);
                break;
            case PostEntries post:
                var known = posted.TryGetValue(post.Source, out var list) ? list : posted[post.Source] = [];
                foreach (var entry in post.Entries.Skip(known.Count + (post.IsLast ? 1 : 0) - post.FirstStep + 1)) Count(entry);
                known.AddRange(post.Entries.Skip(known.Count + (post.IsLast ? 1 : 0) - post.FirstStep + 1));
                if (post.IsLast) open = null;
                break;
        }
    }

    private void Count(LedgerEntry entry)
    {
        if (entry.From == LedgerAccount.Shop) given += entry.Amount.Fen;
        if (entry.To == LedgerAccount.Withdrawn) arrived += entry.Amount.Fen;
        if (entry.To == LedgerAccount.Shop && entry.From == LedgerAccount.Held) fees += entry.Amount.Fen;
        if (entry.To == LedgerAccount.Shop && entry.From != LedgerAccount.Held) takenBack += entry.Amount.Fen;
    }

    // The next steps of one source, now and then with those before them, as a sender does that has not heard the answer.
    private PostEntries Commission(Random random)
    {
        var source = new Guid(random.Next(1, 13), 5, 0, new byte[8]);
        var known = posted.GetValueOrDefault(source) ?? [];
        var more = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Any(random)).ToList();
        var first = random.Next(3) == 0 ? 1 : known.Count + 1;
        return new(Amei, LedgerKind.Commission, source, TheOrder, first, [.. known.Skip(first - 1), .. more]);
    }

    private PostEntries Repeat(Random random)
    {
        if (posted.Count == 0) return Commission(random) with { Entries = [Earn(1)], FirstStep = 2 };
        var (source, known) = posted.ElementAt(random.Next(posted.Count));
        var isWithdrawal = source.ToByteArray()[4] == 6;
        return new(Amei, LedgerKind.Commission, source, TheOrder, isWithdrawal ? 2 : 1, known, IsLast: isWithdrawal);
    }

    private static HoldForWithdrawal Holding(Random random) => new(Amei, LedgerKind.Commission, new Guid(random.Next(), 6, 0, new byte[8]), new(random.Next(1, 300)), new(random.Next(100, 2_000)), Zone);

    private PostEntries Ending(Random random)
    {
        var (id, fen) = open!.Value;
        var fee = random.Next(3) == 0 ? fen / 10 : 0;
        LedgerEntry[] entries = random.Next(2) == 0 ? [Returned(fen)] : fee > 0 ? [Paid(fen - fee), Fee(fee)] : [Paid(fen)];
        return new(Amei, LedgerKind.Commission, id, id, 2, entries, IsLast: true);
    }

    private static LedgerEntry Any(Random random)
    {
        var fen = random.Next(1, 200);
        return random.Next(8) switch
        {
            < 3 => Earn(fen),
            3 => Freeze(fen),
            4 => Release(fen),
            5 => Give(fen),
            6 => TakeBack(fen),
            _ => new("taken-back", LedgerAccount.Pending, LedgerAccount.Shop, new(fen)),
        };
    }

    private void Holds()
    {
        var balances = story.State.Balances;
        Assert.Equal(0, Enum.GetValues<LedgerAccount>().Sum(balances.Of));
        Assert.All(Enum.GetValues<LedgerAccount>().Where(a => a is not (LedgerAccount.Shop or LedgerAccount.Debt)), a => Assert.True(balances.Of(a) >= 0, $"{a} is {balances.Of(a)}"));
        Assert.True(balances.Debt <= 0 && (balances.Debt == 0 || balances.Available == 0), $"{balances.Available} are available and {balances.Debt} owed");
        Assert.Equal((given, takenBack, arrived), (story.State.GivenFen, story.State.TakenBackFen, balances.Withdrawn));
        Assert.Equal(open?.Fen ?? 0, balances.Held);

        // All that was ever given is with the owner, in their pocket, taken back, or was kept as a fee.
        Assert.Equal(given - takenBack - fees, balances.Pending + balances.Frozen + balances.Available + balances.Held + balances.Withdrawn + balances.Debt);
    }
}
