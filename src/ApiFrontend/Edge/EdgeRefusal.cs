using Campaigns.Grains.Kernel;

namespace Campaigns.ApiFrontend.Edge;

/// <summary>What the edge itself refuses, before any grain is asked. Public names: append, never rename.</summary>
internal enum EdgeRefusal
{
    [Refuses(RefusalKind.Identity, "请先登录", "Sign in first: the token or key is missing, wrong or expired.")]
    Unauthenticated = 1,

    [Refuses(RefusalKind.Rights, "没有权限", "Your key does not have the scope for this.")]
    Forbidden = 2,

    [Refuses(RefusalKind.Missing, "没有找到", "There is nothing here, or it is not yours.")]
    NotFound = 3,

    [Refuses(RefusalKind.Form, "请求格式不正确", "The request cannot be read.")]
    Malformed = 4,

    [Refuses(RefusalKind.Meaning, "这个幂等键已用于另一个请求", "This Idempotency-Key was used with another body.")]
    IdempotencyKeyReused = 5,

    [Refuses(RefusalKind.Limit, "操作太频繁，请稍后再试", "Too many requests; wait a moment.")]
    RateLimited = 6,

    [Refuses(RefusalKind.Identity, "登录凭证无效，请重新登录", "The sign-in code is not valid; get a new one.")]
    InvalidCode = 7,

    [Refuses(RefusalKind.Form, "请求内容过大", "The body is larger than this interface takes.")]
    TooLarge = 8,

    [Refuses(RefusalKind.Form, "请使用 application/json", "Send the body as application/json.")]
    UnsupportedMediaType = 9,

    [Refuses(RefusalKind.Form, "不支持这个请求方法", "This address does not take that method.")]
    MethodNotAllowed = 10,

    [Refuses(RefusalKind.Busy, "微信登录暂不可用，请稍后再试", "WeChat sign-in is not available right now.")]
    LoginUnavailable = 11,

    [Refuses(RefusalKind.Form, "文件不是 UTF-8 编码，请在 Excel 中另存为“CSV UTF-8”后重新上传", "The file is not UTF-8. Save it as \"CSV UTF-8\" and send it again.")]
    NotUtf8 = 12,

    [Refuses(RefusalKind.Limit, "排队人数过多，请稍后再试", "Too many want it at this moment; send the same request again.")]
    QueueFull = 13,
}
