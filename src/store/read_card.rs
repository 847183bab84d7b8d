//! Cards of rooms as they are read.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use redis::Value;

use super::amendments;
use super::deleted_accounts::DeletedUsers;
use super::redis::reply::{self, array, entry_id, is_absent, next, text, user_id};
use super::rooms::State;
use crate::domain::{Error, Result, RoomCard, RoomId, RoomKind, Watermark};

/// Maximum number of members of a room that are read together with its card. A room with more of them counts as large.
pub(super) const MEMBERS_WITH_CARD: usize = 100;

/// A card as it was read.
#[derive(Clone)]
pub(super) struct ReadCard {
    pub(super) card: Arc<RoomCard>,
    pub(super) kind: RoomKind,
    pub(super) watermark: Watermark,
    /// Number of members, of which the card has the first.
    pub(super) member_count: usize,
    /// Whether the user for whom it was read is a member.
    pub(super) is_member: bool,
    pub(super) read_at: Instant,
}

impl ReadCard {
    /// Whether the members of a room are so few that they are read with every change.
    pub(super) fn is_small(&self, member_count: usize) -> bool {
        self.member_count.max(member_count) <= MEMBERS_WITH_CARD
    }

    /// Whether the card is current for a room in this state, except for the members of a large room.
    pub(super) fn is_current(&self, watermark: Watermark, member_count: usize) -> bool {
        self.watermark == watermark && (self.member_count == member_count || !self.is_small(member_count))
    }

    pub(super) fn bytes(&self) -> u32 {
        let RoomCard { name, description, members, last_message, .. } = &*self.card;
        let message = last_message.as_ref().map_or(0, |message| message.text.len());
        u32::try_from(500 + name.len() + description.len() + message + 8 * members.len()).unwrap_or(u32::MAX)
    }
}

/// Cards of rooms.
#[derive(Default)]
pub(super) struct Cards {
    pub(super) read: HashMap<RoomId, ReadCard>,
    /// Whether cards are left out because their shard is unavailable.
    pub(super) is_partial: bool,
}

impl Cards {
    pub(super) fn leave_out(&mut self, room: RoomId) {
        self.read.remove(&room);
        self.is_partial = true;
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.read.extend(more.read);
        self.is_partial |= more.is_partial;
    }
}

/// Reads the reply of `room_card.lua`; `None` when there is no such room.
pub(super) fn read_card(room: RoomId, reply: Value, deleted: &DeletedUsers) -> Result<Option<ReadCard>> {
    if is_absent(&reply) {
        return Ok(None);
    }
    let mut items = array(reply)?.into_iter();
    let state = State::read(room, next(&mut items)?)?.ok_or(Error::RoomNotFound)?;
    let items: Vec<Value> = items.collect();
    let [name, description, created, members, Value::Int(count), is_member, entry, record, amended] = items.as_slice()
    else {
        return Err(Error::internal("a room card has an unexpected number of fields"));
    };
    let Value::Array(listed) = members else { return Err(reply::unexpected(members)) };
    let mut last_message = match is_absent(entry) {
        true => None,
        false => amendments::read_amended(room, entry_id(entry)?, text(record)?, amended)?,
    };
    deleted.rename_in(&mut last_message);
    let card = RoomCard {
        id: room,
        name: text(name)?.to_owned(),
        description: text(description)?.to_owned(),
        members: listed.iter().map(user_id).collect::<Result<_>>()?,
        created_at_ms: text(created)?.parse().map_err(Error::internal)?,
        last_message,
    };
    Ok(Some(ReadCard {
        card: Arc::new(card),
        kind: state.head.kind,
        watermark: state.watermark,
        member_count: usize::try_from(*count).unwrap_or(0),
        is_member: matches!(is_member, Value::Int(1)),
        read_at: Instant::now(),
    }))
}
