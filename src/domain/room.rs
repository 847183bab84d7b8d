//! Rooms and their members.

use super::ids::{RoomId, Seq, UserId};
use super::message::Message;

/// Who may know of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Listed to all; sending joins it; open to every user's reading.
    Public,
    /// Closed: members only.
    Group,
    /// Exactly two users.
    Direct,
}

/// What never changes of a room and what every printed message needs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomHead {
    /// Its id.
    pub id: RoomId,
    /// Who may know of it.
    pub kind: RoomKind,
    /// The two users of a direct room, the lower number first.
    pub pair: Option<(UserId, UserId)>,
}

impl RoomHead {
    /// The one of a direct room's two users that is not this one.
    pub fn other(&self, user: UserId) -> Option<UserId> {
        self.pair.map(|(low, high)| if low == user { high } else { low })
    }
}

/// What a member may do in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberRole {
    /// Made the room or inherited it: everything.
    Owner,
    /// Adds and removes members, deletes messages.
    Admin,
    /// Reads and writes.
    Member,
}

/// A member of a room.
#[derive(Clone, Debug)]
pub struct Member {
    /// The user.
    pub id: UserId,
    /// Their present name.
    pub name: String,
    /// What they may do.
    pub role: MemberRole,
}

/// A room as lists show it.
#[derive(Clone, Debug)]
pub struct RoomCard {
    /// Its id.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// Its description; empty when it has none.
    pub description: String,
    /// Members in the order of joining, cut at `limits.members_listed`; the caller is always among them
    /// when a member.
    pub members: Vec<UserId>,
    /// When it was made, UTC milliseconds.
    pub created_at_ms: u64,
    /// The newest message that is not deleted and not too old.
    pub last_message: Option<Message>,
}

/// A group that was just made.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Its id.
    pub id: RoomId,
    /// When it was made, UTC milliseconds.
    pub created_at_ms: u64,
}

/// One of a user's rooms, as their own lists show it.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The room.
    pub head: RoomHead,
    /// Its name; a direct room has the other user's present one.
    pub name: String,
    /// When something last happened in it, UTC milliseconds.
    pub active_at_ms: u64,
    /// The newest message that is not deleted and not too old.
    pub last_message: Option<Message>,
    /// Messages of others above the highest read.
    pub unread: u64,
    /// The highest that the user has read; 0 for none.
    pub read: Seq,
    /// In a direct room the highest that the other has read; 0 for none.
    pub read_by_other: Seq,
}

/// A room that a search found.
#[derive(Clone, Debug)]
pub struct FoundRoom {
    /// Its id.
    pub id: RoomId,
    /// Its name; a direct room has the other user's present one.
    pub name: String,
    /// Who may know of it.
    pub kind: RoomKind,
}
