using Campaigns.Grains.Commission;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using static Campaigns.Tests.Commission.CommissionCast;

namespace Campaigns.Tests.Commission;

/// <summary>Random lives of a commission: refunds, receipts, old words, answers of the ledger that come late or twice.</summary>
public sealed class CommissionHistoryTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 200)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Kept_and_reversed_are_what_was_granted_and_a_full_refund_leaves_nothing(int seed)
    {
        var random = new Random(seed);
        var sale = Sale with { Lines = [new(Tea, random.NextInt64(1, 100_000), 0), new(Cake, random.NextInt64(0, 1_000), 0)] };
        var settings = TwoLevels with { CommissionMaxPercent = random.Next(20, 31), Level1Percent = random.Next(1, 16), Level2Percent = random.Next(0, 5) };
        var story = Answered(settings, Active with { Upline = Chen, RatePercent = random.Next(1, 101) }, Active, random.Next(2) == 0 ? null : new(random.Next(0, 30), random.Next(0, 20)), sale: sale);
        var (ledgers, words) = (new Dictionary<CommissionLevel, List<LedgerEntry>>(), new List<NoteSale> { sale });
        var granted = story.State.Levels.ToDictionary(l => l.Level, l => l.AmountFen);
        for (var i = 0; i < sale.Lines.Count; i++) Assert.True(story.State.Levels.Sum(l => l.LineFen[i]) <= sale.Lines[i].NetFen * settings.CommissionMaxPercent / 100);

        for (var step = 0; step < 40; step++)
        {
            story.After(TimeSpan.FromHours(random.Next(0, 30)));
            switch (random.Next(6))
            {
                case 0 or 1:
                    Tell(words[^1] with { Lines = [.. words[^1].Lines.Select(l => l with { RefundedFen = random.NextInt64(l.RefundedFen, l.RefundedFen + ((l.NetFen - l.RefundedFen) / 3) + 1) })] });
                    break;
                case 2 when words[^1].ReceivedAt is null && random.Next(3) == 0:
                    Tell(words[^1].Received(Start, random.Next(0, 20)));
                    break;
                case 3:
                    story.When(words[random.Next(words.Count)]).ThenNothing();
                    break;
                case 4:
                    if (story.Deadline is not null) story.When(Wake.Instance);
                    break;
                default:
                    Post();
                    break;
            }

            Check();
        }

        Tell(words[^1] with { Lines = [.. words[^1].Lines.Select(l => l with { RefundedFen = l.NetFen })] });
        while (story.Debts.Any(d => d.What is CommissionRules.PostFirst or CommissionRules.PostSecond)) Post();
        Check();
        Assert.All(story.State.Levels, l => Assert.Equal((0, l.AmountFen), (l.KeptFen, l.ReversedFen)));
        Assert.All(ledgers.Values.SelectMany(l => CommissionRulesTests.Balances(l).Values), fen => Assert.Equal(0, fen));

        void Tell(NoteSale word)
        {
            words.Add(word);
            story.When(word).ThenAgainNothing();
        }

        // The ledger takes steps that follow those it has, and skips those it has.
        void Post()
        {
            if (story.Debts.Where(d => d.What is CommissionRules.PostFirst or CommissionRules.PostSecond).ToList() is not { Count: > 0 } debts) return;
            var what = debts[random.Next(debts.Count)].What;
            var (post, level) = ((PostEntries)story.Message(what).Command, CommissionRules.LevelOf(what));
            if (!ledgers.TryGetValue(level, out var ledger)) ledgers.Add(level, ledger = []);
            Assert.True(post.FirstStep <= ledger.Count + 1);
            Assert.InRange(post.Entries.Count, 1, 100);
            ledger.AddRange(post.Entries.Skip(ledger.Count + 1 - post.FirstStep));
            if (random.Next(4) == 0) return; // the answer is lost
            story.WhenSettled(what, new LedgerPosted(ledger.Count, 0, 0));
        }

        void Check()
        {
            story.ThenSurvivesSnapshot();
            foreach (var level in story.State.Levels)
            {
                Assert.Equal(granted[level.Level], level.KeptFen + level.ReversedFen);
                Assert.InRange(level.KeptFen, 0, level.AmountFen);
                foreach (var (account, fen) in CommissionRulesTests.Balances([.. ledgers.GetValueOrDefault(level.Level)?.Take(level.Posted) ?? [], .. level.Unposted]))
                    if (account != LedgerAccount.Shop) Assert.True(fen >= 0, $"{fen} fen {account}");
            }
        }
    }
}
