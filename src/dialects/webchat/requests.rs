//! Requests: the frames that clients send. Document 000, §2, and what `?ext=1` adds.

use serde::Deserialize;
use serde_json::Value;

use crate::dialects::common::{or_default, skipped};
use crate::domain::{
    Attachment, ClientId, Content, CountsAs, Emoji, EntryId, Error, Field, HistoryQuery, Limit, MessageId, MessageKind,
    NewMessage, Result, RoomId, Seq, Span,
};
use crate::edge::{Command, Refusal, Request, Resume, Subject, Viewer, read_frame};
use crate::service::Receiver;

/// Document 000 has pages of 20.
const DEFAULT_PAGE_SIZE: i64 = 20;
const MAX_PAGE_SIZE: usize = 1000;
/// Maximum length of a request's reference, in characters.
const REFERENCE_MAX_CHARS: usize = 64;
/// Maximum length of a URL in a message, in characters.
const URL_MAX_CHARS: usize = 2000;

#[derive(Deserialize)]
struct InboundFrame {
    /// A string. Any value is accepted here, so that the error for a frame without a string has its reference.
    #[serde(rename = "type", default)]
    kind: Value,
    #[serde(default)]
    payload: Value,
}

#[derive(Deserialize)]
struct SendPayload {
    room_id: u32,
    #[serde(default, deserialize_with = "or_default")]
    content: String,
    #[serde(default, deserialize_with = "or_default")]
    is_image: bool,
    // With `?ext=1`:
    client_id: Option<String>,
    reply_to: Option<u64>,
    forwarded_from: Option<u64>,
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
    // With `?ext=1`:
    #[serde(default, deserialize_with = "or_default")]
    peek: bool,
}

#[derive(Deserialize)]
struct MessagePayload {
    room_id: u32,
    id: u64,
}

#[derive(Deserialize)]
struct EditPayload {
    #[serde(flatten)]
    message: MessagePayload,
    content: String,
}

#[derive(Deserialize)]
struct ReactPayload {
    #[serde(flatten)]
    message: MessagePayload,
    emoji: String,
    on: bool,
}

#[derive(Deserialize)]
struct PinPayload {
    #[serde(flatten)]
    message: MessagePayload,
    on: bool,
}

#[derive(Deserialize)]
struct FocusPayload {
    on: bool,
}

#[derive(Deserialize)]
struct RoomPayload {
    room_id: u32,
}

#[derive(Deserialize)]
struct ResumePayload {
    /// A room without a token is not resumed.
    rooms: std::collections::HashMap<String, Option<String>>,
}

