using Spectre.Console;

namespace Campaigns.ApiFrontend.Cli;

/// <summary>One progress bar on the standard error, so that what a command answers can be piped.</summary>
internal static class Bar
{
    /// <param name="what">what is being done</param>
    /// <param name="max">the value at which it is done</param>
    /// <param name="work">told how to report a value</param>
    public static Task<T> Show<T>(string what, double max, Func<Action<double>, T> work) => Show(what, max, progress => Task.Run(() => work(progress)));

    /// <inheritdoc cref="Show{T}(string, double, Func{Action{double}, T})"/>
    public static Task<T> Show<T>(string what, double max, Func<Action<double>, Task<T>> work)
    {
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Console.Error), Ansi = Console.IsErrorRedirected ? AnsiSupport.No : AnsiSupport.Detect, Interactive = Console.IsErrorRedirected ? InteractionSupport.No : InteractionSupport.Detect });
        return console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()).StartAsync(progress =>
        {
            var task = progress.AddTask(what, maxValue: Math.Max(1, max));
            return work(value => task.Value = value);
        });
    }
}
