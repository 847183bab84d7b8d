//! Wire types of document 003, with exactly its keys and types. Absent optional fields are `null`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::times::Times;
use crate::domain::{Attachment, ListedRoom, Message, MessageKind, OnlineUser};

/// Kinds of message in this document. Deserialized from a string, because a derived `Deserialize` would also accept
/// `{"text": null}`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub(super) enum MessageType {
    Text,
    File,
    Image,
    System,
}

impl TryFrom<String> for MessageType {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Ok(match text.as_str() {
            "text" => Self::Text,
            "file" => Self::File,
            "image" => Self::Image,
            "system" => Self::System,
            _ => return Err("unknown message type"),
        })
    }
}

impl From<MessageType> for MessageKind {
    fn from(kind: MessageType) -> Self {
        match kind {
            MessageType::Text => Self::Text,
            MessageType::File => Self::File,
            MessageType::Image => Self::Image,
            MessageType::System => Self::System,
        }
    }
}

impl From<MessageKind> for MessageType {
    /// Kinds that this document lacks: audio and video are files, emoji is text.
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text | MessageKind::Emoji => Self::Text,
            MessageKind::Image => Self::Image,
            MessageKind::File | MessageKind::Audio | MessageKind::Video => Self::File,
            MessageKind::System => Self::System,
        }
    }
}

/// The body of `POST /api/chat/send`.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"message_type": "text", "content": "消息内容", "reply_to": null}))]
pub(super) struct SendBody {
    pub(super) message_type: MessageType,
    /// 1–5000 characters.
    #[schema(min_length = 1, max_length = 5000)]
    pub(super) content: String,
    /// Id of the message that this one replies to.
    pub(super) reply_to: Option<String>,
    /// The sender's own id of the message: a retry with the same id returns the first message. The header
    /// `Idempotency-Key` has the same effect.
    #[schema(max_length = 128)]
    pub(super) client_id: Option<String>,
}

/// Query of the routes that concern one room.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RoomQuery {
    /// The room; `global` when absent.
    pub(super) room_id: Option<String>,
}

/// Query of `GET /api/chat/messages`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// The room; `global` when absent.
    pub(super) room_id: Option<String>,
    /// Maximum number of messages: 50 when absent, at most 100.
    #[param(value_type = Option<i64>, minimum = 1)]
    pub(super) limit: Option<String>,
    /// Lists messages before this one, newest first.
    pub(super) before: Option<String>,
    /// Lists messages after this one, oldest first. Excludes `before`.
    pub(super) after: Option<String>,
}

/// Query of the lists.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Maximum number of entries: 10,000 when absent.
    #[param(value_type = Option<i64>, minimum = 1)]
    pub(super) limit: Option<String>,
    /// The header `X-Next-Cursor` of the previous page.
    pub(super) cursor: Option<String>,
}

/// A message.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "550e8400-e29b-41d4-a716-446655440000", "sender_id": 1, "sender_name": "张三",
    "message_type": "text", "content": "你好，世界！", "file_url": null, "file_name": null,
    "file_size": null, "timestamp": "2024-01-15T10:30:00Z", "reply_to": null
}))]
pub(super) struct ChatMessage<'a> {
    id: String,
    sender_id: u64,
    sender_name: &'a str,
    message_type: MessageType,
    content: &'a str,
    #[schema(required)]
    file_url: Option<&'a str>,
    #[schema(required)]
    file_name: Option<&'a str>,
    #[schema(required)]
    file_size: Option<u64>,
    timestamp: String,
    #[schema(required)]
    reply_to: Option<String>,
}

impl<'a> ChatMessage<'a> {
    pub(super) fn of(message: &'a Message, times: &Times) -> Self {
        let file = message.attachment.as_ref();
        Self {
            id: message.id.to_uuid().to_string(),
            sender_id: message.sender.id.0,
            sender_name: &message.sender.name,
            message_type: message.kind.into(),
            content: &message.text,
            file_url: file.and_then(Attachment::address),
            file_name: file.and_then(|file| file.name.as_deref()),
            file_size: file.and_then(|file| file.size),
            timestamp: times.print(message.id.entry.at_ms),
            reply_to: message.reply_to.map(|id| id.to_uuid().to_string()),
        }
    }
}

/// The last message of a listed room, with the six keys of the document's example.
#[derive(Serialize, ToSchema)]
pub(super) struct LastMessage<'a> {
    id: String,
    sender_id: u64,
    sender_name: &'a str,
    message_type: MessageType,
    content: Cow<'a, str>,
    timestamp: String,
}

