//! The WebSocket at `/ws` and the frames that the server sends: document 000, §2, and what `?ext=1` adds.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::conversation_settings::ChangedSettings;
use super::error::text;
use super::message::{ChatMessage, MentionView, ReactionView};
use super::profile::{ChangedMe, ChangedUser};
use super::requests::decode;
use super::room_settings::ChangedRoom;
use super::wire::integer;
use crate::dialects::common::utc_millis;
use crate::domain::{
    Amendment, AmendmentKind, AnnouncedMentions, Event, Field, MentionChange, OwnEvent, RoomEvent, RoomId, UserId,
};
use crate::edge::{Answer, Refusal, Resume, SocketCodec, SocketRoute, Viewer, json as print};
use crate::fanout::{Frame, ResumeReplies, Style};

const CODEC: SocketCodec = SocketCodec {
    name: "webchat",
    has_extension: true,
    decode,
    encode,
    encode_own,
    answer,
    refuse,
    resume_replies,
    resumes: |query| Resume::since(query, |room| RoomId::new(room.parse().ok()?)),
};

/// The WebSocket's path.
pub(super) fn routes() -> Vec<SocketRoute> {
    vec![SocketRoute { path: "/ws".to_owned(), claims: |_| true, codec: CODEC }]
}

#[derive(Serialize)]
struct OutboundFrame<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    payload: T,
}

fn frame<T: Serialize>(kind: &str, payload: T) -> String {
    print(&OutboundFrame { kind, payload })
}

/// An error. With `?ext=1` it says what failed for which request, for programs.
#[derive(Serialize)]
struct ErrorPayload<'a> {
    message: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    extension: Option<ErrorExtension<'a>>,
}

#[derive(Serialize)]
struct ErrorExtension<'a> {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

fn refuse(refusal: &Refusal, viewer: &Viewer) -> String {
    let Refusal { error, subject } = refusal;
    let extension = viewer.is_extended.then(|| ErrorExtension {
        code: error.code(),
        field: error.field().map(field_name),
        client_id: subject.client_id.as_deref(),
        reference: subject.reference.as_deref(),
        retry_after_ms: error.retry_after().map(millis_up),
    });
    frame("error", ErrorPayload { message: text(error), extension })
}

/// The field's name in a payload.
fn field_name(field: Field) -> &'static str {
    match field {
        Field::Limit => "page_size",
        Field::Cursor => "page",
        Field::After => "rooms",
        Field::File => "file_url",
        other => other.name(),
    }
}

