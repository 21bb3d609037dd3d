using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Campaigns.Tests.WeChatPayStandIn;

/// <summary>What a member of a request must look like; says what is wrong with one that does not.</summary>
internal abstract record Form
{
    public static Form Text(int min, int max, string allowed = ".*") => new TextForm(min, max, allowed);

    public static Form Fen { get; } = new IntegerForm(1);

    public static Form Count { get; } = new IntegerForm(0);

    public static Form Flag { get; } = new FlagForm();

    /// <summary>RFC 3339 with its zone.</summary>
    public static Form Time { get; } = new TimeForm();

    /// <summary>An address outside can call: https, no query. Plain http is taken on the loopback, where nobody listens in.</summary>
    public static Form Address(int max) => new AddressForm(max);

    public static Form List(Form each) => new ListForm(each);

    /// <param name="members">a name that ends in a question mark may be absent; any other name is refused</param>
    public static Form Object(params (string Name, Form Form)[] members) => new ObjectForm(members);

    /// <returns>null if it is as it should be</returns>
    public abstract string? WrongWith(JsonElement value, string name);

    private sealed record TextForm(int Min, int Max, string Allowed) : Form
    {
        public override string? WrongWith(JsonElement value, string name)
        {
            if (value.ValueKind != JsonValueKind.String) return $"{name} is no string";
            var text = value.GetString()!;
            if (text.EnumerateRunes().Count() is var length && (length < Min || length > Max)) return $"{name} has {length} characters, and {Min} to {Max} are allowed";
            return Regex.IsMatch(text, $"^(?:{Allowed})\\z", RegexOptions.Singleline, TimeSpan.FromSeconds(1)) ? null : $"{name} has characters that are not allowed";
        }
    }

    private sealed record IntegerForm(long Min) : Form
    {
        public override string? WrongWith(JsonElement value, string name)
        {
            // The text and not the number: 100.0 and 1e2 are whole numbers to many and refused here.
            if (value.ValueKind != JsonValueKind.Number || !Regex.IsMatch(value.GetRawText(), "^-?[0-9]+\\z", RegexOptions.None, TimeSpan.FromSeconds(1))) return $"{name} is no integer";
            return value.TryGetInt64(out var number) && number >= Min ? null : $"{name} is less than {Min}";
        }
    }

    private sealed record FlagForm : Form
    {
        public override string? WrongWith(JsonElement value, string name) => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : $"{name} is neither true nor false";
    }

    private sealed record TimeForm : Form
    {
        public override string? WrongWith(JsonElement value, string name) =>
            value.ValueKind == JsonValueKind.String && Regex.IsMatch(value.GetString()!, @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\z", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
                && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _) ? null : $"{name} is no time with a zone";
    }

    private sealed record AddressForm(int Max) : Form
    {
        public override string? WrongWith(JsonElement value, string name)
        {
            if (Text(1, Max).WrongWith(value, name) is { } wrong) return wrong;
            if (!Uri.TryCreate(value.GetString(), UriKind.Absolute, out var address)) return $"{name} is no address";
            if (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && address.IsLoopback)) return $"{name} is not https";
            return value.GetString()!.Contains('?', StringComparison.Ordinal) ? $"{name} has a query" : null;
        }
    }

    private sealed record ListForm(Form Each) : Form
    {
        public override string? WrongWith(JsonElement value, string name) =>
            value.ValueKind != JsonValueKind.Array ? $"{name} is no list" : value.EnumerateArray().Select((item, i) => Each.WrongWith(item, $"{name}[{i}]")).FirstOrDefault(wrong => wrong is not null);
    }

    private sealed record ObjectForm(IReadOnlyList<(string Name, Form Form)> Members) : Form
    {
        public override string? WrongWith(JsonElement value, string name)
        {
            if (value.ValueKind != JsonValueKind.Object) return $"{name} is no object";
            foreach (var (stated, form) in Members)
            {
                var (member, optional) = (stated.TrimEnd('?'), stated.EndsWith('?'));
                var path = name.Length == 0 ? member : $"{name}.{member}";
                if (!value.TryGetProperty(member, out var found))
                {
                    if (!optional) return $"{path} is missing";
                }
                else if (form.WrongWith(found, path) is { } wrong)
                {
                    return wrong;
                }
            }

            var unknown = value.EnumerateObject().Select(m => m.Name).FirstOrDefault(m => Members.All(known => known.Name.TrimEnd('?') != m));
            return unknown is null ? null : $"{name}{(name.Length == 0 ? "" : ".")}{unknown} is no member of it";
        }
    }
}

