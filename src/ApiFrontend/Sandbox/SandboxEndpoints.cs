using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Payment;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo;
using Campaigns.Silo.Local;

namespace Campaigns.ApiFrontend.Sandbox;

internal sealed record SandboxPay(int DelaySeconds = 0, int Repeat = 0, bool Forge = false, long? AmountFen = null);

internal sealed record SandboxSucceed(int Repeat = 0, bool Forge = false, long? AmountFen = null);

/// <param name="Problem">WeChat Pay's word for it</param>
internal sealed record SandboxFail(string Problem = "PAYEE_ACCOUNT_ABNORMAL", int Repeat = 0, bool Forge = false, long? AmountFen = null);

internal sealed record GatewayFaults(int Failures);

internal sealed record ClockAdvance(long AdvanceSeconds);

internal sealed record ClockView(DateTimeOffset Now);

/// <summary>Levers of a developer's machine. Mapped in Development only; Production refuses to start with any of it configured.</summary>
internal static class SandboxEndpoints
{
    private const long AdvanceSecondsMax = 366L * 24 * 3600;
    private const int FailuresMax = 1_000;
    private const int DelaySecondsMax = 30 * 24 * 3600;
    private const int ProblemLengthMax = 64;

    /// <param name="isAlone">false in a cluster: the clock of one process cannot move without the others</param>
    public static void MapSandbox(this IEndpointRouteBuilder routes, bool isAlone)
    {
        var sandbox = routes.MapGroup("/sandbox").AllowAnonymous().WithTags("Sandbox");
        sandbox.MapPost("/payments/{id:id}/pay", Pay).Produces<Done>().WithSummary("The shopper pays; the callback follows");
        sandbox.MapPost("/payments/{id:id}/fail", Fail).Produces<Done>().WithSummary("The shopper's payment fails");
        sandbox.MapPost("/transfers/{id:id}/succeed", (WithdrawalId id, SandboxSucceed? body, IGrains grains) => End(id, body ?? new(), null, grains)).Produces<Done>().WithSummary("A transfer arrives; the callback follows");
        sandbox.MapPost("/transfers/{id:id}/fail", FailTransfer).Produces<Done>().WithSummary("A transfer fails for good; the callback follows");
        sandbox.MapPost("/refund-faults", FailRefunds).Produces<GatewayFaults>().WithSummary("The next refund calls fail");
        sandbox.MapPost("/prepay-faults", FailPrepays).Produces<GatewayFaults>().WithSummary("The next prepay calls fail");
        if (isAlone)
        {
            sandbox.MapGet("/clock", Clock).Produces<ClockView>().WithSummary("The product's clock");
            sandbox.MapPost("/clock", Advance).Produces<ClockView>().WithSummary("Move the product's clock forward; what falls due is decided before the answer");
        }

        sandbox.MapPost("/shops", (ShopBody body, IGrains grains) => ShopOpening.OpenWithNewKey(body, grains)).Produces<ShopWithKey>(201).WithSummary("Make another shop");
    }

    private static async Task<IResult> Pay(PaymentId id, SandboxPay? body, IGrains grains)
    {
        var pay = body ?? new();
        if (pay.DelaySeconds is < 0 or > DelaySecondsMax) return Api.Refuse(Refusal.Invalid("delaySeconds", "0–2,592,000 seconds."));
        if (WrongWith(pay.Repeat, pay.AmountFen) is { } wrong) return Api.Refuse(wrong);
        return (await grains.Ask(SandboxPayments.Of(id), new PayAtSandbox(pay.DelaySeconds, pay.Repeat, pay.Forge, pay.AmountFen is { } fen ? new Money(fen) : null))).Ok();
    }

    private static async Task<IResult> Fail(PaymentId id, IGrains grains) => (await grains.Ask(SandboxPayments.Of(id), new FailAtSandbox())).Ok();

    private static async Task<IResult> FailTransfer(WithdrawalId id, SandboxFail? body, IGrains grains)
    {
        var fail = body ?? new();
        if (fail.Problem is not { Length: > 0 and <= ProblemLengthMax } problem || !problem.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c is '_')) return Api.Refuse(Refusal.Invalid("problem", "1–64 capital letters, digits and _."));
        return await End(id, new(fail.Repeat, fail.Forge, fail.AmountFen), problem, grains);
    }

    private static async Task<IResult> End(WithdrawalId id, SandboxSucceed how, string? problem, IGrains grains)
    {
        if (WrongWith(how.Repeat, how.AmountFen) is { } wrong) return Api.Refuse(wrong);
        return (await grains.Ask(SandboxTransfers.Of(id), new EndAtSandbox(problem, how.Repeat, how.Forge, how.AmountFen is { } fen ? new Money(fen) : null))).Ok();
    }

    private static Refusal? WrongWith(int repeat, long? amountFen)
    {
        if (repeat is < 0 or > SandboxPaymentGrain.RepeatMax) return Refusal.Invalid("repeat", "0–10 times.");
        if (amountFen is < 0) return Refusal.Invalid("amountFen", "Not negative.");

        return null;
    }

    private static IResult FailRefunds(GatewayFaults body, SandboxGateway gateway) => Plan(body, gateway.FailRefunds);

    private static IResult FailPrepays(GatewayFaults body, SandboxGateway gateway) => Plan(body, gateway.FailPrepays);

    private static IResult Plan(GatewayFaults body, Action<int> next)
    {
        if (body.Failures is < 0 or > FailuresMax) return Api.Refuse(Refusal.Invalid("failures", "0–1,000."));
        next(body.Failures);
        return TypedResults.Json(body, Api.Json);
    }

    private static IResult Clock(ProductClock clock) => TypedResults.Json(new ClockView(clock.GetUtcNow()), Api.Json);

    private static async Task<IResult> Advance(ClockAdvance body, ProductClock clock, LocalEngine engine, CancellationToken cancellation)
    {
        if (body.AdvanceSeconds is < 0 or > AdvanceSecondsMax) return Api.Refuse(Refusal.Invalid("advanceSeconds", "0–31,622,400 seconds; the clock never goes back."));
        clock.Advance(TimeSpan.FromSeconds(body.AdvanceSeconds));
        await engine.WhenQuiet(cancellation);
        return TypedResults.Json(new ClockView(clock.GetUtcNow()), Api.Json);
    }
}
