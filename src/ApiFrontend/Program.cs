using Campaigns.ApiFrontend.Cli;

// The command line's own patience after a signal is 2 s, which would cut a drain short; the host's limits end before this one.
return await Commands.Root().Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
