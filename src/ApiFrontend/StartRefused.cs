namespace Campaigns.ApiFrontend;

/// <summary>The process must not start like this; the message lists everything that is missing or not allowed.</summary>
internal sealed class StartRefused(string message) : Exception(message)
{
    /// <summary>Production takes nothing of the sandbox and needs what the sandbox stands in for.</summary>
    public static void ThrowIfNotAllowed(IHostEnvironment environment, IConfiguration configuration)
    {
        if (environment.IsDevelopment()) return;

        var problems = new List<string>();
        foreach (var name in new[] { "Sandbox", "StandIn", "DemoKey" })
            if (configuration.GetSection(name).Exists()) problems.Add($"not allowed outside Development: {name}");
        foreach (var name in new[] { "WeChat:AppId", "WeChat:SecretFile", "WeChatPay:MchId", "WeChatPay:ApiV3KeyFile", "WeChatPay:PrivateKeyFile", "WeChatPay:PlatformKeyFile" })
            if (string.IsNullOrEmpty(configuration[name])) problems.Add($"missing: {name} (environment variable {name.Replace(":", "__", StringComparison.Ordinal)})");
        problems.Add("missing: a payment gateway. This version has the sandbox gateway alone; the WeChat Pay adapter comes with a later one");
        throw new StartRefused($"{environment.EnvironmentName} is not configured:\n  - {string.Join("\n  - ", problems)}\nFor a trial on this machine unset ASPNETCORE_ENVIRONMENT: the default is Development with a sandbox.");
    }
}
