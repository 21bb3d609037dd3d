using System.Collections.Frozen;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Distributor;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Ledger;
using Campaigns.Grains.Shop;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo.Projections;

namespace Campaigns.ApiFrontend;

internal sealed record WithdrawalBody(long AmountFen);

internal sealed record MoveView(LedgerAccount From, LedgerAccount To, long AmountFen);

/// <param name="DebtFen">what the owner owes</param>
internal sealed record BalancesView(long PendingFen, long FrozenFen, long AvailableFen, long HeldFen, long WithdrawnFen, long DebtFen);

/// <summary>One entry of a statement. Newest first in a page.</summary>
/// <param name="Subject">the id of the order or the withdrawal that it is about</param>
/// <param name="Reason">a stable word, such as <c>withdrawal-held</c></param>
/// <param name="Moves">two where a debt was made or paid off</param>
/// <param name="After">the balances right after it</param>
internal sealed record StatementEntry(DateTimeOffset At, string Subject, string Reason, IReadOnlyList<MoveView> Moves, BalancesView After);

/// <summary>A shopper's ledger as the merchant sees it.</summary>
internal sealed record ShopperLedger(ShopperId ShopperId, LedgerKind Kind, LedgerView Balances, Page<StatementEntry> Statement);

/// <summary>Withdrawals (提现) of commission, and the statements of ledgers (账本).</summary>
internal static class WithdrawalEndpoints
{
    private static readonly FrozenDictionary<string, LedgerKind> Kinds = Enum.GetValues<LedgerKind>().ToFrozenDictionary(k => k.ToString().ToLowerInvariant(), StringComparer.Ordinal);
    private static readonly FrozenSet<string> States = Enum.GetNames<WithdrawalStatus>().ToFrozenSet(StringComparer.Ordinal);

    public static void MapWithdrawals(this IEndpointRouteBuilder routes)
    {
        var mine = routes.MapGroup("/v1/me").RequireAuthorization(Rights.Shopper).WithTags("Withdrawal");
        mine.MapPost("/withdrawals", Ask).Produces<WithdrawalView>(201).WithSummary("Have available commission paid out");
        mine.MapGet("/withdrawals", Mine).Produces<Page<WithdrawalView>>().WithSummary("My withdrawals, newest first");
        mine.MapGet("/withdrawals/{id:id}", Get).Produces<WithdrawalView>().WithSummary("A withdrawal");
        mine.MapGet("/ledger", MyStatement).Produces<Page<StatementEntry>>().WithSummary("Why my balances are what they are, newest first; kind is commission, points or balance");

        var merchant = routes.MapGroup("/merchant/v1").RequireAuthorization(Rights.MerchantRead).WithTags("Withdrawal");
        merchant.MapGet("/withdrawals", OfShop).Produces<Page<WithdrawalView>>().WithSummary("The shop's withdrawals, newest first; of one state if it is named");
        merchant.MapGet("/withdrawals/{id:id}", GetAsMerchant).Produces<WithdrawalView>().WithSummary("A withdrawal");
        merchant.MapGet("/withdrawals/export", WithdrawalExport.Export).Produces<string>(200, ShipmentUploads.MediaType)
            .WithSummary("What was paid out from one day to another (YYYY-MM-DD, this month if absent) as CSV for spreadsheets, newest first");
        merchant.MapGet("/ledgers/{id:id}", LedgerOf).Produces<ShopperLedger>().WithSummary("A shopper's balances and what explains them; kind is commission, points or balance");

        var changes = routes.MapGroup("/merchant/v1/withdrawals").RequireAuthorization(Rights.MerchantWrite).WithTags("Withdrawal");
        changes.MapPost("/{id:id}/approvals", Approve).Produces<WithdrawalView>().WithSummary("Approve: the money is transferred");
        changes.MapPost("/{id:id}/rejections", Reject).Produces<WithdrawalView>().WithSummary("Reject: the money is available again");
    }

    private static async Task<IResult> Ask(WithdrawalBody body, ShopperCaller caller, EffectId effect, IGrains grains)
    {
        // The checks write nothing: a hopeless withdrawal costs no disk. What they let pass is decided by the withdrawal and the ledger.
        var shop = await grains.Ask(caller.Shop.Grain(), new GetShop());
        var terms = await grains.Ask(caller.Shopper.DistributorIn(caller.Shop), new GetDistributorTerms());
        if ((shop.Refusal ?? Unanswered(terms)) is { } unknown) return Api.Refuse(unknown);
        var withdrawal = new WithdrawalId(effect.Value).In(caller.Shop);
        var ask = new AskWithdrawal(caller.Shopper, new(body.AmountFen), WithdrawalPolicy.Of(shop.Reply!.Settings));
        var allowed = await grains.Ask(withdrawal, new CheckWithdrawal(ask, terms.Reply));
        if (allowed.Refusal is { } refusal) return Api.Refuse(refusal);
        var held = await grains.Ask(caller.Shopper.LedgerIn(caller.Shop, allowed.Reply!.Kind), new CheckHoldForWithdrawal(allowed.Reply));
        return held.Refusal is { } hopeless ? Api.Refuse(hopeless) : (await grains.Ask(withdrawal, ask)).Created(w => $"/v1/me/withdrawals/{w.Id}");
    }

