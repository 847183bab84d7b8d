//! One user with a connection of every document: says the same thing in six ways, hears it in five.

use chinwag::domain::{MessageId, RoomId};
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::support::{User, World, ok, room_id};

/// The ways to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Webchat,
    Envelope,
    EnvelopeSocket,
    Messenger,
    Chatroom,
    Imtypes,
}

pub const WAYS: [Way; 6] =
    [Way::Webchat, Way::Envelope, Way::EnvelopeSocket, Way::Messenger, Way::Chatroom, Way::Imtypes];

/// The ways to be told of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ear {
    Webchat,
    Envelope,
    Messenger,
    Imtypes,
}

pub const EARS: [Ear; 4] = [Ear::Webchat, Ear::Envelope, Ear::Messenger, Ear::Imtypes];

/// Where a message goes: a room, and in a direct one the other user.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub room: u64,
    pub other: Option<u64>,
}

/// What all documents tell of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub room: u64,
    pub seq: u64,
    pub sender: u64,
    pub content: String,
}

/// Room and seq of an integer id.
pub fn place_of(id: u64) -> (u64, u64) {
    let (room, seq) = MessageId::from_integer(id).expect("an id of ours");
    (room.number().into(), seq.0)
}

/// Room and seq of an id of document 003.
pub fn place_of_uuid(id: &Value) -> (u64, u64) {
    let uuid = id.as_str().expect("text").parse().expect("a UUID");
    let id = MessageId::from_uuid(uuid).expect("an id of ours");
    (id.room.number().into(), id.entry.seq.0)
}

fn number(value: &Value) -> u64 {
    let text = value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
    text.parse().unwrap_or_else(|_| panic!("no number: {value}"))
}

fn seen(id: &Value, sender: &Value, content: &Value) -> Seen {
    let (room, seq) = place_of(number(id));
    Seen { room, seq, sender: number(sender), content: content.as_str().expect("text").to_owned() }
}

/// A user with a WebSocket of each document on one node.
pub struct Speaker<'a> {
    pub user: &'a User<'a>,
    pub id: u64,
    pub node: usize,
    webchat: Socket,
    envelope: Socket,
    messenger: Socket,
    imtypes: Socket,
}

impl<'a> Speaker<'a> {
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

    pub fn ear(&mut self, ear: Ear) -> &mut Socket {
        match ear {
            Ear::Webchat => &mut self.webchat,
            Ear::Envelope => &mut self.envelope,
            Ear::Messenger => &mut self.messenger,
            Ear::Imtypes => &mut self.imtypes,
        }
    }

    /// Sends a text. What HTTP answers is returned; sockets answer with the message itself.
    pub async fn say(&mut self, way: Way, to: Place, content: &str) -> Option<Seen> {
        let room = room_id(to.room);
        let user = to.other.map(|user| user.to_string());
        let group = if user.is_some() { Value::Null } else { json!(room) };
        let enveloped = json!({"type": "text", "content": content, "receiver_id": user, "group_id": group});
        match way {
            Way::Webchat => {
                let payload = json!({"room_id": to.room, "content": content, "is_image": false});
                self.webchat.send(&json!({"type": "send_message", "payload": payload})).await;
            }
            Way::Envelope => {
                let (status, body) = self.user.ask(self.node, "/api/v1/chat/message", &enveloped).await;
                assert_eq!((status, &body["code"], &body["message"]), (200, &json!(200), &json!("success")), "{body}");
                return Some(self.check_envelope(&body["data"], to));
            }
            Way::EnvelopeSocket => self.envelope.send(&enveloped).await,
            Way::Messenger => {
                let (kind, receiver) = to.other.map_or(("room", to.room), |user| ("private", user));
                let frame = json!({
                    "type": "chat", "chat_type": kind, "reveiver_id": receiver, "message_type": "text",
                    "content": content, "file_url": null
                });
                self.messenger.send(&frame).await;
            }
            Way::Chatroom => {
                let sent = ok(self.user.try_send(self.node, &room, content).await).await;
                return Some(seen_by_poll(&sent));
            }
            Way::Imtypes => {
                let receiver = user.unwrap_or(room);
                self.imtypes.send(&json!({"type": "text", "content": content, "receiverId": receiver})).await;
            }
        }
        None
    }

    /// The next message of a user that a socket tells of; what the server says is passed over.
    pub async fn hear(&mut self, ear: Ear, place: Place) -> Seen {
        let viewer = self.id;
        loop {
            let frame = self.ear(ear).next().await;
            let found = match ear {
                Ear::Webchat => check_webchat(&frame),
                Ear::Envelope => self.check_envelope(&frame, place),
                Ear::Messenger => check_messenger(&frame, place),
                Ear::Imtypes => check_imtypes(&frame, viewer),
            };
            assert_eq!(found.room, place.room, "{frame}");
            if found.sender != 0 {
                return found;
            }
        }
    }

    fn check_envelope(&self, message: &Value, place: Place) -> Seen {
        let group = if place.other.is_some() { String::new() } else { room_id(place.room) };
        assert_eq!(message["group_id"], group, "{message}");
        let pair = place.other.map(|other| if self.id == other { other } else { self.id });
        assert_eq!(message["receiver_id"].as_str().is_some_and(str::is_empty), pair.is_none(), "{message}");
        seen(&message["message_id"], &message["sender_id"], &message["content"])
    }
}

fn check_webchat(frame: &Value) -> Seen {
    assert_eq!(frame["type"], "new_message", "{frame}");
    let payload = &frame["payload"];
    let found = seen(&payload["id"], &payload["user_id"], &payload["content"]);
    assert_eq!(payload["room_id"], found.room, "{frame}");
    found
}

fn check_messenger(frame: &Value, place: Place) -> Seen {
    let chat_type = if place.other.is_some() { "private" } else { "room" };
    assert_eq!((&frame["type"], &frame["chat_type"]), (&json!("chat"), &json!(chat_type)), "{frame}");
    let found = seen(&frame["message_id"], &frame["sender_id"], &frame["content"]);
    if place.other.is_none() {
        assert_eq!(frame["receiver_id"], found.room, "{frame}");
    } else {
        assert_ne!(frame["receiver_id"], frame["sender_id"], "{frame}");
    }
    found
}

fn check_imtypes(frame: &Value, viewer: u64) -> Seen {
    let found = seen(&frame["id"], &frame["senderId"], &frame["content"]);
    assert_eq!(frame["receiverId"], viewer.to_string(), "{frame}");
    let room: RoomId = frame["conversationId"].as_str().expect("text").parse().expect("a room");
    assert_eq!(u64::from(room.number()), found.room, "{frame}");
    found
}

/// A message as document 003 lists it.
pub fn seen_by_poll(message: &Value) -> Seen {
    let (room, seq) = place_of_uuid(&message["id"]);
    let sender = message["sender_id"].as_u64().expect("a number");
    Seen { room, seq, sender, content: message["content"].as_str().expect("text").to_owned() }
}
