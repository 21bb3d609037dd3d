namespace Campaigns.Grains.Kernel;

/// <summary>The states of all grains at one moment: what a prefix of the journal folds to.</summary>
public interface IBooks
{
    /// <summary>The state of a grain at this moment, null if it has no facts or is of another kind.</summary>
    /// <typeparam name="TState">the state's type, or an interface of it</typeparam>
    TState? Of<TState>(GrainId grain)
        where TState : class;
}

/// <summary>
/// What must be true of one kind of grain at every moment, alone and beside the grains it deals with. Decides nothing and changes nothing:
/// it is how a journal is checked.
/// </summary>
/// <remarks>
/// It holds for every prefix of the journal. A message leaves only when the facts behind it are durable, so a debtor always knows of what
/// its creditor did; the creditor may not have heard yet, and then the debt is open. An open debt explains a difference, nothing else does.
/// </remarks>
public interface IBook
{
    /// <summary>The kind of grain it is about.</summary>
    string Kind { get; }

    /// <summary>Everything that is wrong with this grain, one plain sentence each.</summary>
    IEnumerable<string> WrongWith(GrainId grain, object state, IBooks books);
}

/// <summary>A book with its state typed.</summary>
public abstract class Book<TState> : IBook
    where TState : class
{
    public abstract string Kind { get; }

    public abstract IEnumerable<string> WrongWith(GrainId grain, TState state, IBooks books);

    IEnumerable<string> IBook.WrongWith(GrainId grain, object state, IBooks books) => WrongWith(grain, (TState)state, books);
}
