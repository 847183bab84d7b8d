//! What happens in a room while people look on.

use super::ids::{EntryId, Seq, UserId};
use super::message::Message;
use super::room::RoomHead;
use super::user::UserRef;

/// An event and the room in which it happened.
#[derive(Clone, Debug)]
pub struct RoomEvent {
    /// The room.
    pub room: RoomHead,
    /// What happened.
    pub what: Event,
}

/// What can happen in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message was stored.
    Message(Box<Message>),
    /// A message was deleted.
    Deleted(Deletion),
    /// A user read messages.
    Read(ReadMark),
    /// A user is typing.
    Typing(UserRef),
    /// Users came online or went offline; gathered over a moment.
    Presence(Vec<PresenceChange>),
}

/// A deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The message.
    pub id: EntryId,
    /// Who deleted it.
    pub by: UserId,
    /// All deletions in the room so far.
    pub deletions: u64,
}

/// A run of messages that a user has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMark {
    /// Who.
    pub user: UserId,
    /// From this message,
    pub first: Seq,
    /// up to this one.
    pub last: Seq,
    /// When, UTC milliseconds.
    pub at_ms: u64,
}

/// Someone came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceChange {
    /// Who.
    pub user: UserRef,
    /// Whether they have an open socket now.
    pub is_online: bool,
}
