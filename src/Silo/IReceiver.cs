using Campaigns.Grains.Kernel;

namespace Campaigns.Silo;

/// <summary>
/// Takes owed messages to a system outside the runtime, such as the payment gateway. It is called again with the same message until it
/// returns, so what it asks for must be idempotent there.
/// </summary>
public interface IReceiver
{
    /// <summary>The kind of address it serves.</summary>
    string Kind { get; }

    /// <returns>the reply, or the system's definite refusal</returns>
    /// <exception cref="Exception">no definite answer: the message is sent again after a backoff</exception>
    Task<Receipt> Receive(GrainId to, object command, CancellationToken cancellation);
}
