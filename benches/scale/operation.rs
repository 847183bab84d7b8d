//! The operations whose cost must not grow.

use serde_json::json;

use crate::common::api::{JSON, request};
use crate::common::people::Room;

const CONTENT_BYTES: usize = 128;
const FILLING: &str = "the quick brown fox jumps over the lazy dog, ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A message to a room of ten, none of whom has a socket.
    Send,
    /// The newest messages of such a room.
    History,
    Heartbeat,
    /// A message that reaches a socket in a room of ten, the sending of it included.
    DeliverSmall,
    /// The same in a room of a hundred.
    DeliverLarge,
}

impl Operation {
    pub const ALL: [Self; 5] = [Self::Send, Self::History, Self::Heartbeat, Self::DeliverSmall, Self::DeliverLarge];

    pub fn title(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::History => "history of 50",
            Self::Heartbeat => "heartbeat",
            Self::DeliverSmall => "delivery, rooms of 10",
            Self::DeliverLarge => "delivery, rooms of 100",
        }
    }

    /// Requests a second to each node: together the nodes keep their core busy, but never to the full.
    pub fn rate_per_node(self) -> u32 {
        match self {
            Self::Send => 3000,
            Self::History => 1200,
            Self::Heartbeat => 5000,
            Self::DeliverSmall => 1000,
            Self::DeliverLarge => 250,
        }
    }

    /// Whether sockets receive what is sent.
    pub fn is_delivery(self) -> bool {
        matches!(self, Self::DeliverSmall | Self::DeliverLarge)
    }

    /// What a member of a room sends.
    pub fn request(self, room: &Room, token: &str) -> Vec<u8> {
        match self {
            Self::Send | Self::DeliverSmall | Self::DeliverLarge => send(room, token),
            Self::History => request("GET", &format!("/api/chat/messages?room_id={}", room.id), token, JSON, ""),
            Self::Heartbeat => request("POST", "/api/chat/heartbeat", token, JSON, ""),
        }
    }
}

/// A request that sends a message of 128 bytes.
pub fn send(room: &Room, token: &str) -> Vec<u8> {
    let content: String = FILLING.chars().cycle().take(CONTENT_BYTES).collect();
    let body = json!({ "content": content, "message_type": "text" }).to_string();
    request("POST", &format!("/api/chat/send?room_id={}", room.id), token, JSON, &body)
}
