using System.Text.Json;
using System.Text.Json.Serialization;
using Campaigns.LoadTests.Engine;

namespace Campaigns.LoadTests.Report;

/// <summary>What <see cref="HtmlReport"/> shows, for programs. A value that is not finite is written as a string.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Write(string path, string title, string machine, IReadOnlyList<Figure> figures, IReadOnlyList<Series> series) =>
        File.WriteAllText(path, Render(title, machine, figures, series));

    public static string Render(string title, string machine, IReadOnlyList<Figure> figures, IReadOnlyList<Series> series) =>
        JsonSerializer.Serialize(new { title, machine, figures, series }, Json);
}
