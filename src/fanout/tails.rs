//! The tails of followed rooms: their newest messages, from which histories are answered once Redis has confirmed that
//! a room is still in the state of its tail.
//!
//! A tail begins with a page that was read from Redis, and continues with the room's events as its sequencer passes
//! them on. Whoever finds that an event may be missing drops it. `followed_rooms` calls under its lock, so that a tail
//! is never behind or ahead of the sequencer while events are applied.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use foldhash::HashMap;

use crate::domain::{Event, RecentMessages, RoomId};

/// Maximum number of messages of a tail, and of a page with which one begins.
pub(super) const MAX_MESSAGES: usize = 100;

/// The tails of a node's rooms, at most so many bytes. The least recently read ones are evicted first.
pub struct Tails {
    max_bytes: usize,
    max_entries: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    tails: HashMap<RoomId, Tail>,
    /// The rooms by their last use, which is a number that counts uses.
    by_use: BTreeMap<u64, RoomId>,
    uses: u64,
    bytes: usize,
}

struct Tail {
    recent: Arc<RecentMessages>,
    used: u64,
}

impl Tails {
    /// Tails of at most `max_bytes` together, of rooms whose logs have at most `max_entries`. With 0 bytes nothing is
    /// cached.
    pub fn new(max_bytes: usize, max_entries: u64) -> Self {
        Self { max_bytes, max_entries, kept: Mutex::default() }
    }

    /// Whether any tails are kept.
    pub(super) fn are_kept(&self) -> bool {
        self.max_bytes > 0
    }

    /// The tail of a room, which counts as used.
    pub(super) fn get(&self, room: RoomId) -> Option<Arc<RecentMessages>> {
        let mut kept = self.kept();
        let Kept { tails, by_use, uses, .. } = &mut *kept;
        let tail = tails.get_mut(&room)?;
        by_use.remove(&tail.used);
        *uses += 1;
        tail.used = *uses;
        by_use.insert(tail.used, room);
        Some(Arc::clone(&tail.recent))
    }

    /// Keeps a tail, unless there is one of the same state that reaches as far back.
    pub(super) fn keep(&self, room: RoomId, mut recent: RecentMessages) {
        let mut kept = self.kept();
        let reaches_as_far =
            |kept: &RecentMessages| kept.watermark() == recent.watermark() && kept.from() <= recent.from();
        if kept.tails.get(&room).is_some_and(|tail| reaches_as_far(&tail.recent)) {
            return;
        }
        kept.remove(room);
        recent.trim(MAX_MESSAGES, self.max_entries);
        kept.uses += 1;
        kept.bytes += recent.bytes();
        let used = kept.uses;
        kept.by_use.insert(used, room);
        kept.tails.insert(room, Tail { recent: Arc::new(recent), used });
        kept.shrink(self.max_bytes);
    }

    /// Applies events of a room, in the order in which its sequencer passes them on. Drops the tail when one is missing.
    pub(super) fn apply(&self, room: RoomId, events: &[Event]) {
        let mut kept = self.kept();
        let Some(tail) = kept.tails.get_mut(&room) else { return };
        // Copies the list, not the messages, and only while a reader has it.
        let recent = Arc::make_mut(&mut tail.recent);
        let bytes_before = recent.bytes();
        let is_whole = events.iter().all(|event| follow(recent, event));
        recent.trim(MAX_MESSAGES, self.max_entries);
        let bytes = recent.bytes();
        kept.bytes = kept.bytes - bytes_before + bytes;
        if !is_whole {
            kept.remove(room);
        }
        kept.shrink(self.max_bytes);
    }

    /// Drops the tail of a room: an event may be missing.
    pub(super) fn drop_tail(&self, room: RoomId) {
        self.kept().remove(room);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while held")
    }
}

/// Applies one event. Returns `false` when events are missing before it, or the log has changed otherwise.
fn follow(recent: &mut RecentMessages, event: &Event) -> bool {
    match event {
        Event::Message(message) => recent.push(message),
        Event::Amended(amendment) => recent.amend(amendment),
        Event::Read(_) | Event::Typing(_) | Event::Presence(_) | Event::RoomChanged { .. } => true,
        Event::RoomRemoved(_) | Event::Rewound(_) => false,
    }
}

impl Kept {
    fn remove(&mut self, room: RoomId) {
        if let Some(tail) = self.tails.remove(&room) {
            self.by_use.remove(&tail.used);
            self.bytes -= tail.recent.bytes();
        }
    }