/// Parses a frame.
pub(super) fn decode(text: &str, viewer: &Viewer) -> Result<Request, Refusal> {
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

/// The reference in a payload.
fn reference(payload: &Value) -> Result<Option<String>> {
    match &payload["ref"] {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() <= REFERENCE_MAX_CHARS => Ok(Some(text.clone())),
        _ => Err(Error::Invalid(Field::Reference)),
    }
}

fn command(kind: &Value, payload: Value, is_extended: bool) -> Result<Command> {
    match kind.as_str().ok_or_else(|| Error::Malformed("type is not a string".to_owned()))? {
        "send_message" => send(read(payload)?, is_extended),
        "fetch_history" => history(&read(payload)?, is_extended),
        "ping" => Ok(Command::Ping),
        "delete_message" if is_extended => message(&read(payload)?).map(|(room, seq)| Command::Delete(room, seq)),
        "edit_message" if is_extended => edit(read(payload)?),
        "react" if is_extended => react(&read(payload)?),
        "pin" if is_extended => pin(&read(payload)?),
        "mark_read" if is_extended => message(&read(payload)?).map(|(room, seq)| Command::MarkRead(room, seq)),
        "mark_unread" if is_extended => message(&read(payload)?).map(|(room, seq)| Command::MarkUnread(room, seq)),
        "typing" if is_extended => room(read::<RoomPayload>(payload)?.room_id).map(Command::Type),
        "join_room" if is_extended => room(read::<RoomPayload>(payload)?.room_id).map(Command::Join),
        "leave_room" if is_extended => room(read::<RoomPayload>(payload)?.room_id).map(Command::Leave),
        "focus" if is_extended => Ok(Command::Focus(read::<FocusPayload>(payload)?.on)),
        "resume" if is_extended => resume(&read(payload)?),
        _ => Err(Error::Invalid(Field::Type)),
    }
}

fn read<T: serde::de::DeserializeOwned>(payload: Value) -> Result<T> {
    if !payload.is_object() {
        return Err(Error::Malformed("payload is not an object".to_owned()));
    }
    serde_json::from_value(payload).map_err(|_| Error::Malformed("payload".to_owned()))
}

fn room(number: u32) -> Result<RoomId> {
    RoomId::new(number).ok_or(Error::RoomNotFound)
}

/// The message that a payload refers to. Its id must belong to its room.
fn message(payload: &MessagePayload) -> Result<(RoomId, Seq)> {
    let room = room(payload.room_id)?;
    let (of, seq) = MessageId::from_integer(payload.id).ok_or(Error::MessageNotFound)?;
    if of == room { Ok((room, seq)) } else { Err(Error::MessageNotFound) }
}

fn edit(payload: EditPayload) -> Result<Command> {
    let (room, seq) = message(&payload.message)?;
    Ok(Command::Edit(room, seq, Content::parse(payload.content)?))
}

fn react(payload: &ReactPayload) -> Result<Command> {
    let (room, seq) = message(&payload.message)?;
    Ok(Command::React { room, seq, emoji: Emoji::parse(&payload.emoji)?, is_on: payload.on })
}

fn pin(payload: &PinPayload) -> Result<Command> {
    let (room, seq) = message(&payload.message)?;
    Ok(Command::Pin { room, seq, is_on: payload.on })
}

fn send(payload: SendPayload, is_extended: bool) -> Result<Command> {
    let to = room(payload.room_id)?;
    let plain = if payload.is_image { MessageKind::Image } else { MessageKind::Text };
    if !is_extended {
        let text = Content::parse(payload.content)?;
        return Ok(Command::send(Receiver::Room(to), NewMessage::new(plain, text)));
    }
    let kind = payload.message_type.as_deref().map_or(Ok(plain), kind_of)?;
    let forwarded_from = match payload.forwarded_from {
        Some(id) => Some(MessageId::from_integer(id).ok_or(Error::Invalid(Field::ForwardedFrom))?),
        None => None,
    };
    let client_id = payload.client_id.as_deref();
    let message = match forwarded_from {
        // The server takes all but the text from the original.
        Some(_) => {
            let client_id = client_id.map(ClientId::parse).transpose()?;
            NewMessage::new(kind, Content::beside_file(payload.content)?).with_client_id(client_id)
        }
        None => {
            let file = NewFile { url: payload.file_url, name: payload.file_name, size: payload.file_size };
            new_message(kind, payload.content, client_id, file)?
        }
    };
    let reply_to = match payload.reply_to {
        Some(id) => match MessageId::from_integer(id) {
            Some((of, seq)) if of == to => Some(seq),
            _ => return Err(Error::Invalid(Field::ReplyTo)),
        },
        None => None,
    };
    Ok(Command::Send {
        to: Receiver::Room(to),
        message: Box::new(message),
        reply_to,
        forwarded_from,
        expected_room: None,
    })
}

/// The file of a new message, as a client describes it.
pub(super) struct NewFile {
    pub(super) url: Option<String>,
    pub(super) name: Option<String>,
    pub(super) size: Option<u64>,
}

/// A message with everything that this dialect has except the message that it replies to.
pub(super) fn new_message(
    kind: MessageKind,
    content: String,
    client_id: Option<&str>,
    file: NewFile,
) -> Result<NewMessage> {
    let NewFile { url, name, size } = file;
    let client_id = client_id.map(ClientId::parse).transpose()?;
    let (text, attachment) = match url {
        Some(url) => {
            if url.is_empty() || url.chars().count() > URL_MAX_CHARS {
                return Err(Error::Length { field: Field::File, min: 1, max: URL_MAX_CHARS });
            }
            (Content::beside_file(content)?, Some(Attachment { url, name, size, ..Attachment::default() }))
        }
        None => {
            let text = Content::parse(content)?;
            let attachment = Attachment::described(kind, &text, name, size);
            (text, attachment)
        }
    };
    Ok(NewMessage::new(kind, text).with_attachment(attachment).with_client_id(client_id))
}

pub(super) fn kind_of(word: &str) -> Result<MessageKind> {
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
    let counts_as = if is_extended && payload.peek { CountsAs::Delivered } else { CountsAs::Read };
    Ok(Command::History(HistoryQuery { skip, include_system: is_extended, counts_as, ..query }))
}

fn resume(payload: &ResumePayload) -> Result<Command> {
    let with_token = payload.rooms.iter().filter_map(|(number, token)| Some((number, token.as_ref()?)));
    let room_and_token = |(number, token): (&String, &String)| {
        let room = room(number.parse().map_err(|_| Error::Invalid(Field::RoomId))?)?;
        let entry = EntryId::parse(token).ok_or(Error::Invalid(Field::After))?;
        Ok(Resume { after: MessageId { room, entry } })
    };
    with_token.map(room_and_token).collect::<Result<_>>().map(Command::Resume)
}
