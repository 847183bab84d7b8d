//! Messages as document 000 and its extension print them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::common::{absolute, content, utc_millis, utc_seconds};
use crate::domain::{
    Mentions, Message, MessageId, MessageKind, Notice, NoticeKind, Origin, Reaction, Reactions, UserRef,
};

/// A message. In a history it has no room, because the history has it.
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

/// The message of which another is a copy. Readers of the copy may have no access to its room.
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
pub(super) struct MentionView<'a> {
    /// The user; `null` for all members.
    #[schema(required)]
    user_id: Option<u64>,
    /// The name as it stands in the text, behind an `@`.
    name: &'a str,
}

impl<'a> MentionView<'a> {
    /// All of them, those of all members last.
    pub(super) fn all(mentions: &'a Mentions) -> Vec<Self> {
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

/// A change of membership, for clients that show it in their own language.
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
