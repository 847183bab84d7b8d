//! A user with a connection of every document: six paths to send the same message, and five to receive it.

use chinwag::domain::{MessageId, RoomId};
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{User, World, ok, room_id};

/// The paths on which a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendPath {
    Webchat,
    Envelope,
    EnvelopeSocket,
    Messenger,
    Chatroom,
    Imtypes,
}

pub const SEND_PATHS: [SendPath; 6] = [
    SendPath::Webchat,
    SendPath::Envelope,
    SendPath::EnvelopeSocket,
    SendPath::Messenger,
    SendPath::Chatroom,
    SendPath::Imtypes,
];

/// The sockets that messages are pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    Webchat,
    Envelope,
    Messenger,
    Imtypes,
}

pub const SOCKET_KINDS: [SocketKind; 4] =
    [SocketKind::Webchat, SocketKind::Envelope, SocketKind::Messenger, SocketKind::Imtypes];

/// The destination of a message: a room, and the other user if it is a direct room.
#[derive(Clone, Copy, Debug)]
pub struct Destination {
    pub room: u64,
    pub other: Option<u64>,
}

/// The fields of a message that all documents have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSummary {
    pub room: u64,
    pub seq: u64,
    pub sender: u64,
    pub content: String,
}

/// Room and seq of an integer id.
pub fn room_and_seq(id: u64) -> (u64, u64) {
    let (room, seq) = MessageId::from_integer(id).expect("an id of ours");
    (room.number().into(), seq.0)
}

/// Room and seq of an id of document 003.
pub fn room_and_seq_of_uuid(id: &Value) -> (u64, u64) {
    let uuid = id.as_str().expect("text").parse().expect("a UUID");
    let id = MessageId::from_uuid(uuid).expect("an id of ours");
    (id.room.number().into(), id.entry.seq.0)
}

fn number(value: &Value) -> u64 {
    let text = value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
    text.parse().unwrap_or_else(|_| panic!("no number: {value}"))
}

fn summary(id: &Value, sender: &Value, content: &Value) -> MessageSummary {
    let (room, seq) = room_and_seq(number(id));
    MessageSummary { room, seq, sender: number(sender), content: content.as_str().expect("text").to_owned() }
}

/// A user with a WebSocket of each document on one node.
pub struct DialectClients<'a> {
    pub user: &'a User<'a>,
    pub id: u64,
    pub node: usize,
    webchat: Socket,
    envelope: Socket,
    messenger: Socket,
    imtypes: Socket,
}

impl<'a> DialectClients<'a> {
    pub async fn open(world: &World, node: usize, user: &'a User<'a>, id: u64) -> Self {
        Self {
            user,
            id,
            node,
            webchat: world.webchat(node, user, "").await,
            envelope: world.envelope(node, user).await,
            messenger: world.messenger(node, user).await,
            imtypes: world.imtypes(node, user, "").await,
        }
    }

    pub fn socket(&mut self, kind: SocketKind) -> &mut Socket {
        match kind {
            SocketKind::Webchat => &mut self.webchat,
            SocketKind::Envelope => &mut self.envelope,
            SocketKind::Messenger => &mut self.messenger,
            SocketKind::Imtypes => &mut self.imtypes,
        }
    }

