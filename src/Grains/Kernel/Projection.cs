namespace Campaigns.Grains.Kernel;

/// <summary>A fact as consumers of the journal see it, in global order.</summary>
public readonly record struct Recorded(GrainId Grain, long Sequence, DateTimeOffset At, object Event);

/// <summary>
/// Builds the documents that lists and reports are read from, by consuming the journal in order. May lag; can be rebuilt from zero,
/// so it decides nothing and keeps nothing of its own.
/// </summary>
public interface IProjection
{
    /// <summary>True for the kinds of grain whose facts this projection wants.</summary>
    bool Reads(string kind);

    /// <summary>False for those among the facts of these kinds that this projection ignores: they need not be read for it.</summary>
    bool Reads(Type fact) => true;

    void Apply(in Recorded fact, IDocuments documents);
}

/// <summary>The read models: JSON documents, each in a shop and a collection, found by key or listed by owner, newest first.</summary>
public interface IDocuments
{
    TDocument? Find<TDocument>(ShopId shop, string collection, string key)
        where TDocument : class;

    /// <summary>Writes a document; <paramref name="owner"/> and <paramref name="sort"/> place it in lists.</summary>
    void Put<TDocument>(ShopId shop, string collection, string key, string owner, DateTimeOffset sort, TDocument document)
        where TDocument : class;

    /// <summary>Takes a document away; nothing happens if there is none.</summary>
    void Drop(ShopId shop, string collection, string key);
}
