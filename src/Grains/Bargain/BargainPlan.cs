using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Campaigns.Grains.Kernel;

namespace Campaigns.Grains.Bargain;

/// <summary>
/// The provably fair plan: how much each slot cuts is fixed at launch by a seed. The hash of the seed is shown at once, the seed itself
/// when the bargain is over, so that anybody can see that nobody changed the plan on the way. All in integers.
/// </summary>
public static class BargainPlan
{
    public const string Version = "v1";

    public const int SlotsMax = 200;

    public const int SeedBytes = 32;

    private const string Prefix = "campaigns-bargain-v1";

    /// <summary>Everything besides the seed that the plan depends on, in its one printed form.</summary>
    public static string Parameters(BargainId bargain, long listPriceFen, long floorFen, int assistsNeeded, long minCutFen, CutCurve curve, int newUserWeight) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}|{bargain}|{listPriceFen}|{floorFen}|{assistsNeeded}|{minCutFen}|{NameOf(curve)}|{newUserWeight}");

    /// <summary>The hash that is shown at launch.</summary>
    public static string Commitment(ReadOnlySpan<byte> seed, string parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(seed);
        hash.AppendData(Encoding.UTF8.GetBytes(parameters));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>What each slot cuts, in fen. Each at least <paramref name="minCutFen"/>; the sum is exactly the way from list price to floor.</summary>
    public static long[] Slots(ReadOnlySpan<byte> seed, long listPriceFen, long floorFen, int assistsNeeded, long minCutFen, CutCurve curve)
    {
        var spare = listPriceFen - floorFen - (assistsNeeded * minCutFen);
        if (spare < 0) throw new ArgumentOutOfRangeException(nameof(minCutFen), "The smallest cuts already pass the floor.");
        var weights = Weights(seed, assistsNeeded, curve);
        var sum = weights.Sum();
        var slots = new long[assistsNeeded];
        var left = spare;
        for (var i = 0; i < slots.Length; i++)
        {
            // 10^10 fen x 2^32 passes 64 bits, so the product has 128.
            var share = (long)((Int128)spare * weights[i] / sum);
            slots[i] = minCutFen + share;
            left -= share;
        }

        for (var i = 0; i < left; i++) slots[i]++;
        return slots;
    }

    /// <summary>Checks revealed evidence from nothing but itself. Never throws: evidence may be forged.</summary>
    /// <param name="problem">what is wrong, or empty</param>
    public static bool Verify(BargainProof proof, out string problem)
    {
        problem = ProblemOf(proof) ?? "";
        return problem.Length == 0;
    }

    private static string? ProblemOf(BargainProof proof)
    {
        if (proof.Version != Version) return $"The version '{proof.Version}' is not known.";
        if (proof.Seed is null || proof.Slots is null || proof.HelperSlots is null) return "The plan is not revealed yet.";
        if (SeedOf(proof.Seed) is not { } seed) return $"The seed is not {SeedBytes} bytes in hexadecimal.";
        if (Commitment(seed, proof.Parameters) != proof.Commitment) return "Seed and parameters do not hash to the commitment.";

        var parts = proof.Parameters.Split('|');
        if (parts.Length != 8 || !BargainId.TryParse(parts[1], out var bargain) || CurveOf(parts[6]) is not { } curve) return "The parameters cannot be read.";
        if (!Number(parts[2], out var list) || !Number(parts[3], out var floor) || !Number(parts[4], out var assists) || !Number(parts[5], out var minCut) || !Number(parts[7], out var weight)) return "The parameters cannot be read.";
        if (assists is < 1 or > SlotsMax || minCut < 1 || weight < 1 || floor + (assists * minCut) > list) return "The parameters are out of bounds.";
        if (Parameters(bargain, list, floor, (int)assists, minCut, curve, (int)weight) != proof.Parameters) return "The parameters are not in their one printed form.";

        if (!Slots(seed, list, floor, (int)assists, minCut, curve).SequenceEqual(proof.Slots)) return "The slots are not those that the seed gives.";
        return ProblemOf(proof.HelperSlots, (int)assists, (int)weight);
    }

    private static string? ProblemOf(IReadOnlyList<HelperSlots> helpers, int slots, int weight)
    {
        var next = 1;
        var seen = new HashSet<Shopper.ShopperId>();
        foreach (var helper in helpers)
        {
            if (!seen.Add(helper.ShopperId)) return $"The helper {helper.ShopperId} took slots twice.";
            if (next > slots) return "More slots were taken than there are.";
            if (helper.FirstSlot != next) return $"Slot {next} is not the next one that was taken.";
            if (helper.SlotsUsed != 1 && helper.SlotsUsed != Math.Min(weight, slots - next + 1)) return $"The helper {helper.ShopperId} took {helper.SlotsUsed} slots.";
            next += helper.SlotsUsed;
        }

        return null;
    }

    private static long[] Weights(ReadOnlySpan<byte> seed, int slots, CutCurve curve)
    {
        var weights = new long[slots];
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        for (var i = 0; i < slots; i++)
        {
            weights[i] = curve switch
            {
                CutCurve.Even => 1,
                CutCurve.FrontLoaded => slots - i,
                CutCurve.Random => Draw(seed, i, hash),
                _ => throw new ArgumentOutOfRangeException(nameof(curve)),
            };
        }

        return weights;
    }

    private static long Draw(ReadOnlySpan<byte> seed, int slot, Span<byte> hash)
    {
        HMACSHA256.HashData(seed, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"slot:{slot}")), hash);
        return 1L + BinaryPrimitives.ReadUInt32BigEndian(hash);
    }

    private static string NameOf(CutCurve curve) => curve switch
    {
        CutCurve.Even => "even",
        CutCurve.FrontLoaded => "front-loaded",
        CutCurve.Random => "random",
        _ => throw new ArgumentOutOfRangeException(nameof(curve)),
    };

    private static CutCurve? CurveOf(string name) => name switch
    {
        "even" => CutCurve.Even,
        "front-loaded" => CutCurve.FrontLoaded,
        "random" => CutCurve.Random,
        _ => null,
    };

    // Amounts of fen and counts: anything longer could not be multiplied without overflow and is no price either.
    private static bool Number(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= Money.Max.Fen;

    private static byte[]? SeedOf(string hex)
    {
        var seed = new byte[SeedBytes];
        return hex.Length == 2 * SeedBytes && Convert.FromHexString(hex, seed, out _, out _) == System.Buffers.OperationStatus.Done ? seed : null;
    }
}
