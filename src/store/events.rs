//! Events as they travel on Redis' channels.

use std::fmt;

use super::{amendments, mention_changes, profiles, record, room_changes, setting_letters};
use crate::domain::{
    ChangedProfile, ConversationSettings, EntryId, Event, ReadMark, RoomId, Seq, TokenId, UserId, UserRef,
};

/// An event of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent {
    /// Tokens of earlier epochs are invalid.
    Revoked {
        /// The owner of the tokens.
        user: UserId,
        /// The first valid epoch.
        epoch: u64,
    },
    /// One token is invalid.
    Ended {
        /// The owner of the token.
        user: UserId,
        /// Time at which it ended, UTC milliseconds.
        at_ms: u64,
        /// The token.
        token: TokenId,
    },
    /// A user changed the name; older tokens carry the previous one.
    Renamed {
        /// The user.
        user: UserId,
        /// Time of the change, UTC milliseconds.
        at_ms: u64,
        /// The new name.
        name: String,
    },
    /// A user changed the profile.
    ProfileChanged {
        /// The user.
        user: UserId,
        /// Time of the change, UTC milliseconds.
        at_ms: u64,
        /// What changed.
        change: ChangedProfile,
    },
    /// A user changed what is set for a conversation.
    SettingsChanged {
        /// The user.
        user: UserId,
        /// The room.
        room: RoomId,
        /// All of the settings.
        settings: ConversationSettings,
    },
    /// An account was deleted.
    Deleted {
        /// The user.
        user: UserId,
        /// Time of the deletion, UTC milliseconds.
        at_ms: u64,
    },
    /// A user is a member of a room from this message on.
    Joined {
        /// The user.
        user: UserId,
        /// The room.
        room: RoomId,
        /// The first message that the user receives.
        since: Seq,
    },
    /// A user is no longer a member of a room.
    Left {
        /// The user.
        user: UserId,
        /// The room.
        room: RoomId,
    },
    /// A user opened the first socket on a node or closed the last.
    Presence {
        /// The user.
        user: UserId,
        /// Whether a socket is open.
        is_online: bool,
        /// Numbers of the user's rooms, separated by commas, then a space and the user's name.
        rooms_and_name: String,
    },
}

impl UserEvent {
    /// The user.
    pub fn user(&self) -> UserId {
        match self {
            Self::Revoked { user, .. }
            | Self::Ended { user, .. }
            | Self::Renamed { user, .. }
            | Self::ProfileChanged { user, .. }
            | Self::SettingsChanged { user, .. }
            | Self::Deleted { user, .. }
            | Self::Joined { user, .. }
            | Self::Left { user, .. }
            | Self::Presence { user, .. } => *user,
        }
    }

    /// What [`Self::Presence`] says of a user with this name, in these rooms.
    pub fn rooms_and_name(rooms: &[RoomId], name: &str) -> String {
        let rooms: Vec<String> = rooms.iter().map(|room| room.number().to_string()).collect();
        format!("{} {name}", rooms.join(","))
    }
}

impl fmt::Display for UserEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked { user, epoch } => write!(f, "revoked {user} {epoch}"),
            Self::Ended { user, at_ms, token } => write!(f, "ended {user} {at_ms} {token}"),
            Self::Renamed { user, at_ms, name } => write!(f, "renamed {user} {at_ms} {name}"),
            Self::ProfileChanged { user, at_ms, change } => {
                write!(f, "profile {user} {at_ms} {}", profiles::encode_change(change))
            }
            Self::SettingsChanged { user, room, settings } => {
                write!(f, "settings {user} {} {}", room.number(), setting_letters::encode(*settings))
            }
            Self::Deleted { user, at_ms } => write!(f, "deleted {user} {at_ms}"),
            Self::Joined { user, room, since } => write!(f, "joined {user} {} {}", room.number(), since.0),
            Self::Left { user, room } => write!(f, "left {user} {}", room.number()),
            Self::Presence { user, is_online, rooms_and_name } => {
                write!(f, "presence {user} {} {rooms_and_name}", u8::from(*is_online))
            }
        }
    }
}

