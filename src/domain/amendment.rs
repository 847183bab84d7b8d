//! Amendments: changes of messages that are stored already.

use std::sync::Arc;

use super::emoji::Emoji;
use super::ids::{EntryId, Seq, UserId};
use super::mention::MentionChange;
use super::message::{Message, PinState};
use super::reactions::Reactions;

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
    /// Its sender replaced the text by this one, at a time that is later than that of earlier edits.
    Edited(Arc<str>),
    /// An edit, at this time, changed whom the text mentions.
    Mentions(Arc<MentionChange>),
    /// The user reacted, or removed the reaction, at a time that is later than that of earlier changes.
    Reacted {
        /// With this emoji.
        emoji: Emoji,
        /// Whether the reaction was added.
        is_on: bool,
    },
    /// The user pinned the message to the room, or unpinned it, at a time that is later than that of earlier changes.
    Pinned(bool),
    /// All reactions after the latest change, where the single changes are not known.
    Reactions(Arc<Reactions>),
}

impl Amendment {
    /// Changes a message accordingly. Returns `false` when the message is no longer shown. An amendment never undoes a
    /// later one, so it does no harm to apply amendments again.
    pub fn apply(&self, message: &mut Message) -> bool {
        match &self.what {
            AmendmentKind::Deleted => return false,
            AmendmentKind::Edited(text) if self.at_ms >= message.edited_at_ms => {
                message.text = text.as_ref().to_owned();
                message.edited_at_ms = self.at_ms;
            }
            AmendmentKind::Reacted { emoji, is_on } => {
                let reactions = Arc::make_mut(message.reactions.get_or_insert_default());
                reactions.set(emoji, self.by, *is_on, self.at_ms);
            }
            AmendmentKind::Reactions(reactions) => {
                let known = message.reactions.as_ref().and_then(|known| known.changed_at_ms());
                if reactions.changed_at_ms() >= known {
                    message.reactions = Some(Arc::clone(reactions));
                }
            }
            AmendmentKind::Pinned(is_pinned) if self.at_ms >= message.pin.and_then(|pin| pin.changed_at_ms) => {
                message.pin = Some(PinState { is_pinned: *is_pinned, changed_at_ms: self.at_ms });
            }
            AmendmentKind::Mentions(change) if self.at_ms >= message.mentions_changed_at_ms => {
                message.mentions.clone_from(&change.now);
                message.mentions_changed_at_ms = self.at_ms;
            }
            AmendmentKind::Edited(_) | AmendmentKind::Mentions(_) | AmendmentKind::Pinned(_) => {}
        }
        true
    }
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
    pub fn apply(&self, mut message: Message) -> Option<Message> {
        let is_shown = self.of(message.id.entry.seq).iter().all(|amendment| amendment.apply(&mut message));
        is_shown.then_some(message)
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
    use crate::domain::{Mentions, UserRef};

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

    fn edit(seq: u64, at_ms: u64, text: &str) -> Amendment {
        Amendment { at_ms: Some(at_ms), what: AmendmentKind::Edited(text.into()), ..deletion(seq) }
    }

    #[test]
    fn the_latest_edit_counts_in_whatever_order_edits_are_applied() {
        for order in [[20, 30, 40], [40, 30, 20], [30, 40, 20]] {
            let amendments: Amendments = order.map(|at_ms| edit(2, at_ms, &at_ms.to_string())).into_iter().collect();
            let shown = amendments.overlay(vec![message(1), message(2)]);
            assert_eq!((shown[0].text.as_str(), shown[0].edited_at_ms), ("", None));
            assert_eq!((shown[1].text.as_str(), shown[1].edited_at_ms), ("40", Some(40)), "{order:?}");
        }
    }

    #[test]
    fn the_latest_mentions_count_in_whatever_order_they_are_applied() {
        let mentions = |at_ms: u64| {
            let users = vec![UserRef { id: UserId(at_ms), name: "bob".to_owned() }];
            let now = (at_ms < 40).then(|| Mentions { users, everyone: None }.into());
            let what = AmendmentKind::Mentions(MentionChange { now, announced: None }.into());
            Amendment { what, ..edit(2, at_ms, "") }
        };
        for (order, last) in [([20, 10, 30], Some(30)), ([40, 30, 20], None), ([30, 40, 20], None)] {
            let shown = order.map(mentions).into_iter().collect::<Amendments>().overlay(vec![message(2)]);
            let users = shown[0].mentions.as_ref().map(|mentions| mentions.users[0].id.0);
            assert_eq!(users, last, "{order:?}");
        }
    }

    #[test]
    fn the_latest_pin_counts_in_whatever_order_pins_are_applied() {
        let pin = |at_ms, is_pinned| Amendment { what: AmendmentKind::Pinned(is_pinned), ..edit(2, at_ms, "") };
        for order in [[20, 30, 40], [40, 30, 20], [30, 40, 20]] {
            for is_last in [true, false] {
                let pins = order.map(|at_ms| pin(at_ms, (at_ms == 40) == is_last));
                let shown = pins.into_iter().collect::<Amendments>().overlay(vec![message(1), message(2)]);
                assert_eq!((shown[0].is_pinned(), shown[1].is_pinned()), (false, is_last), "{order:?}");
            }
        }
    }

    #[test]
    fn reactions_that_are_read_may_be_ahead_of_what_is_announced() {
        let reacted = |at_ms, is_on| {
            let what = AmendmentKind::Reacted { emoji: Emoji::stored("👍"), is_on };
            Amendment { at_ms: Some(at_ms), what, ..deletion(2) }
        };
        let users = |amendments: Vec<Amendment>| {
            let amendments: Amendments = amendments.into_iter().collect();
            let shown = amendments.overlay(vec![message(2)]);
            let reactions = shown[0].reactions.as_ref().expect("some");
            reactions.kinds().iter().map(|kind| kind.users.len()).sum::<usize>()
        };
        assert_eq!(users(vec![reacted(10, true)]), 1);
        assert_eq!(users(vec![reacted(10, true), reacted(11, false)]), 0);
        let read = Amendment {
            what: AmendmentKind::Reactions(Reactions::new(Vec::new(), Some(11)).into()),
            ..reacted(11, false)
        };
        assert_eq!(users(vec![read.clone(), reacted(10, true), reacted(11, false)]), 0);
        assert_eq!(users(vec![reacted(10, true), read.clone(), reacted(12, true)]), 1);
        assert_eq!(users(vec![reacted(12, true), read]), 1);
    }

    #[test]
    fn a_deletion_wins_over_an_edit() {
        for both in [[deletion(2), edit(2, 9, "x")], [edit(2, 9, "x"), deletion(2)]] {
            let amendments: Amendments = both.into_iter().collect();
            assert_eq!(amendments.overlay(vec![message(2)]), []);
        }
    }
}
