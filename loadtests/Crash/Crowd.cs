using Campaigns.Grains.Bargain;
using Campaigns.Grains.Order;

namespace Campaigns.LoadTests.Crash;

/// <summary>The people: they launch, help, tap twice, order, pay, cancel or forget, buy elsewhere, and write down every answer they get.</summary>
internal sealed class Crowd(ShopClient client, Ledger ledger, Findings findings, IReadOnlyList<Person> people, IReadOnlyList<Offer> offers, Checkout checkout, Buyers buyers, Func<DateTimeOffset> now, int runningMax)
{
    private readonly Lock gate = new();
    private TaskCompletionSource open = Opened();
    private int inside;

    public bool IsQuiet => Volatile.Read(ref inside) == 0;

    /// <summary>People finish what they are at and begin nothing new.</summary>
    public void Pause()
    {
        lock (gate) open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void Resume()
    {
        lock (gate) open.TrySetResult();
    }

    /// <summary>One worker: acts for whoever it picks, until stopped.</summary>
    public async Task Work(Random chance, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Task wait;
            lock (gate)
            {
                wait = open.Task;
                if (wait.IsCompleted) inside++;
            }

            if (!wait.IsCompleted)
            {
                await wait.WaitAsync(stop);
                continue;
            }

            try
            {
                await Act(chance);
            }
            catch (Exception broken) when (broken is not OperationCanceledException)
            {
                findings.Add(Wrong.Other, $"An answer could not be understood: {broken.Message}");
            }
            finally
            {
                Interlocked.Decrement(ref inside);
            }

            await Task.Delay(chance.Next(2, 12), stop);
        }
    }

    private static TaskCompletionSource Opened()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.SetResult();
        return source;
    }

    private async Task Act(Random chance)
    {
        if (chance.Next(2) == 0)
        {
            await buyers.Act(chance);
            return;
        }

        var running = ledger.Deals.Where(d => d.IsRunning).ToList();
        if (running.Count == 0 || (running.Count < runningMax && chance.Next(4) == 0))
        {
            await Launch(chance);
            return;
        }

        var ready = ledger.Deals.Where(d => d.MayBeOrdered).ToList();
        if (ready.Count > 0 && chance.Next(3) == 0) await Buy(ready[chance.Next(ready.Count)], chance);
        else if (chance.Next(25) == 0 && running.Find(d => d.Offer.AnyPrice) is { } early) await Buy(early, chance);
        else await Help(running[chance.Next(running.Count)], chance);
    }

    private async Task Launch(Random chance)
    {
        var owner = people[chance.Next(people.Count)];
        var offer = offers[chance.Next(offers.Count)];
        var reply = await client.Post("/v1/bargains", new { campaignId = offer.Id }, owner, Checkout.Key(chance));
        if (!checkout.Understood(reply, "launch")) return;

        var view = reply.As<BargainView>();
        if (!ledger.Add(new Deal(view.Id.ToString(), owner, offer, view.Commitment) { MayBeOrdered = view.State == BargainStatus.Succeeded }))
            findings.Add(Wrong.Doubled, $"Two launches were answered with bargain {view.Id}.");
    }

    private async Task Help(Deal deal, Random chance)
    {
        var helper = people[chance.Next(people.Count)];
        deal.Tried.TryAdd(helper.Id, now());
        if (chance.Next(8) > 0)
        {
            await Assist(deal, helper, chance.Next(2) == 0 ? Checkout.Key(chance) : null);
            return;
        }

        // A double tap: two requests at once, and a third with the key of the first.
        var key = Checkout.Key(chance);
        await Task.WhenAll(Assist(deal, helper, key), Assist(deal, helper, null));
        await Assist(deal, helper, key);
    }

    private async Task Assist(Deal deal, Person helper, string? key)
    {
        var reply = await client.Post($"/v1/bargains/{deal.Id}/assists", null, helper, key);
        ledger.Touch(deal);
        if (!checkout.Understood(reply, "assist"))
        {
            if (reply.Code is "BargainNotRunning" or "SoldOut") deal.IsRunning = false;
            if (deal.Cuts.ContainsKey(helper.Id)) findings.Add(Wrong.Lost, $"{helper.Id} helped bargain {deal.Id} and is now refused: {reply.Code}.");
            return;
        }

        if (reply.Body.GetProperty("state").GetString() == nameof(BargainStatus.Succeeded))
        {
            deal.IsRunning = false;
            deal.MayBeOrdered = true;
        }

        var cut = reply.Body.GetProperty("cutFen").GetInt64();
        var first = deal.Cuts.GetOrAdd(helper.Id, cut);
        ledger.Acknowledge();
        if (first != cut) findings.Add(Wrong.Doubled, $"{helper.Id} was told a cut of {first} and of {cut} fen in bargain {deal.Id}.");
    }

    private async Task Buy(Deal deal, Random chance)
    {
        var reply = await client.Post($"/v1/bargains/{deal.Id}/orders", null, deal.Owner, Checkout.Key(chance));
        ledger.Touch(deal);
        if (!checkout.Understood(reply, "order"))
        {
            deal.MayBeOrdered = false;
            return;
        }

        var view = reply.As<OrderView>();
        var order = deal.Orders.GetOrAdd(view.Id.ToString(), _ => new(deal.Owner, view, deal.Offer.Id));
        deal.MayBeOrdered = false;
        ledger.Acknowledge();
        var mood = chance.Next(10);
        if (mood < 6) await checkout.Pay(order, chance);
        else if (mood < 8) deal.MayBeOrdered = await checkout.Cancel(order, chance); // an earned price outlives a cancelled order
    }
}
