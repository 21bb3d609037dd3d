namespace Campaigns.Silo.Projections;

/// <summary>
/// The documents that their only writer touched last, and names that it knows to be free. Two generations: what the older one still holds when
/// the younger is full was not touched for that long, and goes.
/// </summary>
/// <param name="charactersMax">of JSON, about; each document counts <see cref="CharactersPerDocument"/> on top</param>
internal sealed class DocumentCache(int charactersMax)
{
    /// <summary>What a name and its place weigh.</summary>
    public const int CharactersPerDocument = 200;

    private Dictionary<DocumentName, Kept> young = [];
    private Dictionary<DocumentName, Kept> old = [];
    private long youngCharacters;

    public int Count => young.Count + old.Count;

    /// <param name="known">the document, its JSON while nobody asked for it, or null if there is none of this name</param>
    public bool TryGet(DocumentName name, out object? known)
    {
        if (!young.TryGetValue(name, out var kept))
        {
            if (!old.Remove(name, out kept))
            {
                known = null;
                return false;
            }

            Add(name, kept);
        }

        known = kept.Document;
        return true;
    }

    public void Set(DocumentName name, object? document, int characters)
    {
        old.Remove(name);
        if (young.Remove(name, out var replaced)) youngCharacters -= Weight(replaced);
        Add(name, new(document, characters));
    }

    /// <summary>Lets go of what is too much. Between two calls nothing goes.</summary>
    public void Trim()
    {
        if (youngCharacters <= charactersMax / 2) return;
        (old, young, youngCharacters) = (young, [], 0);
    }

    public void Clear() => (old, young, youngCharacters) = ([], [], 0);

    private static int Weight(Kept kept) => kept.Characters + CharactersPerDocument;

    private void Add(DocumentName name, Kept kept)
    {
        young.Add(name, kept);
        youngCharacters += Weight(kept);
    }

    private readonly record struct Kept(object? Document, int Characters);
}
