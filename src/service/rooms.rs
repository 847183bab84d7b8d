//! Rooms: making, joining, leaving, listing.

use crate::domain::{Caller, Description, Error, Limit, Result, RoomCard, RoomId, RoomKind, RoomName};
use crate::store::{NewRoom, SendRate, Store};

/// What the server says when someone makes a room.
fn created_text(name: &str) -> String {
    format!("{name} 创建了聊天室")
}

/// What the server says when someone joins a room.
pub(super) fn joined_text(name: &str) -> String {
    format!("{name} 加入了聊天室")
}

/// What the server says when someone leaves a room.
fn left_text(name: &str) -> String {
    format!("{name} 离开了聊天室")
}

/// Making, joining, leaving, listing.
pub struct Rooms {
    store: Store,
    members_listed: usize,
    rate: Option<SendRate>,
}

impl Rooms {
    pub(super) fn new(store: Store, members_listed: usize, rate: Option<SendRate>) -> Self {
        Self { store, members_listed, rate }
    }

    /// Makes a public room with the caller as owner and first member.
    pub async fn create_public(&self, caller: &Caller, name: &RoomName, description: &Description) -> Result<RoomId> {
        let announcement = created_text(&caller.name);
        let room = NewRoom { kind: RoomKind::Public, name, description, owner: caller, announcement: &announcement };
        self.store.create_room(room).await
    }

    /// Joins a public room; joining again is fine.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member.
    pub async fn join(&self, room: RoomId, caller: &Caller) -> Result<()> {
        if room == RoomId::GLOBAL {
            return Ok(()); // everyone is a member
        }
        self.store.join_room(room, caller, &joined_text(&caller.name), self.rate).await
    }

    /// Leaves a room; leaving again is fine.
    ///
    /// # Errors
    /// `GlobalRoom`; `RoomNotFound`, also for closed rooms of which the caller is no member.
    pub async fn leave(&self, room: RoomId, caller: &Caller) -> Result<()> {
        if room == RoomId::GLOBAL {
            return Err(Error::GlobalRoom);
        }
        self.store.leave_room(room, caller, &left_text(&caller.name), self.rate).await
    }

    /// Public rooms and the caller's groups by number, from behind `after`; the second value says where to
    /// go on, if there are more.
    pub async fn list(
        &self,
        caller: &Caller,
        after: Option<RoomId>,
        limit: Limit,
    ) -> Result<(Vec<RoomCard>, Option<RoomId>)> {
        self.store.list_rooms(caller, after, limit, self.members_listed).await
    }
}
