using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Campaigns.Grains.Kernel;

namespace Campaigns.Silo.Projections;

/// <summary>A page of a list; <paramref name="NextCursor"/> is null on the last one.</summary>
public sealed record Page<TItem>(IReadOnlyList<TItem> Items, string? NextCursor, DateTimeOffset AsOf);

/// <summary>
/// The read models: they can be deleted at any time and are built again from the journal. Written by one projector alone, in one transaction
/// with its position, so a document never shows half a flush.
/// </summary>
/// <param name="cacheCharactersMax">of JSON, about, that the writer keeps of what it touched last</param>
public abstract class DocumentStore(int cacheCharactersMax) : IDocuments, IDisposable
{
    public const int PageMax = 100;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly Dictionary<DocumentName, WrittenDocument> written = [];
    private readonly List<StoredDocument> storing = [];
    private readonly DocumentCache cache = new(cacheCharactersMax);
    private long position;
    private long asOfTicks;

    /// <summary>The position of the last flush that the documents include, as this process last saw it.</summary>
    public long Position => Interlocked.Read(ref position);

    /// <summary>The time of the last decision that the documents include, as this process last saw it.</summary>
    public DateTimeOffset AsOf => new(Interlocked.Read(ref asOfTicks), TimeSpan.Zero);

    /// <summary>
    /// True if this process is the one that writes, from now until it resigns or loses its connection. Where it is not, <see cref="Position"/> and
    /// <see cref="AsOf"/> are brought up to date instead. Cheap to ask often.
    /// </summary>
    public abstract bool TryLead();

    public TDocument? Find<TDocument>(ShopId shop, string collection, string key)
        where TDocument : class
    {
        var name = new DocumentName(shop, collection, key);
        if (written.TryGetValue(name, out var fresh)) return (TDocument?)fresh.Document;
        if (!IsText(collection) || !IsText(key)) return null;
        return TryKnown<TDocument>(name, out var known) ? known : FindStored<TDocument>(name);
    }

    /// <exception cref="ArgumentException">a name holds what is no text: NUL or half a surrogate pair. Documents may hold them</exception>
    public void Put<TDocument>(ShopId shop, string collection, string key, string owner, DateTimeOffset sort, TDocument document)
        where TDocument : class
    {
        ThrowIfNoText(collection, nameof(collection));
        ThrowIfNoText(key, nameof(key));
        ThrowIfNoText(owner, nameof(owner));
        written[new(shop, collection, key)] = new(document, owner, sort.UtcTicks);
    }

    public void Drop(ShopId shop, string collection, string key)
    {
        if (IsText(collection) && IsText(key)) written[new(shop, collection, key)] = new(null, "", 0);
    }

    /// <summary>Makes everything since the last call visible at once.</summary>
    /// <returns>false if another process has written since this one last looked, or leads: nothing was written, and what was put is forgotten</returns>
    public bool Commit(long position, DateTimeOffset at)
    {
        storing.Clear();
        foreach (var (name, (document, owner, sort)) in written) storing.Add(new(name, document is null ? null : JsonSerializer.Serialize(document, document.GetType(), Json), owner, sort));
        var isStored = Store(storing, position, at.UtcTicks);
        if (isStored)
        {
            Know(position, at.UtcTicks);
            foreach (var (name, json, _, _) in storing) cache.Set(name, written[name].Document, json?.Length ?? 0);
            cache.Trim();
        }

        written.Clear();
        storing.Clear();
        return isStored;
    }

    /// <summary>Lets another process write. What was put and not committed is dropped.</summary>
    internal virtual void Resign() => written.Clear();

    /// <summary>Drops what was put and not committed.</summary>
    internal void Forget() => written.Clear();

    /// <summary>Drops what it knows of what is stored.</summary>
    private protected void ForgetStored() => cache.Clear();

    /// <summary>
    /// Runs what puts documents by what it finds, after dropping what was put and not committed. It may run more than once, and the last time counts:
    /// it must do the same each time.
    /// </summary>
    internal virtual void Write(Action apply)
    {
        Forget();
        apply();
    }

    /// <summary>Goes back to what is stored: after a commit that failed nobody knows whether it took effect.</summary>
    internal abstract void Reload();

    /// <summary>Starts from zero.</summary>
    /// <returns>false as <see cref="Commit"/></returns>
    public abstract bool Clear();

    /// <summary>One document as last committed, from any thread.</summary>
    public TDocument? Read<TDocument>(ShopId shop, string collection, string key)
        where TDocument : class =>
        IsText(collection) && IsText(key) ? Parse<TDocument>(ReadJson(new(shop, collection, key))) : null;

