//! Wire types of document 000 and of the routes for Chinwag's own client.

use serde::Serialize;
use utoipa::ToSchema;

use super::conversation_settings::SettingsView;
use crate::dialects::common::{absolute, content, utc_millis, utc_seconds};
use crate::domain::{
    Conversation, Member, MemberRole, Mentions, Message, MessageId, MessageKind, Notice, NoticeKind, Origin, Reaction,
    Reactions, RoomId, RoomKind, Seq, Session, UserRef,
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
    /// The address of a picture; empty for none.
    avatar: String,
    status_text: String,
}

impl MemberEntry {
    pub(super) fn new(member: Member, base_url: &str) -> Self {
        let role = match member.role {
            MemberRole::Owner => "owner",
            MemberRole::Admin => "admin",
            MemberRole::Member => "member",
        };
        let avatar = absolute(base_url, &member.avatar).into_owned();
        Self { user_id: member.id.0, username: member.name, role, avatar, status_text: member.status_text }
    }
}

/// A message. In a history it has no room, which the history itself has.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::ChatMessage)]
pub(super) struct ChatMessage<'a> {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    room_id: Option<u32>,
    user_id: u64,
    username: &'a str,
    content: String,
    is_image: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Extension)] // over HTTP all messages have it
    extension: Option<Extension<'a>>,
}

/// What `?ext=1` adds to a message.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::MessageExtension)]
struct Extension<'a> {
    #[schema(required)]
    client_id: Option<&'a str>,
    #[schema(required)]
    reply_to: Option<u64>,
    message_type: &'static str,
    text: &'a str,
    #[schema(required)]
    file_url: Option<String>,
    #[schema(required)]
    file_name: Option<&'a str>,
    #[schema(required)]
    file_size: Option<u64>,
    /// `[width, height]` in pixels.
    #[schema(required, value_type = Option<Vec<u32>>, min_items = 2, max_items = 2)]
    file_pixels: Option<(u32, u32)>,
    /// The resume token.
    resume: String,
    /// On a message of the server: the change that it reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    notice: Option<NoticeView<'a>>,
    /// When the text was last replaced, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    edited_at: Option<String>,
    /// Who has reacted to it, if anybody has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    reactions: Vec<ReactionView<'a>>,
    /// Whom it mentions, if anybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    mentions: Vec<MentionView<'a>>,
    /// Whether it is pinned to its room; absent if it is not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pinned: bool,
    /// The message of which it is a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    forwarded_from: Option<OriginView<'a>>,
}

/// The message of which another is a copy. Readers of the copy may not know of its room.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::Origin)]
struct OriginView<'a> {
    id: u64,
    room_id: u32,
    user_id: u64,
    /// The sender's name.
    username: &'a str,
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> From<&'a Origin> for OriginView<'a> {
    fn from(Origin { message, sender }: &'a Origin) -> Self {
        Self {
            id: message.to_integer(),
            room_id: message.room.number(),
            user_id: sender.id.0,
            username: &sender.name,
            created_at: utc_millis(message.entry.at_ms),
        }
    }
}

/// A mention in the text of a message.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::Mention)]
struct MentionView<'a> {
    /// The user; `null` for all members.
    #[schema(required)]
    user_id: Option<u64>,
    /// The name as it stands in the text, behind an `@`.
    name: &'a str,
}

impl<'a> MentionView<'a> {
    fn all(mentions: &'a Mentions) -> Vec<Self> {
        let users = mentions.users.iter().map(|user| Self { user_id: Some(user.id.0), name: &user.name });
        users.chain(mentions.everyone.as_deref().map(|name| Self { user_id: None, name })).collect()
    }
}

/// Users who have reacted with the same emoji.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::Reaction)]
pub(super) struct ReactionView<'a> {
    emoji: &'a str,
    /// The users, in the order in which they reacted.
    users: Vec<u64>,
}

impl<'a> ReactionView<'a> {
    pub(super) fn all(reactions: &'a Reactions) -> Vec<Self> {
        let view =
            |it: &'a Reaction| Self { emoji: it.emoji.as_str(), users: it.users.iter().map(|user| user.0).collect() };
        reactions.kinds().iter().map(view).collect()
    }
}

/// A change of membership, for clients that word it in their own language.
#[derive(Serialize, ToSchema)]
struct NoticeView<'a> {
    kind: &'static str,
    actor: UserView<'a>,
    user: UserView<'a>,
}

#[derive(Serialize, ToSchema)]
struct UserView<'a> {
    id: u64,
    username: &'a str,
}

impl<'a> NoticeView<'a> {
    /// `None` if the record has no actor.
    fn of(notice: &'a Notice) -> Option<Self> {
        let kind = match notice.kind {
            NoticeKind::Created => "created",
            NoticeKind::Joined => "joined",
            NoticeKind::Added => "added",
            NoticeKind::Left => "left",
            NoticeKind::Removed => "removed",
        };
        let view = |user: &'a UserRef| UserView { id: user.id.0, username: &user.name };
        Some(Self { kind, actor: view(notice.actor.as_ref()?), user: view(&notice.user) })
    }
}

impl<'a> ChatMessage<'a> {
    /// A pushed message.
    pub(super) fn pushed(message: &'a Message, is_extended: bool, base_url: &str) -> Self {
        let room_id = Some(message.id.room.number());
        Self { room_id, ..Self::listed(message, is_extended, base_url) }
    }

    /// A message in a history.
    pub(super) fn listed(message: &'a Message, is_extended: bool, base_url: &str) -> Self {
        let at_ms = message.id.entry.at_ms;
        let file = message.attachment.as_ref();
        let extension = is_extended.then(|| Extension {
            client_id: message.client_id.as_deref(),
            reply_to: message.reply_to.map(MessageId::to_integer),
            message_type: kind_word(message.kind),
            text: &message.text,
            file_url: file.and_then(|file| file.address()).map(|url| absolute(base_url, url).into_owned()),
            file_name: file.and_then(|file| file.name.as_deref()),
            file_size: file.and_then(|file| file.size),
            file_pixels: file.and_then(|file| file.pixels),
            resume: message.id.entry.to_string(),
            notice: message.notice.as_ref().and_then(NoticeView::of),
            edited_at: message.edited_at_ms.map(utc_millis),
            reactions: message.reactions.as_deref().map(ReactionView::all).unwrap_or_default(),
            mentions: message.mentions.as_deref().map(MentionView::all).unwrap_or_default(),
            pinned: message.is_pinned(),
            forwarded_from: message.forwarded_from.as_deref().map(OriginView::from),
        });
        Self {
            id: message.id.to_integer(),
            room_id: None,
            user_id: message.sender.id.0,
            username: &message.sender.name,
            content: content(message, base_url).into_owned(),
            is_image: message.kind == MessageKind::Image,
            created_at: if is_extended { utc_millis(at_ms) } else { utc_seconds(at_ms) },
            extension,
        }
    }
}

/// The name of a kind in the extension.
pub(super) fn kind_word(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "text",
        MessageKind::Image => "image",
        MessageKind::File => "file",
        MessageKind::Audio => "audio",
        MessageKind::Video => "video",
        MessageKind::Emoji => "emoji",
        MessageKind::System => "system",
    }
}

/// A log-in of the caller.
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
    /// The address of the room's picture, or of the other user's; empty for none.
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

/// A user in search results. It has no other keys, so that a message, which has these as well, is none.
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