    // Who never joined has no terms, and that is an answer.
    private static Refusal? Unanswered(Outcome<DistributorTerms> terms) => terms.Refusal is { Kind: not RefusalKind.Missing } refusal ? refusal : null;

    private static IResult Mine(ShopperCaller caller, Paging page, DocumentStore documents) =>
        TypedResults.Json(documents.List<WithdrawalView>(caller.Shop, WithdrawalViews.ByOwner, caller.Shopper.ToString(), page.Cursor, page.Limit), Api.Json);

    private static async Task<IResult> Get(WithdrawalId id, ShopperCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetWithdrawal(caller.Shopper))).Ok();

    private static IResult MyStatement(string? kind, ShopperCaller caller, Paging page, DocumentStore documents) =>
        !TryKind(kind, out var ledger) ? UnknownKind() : TypedResults.Json(Statement(caller.Shop, caller.Shopper, ledger, page, documents), Api.Json);

    private static IResult OfShop(string? state, MerchantCaller caller, Paging page, DocumentStore documents)
    {
        if (string.IsNullOrEmpty(state)) return TypedResults.Json(documents.List<WithdrawalView>(caller.Shop, WithdrawalViews.OfShop, WithdrawalViews.All, page.Cursor, page.Limit), Api.Json);
        if (!States.Contains(state)) return Api.Refuse(Refusal.Invalid("state", $"Known states: {string.Join(", ", Enum.GetNames<WithdrawalStatus>())}."));
        return TypedResults.Json(documents.List<WithdrawalView>(caller.Shop, WithdrawalViews.ByState, state, page.Cursor, page.Limit), Api.Json);
    }

    private static async Task<IResult> GetAsMerchant(WithdrawalId id, MerchantCaller caller, IGrains grains) => (await grains.Ask(id.In(caller.Shop), new GetWithdrawal(null))).Ok();

    private static async Task<IResult> LedgerOf(ShopperId id, string? kind, MerchantCaller caller, Paging page, IGrains grains, DocumentStore documents)
    {
        if (!TryKind(kind, out var ledger)) return UnknownKind();
        var known = await grains.Ask(id.In(caller.Shop), new GetPayer());
        var balances = await grains.Ask(id.LedgerIn(caller.Shop, ledger), new GetLedger());
        if ((known.Refusal ?? balances.Refusal) is { } refusal) return Api.Refuse(refusal);
        return TypedResults.Json(new ShopperLedger(id, ledger, balances.Reply!, Statement(caller.Shop, id, ledger, page, documents)), Api.Json);
    }

    private static async Task<IResult> Approve(WithdrawalId id, OptionalReasonBody? body, MerchantCaller caller, EffectId effect, IGrains grains)
    {
        // Much may have happened since it was asked for. What happens in the instant of the approval itself is the merchant's risk, as after it.
        var asked = await grains.Ask(id.In(caller.Shop), new GetWithdrawal(null));
        if (asked.Refusal is { } missing) return Api.Refuse(missing);
        if (asked.Reply!.State == WithdrawalStatus.Reviewing)
        {
            var terms = await grains.Ask(asked.Reply.ShopperId.DistributorIn(caller.Shop), new GetDistributorTerms());
            var ledger = await grains.Ask(asked.Reply.ShopperId.LedgerIn(caller.Shop, LedgerKind.Commission), new GetLedger());
            if ((terms.Refusal ?? ledger.Refusal) is { } unknown) return Api.Refuse(unknown);
            if (terms.Reply!.Standing == DistributorStanding.Frozen) return Api.Refuse(DistributorRefusal.NotEligible);
            if (ledger.Reply!.DebtFen > 0) return Api.Refuse(WithdrawalRefusal.DebtOpen);
        }

        return (await grains.Ask(id.In(caller.Shop), new DecideWithdrawal(effect.Value, IsApproved: true, body?.Reason))).Ok();
    }

    private static async Task<IResult> Reject(WithdrawalId id, OptionalReasonBody? body, MerchantCaller caller, EffectId effect, IGrains grains) =>
        (await grains.Ask(id.In(caller.Shop), new DecideWithdrawal(effect.Value, IsApproved: false, body?.Reason))).Ok();

    private static Page<StatementEntry> Statement(ShopId shop, ShopperId owner, LedgerKind kind, Paging page, DocumentStore documents)
    {
        var entries = documents.List<StatementItem>(shop, LedgerViews.Entries, LedgerViews.ListOf(owner, kind), page.Cursor, page.Limit);
        return new([.. entries.Items.Select(e => new StatementEntry(e.At, e.Subject.ToString("N"), e.Reason, [.. e.Moves.Select(m => new MoveView(m.From, m.To, m.Amount.Fen))], Balances(e.After)))], entries.NextCursor, entries.AsOf);
    }

    private static BalancesView Balances(LedgerBalances of) => new(of.Pending, of.Frozen, of.Available, of.Held, of.Withdrawn, -of.Debt);

    private static bool TryKind(string? text, out LedgerKind kind) => Kinds.TryGetValue(string.IsNullOrEmpty(text) ? "commission" : text, out kind);

    private static IResult UnknownKind() => Api.Refuse(Refusal.Invalid("kind", $"Known kinds: {string.Join(", ", Kinds.Keys.Order(StringComparer.Ordinal))}."));
}
