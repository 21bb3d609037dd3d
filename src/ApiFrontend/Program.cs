using Campaigns.ApiFrontend.Cli;

return await Commands.Root().Parse(args).InvokeAsync();