    /// <summary>The documents of an owner, newest first, from any thread. A cursor that cannot be read starts at the beginning.</summary>
    /// <param name="limit">1–<see cref="PageMax"/></param>
    public Page<TDocument> List<TDocument>(ShopId shop, string collection, string owner, string? cursor, int limit)
        where TDocument : class
    {
        if (!IsText(collection) || !IsText(owner)) return new([], null, AsOf);
        limit = Math.Clamp(limit, 1, PageMax);
        var (sort, key) = ReadCursor(cursor);
        var rows = ReadRows(shop, collection, owner, sort, key, limit + 1, out var asOf);
        return new(
            [.. rows.Take(limit).Select(r => Parse<TDocument>(r.Json)!)],
            rows.Count > limit ? WriteCursor(rows[limit - 1].Sort, rows[limit - 1].Key) : null,
            asOf);
    }

    /// <summary>The cursor of a list that begins right before a moment.</summary>
    public static string CursorBefore(DateTimeOffset moment) => WriteCursor(moment.UtcTicks, "");

    /// <summary>How many documents an owner has in <c>[from, until)</c>, from any thread.</summary>
    public long Count(ShopId shop, string collection, string owner, DateTimeOffset from, DateTimeOffset until) =>
        IsText(collection) && IsText(owner) ? CountRows(shop, collection, owner, from.UtcTicks, until.UtcTicks) : 0;

    public abstract void Dispose();

    private protected static TDocument? Parse<TDocument>(string? json)
        where TDocument : class =>
        json is null ? null : JsonSerializer.Deserialize<TDocument>(json, Json);

    /// <summary>What is stored now, as this process has just seen it.</summary>
    private protected void Know(long position, long asOfTicks)
    {
        Interlocked.Exchange(ref this.asOfTicks, asOfTicks);
        Interlocked.Exchange(ref this.position, position);
    }

    /// <summary>A reader saw documents of this time.</summary>
    private protected void KnowAsOf(long ticks)
    {
        for (var known = Interlocked.Read(ref asOfTicks); known < ticks;)
        {
            var seen = Interlocked.CompareExchange(ref asOfTicks, ticks, known);
            if (seen == known) return;
            known = seen;
        }
    }

    /// <param name="known">what was found or written last under this name; null if there is nothing</param>
    /// <returns>false if that is not known</returns>
    private protected bool TryKnown<TDocument>(DocumentName name, out TDocument? known)
        where TDocument : class
    {
        known = null;
        if (!cache.TryGet(name, out var kept)) return false;
        if (kept is not string json)
        {
            known = (TDocument?)kept;
            return true;
        }

        known = Parse<TDocument>(json);
        cache.Set(name, known, json.Length);
        return true;
    }

    /// <summary>Keeps what its writer has found stored.</summary>
    private protected void Learn(DocumentName name, string? json) => cache.Set(name, json, json?.Length ?? 0);

    private protected abstract bool Store(IReadOnlyList<StoredDocument> documents, long position, long asOfTicks);

    /// <summary>What is not known yet.</summary>
    private protected abstract TDocument? FindStored<TDocument>(DocumentName name)
        where TDocument : class;

    private protected abstract string? ReadJson(DocumentName name);

    /// <summary>Up to <paramref name="count"/> documents that come after <c>(sort, key)</c> in the order newest first.</summary>
    private protected abstract IReadOnlyList<DocumentRow> ReadRows(ShopId shop, string collection, string owner, long sort, string key, int count, out DateTimeOffset asOf);

    private protected abstract long CountRows(ShopId shop, string collection, string owner, long from, long until);

    // What every store can keep as text, and only that, so that no store finds what another cannot. Most names have no surrogates at all.
    private static bool IsText(string name) => !name.Contains('\0', StringComparison.Ordinal)
        && (name.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0 || string.Equals(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name)), name, StringComparison.Ordinal));

    private static void ThrowIfNoText(string name, string parameter)
    {
        if (!IsText(name)) throw new ArgumentException("A document's name holds what is no text.", parameter);
    }

    private static string WriteCursor(long sort, string key) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{sort}/{key}")));

    private static (long Sort, string Key) ReadCursor(string? cursor)
    {
        try
        {
            var parts = Encoding.UTF8.GetString(Convert.FromHexString(cursor ?? "")).Split('/', 2);
            return parts.Length == 2 && IsText(parts[1]) && long.TryParse(parts[0], CultureInfo.InvariantCulture, out var sort) ? (sort, parts[1]) : (long.MaxValue, "");
        }
        catch (FormatException)
        {
            return (long.MaxValue, "");
        }
    }
}

/// <summary>What a document is found by.</summary>
internal readonly record struct DocumentName(ShopId Shop, string Collection, string Key);

/// <param name="Document">null: dropped</param>
internal readonly record struct WrittenDocument(object? Document, string Owner, long Sort);

/// <param name="Json">null: dropped</param>
internal readonly record struct StoredDocument(DocumentName Name, string? Json, string Owner, long Sort);

/// <summary>A document as a list finds it.</summary>
internal readonly record struct DocumentRow(string Json, long Sort, string Key);
