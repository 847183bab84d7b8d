//! The requests for the old data, in this order.

use serde_json::{Value, json};

use super::USERS;
use super::life::Lived;
use crate::support::room_id;

/// All questions.
pub fn questions(lived: &Lived) -> Vec<Value> {
    let asked_about = [lived.in_group.as_slice(), &lived.in_direct].concat();
    let mut questions = lists();
    questions.extend(statuses(&asked_about));
    for room in [1, lived.public, lived.group, lived.direct] {
        questions.extend(histories(room));
    }
    questions.extend(private_histories());
    // Now that all was read.
    questions.extend(lists());
    questions.extend(statuses(&asked_about));
    questions.extend(lived.retries.iter().cloned());
    for (room, messages) in [(1, &lived.in_global), (lived.group, &lived.in_group), (lived.direct, &lived.in_direct)] {
        let payload = json!({"rooms": {room.to_string(): places(&messages[0]).1}});
        let frame = json!({"type": "resume", "payload": payload});
        questions.push(json!({"as": "alice", "socket": "/ws?ext=1", "frame": frame, "until": "resumed"}));
    }
    questions
}

/// A request with an answer.
pub fn question(name: &str, method: &str, path: impl Into<String>, body: Value) -> Value {
    json!({"as": name, "method": method, "path": path.into(), "body": body})
}

/// The number that other documents print for a message of document 003, and its place in the log.
pub fn places(id: &str) -> (u64, String) {
    let id = chinwag::domain::MessageId::from_uuid(id.parse().expect("a UUID")).expect("ours");
    (id.to_integer(), id.entry.to_string())
}

fn lists() -> Vec<Value> {
    let paths = ["/api/v1/conversations", "/api/v1/rooms", "/api/chat/rooms", "/api/v1/me", "/api/v1/user/profile"];
    USERS.iter().flat_map(|name| paths.map(|path| question(name, "GET", path, Value::Null))).collect()
}

fn statuses(ids: &[String]) -> Vec<Value> {
    let ask = |name: &str, id: &String| {
        question(name, "POST", "/api/chat/message/status", json!({"message_id": places(id).0}))
    };
    ids.iter().flat_map(|id| ["alice", "bob"].map(|name| ask(name, id))).collect()
}

/// Pages of a room: in every document by its members, in one by others.
fn histories(room: u64) -> Vec<Value> {
    let id = room_id(room);
    let mut questions = Vec::new();
    for name in USERS {
        let page = question(name, "GET", format!("/api/chat/messages?room_id={id}&limit=4"), Value::Null);
        questions.push(question(name, "GET", format!("/api/v1/rooms/{room}/members"), Value::Null));
        questions.push(page);
        if name == "alice" || name == "bob" {
            questions.extend(pages(name, room, &id));
        }
    }
    questions
}

fn pages(name: &str, room: u64, id: &str) -> Vec<Value> {
    let paths = [
        format!("/api/chat/messages?room_id={id}"),
        format!("/api/v1/chat/messages?group_id={id}&limit=4&offset=3"),
        format!("/api/v1/search?kind=message&q=plan&room_id={room}"),
    ];
    let mut questions: Vec<Value> = paths.map(|path| question(name, "GET", path, Value::Null)).into();
    for (page, path) in [(1, "/ws"), (2, "/ws?ext=1")] {
        let body = json!({"room_id": room, "page": page, "page_size": 5});
        questions.push(question(name, "POST", "/api/chat/history/room", body.clone()));
        let frame = json!({"type": "fetch_history", "payload": body});
        questions.push(json!({"as": name, "socket": path, "frame": frame, "until": "message_history"}));
    }
    questions
}

fn private_histories() -> Vec<Value> {
    let mut questions = Vec::new();
    for (name, other) in [("alice", 2), ("bob", 1), ("alice", 3), ("dave", 1)] {
        let body = json!({"user_id": other, "page": 1, "page_size": 3});
        questions.push(question(name, "POST", "/api/chat/history/private", body));
        let path = format!("/api/v1/chat/messages?receiver_id={other}");
        questions.push(question(name, "GET", path, Value::Null));
    }
    questions
}
