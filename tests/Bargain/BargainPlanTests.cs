using System.Security.Cryptography;
using System.Text;
using Campaigns.Grains.Bargain;

namespace Campaigns.Tests.Bargain;

public class BargainPlanTests
{
    private static readonly byte[] Seed = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
    private static readonly BargainId Id = BargainId.Of(Guid.Parse("01890000-0000-7000-8000-000000000001"));

    /// <summary>Computed by twenty lines of Python (hashlib, hmac, integers of any size) from the published description alone.</summary>
    [Theory]
    [InlineData(9_900, 5_900, 8, 1, CutCurve.Even, 1, "14adc8443d89bce5380a03ad1ae2eaea1e45c0c680c08b7604ae467ab04ab2b1", "500,500,500,500,500,500,500,500")]
    [InlineData(10_000, 0, 7, 3, CutCurve.Even, 1, "70845e18c57832a06dcf6ac1e5f17cc78bbd045dc7d6e3ee02a1e476e4246609", "1429,1429,1429,1429,1428,1428,1428")]
    [InlineData(9_900, 5_900, 8, 10, CutCurve.FrontLoaded, 2, "c4cc17399f85e49932f34b0c64317b2cdf954281ed53eb3d7147858b19dd8df9", "882,773,664,555,445,336,227,118")]
    [InlineData(9_900, 5_900, 8, 10, CutCurve.Random, 1, "0bd74e64b0414a95565326f7fa2e2c6135db4a932f8f29947f1404ad0e8eca02", "180,435,743,409,516,1010,151,556")]
    [InlineData(9_903, 9_900, 3, 1, CutCurve.Random, 1, "475f208c89208528bcd43736684413cfdfa20431bbd18aa9f970b1aec852598a", "1,1,1")]
    public void Plan_is_the_published_one(long list, long floor, int assists, long minCut, CutCurve curve, int weight, string commitment, string slots)
    {
        Assert.Equal(commitment, BargainPlan.Commitment(Seed, BargainPlan.Parameters(Id, list, floor, assists, minCut, curve, weight)));
        Assert.Equal(slots, string.Join(',', BargainPlan.Slots(Seed, list, floor, assists, minCut, curve)));
    }

