using System.Text.Json;

namespace Campaigns.LoadTests.Fuzz;

/// <summary>Values that break programs, as the raw JSON they are sent as.</summary>
internal static class HostileValues
{
    // First: the lists below are written with it.
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly string[] OfAnotherType = ["null", "true", "false", "7", "\"x\"", "[]", "{}", "[[]]", "[null]", "{\"a\":{}}", "\"7\"", "\"true\"", "\"null\""];

    public static readonly string[] Numbers =
    [
        "-1", "0", "-0", "1", "2", "1.5", "1e2", "1E+2", "0.1e1", "1e308", "1e400", "-1e400", "1e-400", "01", "-01", "+1", "0x10", ".5", "5.", "1_000", "1,5", "NaN", "Infinity", "-Infinity",
        "255", "256", "32767", "32768", "65535", "65536", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296",
        "9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
        "10000000000", "10000000001", "9999999999", "10000", "10001", "10080", "10081", "200", "201", "100", "101", "1440", "1441", "8760", "8761", "366", "365", "31622400", "31622401", "10000000", "10000001",
        "922337203685477580", "99999999999999999999999999999999999999", "1.0", "2147483647.0",
        new('9', 400), "0." + new string('0', 400) + "1", "1" + new string('0', 5_000), "1e" + new string('9', 300),
    ];

    public static readonly string[] Strings =
    [
        "\"\"", "\" \"", "\"\\t\"", "\"\\n\"", "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud83d\"", "\"a\\ud800b\"", "\"\\ud83d\\ude00\"", "\"\\u202e\"", "\"\\u202egnp.exe\"", "\"\\ufeff\"", "\"\\uffff\"", "\"\\u200b\"",
        "\"\\u2028\"", "\"e\\u0301\"", "\"\\u00e9\"", "\"\\u0130\"", "\"\\u1f468\\u200d\"", "\"\\x41\"", "\"\\u12\"", "\"\\", "\"\t\"", "\"\n\"", "'a'", "\"\\u001b[31m\"",
        Text("' or 1=1 --"), Text("'; drop table document; --"), Text("\" or \"\"=\""), Text("$0"), Text("%"), Text("{\"$gt\":\"\"}"), Text("<script>alert(1)</script>"), Text("<img src=x onerror=alert(1)>"), Text("&lt;&#x27;"), Text("{{7*7}}"), Text("${7*7}"), Text("${jndi:ldap://127.0.0.1/a}"),
        Text("../../../../etc/passwd"), Text("..\\..\\windows"), Text("/dev/null"), Text("file:///etc/passwd"), Text("http://127.0.0.1:1/"), Text("a\r\nSet-Cookie: a=b"), Text("%s%s%s%n"), Text("{0}{1}{99}"), Text("%0d%0a"), Text("%00"), Text("; ls"), Text("`ls`"), Text("$(ls)"),
        Text("dev:"), Text("dev:阿美"), Text("DEMO"), Text("-"), Text("demo"), Text("a b"), Text("NULL"), Text("undefined"), Text("true"), Text("0"),
        Text("0001-01-01T00:00:00Z"), Text("9999-12-31T23:59:59Z"), Text("9999-12-31T23:59:59.9999999Z"), Text("0001-01-01T00:00:00+14:00"), Text("9999-12-31T23:59:59-14:00"), Text("2026-02-30T00:00:00Z"), Text("2026-01-01"), Text("2026-01-01T00:00:00"), Text("2026-13-01T25:61:61Z"), Text("1970-01-01T00:00:00Z"), Text("2026-01-01T00:00:00.123456789123456789Z"), Text("-2026-01-01T00:00:00Z"), Text("2026-W01-1"),
        Text("00000000000000000000000000000000"), Text("ffffffffffffffffffffffffffffffff"), Text("00000000-0000-0000-0000-000000000000"), Text("{00000000000000000000000000000000}"), Text("0000000000000000000000000000000"), Text("gggggggggggggggggggggggggggggggg"),
        Text("Etc/GMT+25"), Text("../Asia/Shanghai"), Text("Asia/Shanghai"), Text("asia/shanghai"), Text("posixrules"), Text("UTC"), Text("local"), Text("Asia"), Text("A/B/C/D"), Text("Factory"), Text("right/UTC"), Text("tzdata.zi"), Text("zone.tab"),
        Text("bargain"), Text("group-buy"), Text("flash-sale"), Text("20:00"), Text("24:00"), Text("8:00"), Text("Bargain"), Text("h5-link"), Text("H5Link"), Text("last-touch"), Text("1"), Text("even"),
        Text(new('a', 120)), Text(new('a', 121)), Text(new('长', 120)), Text(new('a', 500)), Text(new('a', 501)), Text(new('a', 4_000)), Text(new('a', 4_001)), Text(new('长', 4_000)), Text(string.Concat(Enumerable.Repeat("😀", 2_000))), Text(new('a', 60_000)), Text(new('a', 1_048_576)),
        Text(string.Concat(Enumerable.Repeat("e\u0301", 60))), Text(string.Concat(Enumerable.Repeat("\u0300", 400))), "\"" + string.Concat(Enumerable.Repeat("\\u0041", 4_000)) + "\"",
    ];

