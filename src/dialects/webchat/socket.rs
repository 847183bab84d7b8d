//! The WebSocket at `/ws`: document 000, §2, and what `?ext=1` adds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::text;
use super::wire::{ChatMessage, integer};
use crate::dialects::common::{skipped, utc_millis};
use crate::domain::{
    Amendment, AmendmentKind, Attachment, ClientId, Content, EntryId, Error, Event, Field, HistoryQuery, Limit,
    MessageId, MessageKind, NewMessage, Result, RoomEvent, RoomId, Seq, Span,
};
use crate::edge::{
    Answer, Command, Refusal, Request, Resume, SocketCodec, SocketRoute, Subject, Viewer, json as print, read_frame,
};
use crate::fanout::{Frame, ResumeReplies, Style};
use crate::service::Receiver;

/// Document 000 shows pages of 20.
const DEFAULT_PAGE_SIZE: i64 = 20;
const MAX_PAGE_SIZE: usize = 1000;
/// Longest reference of a request, in characters.
const REFERENCE_MAX_CHARS: usize = 64;
/// Longest address that a message may carry, in characters.
const URL_MAX_CHARS: usize = 2000;

const CODEC: SocketCodec = SocketCodec {
    name: "webchat",
    has_extension: true,
    decode,
    encode,
    answer,
    refuse,
    resume_replies,
    resumes: |_| Vec::new(),
};

/// The one path.
pub(super) fn routes() -> Vec<SocketRoute> {
    vec![SocketRoute { path: "/ws".to_owned(), claims: |_| true, codec: CODEC }]
}

#[derive(Deserialize)]
struct InboundFrame {
    /// A text. Read as any value, so that a frame without one is refused with its reference.
    #[serde(rename = "type", default)]
    kind: Value,
    #[serde(default)]
    payload: Value,
}

#[derive(Deserialize)]
struct SendPayload {
    room_id: u32,
    #[serde(default)]
    content: String,
    #[serde(default)]
    is_image: bool,
    // With ?ext=1:
    client_id: Option<String>,
    reply_to: Option<u64>,
    message_type: Option<String>,
    file_url: Option<String>,
    file_name: Option<String>,
    file_size: Option<u64>,
}

#[derive(Deserialize)]
struct HistoryPayload {
    room_id: u32,
    page: Option<i64>,
    page_size: Option<i64>,
}

#[derive(Deserialize)]
struct MessagePayload {
    room_id: u32,
    id: u64,
}

#[derive(Deserialize)]
struct RoomPayload {
    room_id: u32,
}

#[derive(Deserialize)]
struct ResumePayload {
    rooms: std::collections::HashMap<String, String>,
}

fn decode(text: &str, viewer: &Viewer) -> Result<Request, Refusal> {
    let InboundFrame { kind, payload } = read_frame(text)?;
    if !viewer.is_extended {
        return Ok(command(&kind, payload, false)?.into());
    }
    let reference = reference(&payload)?;
    let client_id = payload["client_id"].as_str().filter(|id| ClientId::parse(id).is_ok()).map(str::to_owned);
    match command(&kind, payload, true) {
        Ok(command) => Ok(Request { command, reference }),
        Err(error) => Err(Refusal { error, subject: Subject { client_id, room: None, reference } }),
    }
}

/// The client's own id of a request.
fn reference(payload: &Value) -> Result<Option<String>> {
    match &payload["ref"] {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() <= REFERENCE_MAX_CHARS => Ok(Some(text.clone())),
        _ => Err(Error::Invalid(Field::Reference)),
    }
}

fn command(kind: &Value, payload: Value, is_extended: bool) -> Result<Command> {
    match kind.as_str().ok_or_else(|| Error::Malformed("type is no text".to_owned()))? {
        "send_message" => send(read(payload)?, is_extended),
        "fetch_history" => history(&read(payload)?, is_extended),
        "ping" => Ok(Command::Ping),
        "delete_message" if is_extended => message(&read(payload)?).map(|(room, seq)| Command::Delete(room, seq)),
        "mark_read" if is_extended => message(&read(payload)?).map(|(room, seq)| Command::MarkRead(room, seq)),
        "typing" if is_extended => room(read::<RoomPayload>(payload)?.room_id).map(Command::Type),
        "join_room" if is_extended => room(read::<RoomPayload>(payload)?.room_id).map(Command::Join),
        "leave_room" if is_extended => room(read::<RoomPayload>(payload)?.room_id).map(Command::Leave),
        "resume" if is_extended => resume(&read(payload)?),
        _ => Err(Error::Invalid(Field::Type)),
    }
}

fn read<T: serde::de::DeserializeOwned>(payload: Value) -> Result<T> {
    if !payload.is_object() {
        return Err(Error::Malformed("payload is no object".to_owned()));
    }
    serde_json::from_value(payload).map_err(|_| Error::Malformed("payload".to_owned()))
}

fn room(number: u32) -> Result<RoomId> {
    RoomId::new(number).ok_or(Error::RoomNotFound)
}