    /// <summary>At the highest price the random products have 66 bits: a 64-bit plan throws or lies here.</summary>
    [Theory]
    [InlineData(CutCurve.Random, 5, "7eaac4172d817582cc6baa973d4fc9fe8b64a83641900e1bd66f3639f46e0501", 14_175_640, 33_798_780, "cb44d3d601d691659a5f29a8c6d7b5bf0e80dff3d86a49bf2cc733777c9b515a")]
    [InlineData(CutCurve.FrontLoaded, 1, "5c1fe044cac5de973f5f0a9e0e35fd625d919a043d7822eb02cba1c2867727af", 99_502_487, 497_513, "629e43557b89c6c2fdc3ef627dbb073188d587b01ad87e98b883530134be1eb7")]
    public void Plan_at_the_bounds_is_the_published_one(CutCurve curve, int weight, string commitment, long first, long last, string hashOfSlots)
    {
        var slots = BargainPlan.Slots(Seed, 10_000_000_000, 0, 200, 1, curve);

        Assert.Equal(commitment, BargainPlan.Commitment(Seed, BargainPlan.Parameters(Id, 10_000_000_000, 0, 200, 1, curve, weight)));
        Assert.Equal((first, last), (slots[0], slots[^1]));
        Assert.Equal(hashOfSlots, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(',', slots)))));
    }

    [Fact]
    public void Parameters_have_one_printed_form() =>
        Assert.Equal("campaigns-bargain-v1|01890000000070008000000000000001|9900|5900|8|10|front-loaded|2", BargainPlan.Parameters(Id, 9_900, 5_900, 8, 10, CutCurve.FrontLoaded, 2));

    [Fact]
    [Trait("EdgeCase", "9")]
    public void Every_cut_is_at_least_the_smallest_and_all_together_reach_the_floor_exactly()
    {
        var random = new Random(20_261_120);
        var cuts = 0;
        while (cuts < 100_000)
        {
            var assists = random.Next(1, 201);
            var minCut = random.NextInt64(1, 1_000);
            var floor = random.NextInt64(0, 1_000_000);
            var list = floor + (assists * minCut) + (random.Next(4) == 0 ? 0 : random.NextInt64(0, 9_000_000_000));
            var seed = new byte[32];
            random.NextBytes(seed);

            var slots = BargainPlan.Slots(seed, list, floor, assists, minCut, (CutCurve)random.Next(1, 4));

            Assert.Equal(assists, slots.Length);
            Assert.All(slots, s => Assert.True(s >= minCut));
            Assert.Equal(list - floor, slots.Sum());
            cuts += slots.Length;
        }
    }

    [Fact]
    public void Front_loaded_cuts_never_grow()
    {
        var slots = BargainPlan.Slots(Seed, 99_999, 12_345, 37, 7, CutCurve.FrontLoaded);

        Assert.Equal(slots.OrderDescending(), slots);
        Assert.True(slots[0] > slots[^1]);
    }

    [Fact]
    public void Another_seed_gives_other_random_cuts_and_another_commitment()
    {
        var other = Seed.Reverse().ToArray();

        Assert.NotEqual(BargainPlan.Slots(Seed, 9_900, 0, 8, 1, CutCurve.Random), BargainPlan.Slots(other, 9_900, 0, 8, 1, CutCurve.Random));
        Assert.NotEqual(BargainPlan.Commitment(Seed, "x"), BargainPlan.Commitment(other, "x"));
    }

    [Fact]
    public void Revealed_proof_verifies()
    {
        Assert.True(BargainPlan.Verify(Genuine(), out var problem), problem);
        Assert.Empty(problem);
    }

    [Theory]
    [InlineData("version", "version")]
    [InlineData("no seed", "not revealed")]
    [InlineData("no slots", "not revealed")]
    [InlineData("no helpers", "not revealed")]
    [InlineData("short seed", "seed is not")]
    [InlineData("letters in seed", "seed is not")]
    [InlineData("other seed", "do not hash")]
    [InlineData("other parameters", "do not hash")]
    [InlineData("other commitment", "do not hash")]
    [InlineData("unreadable parameters", "cannot be read")]
    [InlineData("one part more", "cannot be read")]
    [InlineData("no bargain", "cannot be read")]
    [InlineData("unknown curve", "cannot be read")]
    [InlineData("unreadable floor", "cannot be read")]
    [InlineData("unreadable assists", "cannot be read")]
    [InlineData("unreadable smallest cut", "cannot be read")]
    [InlineData("unreadable weight", "cannot be read")]
    [InlineData("price above all prices", "cannot be read")]
    [InlineData("negative price", "cannot be read")]
    [InlineData("price beyond 64 bits", "cannot be read")]
    [InlineData("too many slots", "out of bounds")]
    [InlineData("no slot", "out of bounds")]
    [InlineData("cuts of nothing", "out of bounds")]
    [InlineData("weight of nothing", "out of bounds")]
    [InlineData("cuts beyond the floor", "out of bounds")]
    [InlineData("floor above price", "out of bounds")]
    [InlineData("leading zero", "one printed form")]
    [InlineData("swapped slots", "not those that the seed gives")]
    [InlineData("missing slot", "not those that the seed gives")]
    [InlineData("helper twice", "twice")]
    [InlineData("gap", "not the next")]
    [InlineData("too heavy", "took 4 slots")]
    [InlineData("too light", "took 0 slots")]
    [InlineData("last too heavy", "took 2 slots")]
    [InlineData("too many helpers", "More slots")]
    [InlineData("helper after the last slot", "More slots")]
    public void Forged_proof_is_found_out(string forgery, string problem)
    {
        var genuine = Genuine();
        var helpers = genuine.HelperSlots!;
        var forged = forgery switch
        {
            "version" => genuine with { Version = "v2" },
            "no seed" => genuine with { Seed = null },
            "no slots" => genuine with { Slots = null },
            "no helpers" => genuine with { HelperSlots = null },
            "short seed" => genuine with { Seed = genuine.Seed![2..] },
            "letters in seed" => genuine with { Seed = "xx" + genuine.Seed![2..] },
            "other seed" => genuine with { Seed = "ff" + genuine.Seed![2..] },
            "other parameters" => genuine with { Parameters = genuine.Parameters.Replace("|8|", "|9|", StringComparison.Ordinal) },
            "other commitment" => genuine with { Commitment = new string('0', 64) },
            "unreadable parameters" => Committed(genuine, "campaigns-bargain-v1"),
            "one part more" => Committed(genuine, genuine.Parameters + "|1"),
            "no bargain" => Committed(genuine, genuine.Parameters.Replace("|01890000000070008000000000000001|", "|x|", StringComparison.Ordinal)),
            "unreadable floor" => Committed(genuine, genuine.Parameters.Replace("|5900|", "|x|", StringComparison.Ordinal)),
            "unreadable assists" => Committed(genuine, genuine.Parameters.Replace("|8|", "|x|", StringComparison.Ordinal)),
            "unreadable smallest cut" => Committed(genuine, genuine.Parameters.Replace("|10|", "|x|", StringComparison.Ordinal)),
            "unreadable weight" => Committed(genuine, genuine.Parameters.Replace("|random|3", "|random|x", StringComparison.Ordinal)),
            "price above all prices" => Committed(genuine, genuine.Parameters.Replace("|9900|", "|10000000001|", StringComparison.Ordinal)),
            "no slot" => Committed(genuine, genuine.Parameters.Replace("|8|", "|0|", StringComparison.Ordinal)),
            "cuts of nothing" => Committed(genuine, genuine.Parameters.Replace("|10|", "|0|", StringComparison.Ordinal)),
            "weight of nothing" => Committed(genuine, genuine.Parameters.Replace("|random|3", "|random|0", StringComparison.Ordinal)),
            "cuts beyond the floor" => Committed(genuine, genuine.Parameters.Replace("|10|", "|501|", StringComparison.Ordinal)),
            "unknown curve" => Committed(genuine, genuine.Parameters.Replace("random", "kind", StringComparison.Ordinal)),
            "negative price" => Committed(genuine, genuine.Parameters.Replace("|9900|", "|-9900|", StringComparison.Ordinal)),
            "price beyond 64 bits" => Committed(genuine, genuine.Parameters.Replace("|9900|", "|99999999999999999999|", StringComparison.Ordinal)),
            "too many slots" => Committed(genuine, genuine.Parameters.Replace("|8|", "|201|", StringComparison.Ordinal)),
            "floor above price" => Committed(genuine, genuine.Parameters.Replace("|5900|", "|9900|", StringComparison.Ordinal)),
            "leading zero" => Committed(genuine, genuine.Parameters.Replace("|9900|", "|09900|", StringComparison.Ordinal)),
            "swapped slots" => genuine with { Slots = [genuine.Slots![1], genuine.Slots[0], .. genuine.Slots.Skip(2)] },
            "missing slot" => genuine with { Slots = [.. genuine.Slots!.Skip(1)] },
            "helper twice" => genuine with { HelperSlots = [.. helpers, helpers[0] with { FirstSlot = 5, SlotsUsed = 1 }] },
            "gap" => genuine with { HelperSlots = [helpers[0], helpers[1] with { FirstSlot = 5 }] },
            "too heavy" => genuine with { HelperSlots = [helpers[0] with { SlotsUsed = 4 }] },
            "too light" => genuine with { HelperSlots = [helpers[0] with { SlotsUsed = 0 }] },
            "too many helpers" => genuine with { HelperSlots = [.. Enumerable.Range(1, 9).Select(i => new HelperSlots(BargainCast.Somebody(i), i, 1))] },
            "helper after the last slot" => genuine with { HelperSlots = [.. Enumerable.Range(1, 9).Select(i => new HelperSlots(BargainCast.Somebody(i), i, i == 9 ? 0 : 1))] },
            "last too heavy" => genuine with { HelperSlots = [.. Enumerable.Range(1, 8).Select(i => new HelperSlots(BargainCast.Somebody(i), i, i == 8 ? 2 : 1))] },
            _ => throw new ArgumentOutOfRangeException(nameof(forgery)),
        };

        Assert.False(BargainPlan.Verify(forged, out var found));
        Assert.Contains(problem, found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9_900, 5_900, 8, 500, CutCurve.Random, 1)]
    [InlineData(9_900, 5_900, 1, 1, CutCurve.Even, 1)]
    [InlineData(10_000_000_000, 0, 200, 1, CutCurve.FrontLoaded, 5)]
    public void Proof_at_the_bounds_verifies(long list, long floor, int assists, long minCut, CutCurve curve, int weight) =>
        Assert.True(BargainPlan.Verify(Genuine(list, floor, assists, minCut, curve, weight) with { HelperSlots = [] }, out var problem), problem);

    [Fact]
    public void Proof_of_a_heavy_helper_who_found_fewer_slots_verifies()
    {
        HelperSlots[] helpers = [.. Enumerable.Range(1, 6).Select(i => new HelperSlots(BargainCast.Somebody(i), i, 1)), new(BargainCast.Somebody(7), 7, 2)];

        Assert.True(BargainPlan.Verify(Genuine() with { HelperSlots = helpers }, out var problem), problem);
    }

    [Fact]
    public void Smallest_cuts_that_pass_the_floor_have_no_plan() => Assert.Throws<ArgumentOutOfRangeException>(() => BargainPlan.Slots(Seed, 9_900, 5_900, 8, 501, CutCurve.Even));

    private static BargainProof Genuine(long list = 9_900, long floor = 5_900, int assists = 8, long minCut = 10, CutCurve curve = CutCurve.Random, int weight = 3)
    {
        var parameters = BargainPlan.Parameters(Id, list, floor, assists, minCut, curve, weight);
        return new(
            BargainPlan.Version,
            BargainPlan.Commitment(Seed, parameters),
            parameters,
            Convert.ToHexStringLower(Seed),
            BargainPlan.Slots(Seed, list, floor, assists, minCut, curve),
            [new(BargainCast.Somebody(101), 1, 1), new(BargainCast.Somebody(102), 2, 3)]);
    }

    /// <summary>Forged by somebody who can hash.</summary>
    private static BargainProof Committed(BargainProof proof, string parameters) =>
        proof with { Parameters = parameters, Commitment = BargainPlan.Commitment(Seed, parameters) };
}
