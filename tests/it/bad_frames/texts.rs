//! The table of texts: what is sent, and the expected refusal, word for word.

use serde_json::{Value, json};

use super::{ALL, Dialect, Expected, Known, NO_ROOM, Row, Stage, room_id, world};
use crate::raw_socket::{TEXT, frame};

const NOT_A_STRING: [&str; 5] = ["1", "1.5", "true", "[]", "{}"];
const NOT_A_NUMBER: [&str; 9] = ["\"1\"", "1.5", "-1", "1e3", "18446744073709551616", "true", "[]", "[1]", "{}"];
const MALFORMED: &str = "Malformed request";
const NO_MEMBER: &str = "Room not found or you are not a member.";

fn row(name: impl Into<String>, dialect: Dialect, text: impl AsRef<[u8]>, refusal: Value) -> Row {
    let bytes = frame(TEXT, text.as_ref());
    let name = name.into();
    let page = if name.starts_with("resume") { "rooms" } else { "page" };
    let refusal = if dialect == Dialect::WebchatExt { with_code(refusal, page) } else { refusal };
    Row { name, dialect, bytes, expected: Expected::Frame(refusal) }
}

/// What `?ext=1` adds to an error frame; `page` is the field that the text calls a page.
fn with_code(mut refusal: Value, page: &str) -> Value {
    let (code, field) = match refusal["payload"]["message"].as_str() {
        None => return refusal,
        Some(MALFORMED) => ("malformed", None),
        Some(NO_MEMBER) => ("room_not_found", None),
        Some("Message not found") => ("message_not_found", None),
        Some("Nobody leaves the global room") => ("global_room", None),
        Some("Content must have 1 to 5000 characters") => ("length", Some("content")),
        Some("File must have 1 to 2000 characters") => ("length", Some("file_url")),
        Some("Type is not valid") => ("invalid", Some("type")),
        Some("Message type is not valid") => ("invalid", Some("message_type")),
        Some("Client id is not valid") => ("invalid", Some("client_id")),
        Some("Reply is not valid") => ("invalid", Some("reply_to")),
        Some("Forwarded from is not valid") => ("invalid", Some("forwarded_from")),
        Some("Room id is not valid") => ("invalid", Some("room_id")),
        Some("Page is not valid") => ("invalid", Some(page)),
        Some("Limit is not valid") => ("invalid", Some("page_size")),
        Some(other) => panic!("{other} has no code here"),
    };
    refusal["payload"]["code"] = code.into();
    if let Some(field) = field {
        refusal["payload"]["field"] = field.into();
    }
    refusal
}

pub(super) fn webchat(text: &str) -> Value {
    json!({"type": "error", "payload": {"message": text}})
}

fn envelope(code: u16, text: &str) -> Value {
    let message = if code == 404 { "资源不存在" } else { "请求参数错误" };
    json!({"code": code, "message": message, "error": text})
}

fn messenger(code: u16, text: &str) -> Value {
    json!({"type": "error", "code": code, "message": text})
}

/// A frame to user 1 about a message with this id in this room.
fn imtypes(text: &str, id: &str, room: &str) -> Value {
    json!({"id": id, "type": "system", "content": text, "senderId": "0", "receiverId": "1", "conversationId": room})
}

pub(super) fn malformed(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Webchat => webchat(MALFORMED),
        Dialect::WebchatExt => with_code(webchat(MALFORMED), ""),
        Dialect::Envelope => envelope(400, "请求格式不正确"),
        Dialect::Messenger => messenger(400, "请求格式不正确"),
        Dialect::Imtypes | Dialect::ImtypesExt => imtypes("消息格式不正确", "", ""),
    }
}

/// An object of these fields with raw JSON values, one of them changed, added, or left out (`None`).
fn object(fields: &[(&str, &str)], changed: &str, value: Option<&str>) -> String {
    let mut members: Vec<String> = Vec::new();
    for (name, value) in fields.iter().filter(|(name, _)| *name != changed) {
        members.push(format!("\"{name}\":{value}"));
    }
    members.extend(value.map(|value| format!("\"{changed}\":{value}")));
    format!("{{{}}}", members.join(","))
}

