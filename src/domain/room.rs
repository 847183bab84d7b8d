//! Rooms.

use super::ids::RoomId;
use super::ids::UserId;
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
