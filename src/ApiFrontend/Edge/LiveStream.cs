using System.Globalization;
using System.Text.Json;
using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>Server-sent events of one grain: <c>id:</c> to resume with <c>Last-Event-ID</c>, a heartbeat every 15 s.</summary>
internal sealed class LiveStream(IAsyncEnumerable<LiveEvent> live) : IResult
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    /// <summary>What happens to a grain from where the viewer left off (<c>Last-Event-ID</c>), or from <paramref name="view"/> on.</summary>
    public static async Task<IResult> Of<TView>(GrainId grain, ICommand<TView> view, HttpRequest request, IGrains grains, CancellationToken cancellation)
    {
        var after = long.TryParse(request.Headers["Last-Event-ID"], out var last) ? last : (long?)null;
        var watch = await grains.Watch(grain, view, after, cancellation);
        return watch.Refusal is { } refusal ? Api.Refuse(refusal) : new LiveStream(watch.Reply!);
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;

        // A shutdown ends the stream too: it would otherwise wait for every viewer to leave. They come back with their last id.
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, httpContext.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        var gone = ends.Token;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no"; // a proxy that buffers would turn live into late
        await response.WriteAsync("retry: 2000\n\n", gone);
        await response.Body.FlushAsync(gone);

        var events = live.GetAsyncEnumerator(gone);
        var next = events.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                if (await Task.WhenAny(next, Task.Delay(Heartbeat, gone)) != next)
                {
                    gone.ThrowIfCancellationRequested();
                    await response.WriteAsync(": heartbeat\n\n", gone);
                }
                else
                {
                    if (!await next) return;
                    await Write(response, events.Current, gone);
                    next = events.MoveNextAsync().AsTask();
                }

                await response.Body.FlushAsync(gone);
            }
        }
        catch (OperationCanceledException)
        {
            // The viewer left.
        }
        finally
        {
            // Events cannot be disposed in the middle of a step, so the step is ended first.
            await ends.CancelAsync();
            await next.ContinueWith(static step => step.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await events.DisposeAsync();
        }
    }

    private static async Task Write(HttpResponse response, LiveEvent live, CancellationToken gone)
    {
        await response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"id: {live.Sequence}\nevent: {live.Name}\ndata: "), gone);
        await JsonSerializer.SerializeAsync(response.Body, live.Data, live.Data.GetType(), Api.Json, gone);
        await response.WriteAsync("\n\n", gone);
    }
}