/// <summary>The requests this gateway takes.</summary>
internal static class Forms
{
    public const string OutTradeNo = @"[0-9A-Za-z_\-|*]+";
    public const string OutRefundNo = @"[0-9A-Za-z_\-|*@]+";

    public static readonly Form Prepay = Form.Object(
        ("appid", Form.Text(1, 32)),
        ("mchid", Form.Text(1, 32)),
        ("description", Form.Text(1, 127)),
        ("out_trade_no", Form.Text(6, 32, OutTradeNo)),
        ("time_expire?", Form.Time),
        ("attach?", Form.Text(0, 128)),
        ("notify_url", Form.Address(255)),
        ("goods_tag?", Form.Text(0, 32)),
        ("support_fapiao?", Form.Flag),
        ("amount", Form.Object(("total", Form.Fen), ("currency?", Form.Text(3, 3, "CNY")))),
        ("payer", Form.Object(("openid", Form.Text(1, 128)))),
        ("detail?", Form.Object(
            ("cost_price?", Form.Count),
            ("invoice_id?", Form.Text(0, 32)),
            ("goods_detail?", Form.List(Form.Object(
                ("merchant_goods_id", Form.Text(1, 32)), ("wechatpay_goods_id?", Form.Text(0, 32)), ("goods_name?", Form.Text(0, 256)), ("quantity", Form.Fen), ("unit_price", Form.Count)))))),
        ("scene_info?", Form.Object(
            ("payer_client_ip", Form.Text(1, 45)),
            ("device_id?", Form.Text(0, 32)),
            ("store_info?", Form.Object(("id", Form.Text(1, 32)), ("name?", Form.Text(0, 256)), ("area_code?", Form.Text(0, 32)), ("address?", Form.Text(0, 512)))))),
        ("settle_info?", Form.Object(("profit_sharing?", Form.Flag))));

    public static readonly Form Close = Form.Object(("mchid", Form.Text(1, 32)));

    public static readonly Form Refund = Form.Object(
        ("transaction_id?", Form.Text(1, 32)),
        ("out_trade_no?", Form.Text(6, 32, OutTradeNo)),
        ("out_refund_no", Form.Text(1, 64, OutRefundNo)),
        ("reason?", Form.Text(1, 80)),
        ("notify_url?", Form.Address(256)),
        ("funds_account?", Form.Text(1, 32, "AVAILABLE|UNSETTLED")),
        ("amount", Form.Object(
            ("refund", Form.Fen),
            ("total", Form.Fen),
            ("currency", Form.Text(3, 3, "CNY")),
            ("from?", Form.List(Form.Object(("account", Form.Text(1, 32, "AVAILABLE|UNAVAILABLE")), ("amount", Form.Fen)))))),
        ("goods_detail?", Form.List(Form.Object(
            ("merchant_goods_id", Form.Text(1, 32)), ("wechatpay_goods_id?", Form.Text(0, 32)), ("goods_name?", Form.Text(0, 256)), ("unit_price", Form.Count), ("refund_amount", Form.Count), ("refund_quantity", Form.Fen)))));

    public static readonly Form Transfer = Form.Object(
        ("appid", Form.Text(1, 32)),
        ("out_bill_no", Form.Text(1, 32, "[0-9A-Za-z]+")),
        ("transfer_scene_id", Form.Text(1, 36, "[0-9]+")),
        ("openid", Form.Text(1, 64)),
        ("user_name?", Form.Text(1, 1_024)),
        ("transfer_amount", Form.Fen),
        ("transfer_remark", Form.Text(1, 32)),
        ("notify_url?", Form.Address(256)),
        ("user_recv_perception?", Form.Text(1, 32)),
        ("transfer_scene_report_infos", Form.List(Form.Object(("info_type", Form.Text(1, 15)), ("info_content", Form.Text(1, 32))))),
        ("user_recv_style?", Form.Object(("type", Form.Text(1, 32, "CONFIRM_PAGE|RED_PACKET")))));

    public static readonly Form Nothing = Form.Object();

    /// <summary>The longest reason in bytes: older pages count them, so only what is short in both counts is safe.</summary>
    public const int ReasonBytesMax = 80;

    /// <returns>the body, or what is wrong with it</returns>
    public static (JsonElement Body, string? Wrong) Read(byte[] body, Form form)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement.Clone();
            return (root, form.WrongWith(root, ""));
        }
        catch (JsonException malformed)
        {
            return (default, $"the body is no JSON: {malformed.Message}");
        }
    }

    public static int Bytes(string text) => Encoding.UTF8.GetByteCount(text);
}
