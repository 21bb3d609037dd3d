using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Campaigns.LoadTests.Peers;

/// <summary>A temporary directory and the processes that live in it; both are gone after disposal, an exception or a signal.</summary>
internal sealed class Sandbox : IDisposable
{
    private static readonly TimeSpan ShortMax = TimeSpan.FromSeconds(10);

    private readonly string? user;
    private readonly Lock gate = new();
    private readonly List<(Process Process, PosixSignal? Stop)> running = [];
    private readonly List<PosixSignalRegistration> signals = [];
    private Process? guard;
    private string? created;
    private bool ended;

    private Sandbox(string? user)
    {
        this.user = user;

        // The runtime no longer unwinds on SIGTERM or SIGHUP, and a server left behind would take a core from the next run.
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            signals.Add(PosixSignalRegistration.Create(signal, _ => End()));
    }

    public string Directory => created ?? "/";

    /// <summary>Makes a directory owned by the given user, as whom the server will run; null is the current user.</summary>
    public static async Task<Sandbox> Create(string? user, CancellationToken cancellation)
    {
        var sandbox = new Sandbox(user);
        try
        {
            // mktemp rather than .NET, because only a process of that user makes a directory of that user.
            var made = await sandbox.Run("mktemp", ["-d", "-t", "campaigns-peer-XXXXXX"], ShortMax, cancellation, asOwner: true);
            sandbox.created = made.TrimEnd();
            return sandbox;
        }
        catch
        {
            sandbox.Dispose();
            throw;
        }
    }

    /// <summary>Finds the directory, of the given ones and PATH, that holds all these programs: so they are of one version.</summary>
    public static string? Find(string[] programs, params IEnumerable<string> first) =>
        first.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(directory => programs.All(program => File.Exists(Path.Combine(directory, program))));

    /// <summary>Starts a server that runs until the sandbox ends, which asks it with the given signal.</summary>
    // It writes its own log into the sandbox: nobody drains a pipe for it.
    public Process Serve(string program, string[] arguments, PosixSignal stop) =>
        Launch(program, arguments, asOwner: true, stop, redirect: false);

    /// <summary>If this process ends before its sandbox (killed outright, say), the server whose id is in the file is asked to quit and the directory deleted.</summary>
    // The shell reads from a pipe that the system closes when we are gone, however that comes.
    public void GuardFromOutside(string pidFile)
    {
        var line = $"read ended; pid=$(head -1 {pidFile}) && kill -QUIT $pid && while kill -0 $pid; do sleep 0.1; done; rm -rf {Directory}";
        guard = Process.Start(Start("/bin/sh", ["-c", $"{{ {line}; }} 2>/dev/null"], asOwner: true, feed: true));
    }

    /// <summary>Runs a tool to its end and returns what it printed.</summary>
    public async Task<string> Run(string program, string[] arguments, TimeSpan atMost, CancellationToken cancellation, bool asOwner = false)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(atMost);
        using var tool = Launch(program, arguments, asOwner, stop: null, redirect: true);
        try
        {
            var output = tool.StandardOutput.ReadToEndAsync(bounded.Token);
            var errors = tool.StandardError.ReadToEndAsync(bounded.Token);
            await tool.WaitForExitAsync(bounded.Token);
            if (tool.ExitCode == 0) return await output;

            cancellation.ThrowIfCancellationRequested();
            // Ctrl-C ended the tool before the caller's own handler came to cancel the token.
            if (ended) throw new OperationCanceledException($"{program} was ended by a signal.");

            throw new InvalidOperationException($"{program} ended with {tool.ExitCode}: {await errors}{await output}");
        }
        catch (OperationCanceledException late) when (bounded.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{program} was not done after {atMost.TotalSeconds} s.", late);
        }
        finally
        {
            lock (gate) running.RemoveAll(entry => entry.Process == tool);
            Stop(tool, signal: null);
        }
    }

    public void Dispose()
    {
        // Outside the lock: disposing a registration waits for a handler that may be waiting for the lock.
        foreach (var signal in signals) signal.Dispose();
        End();
    }

    private Process Launch(string program, string[] arguments, bool asOwner, PosixSignal? stop, bool redirect)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(ended, this);
            var process = Process.Start(Start(program, arguments, asOwner, redirect))!;
            running.Add((process, stop));
            return process;
        }
    }

    private ProcessStartInfo Start(string program, string[] arguments, bool asOwner, bool redirect = false, bool feed = false)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Directory,
            RedirectStandardInput = feed,
            RedirectStandardOutput = redirect,
            RedirectStandardError = redirect,
        };
        if (asOwner && user is not null) start.UserName = user;
        return start;
    }

    private void End()
    {
        lock (gate)
        {
            if (ended) return;

            ended = true;
            foreach (var (process, stop) in Enumerable.Reverse(running)) Stop(process, stop);
            if (created is not null) System.IO.Directory.Delete(created, recursive: true);
            guard?.StandardInput.Close(); // it finds nothing to do any more, and ends
        }
    }

    private static void Stop(Process process, PosixSignal? signal)
    {
        if (process.HasExited) return;

        // PostgreSQL killed outright would leave its shared memory behind, so a server is asked first.
        if (signal is { } asked && process.Send(asked) && process.WaitForExit(ShortMax)) return;

        process.Kill(entireProcessTree: true);
        process.WaitForExit(ShortMax);
    }
}
