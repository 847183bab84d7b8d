//! What a connection misses in a room, until it has caught up.

use crate::domain::{Amendments, EntryId, Rewind, RoomId, Seq};

/// What a client receives about resuming a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeReplies {
    /// Sent behind the last missed message; `None` for a dialect that sends nothing.
    pub complete: Option<String>,
    /// Sent when messages are no longer kept.
    pub lost: String,
}

/// A room in which a connection misses messages.
pub(super) struct Backlog {
    pub(super) room: RoomId,
    /// The last message that the connection has.
    pub(super) after: EntryId,
    /// Messages before this time are not sent, UTC milliseconds: the user was no member.
    pub(super) since_ms: u64,
    /// Whether every message behind `after` is due. Otherwise the first ones may be missing from the log, because only
    /// those from `since_ms` on are due.
    pub(super) is_all_due: bool,
    /// Whether everything up to `after` was read; newer messages arrive as events.
    pub(super) is_caught_up: bool,
    /// Whether `after` is a resume token of the client, which must be found in the stream.
    pub(super) is_token: bool,
    pub(super) resume_replies: Option<ResumeReplies>,
    /// Amendments that arrived while the backlog is read: a page that was read earlier does not have them.
    pub(super) amendments: Amendments,
}

impl Backlog {
    /// Everything behind a seq that the node itself names.
    pub(super) fn behind(room: RoomId, seq: Seq) -> Self {
        Self::after(room, EntryId::at(seq))
    }

    /// What follows a message, for a user who may have left since and become a member again.
    pub(super) fn of_returning(room: RoomId, message: EntryId) -> Self {
        Self { is_all_due: false, ..Self::after(room, message) }
    }

    /// What a new member of a room misses: from the first message on that the announcement names, if there was one.
    pub(super) fn of_member(room: RoomId, since: Option<Seq>) -> Self {
        match since {
            Some(since) => Self::behind(room, since.previous()),
            None => Self::of_returning(room, EntryId::START),
        }
    }

    /// Everything from a message on.
    pub(super) fn before(room: RoomId, message: EntryId) -> Self {
        Self::after(room, EntryId::at(message.seq.previous()))
    }

    /// Everything behind a client's resume token.
    pub(super) fn resuming(room: RoomId, after: EntryId, replies: ResumeReplies) -> Self {
        Self { is_token: true, resume_replies: Some(replies), ..Self::after(room, after) }
    }

    fn after(room: RoomId, after: EntryId) -> Self {
        Self {
            room,
            after,
            since_ms: 0,
            is_all_due: true,
            is_caught_up: false,
            is_token: false,
            resume_replies: None,
            amendments: Amendments::default(),
        }
    }

    /// Whether the connection has a message already.
    pub(super) fn has(&self, message: EntryId) -> bool {
        message.seq <= self.after.seq
    }

    /// Continues behind what Redis kept of the room, if the backlog had reached a message that was lost. Returns
    /// `false` when nothing remains to be read.
    pub(super) fn rewind(&mut self, rewind: &Rewind) -> bool {
        let is_kept = self.after.seq <= rewind.kept.seq || rewind.entries.contains(&self.after);
        // Whether a token was lost shows when it is read.
        if is_kept || self.is_token {
            return true;
        }
        self.after = rewind.kept;
        !self.is_caught_up
    }
}

/// A room to which a connection is about to be subscribed, if its user turns out to be a member.
pub(super) struct Joining {
    /// What the connection will miss by then.
    pub(super) backlog: Backlog,
    /// Whether the membership has changed since it was last checked.
    pub(super) is_outdated: bool,
}

/// A change of membership that arrived while a connection's rooms were being read.
#[derive(Clone, Copy)]
pub(super) enum RoomChange {
    /// The user became a member, with this message if it is known.
    Joined(RoomId, Option<Seq>),
    /// The user is no longer a member.
    Left(RoomId),
}
