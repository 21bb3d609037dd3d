using System.Diagnostics.CodeAnalysis;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.Distributor;

/// <summary><c>Applied → Active ⇄ Frozen → Closed</c>; <c>Invited</c> until the invitation is taken up.</summary>
public enum DistributorStanding
{
    Applied = 1,
    Invited = 2,
    Active = 3,

    /// <summary>No new customers, no new commission, no withdrawals; what was earned goes on settling.</summary>
    Frozen = 4,

    /// <summary>For good. What was earned can still be withdrawn.</summary>
    Closed = 5,

    /// <summary>The application was turned down; another one may follow.</summary>
    Declined = 6,
}

public enum DistributorRefusal
{
    [Refuses(RefusalKind.Rights, "仅限正常状态的分销员；完成首单付款或获得商家邀请、审核通过后可成为分销员", "This takes an active distributor. One becomes it after a first paid order, or invited or approved by the merchant; who was frozen asks the merchant.")]
    NotEligible = 1,
}

/// <summary>A distributor (分销员). The grain has the shopper's key.</summary>
public static class DistributorAddress
{
    public const string Kind = "distributor";

    public static GrainId DistributorIn(this ShopperId shopper, ShopId shop) => new(Kind, shop, shopper.Value);
}

/// <summary>
/// A promotion code (推广码): the distributor's id in Crockford's base 32, 26 characters, so that a code is read without looking it up and
/// fits into the <c>scene</c> of a mini-program code. Read without regard to case; <c>O</c> is 0, <c>I</c> and <c>L</c> are 1.
/// </summary>
public static class PromotionCode
{
    public const int Length = 26;

    private const string Digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    public static string Of(ShopperId distributor)
    {
        Span<byte> bytes = stackalloc byte[16];
        distributor.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        var value = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return string.Create(Length, value, static (text, left) =>
        {
            for (var i = text.Length - 1; i >= 0; i--, left >>= 5) text[i] = Digits[(int)(left & 31)];
        });
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out ShopperId distributor)
    {
        distributor = default;
        if (text is not { Length: Length }) return false;
        UInt128 value = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var digit = Digits.IndexOf(char.ToUpperInvariant(text[i]) switch { 'O' => '0', 'I' or 'L' => '1', var c => c }, StringComparison.Ordinal);
            if (digit < 0 || (i == 0 && digit > 7)) return false; // 26 digits hold 130 bits
            value = (value << 5) | (uint)digit;
        }

        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        distributor = new(new Guid(bytes, bigEndian: true));
        return true;
    }
}

/// <summary>
/// The shopper becomes a distributor: after a first paid order, or invited. Never by paying for it. A repeat changes nothing but that they are
/// now known on this device too. Answered when their place in the team is known. <c>NotEligible</c> otherwise, and for who was frozen or closed.
/// </summary>
/// <param name="HasBought">the shopper has a paid order in the shop</param>
/// <param name="Device">the device they are seen on</param>
public sealed record JoinDistribution(bool HasBought, string? Device) : ICommand<DistributorView>;

/// <summary>The shopper asks the merchant to become one. A repeat changes nothing, nor does it for who is invited; <c>WrongState</c> for who is one, was frozen or closed.</summary>
/// <param name="Reason">1–500 characters</param>
/// <param name="Device">the device they are seen on</param>
public sealed record ApplyForDistribution(string Reason, string? Device = null) : ICommand<DistributorView>;

/// <summary>The merchant decides about an application. The same decision again changes nothing; <c>WrongState</c> if there is none.</summary>
/// <param name="Reason">1–500 characters; null only if approved</param>
public sealed record DecideApplication(bool IsApproved, string? Reason) : ICommand<DistributorView>;

/// <summary>The merchant invites a shopper, who may then join without an order. A repeat changes nothing; <c>WrongState</c> for who is or was one.</summary>
public sealed record InviteDistributor : ICommand<DistributorView>;

/// <summary>The merchant freezes, reactivates or closes. <c>WrongState</c> for who never joined and out of <c>Closed</c>.</summary>
/// <param name="Standing"><c>Active</c>, <c>Frozen</c> or <c>Closed</c></param>
/// <param name="Reason">1–500 characters</param>
public sealed record SetStanding(DistributorStanding Standing, string Reason) : ICommand<DistributorView>;

/// <summary>The merchant puts a distributor into a tier of the settings; null takes them out. <c>WrongState</c> for who never joined.</summary>
/// <param name="Tier">1–40 characters</param>
public sealed record SetTier(string? Tier) : ICommand<DistributorView>;

/// <summary>The merchant notes a complaint about a distributor: trust falls. <c>WrongState</c> for who never joined.</summary>
/// <param name="Reason">1–500 characters</param>
public sealed record NoteComplaint(Guid Request, string Reason) : ICommand<DistributorView>, IOnce;

/// <summary>From a commission: what the ledger says the distributor was given and what of it was taken back, as sums that only grow. Trust follows the share.</summary>
public sealed record NoteEarnings(long GivenFen, long TakenBackFen) : ICommand<Done>;

/// <summary>
/// From a shopper's binding: may this distributor be their promoter? <c>UnknownCode</c> if there is none, or not an active one. Answered when
/// their place in the team is known: until then nobody can be bound to them.
/// </summary>
public sealed record AdmitCustomer(ShopperId Buyer, string? Device) : ICommand<AdmittedCustomer>;

/// <summary>Would the customer be admitted? Decides nothing, and knows of no device.</summary>
public sealed record CheckCustomer(ShopperId Buyer) : ICommand<AdmittedCustomer>;

/// <param name="JoinedAt">since when they are a distributor: it keeps bindings free of loops</param>
/// <param name="IsSuspect">the distributor was seen on the buyer's device</param>
public sealed record AdmittedCustomer(DateTimeOffset JoinedAt, bool IsSuspect);

/// <summary>From a commission or a withdrawal: on what terms does this distributor work now? Decides nothing. <c>NotFound</c> for who never joined.</summary>
public sealed record GetDistributorTerms : ICommand<DistributorTerms>;

/// <param name="Upline">who stands above in the team: earns the second level, where there is one</param>
/// <param name="RatePercent">how much of a rate is paid at this trust, 0–100</param>
/// <param name="CapPercent">how much of the withdrawal limits is left at this trust, 0–100</param>
public sealed record DistributorTerms(DistributorStanding Standing, ShopperId? Upline, string? Tier, int RatePercent, int CapPercent);

public sealed record GetDistributor : ICommand<DistributorView>;

/// <summary>A distributor as they and the merchant see them.</summary>
/// <param name="Level">1 without a promoter of their own, else 2: nobody stands lower</param>
/// <param name="Trust">0–100; commission rates and withdrawal limits tighten as it falls</param>
public sealed record DistributorView(
    ShopperId ShopperId, string Code, int Level, DistributorStanding Standing, string? Tier, int Trust, DateTimeOffset? JoinedAt, ShopperId? Upline, string? Reason, int Complaints, int SuspectBindings);
