using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;
using Campaigns.Grains.Withdrawal;
using Campaigns.Silo;

namespace Campaigns.Simulation;

/// <summary>
/// A gateway of transfers outside the process: it outlives crashes, answers late or not at all, takes its time, fails now and then, and pays each
/// withdrawal once however often it is asked.
/// </summary>
internal sealed class SimulatedTransfers(World world) : IReceiver
{
    private readonly Dictionary<WithdrawalId, (TransferAtGateway Asked, TransferStatus State)> transfers = [];

    public string Kind => TransferGateway.Kind;

    /// <summary>What has arrived of a withdrawal, in fen.</summary>
    public long Arrived(WithdrawalId withdrawal) => transfers.TryGetValue(withdrawal, out var transfer) && transfer.State == TransferStatus.Succeeded ? transfer.Asked.Amount.Fen : 0;

    /// <summary>What has arrived of all withdrawals of an owner, in fen.</summary>
    public long Arrived(ShopperId owner) => transfers.Where(t => t.Value.Asked.Owner == owner).Sum(t => Arrived(t.Key));

    public async Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation)
    {
        world.Evidence.Arrived(command);
        if (Fails()) throw new HttpRequestException("The gateway could not be reached.");
        var asked = (TransferAtGateway)command;
        if (transfers.TryGetValue(asked.Withdrawal, out var known) && known.Asked != asked) world.Violated($"Withdrawal {asked.Withdrawal} was to be paid out twice with different contents.");
        var state = Next(known.State);
        transfers[asked.Withdrawal] = (asked, state);
        if (Fails()) await Task.Delay(Timeout.InfiniteTimeSpan, world.Time, cancellation); // done, but the answer gets lost
        return new(new TransferredAtGateway(state, state == TransferStatus.AwaitsConfirmation ? "package" : null, state == TransferStatus.Failed ? "CLOSED" : null), null);
    }

    /// <summary>The gateway tells how a transfer stands.</summary>
    /// <returns>null if it was not asked for it</returns>
    public NoteTransfer? News(WithdrawalId withdrawal)
    {
        if (!transfers.TryGetValue(withdrawal, out var transfer)) return null;
        transfers[withdrawal] = transfer with { State = Next(transfer.State) };
        return new(transfer.Asked.Amount, transfers[withdrawal].State);
    }

    // What has ended never changes; when all is calm, everything ends.
    private TransferStatus Next(TransferStatus state) => state is TransferStatus.Succeeded or TransferStatus.Failed
        ? state
        : world.Chance.Next(world.IsRough ? 6 : 3) switch { 0 or 1 => TransferStatus.Succeeded, 2 => TransferStatus.Failed, 3 => TransferStatus.AwaitsConfirmation, _ => TransferStatus.Processing };

    private bool Fails() => world.IsRough && world.Chance.Next(100) < world.Weather.GatewayFailing;
}
