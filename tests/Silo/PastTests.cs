using Campaigns.Grains.Kernel;

namespace Campaigns.Tests.Silo;

public sealed class PastTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid First = Id(1);
    private static readonly Refusal No = Refusal.Of(GrainRefusal.WrongState);

    private readonly Past past = new();

    [Fact]
    public void What_is_over_is_known_by_when_it_was_asked_for()
    {
        past.Note(First, Start);

        Assert.True(past.Has(First, Start));
        Assert.True(past.Has(First, Start.AddTicks(-1)));
        Assert.False(past.Has(First, Start.AddTicks(1)));
        Assert.False(past.Has(Id(2), Start));
    }

    [Fact]
    public void A_refusal_is_known_of_exactly_the_time_that_was_refused()
    {
        past.Note(First, Start, No);
        past.Note(Id(2), Start);

        Assert.Equal(No, past.WhyNot(First, Start));
        Assert.Null(past.WhyNot(First, Start.AddTicks(1)));
        Assert.Null(past.WhyNot(Id(2), Start, unknown: No));
        Assert.Equal(No, past.WhyNot(Id(3), Start, unknown: No));
    }

    [Fact]
    public void What_does_not_say_when_it_was_asked_for_is_never_over()
    {
        past.Note(First, default);
        past.Note(Id(2), Start);

        Assert.False(past.Has(First, default));
        Assert.Single(past.Remembered);
    }

    [Fact]
    public void It_remembers_so_many_and_of_the_others_that_they_are_over()
    {
        for (var i = 1; i <= Past.Max + 2; i++) past.Note(Id(i), Start.AddTicks(i));

        Assert.Equal(Past.Max, past.Remembered.Count);
        Assert.Equal(Start.AddTicks(2), past.ForgottenThrough);
        Assert.True(past.Has(Id(1), Start.AddTicks(1)));
        Assert.True(past.Has(Id(0), Start.AddTicks(2)));
        Assert.False(past.Has(Id(0), Start.AddTicks(3)));
    }

    [Fact]
    public void What_was_asked_for_long_before_the_newest_is_forgotten_and_still_over()
    {
        past.Note(First, Start);
        past.Note(Id(2), Start + Past.Span);
        Assert.Equal(2, past.Remembered.Count);

        past.Note(Id(3), Start + Past.Span + TimeSpan.FromTicks(1));
        Assert.Equal([Id(2), Id(3)], past.Remembered.Select(o => o.About));
        Assert.True(past.Has(First, Start));
    }

    [Fact]
    public void Of_what_was_asked_for_twice_forgetting_the_first_time_keeps_the_second()
    {
        past.Note(First, Start, No);
        past.Note(First, Start.AddMinutes(1), No);
        past.Note(Id(2), Start + Past.Span + TimeSpan.FromTicks(1));

        Assert.Equal(No, past.WhyNot(First, Start.AddMinutes(1)));
    }

    [Fact]
    public void Each_time_to_ask_at_is_later_than_the_last()
    {
        Assert.Equal(Start, Past.After(default, Start));
        Assert.Equal(Start.AddTicks(1), Past.After(Start, Start));
        Assert.Equal(Start.AddTicks(1), Past.After(Start, Start.AddMinutes(-1)));
    }

    private static Guid Id(int number) => new(number, 0, 0x7000, 0x80, 9, 0, 0, 0, 0, 0, 0);
}
