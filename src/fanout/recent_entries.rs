//! The ids of the last messages that a node has delivered in a room.

use std::collections::VecDeque;

use crate::domain::EntryId;

/// Number of entries that are kept. If Redis loses fewer, the node knows exactly what is new afterwards.
const MAX_RECENT: usize = 64;

/// The last entries of a room, oldest first.
#[derive(Debug, Default)]
pub(super) struct RecentEntries(VecDeque<EntryId>);

impl RecentEntries {
    /// Keeps one entry, or none for the place before the first message.
    pub(super) fn of(entry: EntryId) -> Self {
        Self((entry.seq > EntryId::START.seq).then_some(entry).into_iter().collect())
    }

    pub(super) fn push(&mut self, entry: EntryId) {
        if self.0.len() == MAX_RECENT {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    pub(super) fn contains(&self, entry: EntryId) -> bool {
        self.0.contains(&entry)
    }

    /// All of them; `end` when there are none, the end of a room without messages.
    pub(super) fn or_end(&self, end: EntryId) -> Vec<EntryId> {
        match self.0.is_empty() {
            true if end.seq == EntryId::START.seq => vec![EntryId::START],
            true => vec![end],
            false => self.0.iter().copied().collect(),
        }
    }

    /// Drops the entries that Redis has lost: those after `kept`.
    pub(super) fn rewind(&mut self, kept: EntryId) {
        match self.0.iter().position(|entry| *entry == kept) {
            Some(index) => self.0.truncate(index + 1),
            None => *self = Self::of(kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Seq;

    fn entry(seq: u64) -> EntryId {
        EntryId { seq: Seq(seq), at_ms: 10 }
    }

    fn seqs(recent: &RecentEntries) -> Vec<u64> {
        recent.or_end(entry(7)).iter().map(|entry| entry.seq.0).collect()
    }

    #[test]
    fn the_last_entries_are_known_and_lost_ones_are_not() {
        let mut recent = RecentEntries::of(entry(1));
        (2..=100).for_each(|seq| recent.push(entry(seq)));
        assert_eq!(seqs(&recent), (37..=100).collect::<Vec<_>>());
        recent.rewind(entry(98));
        recent.push(entry(102));
        assert_eq!(seqs(&recent)[60..], [97, 98, 102]);
        assert!(!recent.contains(entry(99)) && recent.contains(entry(98)));
        recent.rewind(entry(20));
        assert_eq!(seqs(&recent), [20]);
        recent.rewind(EntryId::START);
        assert_eq!(recent.or_end(entry(7)), [entry(7)]);
        assert_eq!(recent.or_end(entry(0)), [EntryId::START], "whatever the time of an empty room");
    }
}