/// A message that a payload names; its id must belong to its room.
fn message(payload: &MessagePayload) -> Result<(RoomId, Seq)> {
    let room = room(payload.room_id)?;
    let (of, seq) = MessageId::from_integer(payload.id).ok_or(Error::MessageNotFound)?;
    if of == room { Ok((room, seq)) } else { Err(Error::MessageNotFound) }
}

fn send(payload: SendPayload, is_extended: bool) -> Result<Command> {
    let to = room(payload.room_id)?;
    let plain = if payload.is_image { MessageKind::Image } else { MessageKind::Text };
    if !is_extended {
        let text = Content::parse(payload.content)?;
        return Ok(Command::send(Receiver::Room(to), NewMessage::new(plain, text)));
    }
    let kind = payload.message_type.as_deref().map_or(Ok(plain), kind_of)?;
    let client_id = payload.client_id.as_deref().map(ClientId::parse).transpose()?;
    let (text, attachment) = match payload.file_url {
        Some(url) => {
            if url.is_empty() || url.chars().count() > URL_MAX_CHARS {
                return Err(Error::Length { field: Field::File, min: 1, max: URL_MAX_CHARS });
            }
            let file = Attachment { url, name: payload.file_name, size: payload.file_size, ..Attachment::default() };
            (Content::beside_file(payload.content)?, Some(file))
        }
        None => {
            let text = Content::parse(payload.content)?;
            let attachment = Attachment::described(kind, &text, payload.file_name, payload.file_size);
            (text, attachment)
        }
    };
    let reply_to = match payload.reply_to {
        Some(id) => match MessageId::from_integer(id) {
            Some((of, seq)) if of == to => Some(seq),
            _ => return Err(Error::Invalid(Field::ReplyTo)),
        },
        None => None,
    };
    let message = NewMessage::new(kind, text).with_attachment(attachment).with_client_id(client_id);
    Ok(Command::Send { to: Receiver::Room(to), message, reply_to, expected_room: None })
}

fn kind_of(word: &str) -> Result<MessageKind> {
    Ok(match word {
        "text" => MessageKind::Text,
        "image" => MessageKind::Image,
        "file" => MessageKind::File,
        "audio" => MessageKind::Audio,
        "video" => MessageKind::Video,
        "emoji" => MessageKind::Emoji,
        _ => return Err(Error::Invalid(Field::MessageType)),
    })
}

fn history(payload: &HistoryPayload, is_extended: bool) -> Result<Command> {
    let limit = Limit::of_number(payload.page_size.unwrap_or(DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)?;
    let skip = skipped(payload.page.unwrap_or(1), limit.get())?;
    let query = HistoryQuery::new(room(payload.room_id)?, Span::Latest, limit);
    Ok(Command::History(HistoryQuery { skip, include_system: is_extended, ..query }))
}

fn resume(payload: &ResumePayload) -> Result<Command> {
    let room_and_token = |(number, token): (&String, &String)| {
        let room = room(number.parse().map_err(|_| Error::Invalid(Field::RoomId))?)?;
        let entry = EntryId::parse(token).ok_or(Error::Invalid(Field::After))?;
        Ok(Resume { after: MessageId { room, entry } })
    };
    payload.rooms.iter().map(room_and_token).collect::<Result<_>>().map(Command::Resume)
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

/// With `?ext=1` programs can tell what went wrong, and with which request.
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
        retry_after_ms: match error {
            Error::RateLimited { retry_after } => Some(millis_up(*retry_after)),
            _ => None,
        },
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

/// Whole milliseconds after which so much time has passed.
fn millis_up(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

fn encode(event: &RoomEvent, style: Style<'_>) -> Option<Frame> {
    let room = event.room.id;
    let room_id = room.number();
    let text = match &event.what {
        // Not in the document, so not for those who did not ask.
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
        Event::Amended(Amendment { id, by, what: AmendmentKind::Deleted, .. }) => {
            let id = integer(room, id.seq);
            frame("message_deleted", json!({"room_id": room_id, "id": id, "user_id": by.0}))
        }
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
    };
    Some(Frame::Same(text))
}

#[derive(Serialize)]
struct HistoryAnswer<'a> {
    room_id: u32,
    messages: Vec<ChatMessage<'a>>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

/// An answer that says nothing but which request it answers.
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
            // Ascending inside a page.
            let messages: Vec<ChatMessage<'_>> = page
                .messages
                .iter()
                .rev()
                .map(|message| ChatMessage::listed(message, viewer.is_extended, &viewer.base_url))
                .collect();
            frame("message_history", HistoryAnswer { room_id: query.room.number(), messages, reference })
        }
    })
}

fn resume_replies(room: RoomId, _: &Viewer) -> ResumeReplies {
    let payload = json!({"room_id": room.number()});
    ResumeReplies { complete: Some(frame("resumed", &payload)), lost: frame("not_recovered", &payload) }
}
