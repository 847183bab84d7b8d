//! Wire types of document 000 and of the routes for Chinwag's own client.

use serde::Serialize;
use utoipa::ToSchema;

use super::message::ChatMessage;
use crate::dialects::common::{absolute, utc_millis};
use crate::domain::{
    Conversation, ConversationSettings, Member, MemberRole, MessageId, RoomId, RoomKind, Seq, Session,
};

/// A room of the caller, with the three keys of the document.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": 101, "name": "Project Alpha", "is_private": false}))]
pub(super) struct Room {
    id: u32,
    /// A direct room is named after the other user.
    name: String,
    /// Whether it is a direct room.
    is_private: bool,
}

impl Room {
    pub(super) fn new(id: RoomId, name: String, kind: RoomKind) -> Self {
        Self { id: id.number(), name, is_private: kind == RoomKind::Direct }
    }
}

/// A confirmation.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::Done)]
pub(super) struct Done {
    #[schema(example = "Member added")]
    pub(super) message: &'static str,
}

/// A member of a room.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"user_id": 2, "username": "Alice", "role": "owner", "avatar": "", "status_text": "At lunch"}))]
pub(super) struct MemberEntry {
    user_id: u64,
    username: String,
    /// `owner`, `admin` or `member`.
    role: &'static str,
    /// The address of an avatar; empty for none.
    avatar: String,
    status_text: String,
    /// `true` for the account of an application or a webhook, else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    is_bot: Option<bool>,
}

impl MemberEntry {
    pub(super) fn new(member: Member, base_url: &str) -> Self {
        let role = match member.role {
            MemberRole::Owner => "owner",
            MemberRole::Admin => "admin",
            MemberRole::Member => "member",
        };
        let avatar = absolute(base_url, &member.avatar).into_owned();
        Self {
            user_id: member.id.0,
            username: member.name,
            role,
            avatar,
            status_text: member.status_text,
            is_bot: member.is_bot.then_some(true),
        }
    }
}

/// A login of the caller.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "9f86d081884c7d65", "created_at": "2025-10-26T12:00:00.000Z", "ip": "192.0.2.1",
    "user_agent": "Mozilla/5.0", "active": true, "current": true
}))]
pub(super) struct SessionEntry {
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    ip: String,
    user_agent: String,
    /// Whether its token is still valid.
    active: bool,
    /// Whether its token is the one of the request.
    current: bool,
}

impl From<Session> for SessionEntry {
    fn from(session: Session) -> Self {
        Self {
            id: session.id.to_string(),
            created_at: utc_millis(session.at_ms),
            ip: session.ip,
            user_agent: session.user_agent,
            active: session.is_active,
            current: session.is_current,
        }
    }
}

/// What the caller has set for a conversation.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"notify": "mentions", "pinned": true, "hidden": false}))]
pub(super) struct SettingsView {
    /// Which messages notify the caller: `all`, `mentions` or `none`.
    notify: &'static str,
    /// Whether it is pinned above the others.
    pinned: bool,
    /// Whether it is hidden from the list.
    hidden: bool,
}

impl From<ConversationSettings> for SettingsView {
    fn from(settings: ConversationSettings) -> Self {
        let ConversationSettings { notify, is_pinned, is_hidden } = settings;
        Self { notify: notify.as_str(), pinned: is_pinned, hidden: is_hidden }
    }
}

/// A room of the caller, with its unread count.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 102, "room_id": "room_a1b2c3d4", "name": "Bob", "kind": "direct", "is_private": true, "user_id": 3,
    "avatar": "",
    "last_message": {
        "id": 10405, "user_id": 3, "username": "Bob", "content": "Let's start the meeting.", "is_image": false,
        "created_at": "2025-10-26T11:59:00.000Z", "client_id": null, "reply_to": null, "message_type": "text",
        "text": "Let's start the meeting.", "file_url": null, "file_name": null, "file_size": null,
        "file_pixels": null, "resume": "1-1761479940000"
    },
    "unread": 1, "mentions": 0, "notify": "all", "pinned": false, "hidden": false, "read_id": null, "read_by_other_id": null, "active_at": "2025-10-26T11:59:00.000Z"
}))]
pub(super) struct ConversationEntry<'a> {
    id: u32,
    /// The room's string id, as in documents 001, 003 and 004.
    room_id: String,
    name: &'a str,
    /// `public`, `group` or `direct`.
    kind: &'static str,
    is_private: bool,
    /// The other user of a direct room.
    #[schema(required)]
    user_id: Option<u64>,
    /// `true` when that is the account of an application or a webhook, else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    is_bot: Option<bool>,
    /// The address of the room's avatar, or of the other user's; empty for none.
    avatar: String,
    /// `null` in a room without messages.
    #[schema(required)]
    last_message: Option<ChatMessage<'a>>,
    /// Messages of other users after the last one that the caller has read.
    unread: u64,
    /// Those of them that mention the caller, alone or with all members.
    mentions: u64,
    #[serde(flatten)]
    settings: SettingsView,
    /// The last message that the caller has read.
    #[schema(required)]
    read_id: Option<u64>,
    /// In a direct room the last message that the other user has read.
    #[schema(required)]
    read_by_other_id: Option<u64>,
    #[schema(format = DateTime)]
    active_at: String,
}

impl<'a> ConversationEntry<'a> {
    pub(super) fn new(it: &'a Conversation, caller: crate::domain::UserId, base_url: &str) -> Self {
        let room = it.head.id;
        let id = |seq: Seq| (seq.0 > 0).then(|| integer(room, seq));
        Self {
            id: room.number(),
            room_id: room.to_string(),
            name: &it.name,
            kind: room_kind_word(it.head.kind),
            is_private: it.head.kind == RoomKind::Direct,
            user_id: it.head.other(caller).map(|user| user.0),
            is_bot: it.is_with_bot.then_some(true),
            avatar: absolute(base_url, &it.avatar).into_owned(),
            last_message: it.last_message.as_ref().map(|message| ChatMessage::listed(message, true, base_url)),
            unread: it.unread,
            mentions: it.mentions,
            settings: it.settings.into(),
            read_id: id(it.read),
            read_by_other_id: id(it.read_by_other),
            active_at: utc_millis(it.active_at_ms),
        }
    }
}

/// The name of a kind of room.
pub(super) fn room_kind_word(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Group => "group",
        RoomKind::Direct => "direct",
    }
}

/// The integer id of the message with this seq.
pub(super) fn integer(room: RoomId, seq: Seq) -> u64 {
    MessageId { room, entry: crate::domain::EntryId { seq, at_ms: 0 } }.to_integer()
}

/// A user in search results. It has no other keys, so that a message, which has these as well, is not taken for a user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": 2, "username": "Alice"}))]
pub(super) struct FoundUser {
    pub(super) id: u64,
    pub(super) username: String,
}

/// A room in search results.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": 101, "room_id": "room_a1b2c3d4", "name": "Project Alpha", "kind": "group", "is_private": false}))]
pub(super) struct FoundRoom {
    pub(super) id: u32,
    pub(super) room_id: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) is_private: bool,
}
