//! Events of a room, and of a user, as connected clients receive them.

use super::amendment::{Amendment, AmendmentKind};
use super::conversation_settings::ConversationSettings;
use super::ids::{EntryId, MessageId, RoomId, Seq, UserId};
use super::message::Message;
use super::profile::ChangedProfile;
use super::room::{RoomChange, RoomHead};
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
    /// Users came online or went offline: the changes of about a second.
    Presence(Vec<PresenceChange>),
    /// A user changed the room's properties.
    RoomChanged {
        /// The user.
        by: UserId,
        /// What changed.
        change: Box<RoomChange>,
    },
    /// A user removed the room. No event follows this one.
    RoomRemoved(UserId),
    /// Redis came back without the room's latest messages. The events after this one continue behind what was kept.
    Rewound(Rewind),
}

/// What can happen to a user. Sent to the user's own connections only, but for changed profiles of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnEvent {
    /// The user changed the profile.
    ProfileChanged(ChangedProfile),
    /// Users, perhaps others, changed their profiles. Sent to all connections.
    ProfilesChanged(Vec<(UserId, ChangedProfile)>),
    /// The user changed what is set for a conversation.
    SettingsChanged {
        /// The room.
        room: RoomId,
        /// All of the settings.
        settings: ConversationSettings,
    },
    /// A message mentions the user.
    Mentioned {
        /// The message.
        message: MessageId,
        /// Its sender.
        by: UserRef,
    },
}

/// How far the log of a room went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewind {
    /// The last message that was kept.
    pub kept: EntryId,
    /// The entries behind it by now, and the end of the room, which is behind them when its seq was raised.
    pub entries: Vec<EntryId>,
}

/// A run of messages that a user has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMark {
    /// The reader.
    pub user: UserId,
    /// The first message of the run.
    pub first: Seq,
    /// The last message of the run.
    pub last: Seq,
    /// Time of reading, UTC milliseconds.
    pub at_ms: u64,
}

/// A user came online or went offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceChange {
    /// The user.
    pub user: UserRef,
    /// Whether the user has an open socket now.
    pub is_online: bool,
}
