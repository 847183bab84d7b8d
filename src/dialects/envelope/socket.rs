//! The WebSocket at `/api/v1/ws`: document 001, §3.1. Both sides send the bare message of §3.2.

use super::error::ErrorBody;
use super::wire::{ChatMessage, MessageBody, new_message, receiver};
use crate::domain::{Event, Result, RoomEvent};
use crate::edge::{Command, Refusal, Request, SocketCodec, SocketRoute, Viewer, json, read_frame};
use crate::fanout::{Frame, ResumeReplies, Style};

const CODEC: SocketCodec = SocketCodec {
    name: "envelope",
    has_extension: false,
    decode,
    encode,
    encode_own: |_, _| None,
    answer: |_, _, _| None,
    refuse: |refusal, _| json(&ErrorBody::of(&refusal.error)),
    resume_replies: |_, _| ResumeReplies::default(),
    resumes: |_| Vec::new(),
};

/// The WebSocket's path.
pub(super) fn routes() -> Vec<SocketRoute> {
    vec![SocketRoute { path: "/api/v1/ws".to_owned(), claims: |_| true, codec: CODEC }]
}

fn decode(text: &str, _: &Viewer) -> Result<Request, Refusal> {
    let body: MessageBody = read_frame(text)?;
    let to = receiver(&body.receiver_id, &body.group_id)?;
    let message = new_message(body, None)?;
    Ok(Command::send(to, message).into())
}

fn encode(event: &RoomEvent, style: Style<'_>) -> Option<Frame> {
    match &event.what {
        // The document has no system messages.
        Event::Message(message) if message.is_from_server() => None,
        Event::Message(message) => Some(Frame::Same(json(&ChatMessage::new(message, &event.room, style.base_url)))),
        Event::Amended(_)
        | Event::Read(_)
        | Event::Typing(_)
        | Event::Presence(_)
        | Event::RoomChanged { .. }
        | Event::RoomRemoved(_)
        | Event::Rewound(_) => None,
    }
}