    public static readonly string[] Structures =
    [
        "[" + string.Join(',', Enumerable.Repeat("1", 10_000)) + "]",
        "[" + string.Join(',', Enumerable.Repeat("{}", 10_000)) + "]",
        "[" + string.Join(',', Enumerable.Repeat("null", 51)) + "]",
        new string('[', 1_000) + new string(']', 1_000),
        new string('[', 20_000),
        string.Concat(Enumerable.Repeat("{\"a\":", 1_000)) + "1" + new string('}', 1_000),
        new string('[', 14) + new string(']', 14),
        "{" + string.Join(',', Enumerable.Range(0, 4_000).Select(i => $"\"m{i}\":1")) + "}",
        "{" + string.Join(',', Enumerable.Repeat("\"a\":1", 4_000)) + "}",
        "{\"__proto__\":{\"a\":1}}", "{\"$type\":\"System.Diagnostics.Process\"}", "{\"kind\":\"bargain\"}", "{\"$ref\":\"1\"}", "{\"\":1}",
    ];

    /// <summary>Further members of an object: unknown ones, and names that are no text.</summary>
    public static readonly string[] Members =
    [
        "\"unknown\":1", "\"\":1", "\"__proto__\":{}", "\"$type\":\"x\"", "\"$id\":\"1\"", "\"\\ud800\":1", "\"\\u0000\":1", "\"a\\u0000\":1", "\"\\u0069d\":1", "\"unknown\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "\"unknown\":1e400", "\"unknown\":\"\\ud800\"", "\"kind\":\"bargain\"", "\"kind\":7",
        "\"id\":\"00000000000000000000000000000000\"", "\"shop\":\"demo\"", "\"ownerId\":1", $"\"{new string('n', 20_000)}\":1", "unknown:1", "1:1", "",
    ];

    /// <summary>What can stand in a path or a query, already as it is sent.</summary>
    public static readonly string[] Segments =
    [
        "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "00000000-0000-0000-0000-000000000000", "0", "-1", "x", "%20", "%00", "%0d%0a", "%2e%2e", "..", ".", "%2e%2e%2f%2e%2e", "..%2f..%2fetc%2fpasswd", "..%5c..", "%252e%252e", "a%2fb", "//", ";", "'", "%27%20or%201=1--", "%22", "%3cscript%3e", "{id}", "%7bid%7d",
        "%ff", "%c0%af", "%ed%a0%80", "%f0%9f%98%80", "%e9%98%bf", "é", "%", "%zz", "%u0041", "null", "undefined", "true", "*", "?", "#", "+", "%2b", "a=b", "[]", "$", "0x00000000000000000000000000000000", "0000000000000000000000000000000%30", "%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30%30",
        new('0', 31), new('0', 33), new('a', 1_000), new('a', 10_240), string.Concat(Enumerable.Repeat("%41", 600)), string.Concat(Enumerable.Repeat("/a", 500)), string.Concat(Enumerable.Repeat("../", 100)),
    ];

    public static readonly string[] QueryValues =
    [
        "", "0", "1", "100", "101", "-1", "+1", "1e9", "1000000000", "2147483648", "9223372036854775808", "ten", "%20", "1.5", "0x10", "%31", "%d9%a1", "null", "NaN", "zz", "abc", "a", "00", "ff", "2f", "2f2f", "312f", "393232333337323033363835343737353830372f", "39323233333732303336383534373735383038392f", "2d313032302f61", "ffff", "80", "%00", "%27", "%ff", "bargain", "BARGAIN", "group-buy", "flash-sale", "&&", "=", "%26limit%3d1",
        new('9', 300), new('f', 6_000), new('a', 7_000),
    ];