impl UserEvent {
    pub(super) fn parse(text: &str) -> Option<Self> {
        // Names and texts are last because they may contain spaces.
        let mut words = text.splitn(4, ' ');
        let (verb, user, number) = (words.next()?, UserId(words.next()?.parse().ok()?), words.next()?);
        let number: u64 = number.parse().ok()?;
        let room = || RoomId::new(u32::try_from(number).ok()?);
        Some(match (verb, words.next()) {
            ("revoked", None) => Self::Revoked { user, epoch: number },
            ("ended", Some(token)) => Self::Ended { user, at_ms: number, token: token.parse().ok()? },
            ("renamed", Some(name)) => Self::Renamed { user, at_ms: number, name: name.to_owned() },
            ("profile", Some(change)) => {
                Self::ProfileChanged { user, at_ms: number, change: profiles::decode_change(change)? }
            }
            ("settings", Some(text)) => {
                Self::SettingsChanged { user, room: room()?, settings: setting_letters::decode(text) }
            }
            ("deleted", None) => Self::Deleted { user, at_ms: number },
            ("joined", Some(since)) => Self::Joined { user, room: room()?, since: Seq(since.parse().ok()?) },
            ("left", None) => Self::Left { user, room: room()? },
            ("presence", Some(rest)) => {
                Self::Presence { user, is_online: number == 1, rooms_and_name: rest.to_owned() }
            }
            _ => return None,
        })
    }
}

/// Parses an event of a room as scripts announce it. `None` for events that this version does not know.
pub(super) fn parse_event(room: RoomId, text: &str) -> Option<Event> {
    let (verb, rest) = text.split_once(' ')?;
    let (first, rest) = rest.split_once(' ')?;
    Some(match verb {
        "m" => Event::Message(Box::new(record::decode(room, EntryId::parse(first)?, rest).ok()?)),
        "d" => Event::Amended(amendments::parse_deletion(first, rest)?),
        "a" => Event::Amended(amendments::parse_reaction(first, rest)?),
        "p" => Event::Amended(amendments::parse_pin(first, rest)?),
        "e" => Event::Amended(amendments::parse_edit(first, rest)?),
        "n" => Event::Amended(mention_changes::parse_mentions(first, rest)?),
        "r" => {
            let (range, at_ms) = rest.split_once(' ')?;
            let (from, to) = range.split_once('-')?;
            Event::Read(ReadMark {
                user: UserId(first.parse().ok()?),
                first: Seq(from.parse().ok()?),
                last: Seq(to.parse().ok()?),
                at_ms: at_ms.parse().ok()?,
            })
        }
        "x" => Event::RoomRemoved(UserId(first.parse().ok()?)),
        "c" => room_changes::parse_change(first, rest)?,
        "t" => Event::Typing(UserRef { id: UserId(first.parse().ok()?), name: rest.to_owned() }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Seq;

    #[test]
    fn events_are_read_and_unknown_ones_are_not() {
        let room = RoomId::GLOBAL;
        let id = EntryId { seq: Seq(7), at_ms: 12 };
        let message = parse_event(room, r#"m 7-12 3 {"v":1,"k":"t","n":"a","t":"a b"}"#);
        assert!(matches!(message, Some(Event::Message(message)) if message.id.entry == id && message.text == "a b"));
        let amended = parse_event(room, "d 7-12 2 3");
        assert!(matches!(amended, Some(Event::Amended(deletion)) if deletion.id == id && deletion.revision == 2));
        let amended = parse_event(room, "e 7-12 2 3 20 a b");
        assert!(matches!(amended, Some(Event::Amended(edit)) if edit.id == id && edit.at_ms == Some(20)));
        let range = ReadMark { user: UserId(3), first: Seq(4), last: Seq(7), at_ms: 12 };
        assert_eq!(parse_event(room, "r 3 4-7 12"), Some(Event::Read(range)));
        let typing = UserRef { id: UserId(3), name: "李 雷".to_owned() };
        assert_eq!(parse_event(room, "t 3 李 雷"), Some(Event::Typing(typing)));
        assert_eq!(parse_event(room, "x 7 a name"), Some(Event::RoomRemoved(UserId(7))));
        assert_eq!(parse_event(room, "y 7-12 2"), None);
    }

    #[test]
    fn events_of_users_round_trip() {
        let user = UserId(3);
        for event in [
            UserEvent::Revoked { user, epoch: 9 },
            UserEvent::Ended { user, at_ms: 9, token: TokenId(u64::MAX) },
            UserEvent::Renamed { user, at_ms: 9, name: "李 雷".to_owned() },
            UserEvent::ProfileChanged { user, at_ms: 9, change: ChangedProfile::default() },
            UserEvent::SettingsChanged { user, room: RoomId::GLOBAL, settings: ConversationSettings::default() },
            UserEvent::Deleted { user, at_ms: 9 },
            UserEvent::Joined { user, room: RoomId::GLOBAL, since: Seq(5) },
            UserEvent::Left { user, room: RoomId::GLOBAL },
            UserEvent::Presence { user, is_online: true, rooms_and_name: "1,2 李 雷".to_owned() },
        ] {
            assert_eq!(UserEvent::parse(&event.to_string()), Some(event));
        }
    }
}