    fn shrink(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes
            && let Some((_, room)) = self.by_use.first_key_value()
        {
            self.remove(*room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Amendment, AmendmentKind, EntryId, HistoryPage, HistoryQuery, Limit, Message, Receipts, Rewind, RoomHead,
        RoomKind, Seq, Span, UserId, Watermark,
    };

    const ENOUGH: usize = 1 << 20;

    fn room(number: u32) -> RoomId {
        RoomId::new(number).expect("not zero")
    }

    fn entry(seq: u64) -> EntryId {
        EntryId { seq: Seq(seq), at_ms: 10 }
    }

    fn query(limit: usize) -> HistoryQuery {
        HistoryQuery::new(RoomId::GLOBAL, Span::Latest, Limit::of(limit))
    }

    /// The last `limit` of nine messages.
    fn nine(limit: u64) -> RecentMessages {
        let page = HistoryPage {
            messages: (10 - limit..10).rev().map(|seq| Message::sample(1, seq, 10)).collect(),
            is_cut: false,
            head: RoomHead { id: RoomId::GLOBAL, kind: RoomKind::Public, pair: None },
            watermark: Watermark { last: entry(9), revision: 0 },
            is_member: true,
            unread: None,
            total: 0,
            receipts: Receipts::default(),
        };
        RecentMessages::of(&query(limit as usize), &page).expect("the newest messages")
    }

    fn message(seq: u64) -> Event {
        Event::Message(Box::new(Message::sample(1, seq, 10)))
    }

    fn deletion(seq: u64, revision: u64) -> Event {
        Event::Amended(Amendment { id: entry(seq), revision, by: UserId(1), at_ms: None, what: AmendmentKind::Deleted })
    }

    fn seqs(tails: &Tails, number: u32, limit: usize) -> Option<Vec<u64>> {
        let messages = tails.get(room(number))?.select(query(limit), 0).into_messages();
        Some(messages.iter().map(|message| message.id.entry.seq.0).collect())
    }

    #[test]
    fn a_tail_follows_its_room() {
        let tails = Tails::new(ENOUGH, 1000);
        tails.apply(room(1), &[message(9)]);
        assert!(seqs(&tails, 1, 9).is_none(), "nothing begins with an event");
        tails.keep(room(1), nine(3));
        let held_by_a_reader = tails.get(room(1)).expect("kept");
        tails.apply(room(1), &[message(10), deletion(8, 1)]);
        tails.apply(room(1), &[Event::Typing(crate::domain::UserRef { id: UserId(1), name: String::new() })]);
        assert_eq!(seqs(&tails, 1, 9), Some(vec![10, 9, 7]));
        assert_eq!(held_by_a_reader.watermark(), Watermark { last: entry(9), revision: 0 });
        let watermark = tails.get(room(1)).map(|recent| recent.watermark());
        assert_eq!(watermark, Some(Watermark { last: entry(10), revision: 1 }));
        (11..=200).for_each(|seq| tails.apply(room(1), &[message(seq)]));
        assert_eq!(seqs(&tails, 1, 1000), Some((101..=200).rev().collect()));
    }

    #[test]
    fn whatever_may_have_been_missed_drops_a_tail() {
        let rewind = Rewind { kept: entry(8), entries: Vec::new() };
        for events in [
            vec![message(11)],
            vec![message(9)],
            vec![deletion(8, 2)],
            vec![message(10), message(12)],
            vec![Event::Rewound(rewind), message(10)],
            vec![Event::RoomRemoved(UserId(1))],
        ] {
            let tails = Tails::new(ENOUGH, 1000);
            tails.keep(room(1), nine(3));
            tails.apply(room(1), &events);
            assert!(tails.get(room(1)).is_none(), "{events:?}");
            assert_eq!(tails.kept().bytes, 0, "{events:?}");
        }
    }

    #[test]
    fn a_longer_tail_replaces_a_shorter_one() {
        let tails = Tails::new(ENOUGH, 1000);
        for (offered, kept) in [(3, 3), (2, 3), (5, 5), (4, 5)] {
            tails.keep(room(1), nine(offered));
            assert_eq!(seqs(&tails, 1, 9).map(|seqs| seqs.len()), Some(kept), "{offered}");
        }
    }

    #[test]
    fn the_tails_that_nobody_reads_leave_first() {
        let tails = Tails::new(3 * nine(3).bytes(), 1000);
        (1..=3).for_each(|number| tails.keep(room(number), nine(3)));
        assert!(tails.get(room(1)).is_some());
        tails.keep(room(4), nine(3));
        assert!(tails.get(room(2)).is_none(), "used least recently");
        let all = || [1, 3, 4].map(|number| tails.get(room(number)).is_some());
        assert_eq!(all(), [true; 3]);
        // A room that grows evicts others as well.
        tails.apply(room(4), &[message(10)]);
        assert_eq!(all(), [false, true, true]);
        tails.drop_tail(room(3));
        tails.drop_tail(room(4));
        let kept = tails.kept();
        assert!(kept.bytes == 0 && kept.tails.is_empty() && kept.by_use.is_empty());
    }

    #[test]
    fn without_room_nothing_is_kept() {
        for (max_bytes, are_kept) in [(0, false), (1, true)] {
            let tails = Tails::new(max_bytes, 1000);
            tails.keep(room(1), nine(3));
            assert!(tails.get(room(1)).is_none());
            assert_eq!(tails.are_kept(), are_kept);
        }
    }
}
