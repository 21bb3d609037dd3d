using Campaigns.ApiFrontend.Sandbox;
using Campaigns.ApiFrontend.WeChat;

namespace Campaigns.ApiFrontend;

/// <summary>The process must not start like this; the message lists everything that is missing or not allowed.</summary>
internal sealed class StartRefused(string message) : Exception(message)
{
    /// <summary>Outside Development nothing of the sandbox is taken and everything that it stands in for is needed.</summary>
    /// <returns>what the configuration says of WeChat; nothing is wrong with it</returns>
    public static WeChatSettings ThrowIfNotAllowed(IHostEnvironment environment, IConfiguration configuration, string data)
    {
        var settings = WeChatSettings.Read(configuration, environment.IsDevelopment());
        var problems = new List<string>();
        if (!environment.IsDevelopment())
        {
            foreach (var name in new[] { "Sandbox", "StandIn", "DemoKey" })
                if (configuration.GetSection(name).Exists()) problems.Add($"not allowed outside Development: {name}");
            if (SandboxKeys.AreIn(CampaignsHost.KeyFolder(data))) problems.Add($"not allowed outside Development: the data folder '{data}', which holds payments of the sandbox");
        }

        problems.AddRange(settings.Problems);
        if (problems.Count == 0) return settings;
        throw new StartRefused($"{environment.EnvironmentName} is not configured:\n  - {string.Join("\n  - ", problems)}\nWhat each setting is: docs/WeChatPay.md. For a trial on this machine unset ASPNETCORE_ENVIRONMENT: the default is Development with a sandbox.");
    }
}
