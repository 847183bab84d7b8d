//! What happens in a room while people look on.

use super::amendment::{Amendment, AmendmentKind};
use super::ids::{Seq, UserId};
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

/// What can happen in a room. `K` is the kind of an [`Amendment`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<K = AmendmentKind> {
    /// A message was stored.
    Message(Box<Message>),
    /// A stored message changed.
    Amended(Amendment<K>),
    /// A user read messages.
    Read(ReadMark),
    /// A user is typing.
    Typing(UserRef),
    /// Users came online or went offline; gathered over a moment.
    Presence(Vec<PresenceChange>),
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
