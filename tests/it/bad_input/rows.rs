//! The table: what is sent, and the expected status and text.
//!
//! Rows that differ in one value only are grouped by what they have in common.

use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use chinwag::conformance::sample;

const SEND: &str = "/api/chat/send";
const UPLOAD: &str = "/api/chat/upload";
const MESSAGES: &str = "/api/chat/messages";
const ROOMS: &str = "/api/chat/rooms";
const REGISTER: &str = "/api/v1/auth/register";
const LOG_IN: &str = "/api/v1/auth/login";

const MALFORMED: &str = "请求参数错误或格式不正确";
const NO_TOKEN: &str = "未提供有效的JWT Token";
const NOT_ALLOWED: &str = "没有执行该操作的权限";
const NO_PATH: &str = "请求的资源不存在";
const NO_METHOD: &str = "请求方法不允许";
const NO_ROOM: &str = "聊天室不存在";
const NO_MESSAGE: &str = "消息不存在";
const NO_REPLY: &str = "回复的消息不存在";
const WRONG_TYPE: &str = "上传的文件类型不在允许列表中";
const WRONG_FILE_NAME: &str = "文件名无效";
const FILE_TOO_LARGE: &str = "上传的文件超过大小限制 (10MB)";
const BODY_TOO_LARGE: &str = "请求体超过大小限制 (128KB)";
const CONTENT_LENGTH: &str = "消息内容长度必须在1到5000个字符之间";
const ROOM_NAME_LENGTH: &str = "聊天室名称长度必须在1到100个字符之间";
const WRONG_CLIENT_ID: &str = "参数无效: client_id";

const CREDENTIALS_REQUIRED: &str = "Username and password are required";
const USER_NAME_LENGTH: &str = "Username must have 1 to 32 characters";
const WRONG_USER_NAME: &str = "Username is not valid";
const PASSWORD_LENGTH: &str = "Password must have at least 6 characters and at most 71 bytes";
const WRONG_CREDENTIALS: &str = "Invalid username or password";

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data; boundary=b";
const URLENCODED: &str = "application/x-www-form-urlencoded";
const MIB: usize = 1024 * 1024;

/// Ids and tokens that rows refer to. The owner of `token` is 张三, an ordinary user.
#[derive(Default)]
pub struct Known {
    pub token: String,
    /// The token of another user.
    pub other_token: String,
    /// A public room with a message of 张三.
    pub room: String,
    /// The message of 张三 in that room.
    pub message_in_room: String,
    /// A message of another user in the global room.
    pub message_of_other: String,
    /// A deleted message of 张三 in the global room.
    pub deleted_message: String,
    /// The key that signs tokens.
    pub secret: String,
}

/// A request and the expected refusal.
pub struct Row {
    pub name: String,
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub body: Bytes,
    /// Whether the request carries 张三's token.
    pub has_token: bool,
    pub status: u16,
    pub text: &'static str,
}

impl Row {
    fn new(name: impl Into<String>, method: &'static str, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            has_token: true,
            status: 400,
            text: MALFORMED,
        }
    }

    fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    fn json(self, body: impl Into<Bytes>) -> Self {
        self.body(JSON, body)
    }

    fn anonymous(mut self) -> Self {
        self.has_token = false;
        self
    }

    fn gets(mut self, status: u16, text: &'static str) -> Self {
        (self.status, self.text) = (status, text);
        self
    }
}

pub fn table(known: &Known) -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(tokens(known));
    rows.extend(malformed_messages());
    rows.extend(refused_messages(known));
    rows.extend(unknown_rooms());
    rows.extend(pages());
    rows.extend(malformed_uploads());
    rows.extend(refused_uploads());
    rows.extend(new_rooms());
    rows.extend(deletions(known));
    rows.extend(user_ids());
    rows.extend(paths_and_methods());
    rows.extend(registrations());
    rows.extend(logins());
    rows
}

/// A valid request for each of the twelve endpoints.
fn endpoints() -> [(&'static str, &'static str); 12] {
    [
        ("POST", SEND),
        ("POST", UPLOAD),
        ("GET", MESSAGES),
        ("GET", "/api/chat/online-users"),
        ("GET", "/api/chat/stats"),
        ("POST", ROOMS),
        ("POST", "/api/chat/rooms/global/join"),
        ("POST", "/api/chat/rooms/global/leave"),
        ("GET", ROOMS),
        ("DELETE", "/api/chat/messages/550e8400-e29b-41d4-a716-446655440000"),
        ("GET", "/api/chat/user-ip/1"),
        ("POST", "/api/chat/heartbeat"),
    ]
}

/// The claims of a valid token.
pub fn claims() -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({
        "sub": "1", "name": "张三", "iat": now, "exp": now + 3600,
        "iss": "chinwag", "aud": "chinwag-clients", "epoch": 0
    })
}

pub fn sign(claims: &Value, algorithm: Algorithm, secret: &str) -> String {
    // The library takes no empty key. HMAC fills a short key with zeros, so that one zero signs the same.
    let secret = if secret.is_empty() { "\0" } else { secret };
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes()).expect("a key"))
        .expect("signs")
}

