//! The requests that the load consists of, as bytes.

use serde_json::Value;

use crate::common::Result;
use crate::common::client::Response;

const MESSAGE_BYTES: usize = 128;
pub const GLOBAL: &str = "global";

/// A message of 128 bytes.
pub fn send(room: &str, token: &str) -> Vec<u8> {
    let body = format!(r#"{{"content":"{}","message_type":"text"}}"#, text(MESSAGE_BYTES));
    let path = match room {
        GLOBAL => "/api/chat/send".to_owned(),
        room => format!("/api/chat/send?room_id={room}"),
    };
    post(&path, token, "application/json", &body)
}

fn text(bytes: usize) -> String {
    "the quick brown fox jumps over the lazy dog, ".chars().cycle().take(bytes).collect()
}

/// A GET request with the usual headers and `more` of them, each with its line end.
pub fn get(path: &str, token: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{}{more}\r\n", headers(token)).into_bytes()
}

pub fn post(path: &str, token: &str, content_type: &str, body: &str) -> Vec<u8> {
    let (headers, length) = (headers(token), body.len());
    let content = format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
    format!("POST {path} HTTP/1.1\r\n{headers}{content}\r\n{body}").into_bytes()
}

fn headers(token: &str) -> String {
    let authorization = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    format!("Host: 127.0.0.1\r\nUser-Agent: chinwag-bench\r\nAccept: */*\r\n{authorization}")
}

/// The body of a 200.
pub fn json(response: Response<'_>) -> Result<Value> {
    Ok(serde_json::from_slice(response.expect(200)?.body)?)
}
