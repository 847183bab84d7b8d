//! The WebSocket of document 002.

use serde::{Deserialize, Serialize};

use super::error::text;
use super::wire::{PushedMessage, chat_type, file_url, message_type, receiver_id};
use crate::config::Config;
use crate::dialects::common::utc_seconds;
use crate::domain::{
    Attachment, ClientId, Content, Error, Event, Field, MessageKind, NewMessage, Result, RoomEvent, RoomId, UserId,
};
use crate::edge::{Command, Refusal, Request, SocketCodec, SocketRoute, Viewer, json, read_frame};
use crate::fanout::{Frame, ResumeReplies, Style};
use crate::service::Receiver;

/// Document 002: `file_url VARCHAR(255)`.
const FILE_URL_MAX_CHARS: usize = 255;

const CODEC: SocketCodec = SocketCodec {
    name: "messenger",
    has_extension: false,
    decode,
    encode,
    encode_own: |_, _| None,
    answer: |_, _, _| None,
    refuse,
    resume_replies: |_, _| ResumeReplies::default(),
    resumes: |_| Vec::new(),
};

/// Claims handshakes with an Authorization header and no token in the query.
pub(super) fn routes(config: &Config) -> Vec<SocketRoute> {
    let mut paths = vec!["/ws/chat".to_owned(), config.server.websocket_path.clone()];
    paths.dedup();
    let claims = |credentials: &crate::edge::Credentials| credentials.header.is_some() && credentials.query.is_none();
    paths.into_iter().map(|path| SocketRoute { path, claims, codec: CODEC }).collect()
}

#[derive(Deserialize)]
struct InboundMessage {
    #[serde(rename = "type")]
    kind: Option<String>,
    chat_type: Option<String>,
    reveiver_id: Option<u64>, // sic, document 002
    receiver_id: Option<u64>,
    message_type: Option<String>,
    #[serde(default)]
    content: Option<String>,
    file_url: Option<String>,
    client_id: Option<String>,
}

fn decode(text: &str, _: &Viewer) -> Result<Request, Refusal> {
    Ok(send(read_frame(text)?)?.into())
}

fn send(inbound: InboundMessage) -> Result<Command> {
    match inbound.kind.as_deref() {
        Some("chat") => {}
        Some(_) => return Err(Error::Invalid(Field::Type)),
        None => return Err(Error::Missing(Field::Type)),
    }
    let kind = match inbound.message_type.as_deref() {
        None | Some("text") => MessageKind::Text,
        Some("image") => MessageKind::Image,
        Some("file") => MessageKind::File,
        Some("audio") => MessageKind::Audio,
        Some("video") => MessageKind::Video,
        Some(_) => return Err(Error::Invalid(Field::MessageType)),
    };
    let receiver = inbound.reveiver_id.or(inbound.receiver_id).ok_or(Error::Missing(Field::Receiver))?;
    let to = match inbound.chat_type.as_deref() {
        None | Some("private" | "single") => Receiver::User(UserId(receiver)),
        Some("room") => {
            let room = u32::try_from(receiver).ok().and_then(RoomId::new);
            Receiver::Room(room.ok_or(Error::RoomNotFound)?)
        }
        Some(_) => return Err(Error::Invalid(Field::ChatType)),
    };
    let client_id = inbound.client_id.as_deref().map(ClientId::parse).transpose()?;
    let content = inbound.content.unwrap_or_default();
    let (text, attachment) = match inbound.file_url.filter(|url| !url.is_empty()) {
        Some(url) if url.chars().count() > FILE_URL_MAX_CHARS => {
            return Err(Error::Length { field: Field::File, min: 1, max: FILE_URL_MAX_CHARS });
        }
        Some(url) => (Content::beside_file(content)?, Some(Attachment { url, ..Attachment::default() })),
        None => (Content::parse(content)?, None),
    };
    // In this document an address in the text is not a file.
    let message = NewMessage::new(kind, text).with_attachment(attachment).with_client_id(client_id);
    Ok(Command::send(to, message))
}

fn encode(event: &RoomEvent, style: Style<'_>) -> Option<Frame> {
    let Event::Message(message) = &event.what else { return None };
    let pushed = PushedMessage {
        message_id: message.id.to_integer(),
        kind: "chat",
        chat_type: chat_type(event.room.kind),
        sender_id: message.sender.id.0,
        receiver_id: receiver_id(&event.room, message),
        message_type: message_type(message.kind),
        content: &message.text,
        file_url: file_url(message, style.base_url),
        created_at: utc_seconds(message.id.entry.at_ms),
    };
    Some(Frame::Same(json(&pushed)))
}

#[derive(Serialize)]
struct ErrorFrame {
    #[serde(rename = "type")]
    kind: &'static str,
    code: u16,
    message: String,
}

fn refuse(refusal: &Refusal, _: &Viewer) -> String {
    let error = &refusal.error;
    json(&ErrorFrame { kind: "error", code: error.kind().status(), message: text(error) })
}