fn forged_tokens(known: &Known) -> Vec<(&'static str, String)> {
    let changed = |key: &str, value: Value| {
        let mut claims = claims();
        claims[key] = value;
        sign(&claims, Algorithm::HS256, &known.secret)
    };
    let without = |key: &str| {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(key);
        sign(&claims, Algorithm::HS256, &known.secret)
    };
    let now = jiff::Timestamp::now().as_second();
    let parts: Vec<&str> = known.token.split('.').collect();
    let [head, payload, signature] = parts[..] else { panic!("a token has three parts") };
    let others_payload = known.other_token.split('.').nth(1).expect("a payload");
    // {"alg":"none","typ":"JWT"}, {"alg":"NONE"}, {"alg":"RS256"}, {"alg":"HS256"
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let (upper_none, rsa, cut) = ("eyJhbGciOiJOT05FIn0", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJIUzI1NiI");
    vec![
        ("expired", changed("exp", json!(now - 6))),
        ("expired long ago", changed("exp", json!(1))),
        ("expires before time began", changed("exp", json!(-1))),
        ("expiry is a text", changed("exp", json!("tomorrow"))),
        ("without expiry", without("exp")),
        ("from the future", changed("iat", json!(now + 3600))),
        ("without time", without("iat")),
        ("for another audience", changed("aud", json!("others"))),
        ("without audience", without("aud")),
        ("from another issuer", changed("iss", json!("others"))),
        ("without issuer", without("iss")),
        ("of nobody", without("sub")),
        ("of a user by name", changed("sub", json!("张三"))),
        ("of a negative user", changed("sub", json!("-1"))),
        ("of a user beyond 64 bits", changed("sub", json!("18446744073709551616"))),
        ("of a user as a number", changed("sub", json!(1))),
        ("without epoch", without("epoch")),
        ("with HS384", sign(&claims(), Algorithm::HS384, &known.secret)),
        ("with HS512", sign(&claims(), Algorithm::HS512, &known.secret)),
        ("with another key", sign(&claims(), Algorithm::HS256, "another key that is long enough, too")),
        ("with an empty key", sign(&claims(), Algorithm::HS256, "")),
        ("alg none without signature", format!("{none}.{payload}.")),
        ("alg none with signature", format!("{none}.{payload}.{signature}")),
        ("alg NONE", format!("{upper_none}.{payload}.")),
        ("alg RS256 with our signature", format!("{rsa}.{payload}.{signature}")),
        ("cut header", format!("{cut}.{payload}.{signature}")),
        ("payload of another user", format!("{head}.{others_payload}.{signature}")),
        ("without signature", format!("{head}.{payload}.")),
        ("cut signature", known.token[..known.token.len() - 2].to_owned()),
        ("two parts", format!("{head}.{payload}")),
        ("four parts", format!("{}.{signature}", known.token)),
        ("only dots", "..".to_owned()),
        ("not base64", "你好.世界.！".to_owned()),
        ("garbage", "your_jwt_token".to_owned()),
        ("empty", String::new()),
        ("long garbage", "x".repeat(16 * 1024)),
        ("two tokens", format!("{0} {0}", known.token)),
        ("in quotes", format!("\"{}\"", known.token)),
    ]
}

/// Every endpoint without a token, and the endpoints in turn with forged ones.
fn tokens(known: &Known) -> Vec<Row> {
    let refusal = |name, (method, path)| Row::new(name, method, path).anonymous().gets(401, NO_TOKEN);
    let mut rows: Vec<Row> = endpoints().map(|endpoint| refusal("no token".to_owned(), endpoint)).into();
    for ((name, token), endpoint) in forged_tokens(known).into_iter().zip(endpoints().into_iter().cycle()) {
        rows.push(refusal(format!("token {name}"), endpoint).header("authorization", format!("Bearer {token}")));
    }
    let stats = ("GET", "/api/chat/stats");
    let other_headers = [
        ("scheme Basic", format!("Basic {}", known.token).into_bytes()),
        ("no scheme", known.token.clone().into_bytes()),
        ("scheme only", b"Bearer".to_vec()),
        ("no space after the scheme", format!("Bearer{}", known.token).into_bytes()),
        ("bytes that are no text", b"Bearer \xff\xfe\x80".to_vec()),
    ];
    for (name, value) in other_headers {
        rows.push(refusal(name.to_owned(), stats).header("authorization", value));
    }
    let in_query = format!("/api/chat/stats?token={}", known.token);
    rows.push(Row::new("token in the query", "GET", in_query).anonymous().gets(401, NO_TOKEN));
    rows.push(refusal("token in a cookie".to_owned(), stats).header("cookie", format!("token={}", known.token)));
    rows.push(refusal("no token, bad JSON".to_owned(), ("POST", SEND)).json("{"));
    rows.push(refusal("no token, a large body".to_owned(), ("POST", SEND)).json(vec![b' '; MIB]));
    rows.push(
        refusal("no token, a large file".to_owned(), ("POST", UPLOAD)).body(FORM, form(&[file("a.pdf", 5 * MIB)])),
    );
    rows
}

/// Bodies of `send` that are no message.
fn malformed_messages() -> Vec<Row> {
    let nested = |open: &str, inside: &str, close: &str| {
        format!(r#"{{"message_type":"text","content":{}{inside}{}}}"#, open.repeat(10_000), close.repeat(10_000))
    };
    let utf_16: Vec<u8> =
        r#"{"message_type":"text","content":"a"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(&str, Bytes)> = vec![
        ("nothing", "".into()),
        ("white space", " \r\n\t".into()),
        ("null", "null".into()),
        ("a text", r#""你好""#.into()),
        ("a number", "1".into()),
        ("an empty list", "[]".into()),
        ("the values as a list", r#"["text","你好",null,null]"#.into()),
        ("an empty object", "{}".into()),
        ("type missing", r#"{"content":"你好"}"#.into()),
        ("type null", r#"{"message_type":null,"content":"你好"}"#.into()),
        ("type empty", r#"{"message_type":"","content":"你好"}"#.into()),
        ("type unknown", r#"{"message_type":"audio","content":"你好"}"#.into()),
        ("type in capitals", r#"{"message_type":"TEXT","content":"你好"}"#.into()),
        ("type with a space", r#"{"message_type":"text ","content":"你好"}"#.into()),
        ("type with NUL", r#"{"message_type":"text\u0000","content":"你好"}"#.into()),
        ("type a number", r#"{"message_type":0,"content":"你好"}"#.into()),
        ("type a list", r#"{"message_type":["text"],"content":"你好"}"#.into()),
        ("type an object", r#"{"message_type":{"text":null},"content":"你好"}"#.into()),
        ("content missing", r#"{"message_type":"text"}"#.into()),
        ("content null", r#"{"message_type":"text","content":null}"#.into()),
        ("content a number", r#"{"message_type":"text","content":1}"#.into()),
        ("content negative", r#"{"message_type":"text","content":-1}"#.into()),
        ("content a fraction", r#"{"message_type":"text","content":1.5}"#.into()),
        ("content beyond 64 bits", r#"{"message_type":"text","content":99999999999999999999999999}"#.into()),
        ("content beyond all numbers", r#"{"message_type":"text","content":1e999}"#.into()),
        ("content true", r#"{"message_type":"text","content":true}"#.into()),
        ("content a list", r#"{"message_type":"text","content":["你好"]}"#.into()),
        ("content an object", r#"{"message_type":"text","content":{"text":"你好"}}"#.into()),
        ("content twice", r#"{"message_type":"text","content":"a","content":"b"}"#.into()),
        ("reply_to a number", r#"{"message_type":"text","content":"你好","reply_to":1}"#.into()),
        ("reply_to an object", r#"{"message_type":"text","content":"你好","reply_to":{}}"#.into()),
        ("client_id a number", r#"{"message_type":"text","content":"你好","client_id":1}"#.into()),
        ("cut off", r#"{"message_type":"text","content":"你"#.into()),
        ("more behind it", r#"{"message_type":"text","content":"你好"}{}"#.into()),
        ("single quotes", "{'message_type':'text','content':'a'}".into()),
        ("a comment", r#"{"message_type":"text",/* hi */"content":"你好"}"#.into()),
        ("a comma at the end", r#"{"message_type":"text","content":"你好",}"#.into()),
        ("two byte order marks", "\u{feff}\u{feff}{\"message_type\":\"text\",\"content\":\"a\"}".into()),
        ("UTF-16", utf_16.into()),
        ("bytes that are no UTF-8", b"{\"message_type\":\"text\",\"content\":\"\xff\xfe\"}".as_slice().into()),
        ("an overlong NUL", b"{\"message_type\":\"text\",\"content\":\"\xc0\x80\"}".as_slice().into()),
        (
            "half a surrogate pair in bytes",
            b"{\"message_type\":\"text\",\"content\":\"\xed\xa0\x80\"}".as_slice().into(),
        ),
        ("half a surrogate pair", r#"{"message_type":"text","content":"\ud800"}"#.into()),
        ("a bare line break in a text", "{\"message_type\":\"text\",\"content\":\"a\r\nb\"}".into()),
        ("a bare NUL in a text", "{\"message_type\":\"text\",\"content\":\"a\0b\"}".into()),
        ("10,000 lists in each other", nested("[", "1", "]").into()),
        ("10,000 objects in each other", nested(r#"{"a":"#, "1", "}").into()),
        ("100,000 lists without end", "[".repeat(100_000).into()),
        ("a form", "message_type=text&content=a".into()),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice().into()),
    ];
    let mut rows: Vec<Row> =
        cases.into_iter().map(|(name, body)| Row::new(format!("send: {name}"), "POST", SEND).json(body)).collect();
    rows.push(
        Row::new("send: said to be gzip", "POST", SEND)
            .header("content-encoding", "gzip")
            .json("\x1f\x0b\x08")
            .gets(415, WRONG_TYPE),
    );
    for content_type in ["text/plain", "text/json", URLENCODED, FORM, "application/jsonp", "nonsense"] {
        let row = Row::new(format!("send: content type {content_type}"), "POST", SEND);
        rows.push(row.body(content_type, r#"{"message_type":"text","content":"你好"}"#).gets(415, WRONG_TYPE));
    }
    rows
}

/// Bodies of `send` with a value that cannot be accepted.
fn refused_messages(known: &Known) -> Vec<Row> {
    let message = |content: &str| json!({"message_type": "text", "content": content});
    let with = |key: &str, value: &str| {
        let mut message = message("你好");
        message[key] = value.into();
        message
    };
    let send = |name: &str, body: Value| Row::new(format!("send: {name}"), "POST", SEND).json(body.to_string());
    let mut rows = vec![
        send("content empty", message("")).gets(400, CONTENT_LENGTH),
        send("content of 5001 characters", message(&"x".repeat(5001))).gets(400, CONTENT_LENGTH),
        send("content of 5001 Chinese characters", message(&"好".repeat(5001))).gets(400, CONTENT_LENGTH),
        send("content of 5001 emoji", message(&"🎉".repeat(5001))).gets(400, CONTENT_LENGTH),
        send("content of 120,000 characters", message(&"x".repeat(120_000))).gets(400, CONTENT_LENGTH),
        send("body over 128 KiB", message(&"x".repeat(128 * 1024))).gets(413, BODY_TOO_LARGE),
        send("body of 5 MiB", message(&"x".repeat(5 * MIB))).gets(413, BODY_TOO_LARGE),
    ];
    let replies = [
        ("nothing", ""),
        ("no id", "消息ID"),
        ("someone else's UUID", "550e8400-e29b-41d4-a716-446655440000"),
        ("the nil UUID", "00000000-0000-0000-0000-000000000000"),
        ("the last UUID", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("a message of another room", known.message_in_room.as_str()),
        ("a deleted message", known.deleted_message.as_str()),
        ("NUL", "\0"),
    ];
    for (name, id) in replies {
        rows.push(send(&format!("reply to {name}"), with("reply_to", id)).gets(400, NO_REPLY));
    }
    let long_id = "x".repeat(129);
    for (name, id) in [("empty", ""), ("129 bytes", &long_id), ("spaces", "a b"), ("CR LF", "a\r\nb"), ("NUL", "a\0")] {
        rows.push(send(&format!("client_id {name}"), with("client_id", id)).gets(400, WRONG_CLIENT_ID));
    }
    rows.push(send("client_id no ASCII", with("client_id", "标识")).gets(400, WRONG_CLIENT_ID));
    for (name, key) in [("empty", &b""[..]), ("129 bytes", long_id.as_bytes()), ("no text", b"\xff\x80")] {
        let row = send(&format!("Idempotency-Key {name}"), message("你好"));
        rows.push(row.header("idempotency-key", key).gets(400, WRONG_CLIENT_ID));
    }
    rows
}

/// Unknown room ids, wherever one is expected. A malformed id is refused like an unknown one.
fn unknown_rooms() -> Vec<Row> {
    let long = "x".repeat(8000);
    let ids = [
        ("unknown", "room_a1b2c3d4"),
        ("in capitals", "room_A1B2C3D4"),
        ("GLOBAL", "GLOBAL"),
        ("global with a space", "global%20"),
        ("too short", "room_a1b2c3d"),
        ("too long", "room_a1b2c3d4e"),
        ("no hex", "room_wxyz1234"),
        ("a number", "1"),
        ("negative", "-1"),
        ("a sign among the digits", "room_-0000001"),
        ("beyond 64 bits", "99999999999999999999"),
        ("Chinese", "%E8%81%8A%E5%A4%A9%E5%AE%A4"),
        ("no UTF-8", "%FF%FE"),
        ("NUL", "global%00"),
        ("CR LF", "global%0D%0AX-Evil:%201"),
        ("a path", "..%2F..%2Fglobal"),
        ("a glob", "*"),
        ("a script", "%3Cscript%3E"),
        ("8000 letters", &long),
    ];
    let mut rows = Vec::new();
    for (name, id) in ids {
        let requests = [
            ("GET", format!("{MESSAGES}?room_id={id}")),
            ("POST", format!("{SEND}?room_id={id}")),
            ("POST", format!("{ROOMS}/{id}/join")),
            ("POST", format!("{ROOMS}/{id}/leave")),
        ];
        for (method, path) in requests {
            let row = Row::new(format!("room {name}"), method, path).json(r#"{"message_type":"text","content":"a"}"#);
            rows.push(row.gets(404, NO_ROOM));
        }
        let fields = [file("photo.png", 1024), field("room_id", id.as_bytes())];
        rows.push(
            Row::new(format!("upload: room {name}"), "POST", UPLOAD).body(FORM, form(&fields)).gets(404, NO_ROOM),
        );
    }
    rows.push(Row::new("room twice", "GET", format!("{MESSAGES}?room_id=global&room_id=global")));
    rows.push(Row::new("leave global", "POST", format!("{ROOMS}/global/leave")).gets(400, "不能离开全局聊天室"));
    rows
}

/// Limits and cursors of pages.
fn pages() -> Vec<Row> {
    let limits = [
        ("zero", "0"),
        ("negative", "-1"),
        ("a fraction", "1.5"),
        ("an exponent", "1e2"),
        ("hexadecimal", "0x10"),
        ("beyond 64 bits", "9223372036854775808"),
        ("far beyond 64 bits", "99999999999999999999999999999999"),
        ("a word", "all"),
        ("a list", "[1]"),
        ("with a space", "%2010"),
        ("full-width digits", "%EF%BC%91%EF%BC%90"),
        ("NUL", "10%00"),
        ("no UTF-8", "%FF"),
    ];
    let mut rows = Vec::new();
    for path in [MESSAGES, ROOMS, "/api/chat/online-users"] {
        for (name, limit) in limits {
            rows.push(
                Row::new(format!("limit {name}"), "GET", format!("{path}?limit={limit}")).gets(400, "参数无效: limit"),
            );
        }
        rows.push(Row::new("limit twice", "GET", format!("{path}?limit=1&limit=1")));
    }
    for path in [ROOMS, "/api/chat/online-users"] {
        for cursor in ["0", "-1", "1.5", "x", "99999999999999999999", "1-2-3", "%00", "%FF"] {
            let row = Row::new(format!("cursor {cursor:?}"), "GET", format!("{path}?cursor={cursor}"));
            rows.push(row.gets(400, "参数无效: cursor"));
        }
    }
    rows.push(Row::new("before and after", "GET", format!("{MESSAGES}?before=a&after=b")).gets(400, "参数无效: after"));
    rows.push(Row::new("before twice", "GET", format!("{MESSAGES}?before=a&before=b")));
    rows
}

/// A part of a form: the parameters of its disposition and its content.
type Part = (String, Vec<u8>);

fn field(name: &str, value: impl Into<Vec<u8>>) -> Part {
    (format!(r#"name="{name}""#), value.into())
}

/// The field `file` with a sample of the type of its extension.
fn file(name: &str, size: usize) -> Part {
    let (_, extension) = name.rsplit_once('.').expect("an extension");
    named(name, sample(extension, size))
}

/// The field `file` with a name that is already encoded for the header.
fn named(name: &str, contents: impl Into<Vec<u8>>) -> Part {
    (format!(r#"name="file"; filename="{name}""#), contents.into())
}

fn form(parts: &[Part]) -> Vec<u8> {
    [open_form(parts).as_slice(), b"--b--\r\n"].concat()
}

/// A form without its end.
fn open_form(parts: &[Part]) -> Vec<u8> {
    let mut form = Vec::new();
    for (disposition, contents) in parts {
        form.extend(format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").bytes());
        form.extend(contents);
        form.extend(b"\r\n");
    }
    form
}

/// Bodies of `upload` that are no form.
fn malformed_uploads() -> Vec<Row> {
    let whole = form(&[file("a.txt", 1024)]);
    let cut = |bytes: usize| whole[..bytes].to_vec();
    let picture = || file("photo.png", 1024);
    let many: Vec<Part> = (0..40).map(|number| field(&format!("field{number}"), "x")).collect();
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("empty", FORM, Vec::new()),
        ("no boundary in it", FORM, b"hello".to_vec()),
        ("another boundary", "multipart/form-data; boundary=other", whole.clone()),
        ("boundary missing", "multipart/form-data", whole.clone()),
        ("boundary empty", "multipart/form-data; boundary=", whole.clone()),
        ("cut in its first boundary", FORM, cut(2)),
        ("cut in its headers", FORM, cut(30)),
        ("cut before its contents", FORM, cut(whole.len() - 1024 - 9)),
        ("cut in its contents", FORM, cut(whole.len() - 500)),
        ("cut in its last boundary", FORM, cut(whole.len() - 4)),
        ("cut behind a picture", FORM, open_form(&[picture()])),
        ("cut in a second field", FORM, form(&[picture(), field("room_id", "global")])[..1150].to_vec()),
        ("headers that are none", FORM, b"--b\r\n\xff\xfe: \0\r\n\r\nx\r\n--b--\r\n".to_vec()),
        ("a part without disposition", FORM, b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n".to_vec()),
        ("a part with 100 headers", FORM, format!("--b\r\n{}\r\nx\r\n--b--\r\n", "X-A: b\r\n".repeat(100)).into()),
        ("a header of 100 KiB", FORM, form(&[named(&"x".repeat(100 * 1024), "x")])),
        ("two files", FORM, form(&[picture(), picture()])),
        ("two files of the largest size", FORM, form(&[file("a.pdf", 5 * MIB), file("b.pdf", 5 * MIB)])),
        ("40 fields", FORM, form(&[&[picture()], many.as_slice()].concat())),
        ("a room that is no UTF-8", FORM, form(&[picture(), field("room_id", b"\xff\xfe".as_slice())])),
        ("CR LF in the file's name", FORM, form(&[named("a\r\nb.png", sample("png", 1024))])),
        ("NUL in the file's name", FORM, form(&[named("a\0.png", sample("png", 1024))])),
        ("a control character in the file's name", FORM, form(&[named("a\u{1}.png", sample("png", 1024))])),
        ("JSON in form's clothes", FORM, br#"{"file":"photo.png"}"#.to_vec()),
    ];
    let upload = |(name, content_type, body): (&str, &str, Vec<u8>)| {
        Row::new(format!("upload: {name}"), "POST", UPLOAD).body(content_type, body)
    };
    let mut rows: Vec<Row> = cases.into_iter().map(upload).collect();
    let mut without_type = upload(("no content type", FORM, whole.clone()));
    without_type.headers.clear();
    rows.push(without_type);
    for content_type in [JSON, URLENCODED, "text/plain", "image/png", "application/octet-stream"] {
        let row = upload((content_type, content_type, form(&[picture()])));
        rows.push(row.gets(415, WRONG_TYPE));
    }
    rows
}

/// Forms of `upload` whose file cannot be accepted.
fn refused_uploads() -> Vec<Row> {
    let upload =
        |name: &str, parts: &[Part]| Row::new(format!("upload: {name}"), "POST", UPLOAD).body(FORM, form(parts));
    let missing = "缺少参数: file";
    let mut rows = vec![
        upload("no field", &[]).gets(400, missing),
        upload("only a room", &[field("room_id", "global")]).gets(400, missing),
        upload("under another name", &[(r#"name="photo"; filename="a.png""#.to_owned(), sample("png", 1024))])
            .gets(400, missing),
        upload("a text instead of a file", &[field("file", "photo.png")]).gets(400, "缺少参数: filename"),
        upload("a name of 256 characters", &[file(&format!("{}.png", "x".repeat(252)), 1024)])
            .gets(400, "文件名长度必须在1到255个字符之间"),
        upload("an empty name", &[named("", sample("png", 1024))]).gets(400, "文件名长度必须在1到255个字符之间"),
    ];
    for name in ["..", "../..", "...", "C:\\\\..", "\\\\..\\\\.."] {
        rows.push(upload(&format!("name {name:?}"), &[named(name, "text")]).gets(400, WRONG_FILE_NAME));
    }
    let html = "<!DOCTYPE html><script>alert(1)</script>";
    let late = [vec![b'x'; 200_000], vec![0]].concat();
    let empty_picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0\x08\x02\0\0\0".to_vec();
    let disguised = [
        ("photo", sample("pdf", 1024)),
        ("photo.", sample("txt", 1024)),
        ("setup.exe", sample("exe", 1024)),
        ("photo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("page.html", html.into()),
        ("photo.png.exe", sample("pdf", 1024)),
        ("photo.jpg", sample("pdf", 1024)),
        ("photo.jpg", sample("exe", 1024)),
        ("photo.jpg", Vec::new()),
        ("photo.jpg", sample("jpg", 1024)[..20].to_vec()),
        ("photo.png", sample("png", 1024)[..512].to_vec()),
        ("photo.png", empty_picture),
        ("photo.gif", b"GIF89a".to_vec()),
        ("photo.webp", sample("webp", 1024)[..16].to_vec()),
        ("report.pdf", sample("exe", 1024)),
        ("report.pdf", Vec::new()),
        ("report.doc", sample("docx", 1024)),
        ("report.docx", sample("xlsx", 1024)),
        ("report.xlsx", sample("docx", 1024)),
        ("report.xls", b"PK\x03\x04".to_vec()),
        ("notes.txt", html.into()),
        ("notes.txt", sample("exe", 1024)),
        ("notes.txt", sample("pdf", 1024)),
        ("notes.txt", b"a\0b".to_vec()),
        ("notes.txt", late),
    ];
    for (number, (name, contents)) in disguised.into_iter().enumerate() {
        let what = format!("disguise {number}, {name:?}");
        rows.push(upload(&what, &[named(name, contents)]).gets(415, WRONG_TYPE));
    }
    for name in ["a.pdf", "a.jpg", "a.png", "a.txt", "a.docx"] {
        let row = upload(&format!("10 MiB and a byte of {name}"), &[file(name, 10 * MIB + 1)]);
        rows.push(row.gets(413, FILE_TOO_LARGE));
    }
    rows.push(upload("12 MiB", &[file("a.pdf", 12 * MIB)]).gets(413, FILE_TOO_LARGE));
    for (name, key) in [("129 bytes", "x".repeat(129)), ("empty", String::new())] {
        let row = upload(&format!("Idempotency-Key of {name}"), &[file("a.pdf", 5 * MIB)]);
        rows.push(row.header("idempotency-key", key).gets(400, WRONG_CLIENT_ID));
    }
    rows
}

/// Forms of new rooms.
fn new_rooms() -> Vec<Row> {
    let create =
        |name: &str, parts: &[Part]| Row::new(format!("new room: {name}"), "POST", ROOMS).body(FORM, form(parts));
    let name = |value: &str| field("room_name", value);
    let missing = "缺少参数: room_name";
    let (wrong_name, wrong_description) = ("参数无效: room_name", "参数无效: description");
    let description_length = "聊天室描述长度必须在0到500个字符之间";
    let many: Vec<Part> = (0..40).map(|number| field(&format!("field{number}"), "x")).collect();
    let whole = form(&[name("a")]);
    let raw = |what: &str, content_type: &str, body: Vec<u8>| {
        Row::new(format!("new room: {what}"), "POST", ROOMS).body(content_type, body)
    };
    let mut rows = vec![
        create("no field", &[]).gets(400, missing),
        create("no name", &[field("description", "没有名称")]).gets(400, missing),
        create("name under another name", &[field("name", "a")]).gets(400, missing),
        create("name empty", &[name("")]).gets(400, ROOM_NAME_LENGTH),
        create("name of spaces", &[name("  \u{3000} ")]).gets(400, ROOM_NAME_LENGTH),
        create("name of 101 characters", &[name(&"x".repeat(101))]).gets(400, ROOM_NAME_LENGTH),
        create("name of 101 Chinese characters", &[name(&"名".repeat(101))]).gets(400, ROOM_NAME_LENGTH),
        create("name of 60,000 characters", &[name(&"x".repeat(60_000))]).gets(400, ROOM_NAME_LENGTH),
        create("name of 200 KiB", &[name(&"x".repeat(200 * 1024))]).gets(413, BODY_TOO_LARGE),
        create("name of 5 MiB", &[name(&"x".repeat(5 * MIB))]).gets(413, BODY_TOO_LARGE),
        create("name with NUL", &[name("a\0b")]).gets(400, wrong_name),
        create("name with CR LF", &[name("a\r\nb")]).gets(400, wrong_name),
        create("name with a tab", &[name("a\tb")]).gets(400, wrong_name),
        create("name that is no UTF-8", &[field("room_name", b"\xff\xfe".as_slice())]),
        create("description of 501 characters", &[name("a"), field("description", "描".repeat(501))])
            .gets(400, description_length),
        create("description with NUL", &[name("a"), field("description", "a\0")]).gets(400, wrong_description),
        create("description that is no UTF-8", &[name("a"), field("description", b"\xff".as_slice())]),
        create("40 fields", &[&[name("a")], many.as_slice()].concat()),
        raw("empty", FORM, Vec::new()),
        raw("boundary missing", "multipart/form-data", whole.clone()),
        raw("cut off", FORM, whole[..whole.len() - 10].to_vec()),
        raw("empty form", URLENCODED, Vec::new()).gets(400, missing),
        raw("form with an empty name", URLENCODED, b"room_name=".to_vec()).gets(400, ROOM_NAME_LENGTH),
        raw("form with CR LF", URLENCODED, b"room_name=a%0D%0Ab".to_vec()).gets(400, wrong_name),
        raw("form with NUL", URLENCODED, b"room_name=a%00b".to_vec()).gets(400, wrong_name),
        raw("form that is no UTF-8", URLENCODED, b"room_name=\xff".to_vec()),
        raw("form over 128 KiB", URLENCODED, [b"room_name=".as_slice(), &[b'x'; 128 * 1024]].concat())
            .gets(413, BODY_TOO_LARGE),
        raw("JSON", JSON, br#"{"room_name":"a"}"#.to_vec()).gets(415, WRONG_TYPE),
        raw("plain text", "text/plain", b"room_name=a".to_vec()).gets(415, WRONG_TYPE),
    ];
    rows.push(Row::new("new room: nothing at all", "POST", ROOMS).gets(415, WRONG_TYPE));
    rows
}

/// Messages that do not exist or belong to another user.
fn deletions(known: &Known) -> Vec<Row> {
    let ids = [
        ("no id", "%E6%B6%88%E6%81%AFID"),
        ("someone else's UUID", "550e8400-e29b-41d4-a716-446655440000"),
        ("the nil UUID", "00000000-0000-0000-0000-000000000000"),
        ("the last UUID", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("a number", "1"),
        ("negative", "-1"),
        ("beyond 64 bits", "99999999999999999999"),
        ("NUL", "%00"),
        ("no UTF-8", "%FF"),
        ("CR LF", "a%0D%0Ab"),
        ("a path", "..%2F..%2Fmessages"),
        ("of another room", known.message_in_room.as_str()),
    ];
    let delete = |name: &str, id: &str| Row::new(format!("delete: {name}"), "DELETE", format!("{MESSAGES}/{id}"));
    let mut rows: Vec<Row> = ids.map(|(name, id)| delete(name, id).gets(404, NO_MESSAGE)).into();
    let elsewhere = format!("{}?room_id={}", known.message_of_other, known.room);
    rows.push(delete("in a room where it is not", &elsewhere).gets(404, NO_MESSAGE));
    let nowhere = format!("{}?room_id=room_a1b2c3d4", known.message_of_other);
    rows.push(delete("in a room that is not", &nowhere).gets(404, NO_MESSAGE));
    rows.push(delete("someone else's", &known.message_of_other).gets(403, NOT_ALLOWED));
    rows
}

fn user_ids() -> Vec<Row> {
    let ask = |name: &str, id: &str| Row::new(format!("user {name}"), "GET", format!("/api/chat/user-ip/{id}"));
    let wrong = [
        ("by name", "%E5%BC%A0%E4%B8%89"),
        ("negative", "-1"),
        ("a fraction", "1.5"),
        ("an exponent", "1e3"),
        ("hexadecimal", "0x1"),
        ("beyond 64 bits", "18446744073709551616"),
        ("far beyond 64 bits", "99999999999999999999999999999999"),
        ("full-width", "%EF%BC%91"),
        ("with a space", "%201"),
        ("NUL", "1%00"),
        ("CR LF", "1%0D%0A"),
        ("no UTF-8", "%FF"),
        ("a path", "..%2F1"),
    ];
    let mut rows: Vec<Row> = wrong.map(|(name, id)| ask(name, id).gets(400, "参数无效: user_id")).into();
    for (name, id) in [("zero", "0"), ("unknown", "999"), ("the last of 64 bits", "18446744073709551615")] {
        rows.push(ask(name, id).gets(404, "用户不在线"));
    }
    rows
}

/// Unknown paths and methods.
fn paths_and_methods() -> Vec<Row> {
    let nowhere = [
        "/api/chat",
        "/api/chat/",
        "/api/chat/nothing-here",
        "/api/chat/send/",
        "/api/chat/SEND",
        "/api/chat//send",
        "/api/chat/messages/",
        "/api/chat/messages/a/b",
        "/api/chat/rooms/global",
        "/api/chat/rooms/global/delete",
        "/api/chat/rooms//join",
        "/api/chat/user-ip/",
        "/api/chat/%2E%2E%2Fstats",
        "/api/chat/stats%00",
        "/api/chat/%FF",
    ];
    let mut rows: Vec<Row> =
        nowhere.map(|path| Row::new(format!("path {path}"), "GET", path).gets(404, NO_PATH)).into();
    let wrong = [
        ("GET", SEND),
        ("PUT", UPLOAD),
        ("POST", MESSAGES),
        ("POST", "/api/chat/online-users"),
        ("DELETE", "/api/chat/stats"),
        ("PUT", ROOMS),
        ("GET", "/api/chat/rooms/global/join"),
        ("DELETE", "/api/chat/rooms/global/leave"),
        ("PATCH", ROOMS),
        ("GET", "/api/chat/messages/550e8400-e29b-41d4-a716-446655440000"),
        ("POST", "/api/chat/user-ip/1"),
        ("GET", "/api/chat/heartbeat"),
        ("BREW", "/api/chat/heartbeat"),
        ("OPTIONS", SEND),
    ];
    rows.extend(wrong.map(|(method, path)| Row::new(format!("method {method}"), method, path).gets(405, NO_METHOD)));
    let without = Row::new("method without token", "GET", SEND).anonymous();
    rows.push(without.gets(405, NO_METHOD));
    for path in
        ["/api/v1/auth", "/api/v1/auth/", "/api/v1/auth/nothing-here", "/api/v1/auth/login/", "/api/v1/auth/%00"]
    {
        rows.push(Row::new(format!("path {path}"), "POST", path).anonymous().gets(404, "Not found"));
    }
    for (method, path) in [("GET", REGISTER), ("PUT", LOG_IN), ("DELETE", REGISTER), ("BREW", LOG_IN)] {
        rows.push(Row::new(format!("method {method}"), method, path).anonymous().gets(405, "Method not allowed"));
    }
    rows
}

/// Bodies without a valid user name and password, for registration and login alike.
fn malformed_credentials(path: &'static str) -> Vec<Row> {
    let cases: Vec<(&str, Bytes)> = vec![
        ("nothing", "".into()),
        ("null", "null".into()),
        ("a list", r#"["newuser","your_strong_password"]"#.into()),
        ("an empty object", "{}".into()),
        ("no name", r#"{"password":"your_strong_password"}"#.into()),
        ("no password", r#"{"username":"newuser"}"#.into()),
        ("name empty", r#"{"username":"","password":"your_strong_password"}"#.into()),
        ("password empty", r#"{"username":"newuser","password":""}"#.into()),
        ("name null", r#"{"username":null,"password":"your_strong_password"}"#.into()),
        ("name a number", r#"{"username":1,"password":"your_strong_password"}"#.into()),
        ("name a list", r#"{"username":["newuser"],"password":"your_strong_password"}"#.into()),
        ("password a number", r#"{"username":"newuser","password":123456}"#.into()),
        ("password an object", r#"{"username":"newuser","password":{"$ne":""}}"#.into()),
        ("name twice", r#"{"username":"a","username":"b","password":"your_strong_password"}"#.into()),
        ("cut off", r#"{"username":"newuser","pass"#.into()),
        ("bytes that are no UTF-8", b"{\"username\":\"\xff\",\"password\":\"your_strong_password\"}".as_slice().into()),
        ("100,000 lists without end", "[".repeat(100_000).into()),
    ];
    let name_of = |name: &str| format!("{path}: {name}");
    let row = |(name, body): (&str, Bytes)| Row::new(name_of(name), "POST", path).anonymous().json(body);
    let mut rows: Vec<Row> = cases.into_iter().map(|case| row(case).gets(400, CREDENTIALS_REQUIRED)).collect();
    rows.push(
        row(("over 128 KiB", credentials(&"x".repeat(128 * 1024), "your_strong_password"))).gets(413, "Too large"),
    );
    for content_type in ["text/plain", URLENCODED, FORM] {
        let row = Row::new(name_of(content_type), "POST", path).anonymous();
        rows.push(
            row.body(content_type, credentials("newuser", "your_strong_password"))
                .gets(415, "Unsupported content type"),
        );
    }
    rows
}

fn credentials(name: &str, password: &str) -> Bytes {
    json!({"username": name, "password": password}).to_string().into()
}

/// The start of a value, enough to distinguish rows.
fn start(text: &str) -> String {
    format!("{:?}", text.chars().take(20).collect::<String>())
}

fn registrations() -> Vec<Row> {
    let mut rows = malformed_credentials(REGISTER);
    let register = |name: &str, password: &str, status: u16, text: &'static str| {
        let what = format!("register {} with {}", start(name), start(password));
        Row::new(what, "POST", REGISTER).anonymous().json(credentials(name, password)).gets(status, text)
    };
    for name in ["   ", &"x".repeat(33), &"名".repeat(33), &"x".repeat(100_000), "\u{fdfa}\u{fdfa}"] {
        rows.push(register(name, "your_strong_password", 400, USER_NAME_LENGTH));
    }
    // Control, zero-width, bidirectional and filler characters; Latin with Cyrillic and with Greek look-alikes.
    let deceptive = [
        "a\0b",
        "a\r\nb",
        "a\tb",
        "a\u{7f}",
        "a\u{85}b",
        "a\u{200b}b",
        "a\u{feff}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "\u{3164}",
        "p\u{430}ypal",
        "\u{3b1}lice",
    ];
    for name in deceptive {
        rows.push(register(name, "your_strong_password", 400, WRONG_USER_NAME));
    }
    for password in ["12345", "五个字密码", &"x".repeat(72), &"密".repeat(24), &"x".repeat(100_000)] {
        rows.push(register("newuser", password, 400, PASSWORD_LENGTH));
    }
    rows.push(register("newuser", "pass\0word", 400, "Password is not valid"));
    // Taken by another user, also in other widths, or reserved for the server.
    for name in ["张三", " 张三 ", "Ｗａｎｇ", "WANG", "系统"] {
        rows.push(register(name, "your_strong_password", 409, "Username already exists"));
    }
    rows
}

fn logins() -> Vec<Row> {
    let mut rows = malformed_credentials(LOG_IN);
    let cases = [
        ("nobody", "your_strong_password"),
        ("张三", "wrong password"),
        ("张三", "YOUR_STRONG_PASSWORD"),
        ("张三", "your_strong_password "),
        ("张三", "short"),
        ("张三", "your_strong_password\0"),
        ("张三\0", "your_strong_password"),
        ("张三\r\n*", "your_strong_password"),
        ("*", "your_strong_password"),
        ("' OR 1=1 --", "your_strong_password"),
    ];
    let long = "x".repeat(100_000);
    for (name, password) in cases.into_iter().chain([("张三", long.as_str()), (long.as_str(), "your_strong_password")])
    {
        let what = format!("log in as {} with {}", start(name), start(password));
        let row = Row::new(what, "POST", LOG_IN).anonymous().json(credentials(name, password));
        rows.push(row.gets(401, WRONG_CREDENTIALS));
    }
    rows
}
