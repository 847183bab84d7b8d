//! Queries for history and lists, and their pages.

use super::amendment::{Amendment, AmendmentKind};
use super::error::{Error, Result};
use super::event::ReadMark;
use super::field::Field;
use super::ids::{EntryId, RoomId, Seq, UserId};
use super::message::Message;
use super::receipt::Receipts;
use super::room::RoomHead;

/// Maximum number of items on a page; at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(usize);

impl Limit {
    /// Parses a limit from a query: a positive decimal within 64 bits, capped at `max`.
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

    /// Parses a limit that a query may lack.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_or(text: Option<&str>, default: Self, max: usize) -> Result<Self> {
        text.map_or(Ok(default), |text| Self::parse(text, max))
    }

    /// Checks a limit that JSON carries as a number, and caps it at `max`.
    ///
    /// # Errors
    /// `Invalid` below 1.
    pub fn of_number(number: i64, max: usize) -> Result<Self> {
        match usize::try_from(number) {
            Ok(number) if number > 0 => Ok(Self(number.min(max))),
            _ => Err(Error::Invalid(Field::Limit)),
        }
    }

    /// Creates a limit from a constant.
    ///
    /// # Panics
    /// When it is zero.
    pub const fn of(number: usize) -> Self {
        assert!(number > 0, "a limit is at least 1");
        Self(number)
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

/// Parses the cursor of a list of rooms: the number of the last one on the page before.
///
/// # Errors
/// `Invalid(Cursor)`.
pub fn room_cursor(text: &str) -> Result<RoomId> {
    text.parse().ok().and_then(RoomId::new).ok_or(Error::Invalid(Field::Cursor))
}

/// The part of a room's history that a query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The newest messages, newest first.
    Latest,
    /// Messages older than this seq, newest first.
    Before(Seq),
    /// Messages newer than this seq, oldest first.
    After(Seq),
}

/// A query for a page of a room's history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// The room.
    pub room: RoomId,
    /// The part of its history.
    pub span: Span,
    /// Maximum number of messages.
    pub limit: Limit,
    /// Number of messages to skip at the beginning of the part.
    pub skip: usize,
    /// Whether the page includes messages of the server.
    pub include_system: bool,
    /// Whether the page carries [`HistoryPage::total`].
    pub with_total: bool,
    /// Whether the page carries [`HistoryPage::receipts`].
    pub with_receipts: bool,
    /// What listing the messages means for the receipts of a caller who is a member.
    pub counts_as: CountsAs,
    /// Whether the caller may read a closed room without being a member.
    pub needs_no_membership: bool,
    /// Maximum size of the page as [`Message::printed_bytes`] counts it; the first message is on the page in any case.
    pub max_bytes: Option<usize>,
}

impl HistoryQuery {
    /// Creates a query with the defaults of most documents.
    pub fn new(room: RoomId, span: Span, limit: Limit) -> Self {
        Self {
            room,
            span,
            limit,
            skip: 0,
            include_system: true,
            with_total: false,
            with_receipts: false,
            counts_as: CountsAs::Read,
            needs_no_membership: false,
            max_bytes: None,
        }
    }
}

/// What a page does to the receipts of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountsAs {
    /// The caller has read them.
    Read,
    /// The caller receives them, but has not viewed them yet.
    Delivered,
    /// The caller gets no messages but only facts about the page, or there is no caller.
    Nothing,
}

/// Identifies a state of a room's history: it changes with every message and every amendment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The newest message; seq 0 when there was none yet.
    pub last: EntryId,
    /// Number of amendments so far.
    pub revision: u64,
}

/// The result of a [`HistoryQuery`].
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The messages in the order of the span, without deleted ones.
    pub messages: Vec<Message>,
    /// Whether [`HistoryQuery::max_bytes`] left out messages that the limit would allow.
    pub is_cut: bool,
    /// The room.
    pub head: RoomHead,
    /// The room's watermark, read before the messages and therefore never newer than they are.
    pub watermark: Watermark,
    /// Whether the caller is a member.
    pub is_member: bool,
    /// The part of this page that the caller had not read yet, as first and last message; `None` for non-members.
    pub unread: Option<(Seq, Seq)>,
    /// Number of messages that all pages have together, if the query asks for it.
    pub total: usize,
    /// Receipts, if the query asks for them; empty in rooms too large for receipts.
    pub receipts: Receipts,
}

/// A query for what follows the last message that a reader has of a room.
#[derive(Clone, Copy, Debug)]
pub struct TailQuery<'a> {
    /// The room.
    pub room: RoomId,
    /// The last messages that the reader has, oldest first. What follows the last of them is read; the others tell how
    /// much is new when Redis has lost it.
    pub known: &'a [EntryId],
    /// Maximum number of messages.
    pub limit: Limit,
    /// The time, in UTC milliseconds, from which on [`Tail::amendments`] of earlier messages are requested.
    pub amended_since_ms: u64,
    /// The time, in UTC milliseconds, from which on [`Tail::read_marks`] are requested.
    pub marks_since_ms: Option<u64>,
}

/// The history of a room after a given message.
#[derive(Clone, Debug)]
pub struct Tail<K = AmendmentKind> {
    /// The room.
    pub head: RoomHead,
    /// The room's watermark. Its `last` is the last entry read, deleted or not, or the room's last when nothing is left.
    pub watermark: Watermark,
    /// Whether the given message still exists and nothing is missing after it.
    pub is_complete: bool,
    /// Whether nothing is missing after the given message, which itself may have been removed.
    pub is_gapless: bool,
    /// Whether there are more messages than the limit.
    pub has_more: bool,
    /// The last message that was kept, when Redis came back without the given one. Then everything that was stored since
    /// follows.
    pub rewound_to: Option<EntryId>,
    /// Messages after the given one, oldest first, without deleted ones.
    pub messages: Vec<Message>,
    /// The ids of all entries after the given one, those of deleted messages included.
    pub entries: Vec<EntryId>,
    /// The amendments of the messages that were read, and those of earlier messages since the time that the query names,
    /// without the times of the messages. Those without details may be older.
    pub amendments: Vec<Amendment<K>>,
    /// What users have read since the time that the query names, in the order of reading.
    pub read_marks: Vec<ReadMark>,
}

/// Position of the last user on a page of online users; the next page starts after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnlineCursor {
    /// The user's last activity, UTC milliseconds.
    pub active_at_ms: u64,
    /// The user.
    pub user: UserId,
}

/// Parses a position in a list.
///
/// # Errors
/// `Invalid(Cursor)`.
pub fn position_cursor(text: &str) -> Result<usize> {
    let position: Option<u32> = text.parse().ok();
    position.and_then(|position| usize::try_from(position).ok()).ok_or(Error::Invalid(Field::Cursor))
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