    /// Sends a text. Returns the response of HTTP; sockets answer with the pushed message.
    pub async fn send(&mut self, path: SendPath, to: Destination, content: &str) -> Option<MessageSummary> {
        let room = room_id(to.room);
        let user = to.other.map(|user| user.to_string());
        let group = if user.is_some() { Value::Null } else { json!(room) };
        let enveloped = json!({"type": "text", "content": content, "receiver_id": user, "group_id": group});
        match path {
            SendPath::Webchat => {
                let payload = json!({"room_id": to.room, "content": content, "is_image": false});
                self.webchat.send(&json!({"type": "send_message", "payload": payload})).await;
            }
            SendPath::Envelope => {
                let (status, body) = self.user.ask(self.node, "/api/v1/chat/message", &enveloped).await;
                assert_eq!((status, &body["code"], &body["message"]), (200, &json!(200), &json!("success")), "{body}");
                return Some(self.check_envelope(&body["data"], to));
            }
            SendPath::EnvelopeSocket => self.envelope.send(&enveloped).await,
            SendPath::Messenger => {
                let (kind, receiver) = to.other.map_or(("room", to.room), |user| ("private", user));
                let frame = json!({
                    "type": "chat", "chat_type": kind, "reveiver_id": receiver, "message_type": "text",
                    "content": content, "file_url": null
                });
                self.messenger.send(&frame).await;
            }
            SendPath::Chatroom => {
                let sent = ok(self.user.try_send(self.node, &room, content).await).await;
                return Some(summary_of_polled(&sent));
            }
            SendPath::Imtypes => {
                let receiver = user.unwrap_or(room);
                self.imtypes.send(&json!({"type": "text", "content": content, "receiverId": receiver})).await;
            }
        }
        None
    }

    /// The next pushed message of a user. System messages are skipped.
    pub async fn next_message(&mut self, kind: SocketKind, to: Destination) -> MessageSummary {
        let viewer = self.id;
        loop {
            let frame = self.socket(kind).next().await;
            let found = match kind {
                SocketKind::Webchat => check_webchat(&frame),
                SocketKind::Envelope => self.check_envelope(&frame, to),
                SocketKind::Messenger => check_messenger(&frame, to),
                SocketKind::Imtypes => check_imtypes(&frame, viewer),
            };
            assert_eq!(found.room, to.room, "{frame}");
            if found.sender != 0 {
                return found;
            }
        }
    }

    fn check_envelope(&self, message: &Value, to: Destination) -> MessageSummary {
        let group = if to.other.is_some() { String::new() } else { room_id(to.room) };
        assert_eq!(message["group_id"], group, "{message}");
        let pair = to.other.map(|other| if self.id == other { other } else { self.id });
        assert_eq!(message["receiver_id"].as_str().is_some_and(str::is_empty), pair.is_none(), "{message}");
        summary(&message["message_id"], &message["sender_id"], &message["content"])
    }
}

fn check_webchat(frame: &Value) -> MessageSummary {
    assert_eq!(frame["type"], "new_message", "{frame}");
    let payload = &frame["payload"];
    let found = summary(&payload["id"], &payload["user_id"], &payload["content"]);
    assert_eq!(payload["room_id"], found.room, "{frame}");
    found
}

fn check_messenger(frame: &Value, to: Destination) -> MessageSummary {
    let chat_type = if to.other.is_some() { "private" } else { "room" };
    assert_eq!((&frame["type"], &frame["chat_type"]), (&json!("chat"), &json!(chat_type)), "{frame}");
    let found = summary(&frame["message_id"], &frame["sender_id"], &frame["content"]);
    if to.other.is_none() {
        assert_eq!(frame["receiver_id"], found.room, "{frame}");
    } else {
        assert_ne!(frame["receiver_id"], frame["sender_id"], "{frame}");
    }
    found
}

fn check_imtypes(frame: &Value, viewer: u64) -> MessageSummary {
    let found = summary(&frame["id"], &frame["senderId"], &frame["content"]);
    assert_eq!(frame["receiverId"], viewer.to_string(), "{frame}");
    let room: RoomId = frame["conversationId"].as_str().expect("text").parse().expect("a room");
    assert_eq!(u64::from(room.number()), found.room, "{frame}");
    found
}

/// A message as document 003 lists it.
pub fn summary_of_polled(message: &Value) -> MessageSummary {
    let (room, seq) = room_and_seq_of_uuid(&message["id"]);
    let sender = message["sender_id"].as_u64().expect("a number");
    MessageSummary { room, seq, sender, content: message["content"].as_str().expect("text").to_owned() }
}
