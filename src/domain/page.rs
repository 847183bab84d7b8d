//! Pages of history and lists.

use super::amendment::{Amendment, AmendmentKind};
use super::error::{Error, Field, Result};
use super::ids::{EntryId, RoomId, Seq, UserId};
use super::message::Message;
use super::receipt::Receipts;
use super::room::RoomHead;

/// How many items a page may have at the most: at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(usize);

impl Limit {
    /// Reads a limit from a query: a positive decimal within 64 bits; above `max` it is `max`.
    ///
    /// # Errors
    /// `Invalid` for zero, negative, fractional, oversized numbers and for anything else.
    pub fn parse(text: &str, max: usize) -> Result<Self> {
        let number: i64 = text.parse().map_err(|_| Error::Invalid(Field::Limit))?;
        let number = usize::try_from(number).map_err(|_| Error::Invalid(Field::Limit))?;
        if number == 0 {
            return Err(Error::Invalid(Field::Limit));
        }
        Ok(Self(number.min(max)))
    }

    /// The same for a number that came as one.
    ///
    /// # Errors
    /// `Invalid` below 1.
    pub fn of_number(number: i64, max: usize) -> Result<Self> {
        match usize::try_from(number) {
            Ok(number) if number > 0 => Ok(Self(number.min(max))),
            _ => Err(Error::Invalid(Field::Limit)),
        }
    }

    /// A limit that the code knows to be positive.
    pub const fn of(number: usize) -> Self {
        assert!(number > 0, "a page has room for one item");
        Self(number)
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

/// Which part of a room's history is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The newest, newest first.
    Latest,
    /// Older than this seq, newest first.
    Before(Seq),
    /// Newer than this seq, oldest first.
    After(Seq),
}

/// A page of a room's history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// The room.
    pub room: RoomId,
    /// The part.
    pub span: Span,
    /// Most messages.
    pub limit: Limit,
    /// Messages to leave out at the beginning.
    pub skip: usize,
    /// Whether the server's own messages are listed.
    pub include_system: bool,
    /// Whether all that could be listed is counted.
    pub with_total: bool,
    /// Whether it is told who has what.
    pub with_receipts: bool,
}

impl HistoryQuery {
    /// A part of a room's history as most documents list it.
    pub fn new(room: RoomId, span: Span, limit: Limit) -> Self {
        Self { room, span, limit, skip: 0, include_system: true, with_total: false, with_receipts: false }
    }
}

/// How far a room has come: changes with every message and every amendment, so it names a state of the
/// room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The newest message; seq 0 when there was none yet.
    pub last: EntryId,
    /// How many amendments the room has had.
    pub revision: u64,
}

/// An answer to a [`HistoryQuery`].
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The messages in the order of the span, without deleted ones.
    pub messages: Vec<Message>,
    /// The room.
    pub head: RoomHead,
    /// The room's state, read before the messages: never newer than they are.
    pub watermark: Watermark,
    /// Whether the caller is a member.
    pub is_member: bool,
    /// What of it the caller, a member, has not read before as far as it is noted.
    pub unread: Option<(Seq, Seq)>,
    /// How many messages could be listed, when asked for.
    pub total: usize,
    /// Who has what, when asked for. Empty in rooms too large for it.
    pub receipts: Receipts,
}

/// What happened in a room behind a message.
#[derive(Clone, Debug)]
pub struct Tail<K = AmendmentKind> {
    /// The room.
    pub head: RoomHead,
    /// Its state; the last of the messages read, deleted or not, stands in for its newest.
    pub watermark: Watermark,
    /// Whether nothing is missing between the message and these.
    pub is_complete: bool,
    /// The same without the message itself, for who knows only its seq.
    pub is_gapless: bool,
    /// Whether there is more than was asked for.
    pub has_more: bool,
    /// Messages behind it, oldest first, without deleted ones.
    pub messages: Vec<Message>,
    /// All amendments of the room's messages, without the times of the messages.
    pub amendments: Vec<Amendment<K>>,
}

/// Where a page of online users ended: the next begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnlineCursor {
    /// Last activity of the last user listed, UTC milliseconds.
    pub active_at_ms: u64,
    /// That user.
    pub user: UserId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_positive_and_capped() {
        assert_eq!(Limit::parse("7", 100).map(Limit::get).ok(), Some(7));
        assert_eq!(Limit::parse("100000", 100).map(Limit::get).ok(), Some(100));
        for bad in ["", "0", "-1", "1.5", "x", "9223372036854775808", " 5"] {
            assert!(Limit::parse(bad, 100).is_err(), "{bad}");
        }
    }
}
