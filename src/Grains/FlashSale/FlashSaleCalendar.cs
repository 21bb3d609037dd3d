using System.Globalization;
using Campaigns.Grains.Shopper;

namespace Campaigns.Grains.FlashSale;

/// <summary>One time that a sale takes place: <c>[StartsAt, EndsAt)</c>.</summary>
internal readonly record struct Occurrence(DateTimeOffset StartsAt, DateTimeOffset EndsAt);

/// <summary>When a sale takes place: once, or at the slot of each week, always inside the campaign's window.</summary>
internal static class FlashSaleCalendar
{
    // Beyond it the arithmetic of dates ends; no sale gets there.
    private const int YearMax = 9_000;

    /// <summary>The first occurrence that has not ended at <paramref name="moment"/>; null if there is none any more.</summary>
    public static Occurrence? Next(WeeklySlot? slot, string timeZone, DateTimeOffset startsAt, DateTimeOffset endsAt, DateTimeOffset moment)
    {
        if (moment >= endsAt) return null;
        if (slot is null) return new(startsAt, endsAt);

        var from = moment > startsAt ? moment : startsAt;

        if (from.Year > YearMax) return null;

        // A slot of up to a day may have begun on the local day before.
        for (var day = LocalDay.Of(from, timeZone).AddDays(-2); ; day = day.AddDays(1))
        {
            if (day.Year > YearMax) return null;
            if (DayOf(day) != slot.Day) continue;
            var begins = LocalDay.At(day, TimeOf(slot)!.Value, timeZone).ToUniversalTime();
            if (begins >= endsAt) return null;

            var ends = begins.AddMinutes(slot.Minutes);
            if (ends > from) return new(begins > startsAt ? begins : startsAt, ends < endsAt ? ends : endsAt);
        }
    }

    /// <summary>Null if the slot's time is none.</summary>
    public static TimeOnly? TimeOf(WeeklySlot slot) => TimeOnly.TryParseExact(slot.Time, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;

    private static int DayOf(DateOnly day) => day.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)day.DayOfWeek;
}
