namespace Campaigns.LoadTests.Engine;

/// <summary>What is stored after a run is not what the answers said. Never a matter of speed.</summary>
internal sealed class WrongBooksException(string message) : Exception(message);
