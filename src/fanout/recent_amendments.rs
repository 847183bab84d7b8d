//! The amendments that a worker has delivered lately, for messages that it sends again.
//!
//! A retry is answered with the message as Redis had it. What was amended since may have reached the client by the time the
//! copy is queued; the copy must not undo it.

use std::collections::VecDeque;

use crate::domain::{Amendment, Message, RoomId};

/// How long an amendment is kept: longer than a message may be on its way from Redis into a queue. Ticks, because a node
/// that was suspended has delivered nothing meanwhile.
const KEPT_TICKS: u64 = 10;
/// Maximum number of amendments that are kept.
const MAX_KEPT: usize = 4096;

/// The latest amendments of a worker's rooms, oldest first.
#[derive(Default)]
pub(super) struct RecentAmendments {
    kept: VecDeque<(u64, RoomId, Amendment)>,
    ticks: u64,
}

impl RecentAmendments {
    /// Keeps an amendment that is being delivered.
    pub(super) fn push(&mut self, room: RoomId, amendment: &Amendment) {
        if self.kept.len() == MAX_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((self.ticks, room, amendment.clone()));
    }

    /// Drops the amendments of a room whose seqs may be given again.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.kept.retain(|(_, other, _)| *other != room);
    }

    /// Drops old ones. Called once a second.
    pub(super) fn tick(&mut self) {
        self.ticks += 1;
        while self.kept.front().is_some_and(|(tick, ..)| tick + KEPT_TICKS < self.ticks) {
            self.kept.pop_front();
        }
    }

    /// The message as it reads after its amendments. `None` when it was deleted.
    pub(super) fn apply(&self, room: RoomId, mut message: Message) -> Option<Message> {
        let seq = message.id.entry.seq;
        let mut of_message = self.kept.iter().filter(|(_, other, it)| *other == room && it.id.seq == seq);
        of_message.all(|(_, _, amendment)| amendment.apply(&mut message)).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AmendmentKind, EntryId, Seq, UserId};

    const ROOM: RoomId = RoomId::GLOBAL;

    fn edit(seq: u64, text: &str) -> Amendment {
        let what = AmendmentKind::Edited(text.into());
        Amendment { id: EntryId { seq: Seq(seq), at_ms: 10 }, revision: 1, by: UserId(1), at_ms: Some(20), what }
    }

    fn text(recent: &RecentAmendments, room: RoomId, seq: u64) -> Option<String> {
        recent.apply(room, Message::sample(1, seq, 10)).map(|message| message.text)
    }

    #[test]
    fn a_copy_has_the_amendments_that_were_delivered_before_it() {
        let mut recent = RecentAmendments::default();
        let other = RoomId::new(7).expect("not zero");
        recent.push(ROOM, &edit(3, "new"));
        assert_eq!(text(&recent, ROOM, 3).as_deref(), Some("new"));
        assert_eq!(text(&recent, ROOM, 4).as_deref(), Some(""));
        assert_eq!(text(&recent, other, 3).as_deref(), Some(""));
        recent.push(ROOM, &Amendment { what: AmendmentKind::Deleted, ..edit(4, "") });
        assert_eq!(text(&recent, ROOM, 4), None);
        recent.forget(ROOM);
        assert_eq!(text(&recent, ROOM, 3).as_deref(), Some(""));
    }

    #[test]
    fn amendments_are_kept_for_some_time() {
        let mut recent = RecentAmendments::default();
        recent.push(ROOM, &edit(3, "new"));
        (0..KEPT_TICKS).for_each(|_| recent.tick());
        assert_eq!(text(&recent, ROOM, 3).as_deref(), Some("new"));
        recent.tick();
        assert_eq!(text(&recent, ROOM, 3).as_deref(), Some(""));
        for _ in 0..=MAX_KEPT {
            recent.push(ROOM, &edit(3, "new"));
        }
        assert_eq!(recent.kept.len(), MAX_KEPT);
    }
}
