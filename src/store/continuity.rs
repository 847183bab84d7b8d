//! Whether Redis may have lost what this node has seen in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A counter of numbers that are given once.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Counter {
    /// Numbers of users.
    Users,
    /// Numbers of rooms.
    Rooms,
}

/// What the stores of a node have seen. A server that takes over, or that starts from an older file, lacks the latest
/// writes: a node notices by its broken connections, which the servers count, and by what is missing.
#[derive(Clone, Default)]
pub(in crate::store) struct Continuity(Arc<Seen>);

#[derive(Default)]
struct Seen {
    users: AtomicU64,
    rooms: AtomicU64,
    /// Whether the replication id of the server stands next to both counters.
    has_noted: AtomicBool,
    /// Time at which the global room was created, which a flush changes; 0 until it is known.
    founded_at_ms: AtomicU64,
}

impl Continuity {
    /// The highest number of a counter that this node has seen.
    pub(in crate::store) fn highest(&self, counter: Counter) -> u64 {
        self.seen(counter).load(Ordering::Acquire)
    }

    pub(in crate::store) fn note_number(&self, counter: Counter, number: u64) {
        self.seen(counter).fetch_max(number, Ordering::AcqRel);
    }

    fn seen(&self, counter: Counter) -> &AtomicU64 {
        match counter {
            Counter::Users => &self.0.users,
            Counter::Rooms => &self.0.rooms,
        }
    }

    pub(in crate::store) fn has_noted_history(&self) -> bool {
        self.0.has_noted.load(Ordering::Acquire)
    }

    pub(in crate::store) fn note_history(&self) {
        self.0.has_noted.store(true, Ordering::Release);
    }

    /// Records the time at which the global room was created. Returns whether it is another than before.
    pub(in crate::store) fn note_founding(&self, at_ms: u64) -> bool {
        let before = self.0.founded_at_ms.swap(at_ms, Ordering::AcqRel);
        before != 0 && before != at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_room_that_was_created_again_is_noticed_once() {
        let continuity = Continuity::default();
        assert_eq!([5, 5, 9, 9].map(|at_ms| continuity.note_founding(at_ms)), [false, false, true, false]);
    }

    #[test]
    fn the_highest_number_is_kept() {
        let continuity = Continuity::default();
        for number in [3, 7, 5] {
            continuity.note_number(Counter::Rooms, number);
        }
        assert_eq!((continuity.highest(Counter::Rooms), continuity.highest(Counter::Users)), (7, 0));
    }
}
