using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Campaigns.LoadTests.Crash;

/// <summary>The server does not run although nobody killed it.</summary>
internal sealed class ServerGone(string message) : Exception(message);

/// <summary>The real program as a child process: started on a free loopback port, killed without a warning, started again on the same folder.</summary>
internal sealed class ServerProcess(string program, string data, HttpClient http) : IDisposable
{
    private const int LogLinesMax = 400;
    private static readonly TimeSpan ReadyMax = TimeSpan.FromSeconds(60);

    private readonly Queue<string> log = new();
    private readonly List<string> errors = [];
    private readonly Lock gate = new();
    private Process? process;

    public Uri Address { get; private set; } = new("http://127.0.0.1:1");

    public Uri OpsAddress { get; private set; } = new("http://127.0.0.1:1");

    /// <summary>Whether one client may send as much as it can, instead of what a real one would.</summary>
    public bool Unlimited { get; init; }

    /// <summary>Settings that the program takes from its environment, beside what every run sets.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What it printed last, for a report of what went wrong.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (gate) return [.. log];
        }
    }

    /// <summary>What the running process, or the last one, printed on stderr.</summary>
    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (gate) return [.. errors];
        }
    }

    /// <summary>The running process.</summary>
    public int Id => process!.Id;

    /// <summary>False if it was killed, has ended by itself, or was never started.</summary>
    public bool IsRunning => process is { HasExited: false };

    /// <summary>The program that was built beside this one, found from the folder of the solution.</summary>
    /// <param name="build">the folder of another build than the usual one</param>
    public static string FindProgram(string build = "")
    {
        var configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Campaigns.sln")))
                return Path.Combine(folder.FullName, "src", "ApiFrontend", "bin", build, configuration, "net10.0", OperatingSystem.IsWindows() ? "campaigns.exe" : "campaigns");
        throw new FileNotFoundException("The repository was not found above this program; name the server with --program.");
    }

    /// <param name="under">a command and its arguments that run the program, which is appended to them</param>
    public void Start(params ReadOnlySpan<string> under)
    {
        process?.Dispose();
        lock (gate) errors.Clear();

        // A fresh port each time: nobody can have taken the old one in between, and no client can mistake another process for ours.
        Address = new($"http://127.0.0.1:{Loopback.FreePort()}");
        OpsAddress = new($"http://127.0.0.1:{Loopback.FreePort()}");
        var command = (string[])[.. under, program, "--urls", Address.ToString().TrimEnd('/'), "--ops-urls", OpsAddress.ToString().TrimEnd('/'), "--data", data];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        if (Unlimited)
            foreach (var limit in (string[])["PerAddress", "PerDevice", "PerShopper"]) start.Environment[$"Limits__{limit}"] = "1000000";
        foreach (var (name, value) in Settings) start.Environment[name] = value;
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => KeepError(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Waits until it accepts commands.</summary>
    /// <exception cref="ServerGone">it ended, or is not ready after a minute</exception>
    public async Task WhenReady(CancellationToken cancellation)
    {
        for (var since = Stopwatch.StartNew(); since.Elapsed < ReadyMax; await Task.Delay(10, cancellation))
        {
            if (process!.HasExited) throw new ServerGone($"The server ended by itself with {process.ExitCode} instead of starting.");
            try
            {
                using var answer = await http.GetAsync(new Uri(Address, "/health/ready"), cancellation);
                if (answer.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
        }

        throw new ServerGone($"The server was not ready after {ReadyMax.TotalSeconds} s.");
    }

    /// <summary>SIGTERM: it drains and ends by itself.</summary>
    public void Terminate() => process!.Send(PosixSignal.SIGTERM);

    /// <summary>SIGSTOP: it stands still, with its connections open.</summary>
    public void Suspend() => process!.Send(Signals.Stop);

    /// <summary>SIGCONT: it goes on as if nothing had been.</summary>
    public void Continue() => process!.Send(Signals.Continue);

    /// <summary>Waits until it has ended by itself and everything it printed was read.</summary>
    /// <returns>its exit code</returns>
    public async Task<int> WhenEnded(CancellationToken cancellation)
    {
        await process!.WaitForExitAsync(cancellation);
        return process.ExitCode;
    }

    /// <summary>SIGKILL to exactly the process that was started: nothing of it runs any more when this returns.</summary>
    public void Kill()
    {
        if (process is null) return;
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        process.Dispose();
        process = null;
    }

    /// <summary>What the program's own book check finds wrong in the folder; the server must be dead.</summary>
    public async Task<IReadOnlyList<string>> Check() => (await CheckAll()).Findings;

    /// <summary>The same with how much it found, of which it lists the first thousand.</summary>
    public async Task<(long Wrong, IReadOnlyList<string> Findings)> CheckAll()
    {
        var start = new ProcessStartInfo(program, ["check", "--json", "--data", data]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in Settings) start.Environment[name] = value;
        using var check = Process.Start(start)!;
        var words = check.StandardError.ReadToEndAsync();
        var report = await check.StandardOutput.ReadToEndAsync();
        await check.WaitForExitAsync();
        if (report.Length == 0) return (1, [$"The book check ended with {check.ExitCode}: {await words}"]);

        using var json = JsonDocument.Parse(report);
        return (json.RootElement.GetProperty("wrong").GetInt64(), [.. json.RootElement.GetProperty("findings").EnumerateArray().Select(f => $"Books: {f.GetProperty("where")}: {f.GetProperty("what")}")]);
    }

    public void Dispose() => Kill();

    private void KeepError(string? line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
        lock (gate)
            if (errors.Count < LogLinesMax) errors.Add(line);
        Keep(line);
    }

    private void Keep(string? line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
        lock (gate)
        {
            log.Enqueue(line);
            if (log.Count > LogLinesMax) log.Dequeue();
        }
    }
}
