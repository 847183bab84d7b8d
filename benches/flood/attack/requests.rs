//! What is asked over HTTP. Each kind is within what clients may ask, or just beyond; together they are far beyond the limits.

use serde_json::json;

use crate::common::api::{JSON, PASSWORD, request};
use crate::world::{Flooder, World, longest_text};

const MIB: usize = 1024 * 1024;
/// A picture of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
/// Lists, of which those of rooms have hundreds of entries.
const LISTS: [&str; 6] = [
    "/api/v1/conversations",
    "/api/chat/rooms",
    "/api/chat/online-users",
    "/api/v1/rooms",
    "/api/chat/stats",
    "/api/v1/me/sessions",
];
/// Pages that need no token, and lists that refuse whoever has none.
const PAGES: [&str; 6] = ["/", "/docs/", "/openapi.json", "/health/ready", "/metrics", "/api/chat/rooms"];

/// A kind of request.
pub struct Kind {
    pub name: &'static str,
    /// Lanes of each account, and the time between two requests of one.
    pub lanes: usize,
    pub every_ms: u64,
    /// Whether each request comes from another address.
    pub changes_address: bool,
    pub request: fn(&Step<'_>) -> Vec<u8>,
}

/// One request to make.
pub struct Step<'a> {
    pub world: &'a World,
    pub account: usize,
    pub number: usize,
}

const fn kind(name: &'static str, lanes: usize, every_ms: u64, request: fn(&Step<'_>) -> Vec<u8>) -> Kind {
    Kind { name, lanes, every_ms, changes_address: false, request }
}

pub const KINDS: [Kind; 17] = [
    kind("sends, document 003", 8, 50, send_chatroom),
    kind("sends, document 001", 4, 50, send_envelope),
    kind("histories of 1,000, document 002", 8, 20, history_messenger),
    kind("histories of 1,000, document 001", 4, 20, history_envelope),
    kind("pages, document 003", 8, 5, page_chatroom),
    kind("lists", 8, 20, list),
    kind("searches in messages", 4, 50, search_messages),
    kind("searches for names", 2, 50, search_names),
    kind("joining and leaving", 4, 25, join_or_leave),
    kind("adding and removing honest users", 4, 25, add_or_remove),
    kind("rooms", 1, 100, make_room),
    kind("uploads of 8 MiB", 1, 250, upload_large),
    kind("pictures", 2, 50, upload_pixel),
    kind("bodies beyond the limits", 1, 200, too_large),
    kind("pages without a token", 4, 5, page_without_token),
    Kind { changes_address: true, ..kind("wrong passwords", 2, 50, wrong_password) },
    Kind { changes_address: true, ..kind("registrations", 2, 50, register) },
];

impl Step<'_> {
    fn me(&self) -> &Flooder {
        &self.world.flooders[self.account]
    }

    fn get(&self, path: &str) -> Vec<u8> {
        request("GET", path, &self.me().token, JSON, "")
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> Vec<u8> {
        request("POST", path, &self.me().token, JSON, &body.to_string())
    }

    fn full_room(&self) -> &crate::world::Room {
        &self.world.full[self.number % self.world.full.len()]
    }
}

fn send_chatroom(step: &Step<'_>) -> Vec<u8> {
    let rooms = &step.me().rooms;
    let room = match step.number % 4 {
        0 => "global",
        1 => &step.world.public[step.number / 4 % step.world.public.len()].id,
        _ => &rooms[step.number % rooms.len()].id,
    };
    step.post(&format!("/api/chat/send?room_id={room}"), &json!({ "content": longest_text(), "message_type": "text" }))
}

fn send_envelope(step: &Step<'_>) -> Vec<u8> {
    let rooms = &step.me().rooms;
    let group = &rooms[step.number % rooms.len()].id;
    step.post("/api/v1/chat/message", &json!({ "group_id": group, "type": "text", "content": longest_text() }))
}

fn history_messenger(step: &Step<'_>) -> Vec<u8> {
    let body = json!({ "room_id": step.full_room().number, "page": 1, "page_size": 1000 });
    step.post("/api/chat/history/room", &body)
}

