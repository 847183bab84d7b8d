//! Amendments: changes of messages that are stored already.

use super::ids::{EntryId, Seq, UserId};
use super::message::Message;

/// A change of a stored message, whose entry in the log stays as it is.
///
/// Code that treats all kinds alike is generic over the kind `K`, so that its tests can add one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment<K = AmendmentKind> {
    /// The message. Its time is 0 where only the seq is known.
    pub id: EntryId,
    /// The room's revision after this amendment, or a later one.
    pub revision: u64,
    /// The user who amended the message.
    pub by: UserId,
    /// Time of the amendment, UTC milliseconds. `None` for an announced deletion, which does not carry it.
    pub at_ms: Option<u64>,
    /// What changed.
    pub what: K,
}

/// What can change about a stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmendmentKind {
    /// The message is no longer shown anywhere.
    Deleted,
}

/// Amendments of a room, found by message.
#[derive(Clone, Debug, Default)]
pub struct Amendments {
    /// Sorted by seq; amendments of one message stay in the order in which they were added.
    sorted: Vec<Amendment>,
}

impl Amendments {
    /// Adds an amendment, after those of the same message.
    pub fn push(&mut self, amendment: Amendment) {
        let index = self.sorted.partition_point(|other| other.id.seq <= amendment.id.seq);
        self.sorted.insert(index, amendment);
    }

    /// Whether a message was deleted.
    pub fn is_deleted(&self, seq: Seq) -> bool {
        self.of(seq).iter().any(|amendment| amendment.what == AmendmentKind::Deleted)
    }

    /// Messages as they read after their amendments, without the deleted ones.
    pub fn overlay(&self, messages: Vec<Message>) -> Vec<Message> {
        if self.sorted.is_empty() {
            return messages;
        }
        messages.into_iter().filter_map(|message| self.apply(message)).collect()
    }

    /// The message as it reads after its amendments. `None` when it was deleted, whatever else was amended.
    pub fn apply(&self, message: Message) -> Option<Message> {
        (!self.is_deleted(message.id.entry.seq)).then_some(message)
    }

    /// All of them, by seq.
    pub fn into_vec(self) -> Vec<Amendment> {
        self.sorted
    }

    /// The amendments of one message.
    fn of(&self, seq: Seq) -> &[Amendment] {
        let first = self.sorted.partition_point(|amendment| amendment.id.seq < seq);
        let behind = &self.sorted[first..];
        &behind[..behind.partition_point(|amendment| amendment.id.seq == seq)]
    }
}

impl FromIterator<Amendment> for Amendments {
    fn from_iter<I: IntoIterator<Item = Amendment>>(amendments: I) -> Self {
        let mut sorted: Vec<Amendment> = amendments.into_iter().collect();
        sorted.sort_by_key(|amendment| amendment.id.seq);
        Self { sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deletion(seq: u64) -> Amendment {
        let id = EntryId { seq: Seq(seq), at_ms: 0 };
        Amendment { id, revision: 1, by: UserId(1), at_ms: None, what: AmendmentKind::Deleted }
    }

    fn message(seq: u64) -> Message {
        Message::sample(1, seq, 1)
    }

    #[test]
    fn deleted_messages_are_left_out() {
        let mut amendments: Amendments = [deletion(9), deletion(2), deletion(2)].into_iter().collect();
        amendments.push(deletion(5));
        amendments.push(deletion(1));
        let shown = amendments.overlay((1..=10).map(message).collect());
        let seqs: Vec<u64> = shown.iter().map(|message| message.id.entry.seq.0).collect();
        assert_eq!(seqs, [3, 4, 6, 7, 8, 10]);
        assert_eq!(Amendments::default().overlay(vec![message(1)]).len(), 1);
    }
}
