//! Rooms and their members.

use std::sync::Arc;

use super::conversation_settings::ConversationSettings;
use super::error::{Error, Result};
use super::field::Field;
use super::ids::{RoomId, Seq, UserId};
use super::message::Message;
use super::names::{Description, RoomName};

/// Longest pause of slow mode, seconds: six hours.
const SLOW_MODE_MAX_SECS: u32 = 6 * 60 * 60;

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
    /// The address of the user's avatar; empty for none.
    pub avatar: String,
    /// What the user says about the present; empty for none.
    pub status_text: String,
    /// Whether it is the account of an application or a webhook.
    pub is_bot: bool,
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
    /// The first members in the order of joining.
    pub members: Arc<[UserId]>,
    /// Time of creation, UTC milliseconds.
    pub created_at_ms: u64,
    /// The newest message that is neither deleted nor expired.
    pub last_message: Option<Message>,
}

/// A room in a caller's list.
#[derive(Clone, Debug)]
pub struct ListedRoom {
    /// What all callers see of it.
    pub card: Arc<RoomCard>,
    /// The caller.
    pub caller: UserId,
    /// Whether the caller is a member. The card may be older.
    pub is_member: bool,
    /// Maximum number of members to show.
    pub members_shown: usize,
}

impl ListedRoom {
    /// The members to show in the order of joining; a caller who is a member is always among them.
    pub fn members(&self) -> Vec<UserId> {
        let known = &self.card.members[..self.card.members.len().min(self.members_shown)];
        let is_shown = known.contains(&self.caller);
        if is_shown == self.is_member {
            return known.to_vec();
        }
        let mut members: Vec<UserId> = self.card.members.iter().copied().filter(|user| *user != self.caller).collect();
        members.truncate(self.members_shown.saturating_sub(usize::from(self.is_member)));
        members.extend(self.is_member.then_some(self.caller));
        members
    }
}

/// The largest number that each of `counts` may be cut to, so that their sum is at most `total`: small ones stay whole.
pub fn fair_share(mut counts: Vec<usize>, total: usize) -> usize {
    counts.sort_unstable();
    let (mut rest, mut left) = (total, counts.len());
    for count in counts {
        let share = rest / left;
        if count > share {
            return share;
        }
        rest -= count;
        left -= 1;
    }
    usize::MAX
}

/// Seconds that must lie between two messages of a member; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlowMode(u32);

impl SlowMode {
    /// Checks a number of seconds.
    ///
    /// # Errors
    /// `Invalid` beyond six hours.
    pub fn of_secs(secs: u64) -> Result<Self> {
        let secs = u32::try_from(secs).ok().filter(|secs| *secs <= SLOW_MODE_MAX_SECS);
        secs.map(Self).ok_or(Error::Invalid(Field::SlowMode))
    }

    /// The number of seconds.
    pub fn secs(self) -> u32 {
        self.0
    }
}

/// Changes of a room; `None` leaves a property as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomChange {
    /// A new name.
    pub name: Option<RoomName>,
    /// A new description.
    pub description: Option<Description>,
    /// The address of an avatar; empty for none.
    pub avatar: Option<String>,
    /// The pause between two messages.
    pub slow_mode: Option<SlowMode>,
}

/// The properties of a room that its owner and admins may change, and a few others.
#[derive(Clone, Debug)]
pub struct RoomDetails {
    /// Its id.
    pub id: RoomId,
    /// Its visibility.
    pub kind: RoomKind,
    /// Its name.
    pub name: String,
    /// Its description; empty when it has none.
    pub description: String,
    /// The address of its avatar; empty when it has none.
    pub avatar: String,
    /// The pause between two messages.
    pub slow_mode: SlowMode,
}

/// A group or public room as administrators see it.
#[derive(Clone, Debug)]
pub struct RoomSummary {
    /// Its id.
    pub id: RoomId,
    /// Its visibility.
    pub kind: RoomKind,
    /// Its name.
    pub name: String,
    /// Its owner; the global room has none.
    pub owner: Option<UserId>,
    /// Number of members.
    pub members: u64,
    /// Time of creation, UTC milliseconds.
    pub created_at_ms: u64,
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
    /// The address of its avatar; for a direct room, of the other user's; empty for none.
    pub avatar: String,
    /// In a direct room, whether the other user is the account of an application or a webhook.
    pub is_with_bot: bool,
    /// Time of the last activity, UTC milliseconds.
    pub active_at_ms: u64,
    /// The newest message that is neither deleted nor expired.
    pub last_message: Option<Message>,
    /// Number of messages of others after the last one read.
    pub unread: u64,
    /// Number of these that mention the user.
    pub mentions: u64,
    /// What the user has set for it.
    pub settings: ConversationSettings,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_rooms_give_way_to_small_ones() {
        assert_eq!(fair_share(vec![], 10), usize::MAX);
        assert_eq!(fair_share(vec![3, 3, 4], 10), usize::MAX);
        assert_eq!(fair_share(vec![100, 2, 3], 10), 5);
        assert_eq!(fair_share(vec![100, 100, 1], 10), 4);
        assert_eq!(fair_share(vec![1; 20], 10), 0);
    }

    #[test]
    fn the_caller_is_shown_exactly_when_a_member() {
        let shown = |members: &[u64], is_member, members_shown| {
            let card = RoomCard {
                id: RoomId::GLOBAL,
                name: String::new(),
                description: String::new(),
                members: members.iter().copied().map(UserId).collect(),
                created_at_ms: 0,
                last_message: None,
            };
            let room = ListedRoom { card: Arc::new(card), caller: UserId(7), is_member, members_shown };
            room.members().into_iter().map(|user| user.0).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[1, 7, 2], true, 10), [1, 7, 2]);
        assert_eq!(shown(&[1, 7, 2], false, 10), [1, 2]);
        assert_eq!(shown(&[1, 7, 2], false, 2), [1, 2]);
        assert_eq!(shown(&[1, 2], true, 10), [1, 2, 7]);
        assert_eq!(shown(&[1, 2, 3], true, 2), [1, 7]);
        assert_eq!(shown(&[1, 2, 7], true, 2), [1, 7]);
        assert_eq!(shown(&[1, 2], true, 0), [7]);
        assert_eq!(shown(&[1, 2], false, 0), [] as [u64; 0]);
    }
}