fn history_envelope(step: &Step<'_>) -> Vec<u8> {
    step.get(&format!("/api/v1/chat/messages?group_id={}&limit=1000", step.full_room().id))
}

fn page_chatroom(step: &Step<'_>) -> Vec<u8> {
    step.get(&format!("/api/chat/messages?room_id={}&limit=100", step.full_room().id))
}

fn list(step: &Step<'_>) -> Vec<u8> {
    let list = LISTS[step.number % LISTS.len()];
    let Some(head) = step.get(list).strip_suffix(b"\r\n").map(<[u8]>::to_vec) else { return Vec::new() };
    // Every second one has to be compressed.
    let more: &[u8] =
        if (step.number / LISTS.len()).is_multiple_of(2) { b"Accept-Encoding: gzip\r\n\r\n" } else { b"\r\n" };
    [&head, more].concat()
}

fn search_messages(step: &Step<'_>) -> Vec<u8> {
    // Nothing has it, so that all is searched.
    step.get(&format!("/api/v1/search?kind=message&room_id={}&q=nowhere", step.full_room().number))
}

fn search_names(step: &Step<'_>) -> Vec<u8> {
    let kind = if step.number.is_multiple_of(2) { "user" } else { "room" };
    step.get(&format!("/api/v1/search?kind={kind}&q=f&limit=100"))
}

fn join_or_leave(step: &Step<'_>) -> Vec<u8> {
    let room = &step.world.public[step.number / 2 % step.world.public.len()].id;
    let verb = if step.number.is_multiple_of(2) { "leave" } else { "join" };
    step.post(&format!("/api/chat/rooms/{room}/{verb}"), &json!({}))
}

fn add_or_remove(step: &Step<'_>) -> Vec<u8> {
    let pairs = &step.world.pairs;
    let honest = &pairs[step.number / 2 % pairs.len()].reader;
    let room = step.me().rooms[0].number;
    match step.number % 2 {
        0 => step.post(&format!("/api/v1/rooms/{room}/members"), &json!({ "username": honest.name })),
        _ => {
            let path = format!("/api/v1/rooms/{room}/members/{}", honest.id);
            request("DELETE", &path, &step.me().token, JSON, "")
        }
    }
}

fn make_room(step: &Step<'_>) -> Vec<u8> {
    step.post("/api/v1/rooms", &json!({ "name": format!("one more {}", step.number), "is_private": false }))
}

fn upload_large(step: &Step<'_>) -> Vec<u8> {
    upload(step, "/api/v1/upload/file", "file", "notes.txt", &vec![b'a'; 8 * MIB])
}

fn upload_pixel(step: &Step<'_>) -> Vec<u8> {
    upload(step, "/api/v1/upload/image", "image", "pixel.gif", PIXEL)
}

fn too_large(step: &Step<'_>) -> Vec<u8> {
    match step.number % 2 {
        0 => upload(step, "/api/v1/upload/file", "file", "notes.txt", &vec![b'a'; 11 * MIB]),
        _ => step.post("/api/chat/send", &json!({ "content": "a".repeat(MIB), "message_type": "text" })),
    }
}

fn upload(step: &Step<'_>, path: &str, field: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let disposition = format!("Content-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"");
    let body = [format!("--flood\r\n{disposition}\r\n\r\n").as_bytes(), content, b"\r\n--flood--\r\n"].concat();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=flood\r\nContent-Length: {}\r\n\r\n",
        step.me().token,
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

fn page_without_token(step: &Step<'_>) -> Vec<u8> {
    request("GET", PAGES[step.number % PAGES.len()], "", JSON, "")
}

fn wrong_password(step: &Step<'_>) -> Vec<u8> {
    let pairs = &step.world.pairs;
    let account = json!({ "username": pairs[step.number % pairs.len()].writer.name, "password": "not this one" });
    request("POST", "/api/v1/auth/login", "", JSON, &account.to_string())
}

fn register(step: &Step<'_>) -> Vec<u8> {
    let name = format!("newcomer{}x{}", step.account, step.number);
    let account = json!({ "username": name, "password": PASSWORD });
    request("POST", "/api/v1/auth/register", "", JSON, &account.to_string())
}
