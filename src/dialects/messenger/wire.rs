//! Wire types of document 002.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::common::{absolute, utc_seconds};
use crate::domain::{Message, MessageKind, Receipts, RoomHead, RoomKind, Status};

/// `private` for direct rooms, `room` for others.
pub(super) fn chat_type(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Direct => "private",
        RoomKind::Public | RoomKind::Group => "room",
    }
}

/// The other user of a private chat, or else the room's number.
pub(super) fn receiver_id(room: &RoomHead, message: &Message) -> u64 {
    room.other(message.sender.id).map_or(u64::from(room.id.number()), |user| user.0)
}

/// The name of a kind. Emoji, which this document lacks, is text.
pub(super) fn message_type(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text | MessageKind::Emoji => "text",
        MessageKind::Image => "image",
        MessageKind::File => "file",
        MessageKind::Audio => "audio",
        MessageKind::Video => "video",
        MessageKind::System => "system",
    }
}

/// The address of the attached file.
pub(super) fn file_url(message: &Message, base_url: &str) -> Option<String> {
    let url = message.attachment.as_ref().and_then(|file| file.address());
    url.map(|url| absolute(base_url, url).into_owned())
}

/// A request for a page of the conversation with a user.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"user_id": 2, "page": 1, "page_size": 20}))]
pub(super) struct PrivateQuery {
    pub(super) user_id: u64,
    /// Number of the page, from 1 for the newest; 1 when absent.
    #[schema(minimum = 1)]
    pub(super) page: Option<i64>,
    /// Messages per page: 20 when absent, at most 1000.
    #[schema(minimum = 1)]
    pub(super) page_size: Option<i64>,
}

/// A request for a page of a room's history.
#[derive(Deserialize, ToSchema)]
#[schema(as = messenger::RoomQuery, example = json!({"room_id": 1, "page": 1, "page_size": 20}))]
pub(super) struct RoomQuery {
    pub(super) room_id: u64,
    /// Number of the page, from 1 for the newest; 1 when absent.
    #[schema(minimum = 1)]
    pub(super) page: Option<i64>,
    /// Messages per page: 20 when absent, at most 1000.
    #[schema(minimum = 1)]
    pub(super) page_size: Option<i64>,
}

/// A request for the status of a message.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"message_id": 1}))]
pub(super) struct StatusQuery {
    pub(super) message_id: u64,
}

/// A successful reply with a page of messages.
#[derive(Serialize, ToSchema)]
pub(super) struct Page {
    #[schema(example = 200)]
    pub(super) code: u16,
    #[schema(example = "success")]
    pub(super) message: &'static str,
    pub(super) data: Vec<HistoryMessage>,
}

/// A message in a history: a row of the document's table.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "sender_id": 1, "receiver_id": 2, "content": "Hello, how are you?", "created_at": "2023-10-01T12:00:00Z",
    "status": "sent", "message_type": "text", "file_url": null, "chat_type": "private"
}))]
pub(super) struct HistoryMessage {
    id: u64,
    sender_id: u64,
    receiver_id: u64,
    content: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// `sent`, `delivered` or `read`.
    status: &'static str,
    message_type: &'static str,
    #[schema(required)]
    file_url: Option<String>,
    chat_type: &'static str,
}

impl HistoryMessage {
    pub(super) fn new(message: Message, room: &RoomHead, receipts: &Receipts) -> Self {
        Self {
            id: message.id.to_integer(),
            sender_id: message.sender.id.0,
            receiver_id: receiver_id(room, &message),
            created_at: utc_seconds(message.id.entry.at_ms),
            status: status_word(receipts.status(&message)),
            message_type: message_type(message.kind),
            file_url: file_url(&message, ""),
            chat_type: chat_type(room.kind),
            content: message.text,
        }
    }
}

/// A successful reply with the delivery status of a message.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageStatus {
    #[schema(example = 200)]
    pub(super) code: u16,
    #[schema(example = "success")]
    pub(super) message: &'static str,
    /// `sent`, `delivered` or `read`.
    #[schema(example = "read")]
    pub(super) status: &'static str,
}

pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read => "read",
    }
}

/// A pushed message: the document's keys, and `receiver_id`, which identifies the room.
#[derive(Serialize)]
pub(super) struct PushedMessage<'a> {
    pub(super) message_id: u64,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) chat_type: &'static str,
    pub(super) sender_id: u64,
    pub(super) receiver_id: u64,
    pub(super) message_type: &'static str,
    pub(super) content: &'a str,
    pub(super) file_url: Option<String>,
    pub(super) created_at: String,
}