/// A room in the list.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "global", "name": "全局聊天室", "description": "所有用户的公共聊天室", "members": [1, 2, 3, 4, 5],
    "created_at": "2024-01-15T08:00:00Z",
    "last_message": {
        "id": "550e8400-e29b-41d4-a716-446655440000", "sender_id": 1, "sender_name": "张三",
        "message_type": "text", "content": "你好，世界！", "timestamp": "2024-01-15T10:30:00Z"
    }
}))]
pub(super) struct ChatRoom<'a> {
    id: String,
    name: &'a str,
    #[schema(required)]
    description: Option<&'a str>,
    members: Vec<u64>,
    created_at: String,
    /// `null` in a room without messages.
    #[schema(required)]
    last_message: Option<LastMessage<'a>>,
}

impl<'a> ChatRoom<'a> {
    pub(super) fn of(room: &'a ListedRoom, times: &Times, base_url: &str) -> Self {
        let card = &*room.card;
        Self {
            id: card.id.to_string(),
            name: &card.name,
            description: Some(card.description.as_str()).filter(|text| !text.is_empty()),
            members: room.members().into_iter().map(|user| user.0).collect(),
            created_at: times.print(card.created_at_ms),
            last_message: card.last_message.as_ref().map(|message| LastMessage {
                id: message.id.to_uuid().to_string(),
                sender_id: message.sender.id.0,
                sender_name: &message.sender.name,
                message_type: message.kind.into(),
                content: match message.seen_at(base_url) {
                    Cow::Borrowed(message) => Cow::Borrowed(message.text.as_str()),
                    Cow::Owned(message) => Cow::Owned(message.text),
                },
                timestamp: times.print(message.id.entry.at_ms),
            }),
        }
    }
}

/// An online user.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "user_id": 1, "username": "张三", "ip": "192.168.1.100",
    "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
    "login_time": "2024-01-15T09:00:00Z", "last_activity": "2024-01-15T10:30:00Z"
}))]
pub(super) struct OnlineEntry<'a> {
    user_id: u64,
    username: &'a str,
    ip: &'a str,
    user_agent: &'a str,
    login_time: String,
    last_activity: String,
}

impl<'a> OnlineEntry<'a> {
    pub(super) fn of(user: &'a OnlineUser, shows_address: bool, times: &Times) -> Self {
        let (ip, user_agent) = if shows_address { (&*user.ip, &*user.user_agent) } else { ("", "") };
        Self {
            user_id: user.id.0,
            username: &user.name,
            ip,
            user_agent,
            login_time: times.print(user.logged_in_at_ms),
            last_activity: times.print(user.active_at_ms),
        }
    }
}

/// Statistics.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"online_users_count": 15, "total_messages_today": 256, "active_rooms": 8}))]
pub(super) struct ChatStats {
    pub(super) online_users_count: u64,
    pub(super) total_messages_today: u64,
    pub(super) active_rooms: u64,
}

/// A confirmation.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    #[schema(example = "成功加入聊天室")]
    pub(super) message: &'static str,
}

/// The form of `POST /api/chat/rooms`.
#[derive(ToSchema)]
#[schema(example = json!({"room_name": "项目讨论", "description": "可选"}))]
#[expect(dead_code, reason = "describes the form in OpenAPI; the handler reads the fields by name")]
pub(super) struct CreateRoomForm {
    #[schema(min_length = 1, max_length = 100)]
    room_name: String,
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// A new room.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"room_id": "room_a1b2c3d4", "message": "聊天室创建成功"}))]
pub(super) struct CreatedRoom {
    pub(super) room_id: String,
    pub(super) message: &'static str,
}

/// The form of `POST /api/chat/upload`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in OpenAPI; the handler reads the fields by name")]
pub(super) struct UploadForm {
    /// JPEG, PNG, GIF, WebP, PDF, TXT, DOC, DOCX, XLS or XLSX, at most 10 MiB.
    #[schema(format = Binary)]
    file: String,
    /// The room; `global` when absent.
    room_id: Option<String>,
    /// The sender's own id of the message, as in a text message.
    #[schema(max_length = 128)]
    client_id: Option<String>,
}

/// A user's address.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"user_id": 1, "ip": "192.168.1.100"}))]
pub(super) struct UserIp {
    pub(super) user_id: u64,
    pub(super) ip: String,
}

/// The answer to a heartbeat.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "ok", "timestamp": "2024-01-15T10:30:00Z"}))]
pub(super) struct Heartbeat {
    pub(super) status: &'static str,
    pub(super) timestamp: String,
}