    /// <summary>Headers that mean something to somebody, with values that should not.</summary>
    public static readonly (string Name, string[] Values)[] Headers =
    [
        ("Idempotency-Key", ["", " ", "a b", "é", "阿美", "\t", "\u007f", new('k', 128), new('k', 129), new('k', 10_000), "../k", "k\\u0000", "'; --", "same-key", "same-key", "\"quoted\""]),
        ("X-Device-Id", ["", " ", "phone-1", "é", "阿美", new('d', 128), new('d', 129), new('d', 20_000), "'; --", "\u007f"]),
        ("Authorization", ["", " ", "Bearer", "Bearer ", "Bearer  x", "bearer x", "Bearer a.b.c", "Bearer ..", "Basic YTpi", "Bearer eyJhbGciOiJub25lIn0.e30.", "Digest", "Bearer é", "Bearer " + new string('a', 2_049), "Bearer " + new string('a', 20_000), "Bearer demo-merchant-key", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "Bearer %00", "Bearer null", "Bearer [object Object]"]),
        ("X-Api-Key", ["", " ", "x", "é", "阿美", new('k', 128), new('k', 129), new('k', 20_000), "'; --", "null"]),
        ("Accept-Language", ["", "*", "en", "en-", "EN-GB;q=9", "zz", ";;;", "q=", "é", new('e', 8_000), "en;q=NaN, zh"]),
        ("Accept", ["", "*", "text/html", "application/xml", "application/json;q=0", "image/png", "a/b/c", "é"]),
        ("Content-Type", ["", "application/json; charset=utf-16", "application/json; charset=x", "application/json; charset=\"utf-8\"", "application/json; charset=utf-8; charset=x", "application/json;", "application/problem+json", "text/json", "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=\"", "application/json, text/plain", "application/JSON", "é", "x", "application/" + new string('j', 5_000), "application/octet-stream", "*/*"]),
        ("Content-Encoding", ["gzip", "br", "identity", "x", "gzip, gzip"]),
        ("Last-Event-ID", ["", "0", "-1", "9223372036854775807", "9223372036854775808", "x", "é", new('1', 300), "1.5", " 1"]),
        ("If-Match", ["*", "\"x\"", "x"]),
        ("If-None-Match", ["*", "W/\"x\"", "x"]),
        ("If-Modified-Since", ["x", "Sat, 01 Jan 2000 00:00:00 GMT", "0"]),
        ("Range", ["bytes=0-0", "bytes=-1", "bytes=9223372036854775807-", "x"]),
        ("Host", ["x", "localhost:1", "127.0.0.1:99999", "a b", "é", "", "[::1", "metadata.internal"]),
        ("X-Forwarded-For", ["127.0.0.1", "x", "::1, 1.2.3.4", new('1', 5_000)]),
        ("X-Forwarded-Proto", ["https", "x"]),
        ("X-HTTP-Method-Override", ["DELETE", "GET", "x"]),
        ("X-Original-URL", ["/ops/status", "/merchant/v1/settings"]),
        ("X-Request-Id", ["x", "é", new('r', 5_000)]),
        ("traceparent", ["x", "00-00000000000000000000000000000000-0000000000000000-00", "00-" + new string('f', 32) + "-ffffffffffffffff-01", new('0', 5_000)]),
        ("tracestate", ["a=b", "é", new('a', 5_000)]),
        ("baggage", ["a=b", "é", new('a', 9_000)]),
        ("Cookie", ["a=b", "é", ";;;", new('c', 9_000)]),
        ("Origin", ["null", "http://evil.example", "é"]),
        ("Expect", ["100-continue", "x"]),
        ("Wechatpay-Timestamp", ["0", "-1", "x", "9223372036854775808", "1e9", new('9', 300)]),
        ("Wechatpay-Signature", ["x", "AAAA", "é", "WECHATPAY/SIGNTEST/x", new('A', 9_000)]),
        ("Wechatpay-Nonce", ["x", "", "é", "a\tb"]),
        ("Wechatpay-Serial", ["x", "", "é", new('0', 300)]),
        ("X-" + new string('h', 9_000), ["x"]),
        ("X-Filler", [new('f', 30_000), new('f', 40_000)]),
    ];

    public static readonly string[] Methods = ["HEAD", "OPTIONS", "PATCH", "TRACE", "DELETE", "PUT", "POST", "GET", "PROPFIND", "get", "X-Y"];

    public static string Text(string text) => JsonSerializer.Serialize(text, Relaxed);
}
