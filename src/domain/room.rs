//! Rooms and their members.

use super::ids::{RoomId, Seq, UserId};
use super::message::Message;

/// Visibility of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Listed and readable for every user; sending a message joins it.
    Public,
    /// Visible to members only.
    Group,
    /// Exactly two users.
    Direct,
}

/// The properties of a room that never change. Encoding a message requires them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomHead {
    /// Its id.
    pub id: RoomId,
    /// Its visibility.
    pub kind: RoomKind,
    /// The two users of a direct room, the lower number first.
    pub pair: Option<(UserId, UserId)>,
}

impl RoomHead {
    /// The other user of a direct room.
    pub fn other(&self, user: UserId) -> Option<UserId> {
        self.pair.map(|(low, high)| if low == user { high } else { low })
    }
}

/// Role of a member in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberRole {
    /// Created the room or inherited it; may do everything.
    Owner,
    /// May add and remove members and delete messages.
    Admin,
    /// May read and write.
    Member,
}

/// A member of a room.
#[derive(Clone, Debug)]
pub struct Member {
    /// The user.
    pub id: UserId,
    /// Current name of the user.
    pub name: String,
    /// Role in the room.
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
    /// Members in the order of joining, at most `limits.members_listed`; always includes the caller if a member.
    pub members: Vec<UserId>,
    /// Time of creation, UTC milliseconds.
    pub created_at_ms: u64,
    /// The newest message that is neither deleted nor expired.
    pub last_message: Option<Message>,
}

/// A group that was just created.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Its id.
    pub id: RoomId,
    /// Time of creation, UTC milliseconds.
    pub created_at_ms: u64,
}

/// A room in a user's list of conversations.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The room.
    pub head: RoomHead,
    /// Its name; for a direct room, the current name of the other user.
    pub name: String,
    /// Time of the last activity, UTC milliseconds.
    pub active_at_ms: u64,
    /// The newest message that is neither deleted nor expired.
    pub last_message: Option<Message>,
    /// Number of messages of others after the last one read.
    pub unread: u64,
    /// The last message that the user has read; 0 for none.
    pub read: Seq,
    /// In a direct room, the last message that the other user has read; 0 for none.
    pub read_by_other: Seq,
}

/// A room in the results of a search.
#[derive(Clone, Debug)]
pub struct FoundRoom {
    /// Its id.
    pub id: RoomId,
    /// Its name; for a direct room, the current name of the other user.
    pub name: String,
    /// Its visibility.
    pub kind: RoomKind,
}
