//! Stored forms that several files share: kinds of rooms, pairs of users, entries of a user's list of rooms.

use redis::Value;

use super::redis::reply;
use crate::domain::{Error, Result, RoomId, RoomKind, UserId};

pub(super) fn word(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Group => "group",
        RoomKind::Direct => "direct",
    }
}

pub(super) fn kind_of(word: &str) -> Result<RoomKind> {
    Ok(match word {
        "public" => RoomKind::Public,
        "group" => RoomKind::Group,
        "direct" => RoomKind::Direct,
        other => return Err(Error::internal(format!("unknown kind of room {other:?}"))),
    })
}

/// Parses the two users of a direct room, `3:7`.
pub(super) fn parse_pair(text: &str) -> Option<(UserId, UserId)> {
    let (low, high) = text.split_once(':')?;
    Some((UserId(low.parse().ok()?), UserId(high.parse().ok()?)))
}

/// Score of a group in a user's list of rooms; public rooms have 0.
pub(super) const GROUP_SCORE: u64 = 1;
/// Score of a direct room, plus the number of the other user.
const DIRECT_SCORE: u64 = 2;

/// An entry of a user's list of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomEntry {
    /// The room.
    pub room: RoomId,
    /// Its visibility.
    pub kind: RoomKind,
    /// The other user of a direct room.
    pub other: Option<UserId>,
}

impl RoomEntry {
    /// The score of the entry. Rooms of one kind form one range of scores.
    pub(super) fn score(self) -> u64 {
        match (self.kind, self.other) {
            (RoomKind::Public, _) => 0,
            (RoomKind::Group, _) => GROUP_SCORE,
            (RoomKind::Direct, other) => DIRECT_SCORE + other.map_or(0, |user| user.0),
        }
    }

    /// Reads a list with scores.
    pub(super) fn read_list(reply: Value) -> Result<Vec<Self>> {
        let rooms: Vec<(u32, f64)> = reply::read(reply)?;
        let entry = |(room, score)| Some(Self::of_score(RoomId::new(room)?, score as u64));
        Ok(rooms.into_iter().filter_map(entry).collect())
    }

    fn of_score(room: RoomId, score: u64) -> Self {
        let (kind, other) = match score {
            0 => (RoomKind::Public, None),
            GROUP_SCORE => (RoomKind::Group, None),
            score => (RoomKind::Direct, Some(UserId(score - DIRECT_SCORE))),
        };
        Self { room, kind, other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_kind_and_the_other_user() {
        let entries = [(RoomKind::Public, None), (RoomKind::Group, None), (RoomKind::Direct, Some(UserId(1)))];
        for (kind, other) in entries {
            let entry = RoomEntry { room: RoomId::GLOBAL, kind, other };
            assert_eq!(RoomEntry::of_score(RoomId::GLOBAL, entry.score()), entry);
        }
    }
}