fn broken_json() -> Vec<Row> {
    let deep = |open: &str, count: usize| format!("{{\"a\":{}", open.repeat(count));
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("spaces", b"  \r\n".to_vec()),
        ("null", b"null".to_vec()),
        ("a boolean", b"true".to_vec()),
        ("a number", b"17".to_vec()),
        ("a string", b"\"send_message\"".to_vec()),
        ("a sentence", b"Hello everyone!".to_vec()),
        ("an empty list", b"[]".to_vec()),
        ("a list of what could be fields", br#"["send_message",{"room_id":101,"content":"a"}]"#.to_vec()),
        ("an object in a list", br#"[{"type":"ping"}]"#.to_vec()),
        ("an open object", b"{".to_vec()),
        ("a closed object", b"}".to_vec()),
        ("two objects", br#"{"type":"ping"}{"type":"ping"}"#.to_vec()),
        ("words behind an object", br#"{"type":"ping"} x"#.to_vec()),
        ("single quotes", b"{'type':'ping'}".to_vec()),
        ("a comma too many", br#"{"type":"ping",}"#.to_vec()),
        ("a comment", br#"{"type":"ping" /* ! */}"#.to_vec()),
        ("NaN", br#"{"type":NaN}"#.to_vec()),
        ("a number out of all bounds", br#"{"type":1e999}"#.to_vec()),
        ("half a surrogate", br#"{"type":"\ud800"}"#.to_vec()),
        ("an escape that is none", br#"{"type":"\x70ing"}"#.to_vec()),
        ("a line break in a string", b"{\"type\":\"pi\nng\"}".to_vec()),
        ("two byte order marks", "\u{feff}\u{feff}{\"type\":\"ping\"}".into()),
        ("NULs", vec![0; 100]),
        ("a field twice", br#"{"type":"ping","type":"chat"}"#.to_vec()),
        ("60,000 lists deep", deep("[", 60_000).into()),
        ("20,000 objects deep", deep("{\"a\":", 20_000).into()),
    ];
    let of = |dialect: Dialect| {
        let row = move |(name, text): &(&str, Vec<u8>)| row(*name, dialect, text, malformed(dialect));
        texts.iter().map(row).collect::<Vec<_>>()
    };
    ALL.into_iter().flat_map(of).collect()
}

/// Document 000 with and without `?ext=1`: both refuse the same.
fn of_webchat(known: &Known, dialect: Dialect) -> Vec<Row> {
    let group = known.group.to_string();
    let say = [("room_id", group.as_str()), ("content", "\"a\""), ("is_image", "false")];
    let look = [("room_id", group.as_str()), ("page", "1"), ("page_size", "20")];
    let whole = |kind: &str, payload: &str| format!(r#"{{"type":"{kind}","payload":{payload}}}"#);
    let mut rows = Vec::new();
    let mut add = |name: String, text: String, refusal: &str| rows.push(row(name, dialect, text, webchat(refusal)));

    for kind in ["null", "1", "true", "[]", "{}", "[\"ping\"]"] {
        add(format!("type {kind}"), format!(r#"{{"type":{kind},"payload":{{}}}}"#), MALFORMED);
    }
    add("no type".into(), r#"{"payload":{"room_id":101,"content":"a"}}"#.into(), MALFORMED);
    for kind in ["", "chat", "SEND_MESSAGE", "send_message ", "new_message", "error", "__proto__", "系统"] {
        add(format!("type {kind:?}"), whole(kind, "{}"), "Type is not valid");
    }
    for kind in ["send_message", "fetch_history"] {
        add(format!("{kind} without payload"), format!(r#"{{"type":"{kind}"}}"#), MALFORMED);
        for payload in ["null", "1", "true", "\"a\"", "[]", "[101,\"a\",false]", "{}"] {
            add(format!("{kind} with payload {payload}"), whole(kind, payload), MALFORMED);
        }
    }
    for number in NOT_A_NUMBER.into_iter().chain(["null", "4294967296"]) {
        add(format!("room_id {number}"), whole("send_message", &object(&say, "room_id", Some(number))), MALFORMED);
        add(format!("look at {number}"), whole("fetch_history", &object(&look, "room_id", Some(number))), MALFORMED);
    }
    for number in [0, NO_ROOM, u64::from(u32::MAX), known.foreign, known.foreign_direct] {
        let number = number.to_string();
        add(format!("say in {number}"), whole("send_message", &object(&say, "room_id", Some(&number))), NO_MEMBER);
        add(format!("read {number}"), whole("fetch_history", &object(&look, "room_id", Some(&number))), NO_MEMBER);
    }
    for content in NOT_A_STRING {
        add(format!("content {content}"), whole("send_message", &object(&say, "content", Some(content))), MALFORMED);
    }
    let long = format!("\"{}\"", "字".repeat(5001));
    let too_long = format!("\"{}\"", "x".repeat(100_000));
    for content in [None, Some("null"), Some("\"\""), Some(long.as_str()), Some(too_long.as_str())] {
        let name = format!("content of {:?} bytes", content.map(str::len));
        let text = whole("send_message", &object(&say, "content", content));
        add(name, text, "Content must have 1 to 5000 characters");
    }
    for flag in ["0", "1", "\"true\"", "[]", "{}"] {
        add(format!("is_image {flag}"), whole("send_message", &object(&say, "is_image", Some(flag))), MALFORMED);
    }
    for field in ["page", "page_size"] {
        for number in NOT_A_NUMBER.into_iter().filter(|number| *number != "-1").chain(["9223372036854775808"]) {
            let text = whole("fetch_history", &object(&look, field, Some(number)));
            add(format!("{field} {number}"), text, MALFORMED);
        }
        for number in ["0", "-1", "-9223372036854775808"] {
            let text = whole("fetch_history", &object(&look, field, Some(number)));
            let text_of = if field == "page" { "Page is not valid" } else { "Limit is not valid" };
            add(format!("{field} {number}"), text, text_of);
        }
    }
    if dialect == Dialect::Webchat {
        for kind in [
            "delete_message",
            "edit_message",
            "pin",
            "mark_read",
            "mark_unread",
            "typing",
            "join_room",
            "leave_room",
            "focus",
            "resume",
        ] {
            let payload = format!(r#"{{"room_id":{group},"id":{}}}"#, known.message);
            add(format!("{kind} without ext=1"), whole(kind, &payload), "Type is not valid");
        }
    }
    rows
}

/// What `?ext=1` adds.
fn of_webchat_ext(known: &Known) -> Vec<Row> {
    let (group, message) = (known.group.to_string(), known.message.to_string());
    let say = [("room_id", group.as_str()), ("content", "\"a\"")];
    let about = [("room_id", group.as_str()), ("id", message.as_str())];
    let whole = |kind: &str, payload: &str| format!(r#"{{"type":"{kind}","payload":{payload}}}"#);
    let mut rows = Vec::new();
    let mut add =
        |name: String, text: String, refusal: &str| rows.push(row(name, Dialect::WebchatExt, text, webchat(refusal)));

    let (long_id, long_url) = (format!("\"{}\"", "x".repeat(129)), format!("\"http://{}\"", "x".repeat(2000)));
    let foreign = known.foreign_message.to_string();
    for (field, value, refusal) in [
        ("message_type", "\"system\"", "Message type is not valid"),
        ("message_type", "\"\"", "Message type is not valid"),
        ("message_type", "1", MALFORMED),
        ("client_id", "\"\"", "Client id is not valid"),
        ("client_id", "\"a b\"", "Client id is not valid"),
        ("client_id", "\"标识\"", "Client id is not valid"),
        ("client_id", &long_id, "Client id is not valid"),
        ("client_id", "7", MALFORMED),
        ("file_url", "\"\"", "File must have 1 to 2000 characters"),
        ("file_url", &long_url, "File must have 1 to 2000 characters"),
        ("file_url", "[]", MALFORMED),
        ("file_name", "1", MALFORMED),
        ("file_size", "-1", MALFORMED),
        ("file_size", "\"1\"", MALFORMED),
        ("reply_to", "0", "Reply is not valid"),
        ("reply_to", "18446744073709551615", "Reply is not valid"),
        ("reply_to", &foreign, "Reply is not valid"),
        ("reply_to", "\"1\"", MALFORMED),
        ("forwarded_from", "0", "Forwarded from is not valid"),
        ("forwarded_from", "18446744073709551615", "Forwarded from is not valid"),
        ("forwarded_from", &foreign, "Forwarded from is not valid"),
        ("forwarded_from", "\"1\"", MALFORMED),
    ] {
        add(format!("{field} {value:.40}"), whole("send_message", &object(&say, field, Some(value))), refusal);
    }
    for kind in ["delete_message", "edit_message", "pin", "mark_read", "mark_unread"] {
        let about = [about.as_slice(), &[("content", "\"a\""), ("on", "true")]].concat();
        for id in NOT_A_NUMBER.into_iter().chain(["null"]) {
            add(format!("{kind} of {id}"), whole(kind, &object(&about, "id", Some(id))), MALFORMED);
        }
        add(format!("{kind} of nothing"), whole(kind, &object(&about, "id", None)), MALFORMED);
        for id in ["0", "1", "9007199254740993", "18446744073709551615", &foreign] {
            add(format!("{kind} of {id}"), whole(kind, &object(&about, "id", Some(id))), "Message not found");
        }
        let theirs = format!(r#"{{"room_id":{},"id":{foreign},"content":"a","on":true}}"#, known.foreign);
        add(format!("{kind} of what is in another room"), whole(kind, &theirs), NO_MEMBER);
    }
    for kind in ["typing", "join_room", "leave_room"] {
        for number in [0, NO_ROOM, known.foreign, known.foreign_direct] {
            add(format!("{kind} {number}"), whole(kind, &format!(r#"{{"room_id":{number}}}"#)), NO_MEMBER);
        }
        for number in NOT_A_NUMBER {
            add(format!("{kind} {number}"), whole(kind, &format!(r#"{{"room_id":{number}}}"#)), MALFORMED);
        }
    }
    add("leave the global room".into(), whole("leave_room", r#"{"room_id":1}"#), "Nobody leaves the global room");
    for (rooms, refusal) in [
        ("null", MALFORMED),
        ("[]", MALFORMED),
        ("{\"101\":5}", MALFORMED),
        ("{\"x\":\"1-1\"}", "Room id is not valid"),
        ("{\"-1\":\"1-1\"}", "Room id is not valid"),
        ("{\"0\":\"1-1\"}", NO_MEMBER),
        ("{\"101\":\"\"}", "Page is not valid"),
        ("{\"101\":\"1\"}", "Page is not valid"),
        ("{\"101\":\"a-b\"}", "Page is not valid"),
    ] {
        add(format!("resume {rooms}"), whole("resume", &format!(r#"{{"rooms":{rooms}}}"#)), refusal);
    }
    for number in [NO_ROOM, known.foreign] {
        let text = whole("resume", &format!(r#"{{"rooms":{{"{number}":"1-1"}}}}"#));
        let lost = json!({"type": "not_recovered", "payload": {"room_id": number}});
        rows.push(row(format!("resume {number}"), Dialect::WebchatExt, text, lost));
    }
    rows
}

fn of_envelope(known: &Known) -> Vec<Row> {
    let group = format!("\"{}\"", room_id(known.group));
    let say = [("type", "\"text\""), ("content", "\"a\""), ("group_id", group.as_str())];
    let mut rows = Vec::new();
    let mut add = |field: &str, value: Option<&str>, code: u16, text: &str| {
        let name = format!("{field} {:.40}", value.unwrap_or("absent"));
        rows.push(row(name, Dialect::Envelope, object(&say, field, value), envelope(code, text)));
    };
    for field in ["type", "content", "receiver_id", "group_id", "client_id"] {
        for value in NOT_A_STRING {
            add(field, Some(value), 400, "请求格式不正确");
        }
    }
    for value in [None, Some("null"), Some("\"\"")] {
        add("type", value, 400, "缺少参数: type");
        add("content", value, 400, "缺少参数: content");
        add("group_id", value, 400, "缺少参数: receiver_id");
    }
    for kind in ["\"system\"", "\"audio\"", "\"TEXT\"", "\"chat\""] {
        add("type", Some(kind), 400, "参数无效: type");
    }
    let long = format!("\"{}\"", "字".repeat(5001));
    add("content", Some(&long), 400, "content 的长度必须在 1 到 5000 之间");
    add("client_id", Some("\"a b\""), 400, "参数无效: client_id");
    add("receiver_id", Some("\"2\""), 400, "参数无效: receiver_id");
    let (foreign, direct) = (room_id(known.foreign), room_id(known.foreign_direct));
    for room in [&foreign, &direct, &room_id(NO_ROOM), "room_", "room_zzzzzzzz", "room_123456789", "1", "-", "../x"] {
        add("group_id", Some(&format!("\"{room}\"")), 404, "群组不存在");
    }
    let private = [("type", "\"text\""), ("content", "\"a\"")];
    let mut add = |value: &str, code: u16, text: &str| {
        let text_of = object(&private, "receiver_id", Some(&format!("\"{value}\"")));
        rows.push(row(format!("receiver_id {value}"), Dialect::Envelope, text_of, envelope(code, text)));
    };
    for user in ["0", "999999", "-1", "1.0", "9223372036854775808", "18446744073709551616", "李四", " 2"] {
        add(user, 404, "用户不存在");
    }
    add("1", 400, "私聊只能有两名成员，且不能与自己私聊");
    rows
}

fn of_messenger(known: &Known) -> Vec<Row> {
    let group = known.group.to_string();
    let say = [("type", "\"chat\""), ("chat_type", "\"room\""), ("reveiver_id", group.as_str()), ("content", "\"a\"")];
    let private = [("type", "\"chat\""), ("chat_type", "\"private\""), ("content", "\"a\"")];
    let mut rows = Vec::new();
    let mut add = |base: &[(&str, &str)], field: &str, value: Option<&str>, code: u16, text: &str| {
        let name = format!("{field} {:.40} of {}", value.unwrap_or("absent"), base.len());
        rows.push(row(name, Dialect::Messenger, object(base, field, value), messenger(code, text)));
    };
    for field in ["type", "chat_type", "content", "message_type", "file_url", "client_id"] {
        for value in NOT_A_STRING {
            add(&say, field, Some(value), 400, "请求格式不正确");
        }
    }
    for field in ["reveiver_id", "receiver_id"] {
        for value in NOT_A_NUMBER {
            add(&say, field, Some(value), 400, "请求格式不正确");
        }
    }
    for value in [None, Some("null")] {
        add(&say, "type", value, 400, "缺少参数: type");
        add(&say, "reveiver_id", value, 400, "缺少参数: receiver_id");
        add(&say, "content", value, 400, "content 的长度必须在 1 到 5000 之间");
    }
    for kind in ["\"\"", "\"message\"", "\"error\"", "\"system\"", "\"CHAT\""] {
        add(&say, "type", Some(kind), 400, "参数无效: type");
        add(&say, "message_type", Some(kind), 400, "参数无效: message_type");
        add(&say, "chat_type", Some(kind), 400, "参数无效: chat_type");
    }
    let long = format!("\"{}\"", "字".repeat(5001));
    add(&say, "content", Some(&long), 400, "content 的长度必须在 1 到 5000 之间");
    let long = format!("\"{}\"", "x".repeat(256));
    add(&say, "file_url", Some(&long), 400, "file_url 的长度必须在 1 到 255 之间");
    add(&say, "client_id", Some("\"\""), 400, "参数无效: client_id");
    for room in [0, NO_ROOM, 1 << 32, u64::MAX, known.foreign, known.foreign_direct] {
        add(&say, "reveiver_id", Some(&room.to_string()), 404, "聊天室不存在");
    }
    for user in [0, 999_999, 1 << 53, 1 << 63, u64::MAX] {
        add(&private, "reveiver_id", Some(&user.to_string()), 404, "用户不存在");
        add(&private, "receiver_id", Some(&user.to_string()), 404, "用户不存在");
    }
    add(&private, "reveiver_id", Some("1"), 400, "不能与自己私聊");
    rows
}

fn of_imtypes(known: &Known, dialect: Dialect) -> Vec<Row> {
    let group = room_id(known.group);
    let receiver = format!("\"{group}\"");
    let say = [("type", "\"text\""), ("content", "\"a\""), ("receiverId", receiver.as_str())];
    let mut rows = Vec::new();
    let mut add = |field: &str, value: Option<&str>, text: &str, room: &str| {
        let name = format!("{field} {:.40}", value.unwrap_or("absent"));
        rows.push(row(name, dialect, object(&say, field, value), imtypes(text, "", room)));
    };
    for field in ["type", "id", "content", "receiverId", "fileName", "conversationId"] {
        for value in NOT_A_STRING {
            add(field, Some(value), "消息格式不正确", "");
        }
    }
    for value in NOT_A_NUMBER {
        add("fileSize", Some(value), "消息格式不正确", "");
    }
    add("type", None, "消息格式不正确", "");
    add("type", Some("null"), "消息格式不正确", "");
    for value in [None, Some("null")] {
        add("content", value, "缺少字段: content", &group);
        add("receiverId", value, "缺少字段: receiverId", "");
    }
    for kind in ["", "system", "TEXT", "message_deleted", "not_recovered", "chat"] {
        add("type", Some(&format!("\"{kind}\"")), "字段无效: type", &group);
    }
    let long = format!("\"{}\"", "字".repeat(5001));
    for content in ["\"\"", &long] {
        add("content", Some(content), "content 的长度必须在 1 到 5000 之间", &group);
    }
    for room in [room_id(NO_ROOM), room_id(known.foreign), room_id(known.foreign_direct)] {
        add("receiverId", Some(&format!("\"{room}\"")), "会话不存在", &room);
    }
    for room in ["", "room_", "room_zzzzzzzz", "group_abc", "-1", "1.5", " 2", "../x", "李四"] {
        add("receiverId", Some(&format!("\"{room}\"")), "会话不存在", "");
    }
    for user in ["0", "999999", "9223372036854775808", "18446744073709551616", "99999999999999999999999999"] {
        add("receiverId", Some(&format!("\"{user}\"")), "用户不存在", "");
    }
    add("receiverId", Some("\"1\""), "不能给自己发送消息", "");
    let other = room_id(known.foreign);
    add("conversationId", Some(&format!("\"{other}\"")), "字段无效: conversationId", &other);
    add("conversationId", Some("\"x\""), "字段无效: conversationId", &group);
    for (id, text) in [("a b", "字段无效: id"), ("标识", "字段无效: id")] {
        let frame = object(&say, "id", Some(&format!("\"{id}\"")));
        rows.push(row(format!("id {id}"), dialect, frame, imtypes(text, id, &group)));
    }
    let named = [("id", "\"m-1\""), ("type", "\"poke\""), ("content", "\"a\""), ("receiverId", receiver.as_str())];
    let text = object(&named, "conversationId", Some(&receiver));
    rows.push(row("a refusal names id and room", dialect, text, imtypes("字段无效: type", "m-1", &group)));
    let kinds = ["typing_indicator", "read_receipt"];
    for kind in kinds {
        let (text, room) = match (dialect, kind) {
            (Dialect::ImtypesExt, "typing_indicator") => ("会话不存在", ""),
            (Dialect::ImtypesExt, _) => ("消息不存在", ""),
            _ => ("字段无效: type", ""),
        };
        let other = [("content", "\"0\""), ("receiverId", "\"2\""), ("type", &format!("\"{kind}\""))];
        rows.push(row(kind, dialect, object(&other, "x", None), imtypes(text, "", room)));
    }
    rows
}

#[tokio::test]
async fn texts_that_mean_nothing_are_refused_in_the_documented_words() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    stage.try_table(&broken_json()).await;
    world.stop().await;
}

#[tokio::test]
async fn wrong_fields_are_refused_in_the_documented_words() {
    let world = world().await;
    let mut stage = Stage::new(&world).await;
    let known = &stage.known;
    let rows = [
        of_webchat(known, Dialect::Webchat),
        of_webchat(known, Dialect::WebchatExt),
        of_webchat_ext(known),
        of_envelope(known),
        of_messenger(known),
        of_imtypes(known, Dialect::Imtypes),
        of_imtypes(known, Dialect::ImtypesExt),
    ];
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    assert!(rows.len() >= 300, "{} rows", rows.len());
    stage.try_table(&rows).await;
    world.stop().await;
}