/// A duration in milliseconds, rounded up.
fn millis_up(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

fn encode(event: &RoomEvent, style: Style<'_>) -> Option<Frame> {
    let room = event.room.id;
    let room_id = room.number();
    let text = match &event.what {
        // The document has no such messages.
        Event::Message(message) if message.is_from_server() && !style.is_extended => return None,
        Event::Message(message) => match &message.notice {
            Some(notice) => {
                let kind = if notice.kind.is_member_after() { "member_added" } else { "member_removed" };
                let user = &notice.user;
                let message = ChatMessage::pushed(message, true, style.base_url);
                frame(
                    kind,
                    json!({"room_id": room_id, "user_id": user.id.0, "username": user.name, "message": message}),
                )
            }
            None => frame("new_message", ChatMessage::pushed(message, style.is_extended, style.base_url)),
        },
        _ if !style.is_extended => return None,
        Event::Amended(amendment) => amended(room, amendment),
        Event::Read(read) => {
            let (first, last) = (integer(room, read.first), integer(room, read.last));
            let read_at = utc_millis(read.at_ms);
            let payload = json!({
                "room_id": room_id, "user_id": read.user.0, "first_id": first, "id": last, "read_at": read_at
            });
            frame("message_read", payload)
        }
        Event::Typing(user) => {
            frame("typing", json!({"room_id": room_id, "user_id": user.id.0, "username": user.name}))
        }
        Event::Presence(changes) => {
            let users: Vec<Value> = changes
                .iter()
                .map(|it| json!({"user_id": it.user.id.0, "username": it.user.name, "online": it.is_online}))
                .collect();
            frame("presence", json!({"room_id": room_id, "users": users}))
        }
        Event::RoomChanged { by, change } => frame("room_changed", ChangedRoom::new(room, *by, change, style.base_url)),
        Event::RoomRemoved(by) => frame("room_removed", json!({"room_id": room_id, "user_id": by.0})),
        Event::Rewound(_) => not_recovered(room),
    };
    Some(Frame::Same(text))
}

fn amended(room: RoomId, Amendment { id, by, at_ms, what, .. }: &Amendment) -> String {
    let (room_id, id, user_id) = (room.number(), integer(room, id.seq), by.0);
    match what {
        AmendmentKind::Deleted => frame("message_deleted", json!({"room_id": room_id, "id": id, "user_id": user_id})),
        AmendmentKind::Edited(text) => {
            let edited_at = at_ms.map(utc_millis);
            let payload = json!({
                "room_id": room_id, "id": id, "user_id": user_id, "content": text, "edited_at": edited_at
            });
            frame("message_edited", payload)
        }
        AmendmentKind::Mentions(change) => {
            let mut payload = json!({"room_id": room_id, "id": id, "user_id": user_id});
            add_mentions(&mut payload, change);
            frame("mentions_changed", payload)
        }
        AmendmentKind::Reacted { emoji, is_on } => {
            let payload = json!({
                "room_id": room_id, "id": id, "user_id": user_id, "emoji": emoji.as_str(), "on": is_on
            });
            frame("reaction", payload)
        }
        AmendmentKind::Pinned(is_on) => {
            frame("pinned", json!({"room_id": room_id, "id": id, "user_id": user_id, "on": is_on}))
        }
        AmendmentKind::Reactions(reactions) => {
            let payload = json!({"room_id": room_id, "id": id, "reactions": ReactionView::all(reactions)});
            frame("reactions", payload)
        }
    }
}

/// Adds whom a message mentions now and, where that is known, whom it mentioned before; `null` stands for all members.
fn add_mentions(payload: &mut Value, change: &MentionChange) {
    payload["mentions"] = json!(change.now.as_deref().map(MentionView::all).unwrap_or_default());
    if let Some(AnnouncedMentions { before, .. }) = &change.announced {
        let user_id = |user: &UserId| (*user != UserId::SERVER).then_some(user.0);
        payload["before"] = json!(before.iter().map(user_id).collect::<Vec<_>>());
    }
}

fn encode_own(event: &OwnEvent, style: Style<'_>) -> Option<String> {
    match event {
        _ if !style.is_extended => None,
        OwnEvent::SettingsChanged { room, settings } => {
            Some(frame("settings_changed", ChangedSettings::new(*room, *settings)))
        }
        OwnEvent::Mentioned { message, by } => {
            let payload = json!({
                "room_id": message.room.number(), "id": message.to_integer(), "user_id": by.id.0, "username": by.name
            });
            Some(frame("mentioned", payload))
        }
        OwnEvent::ProfilesChanged(changes) => {
            let users: Vec<_> = changes.iter().map(|(user, it)| ChangedUser::new(*user, it, style.base_url)).collect();
            Some(frame("profiles_changed", json!({"users": users})))
        }
        OwnEvent::ProfileChanged(change) => Some(frame("me_changed", ChangedMe::new(change, style.base_url))),
    }
}

#[derive(Serialize)]
struct HistoryAnswer<'a> {
    room_id: u32,
    messages: Vec<ChatMessage<'a>>,
    /// With `?ext=1`, on a page that is shorter than it could be: its oldest messages are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

/// A response with nothing but the reference of its request.
#[derive(Serialize)]
struct ReferenceAnswer<'a> {
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

fn answer(answer: &Answer<'_>, reference: Option<&str>, viewer: &Viewer) -> Option<String> {
    Some(match answer {
        Answer::Alive => frame("pong", ReferenceAnswer { reference }),
        Answer::Done => frame("done", ReferenceAnswer { reference }),
        Answer::History(page, query) => {
            // A page is in ascending order.
            let seen: Vec<_> = page.messages.iter().rev().map(|message| message.seen_at(&viewer.base_url)).collect();
            let messages: Vec<ChatMessage<'_>> =
                seen.iter().map(|message| ChatMessage::listed(message, viewer.is_extended, &viewer.base_url)).collect();
            let room_id = query.room.number();
            frame(
                "message_history",
                HistoryAnswer { room_id, messages, cut: page.is_cut && viewer.is_extended, reference },
            )
        }
    })
}

fn resume_replies(room: RoomId, _: &Viewer) -> ResumeReplies {
    let resumed = frame("resumed", json!({"room_id": room.number()}));
    ResumeReplies { complete: Some(resumed), lost: not_recovered(room) }
}

fn not_recovered(room: RoomId) -> String {
    frame("not_recovered", json!({"room_id": room.number()}))
}
