//! The clocks: the machine's own, and the one that all nodes share.
//!
//! Times that are compared between nodes, or with what Redis has stamped, come from a [`Clock`]. It is the machine's
//! clock corrected by its offset to that of Redis, so that machines whose clocks differ agree. Durations on one node are
//! measured with `Instant` instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The error of a measurement that truncation to milliseconds may cause, on each side.
const RESOLUTION_MS: i64 = 1;

/// Returns the time of the machine, UTC milliseconds. For times that are only shown: see [`Clock`].
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// The clock of a node. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Added to the machine's clock to simulate a wrong one. Zero except in tests.
    error_ms: i64,
    /// Redis' clock less the machine's.
    offset_ms: AtomicI64,
}

impl Clock {
    /// A clock over a machine whose clock is wrong by this much: nodes in one process can then disagree about the time.
    pub fn wrong_by(error_ms: i64) -> Self {
        Self(Arc::new(State { error_ms, offset_ms: AtomicI64::new(0) }))
    }

    /// The time of Redis, UTC milliseconds; that of the machine until [`Self::adjust`] is called.
    pub fn now_ms(&self) -> u64 {
        self.machine_ms().saturating_add_signed(self.offset_ms())
    }

    /// The time of the machine, UTC milliseconds.
    pub fn machine_ms(&self) -> u64 {
        now_ms().saturating_add_signed(self.0.error_ms)
    }

    /// Redis' clock less the machine's, milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.0.offset_ms.load(Ordering::Relaxed)
    }

    /// Adjusts the offset by Redis' reply to `TIME` and the machine's times before the request and after the reply,
    /// which bound it on both sides. It moves no further than necessary, so a slow reply does not disturb it.
    pub fn adjust(&self, asked_ms: u64, redis_ms: u64, answered_ms: u64) {
        let least = redis_ms.cast_signed() - answered_ms.cast_signed() - RESOLUTION_MS;
        let most = redis_ms.cast_signed() - asked_ms.cast_signed() + RESOLUTION_MS;
        // The bounds contradict each other if the machine's clock was set back meanwhile. The next reply will do.
        if least <= most {
            self.0.offset_ms.store(self.offset_ms().clamp(least, most), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_corrected() {
        for error_ms in [-60_000, 60_000] {
            let clock = Clock::wrong_by(error_ms);
            let (asked_ms, redis_ms) = (clock.machine_ms(), now_ms());
            assert!(asked_ms.abs_diff(redis_ms) > 59_000);
            clock.adjust(asked_ms, redis_ms, asked_ms + 4);
            assert!(clock.now_ms().abs_diff(now_ms()) < 1000);
            assert!((clock.offset_ms() + error_ms).abs() < 1000);
        }
    }

    #[test]
    fn a_slow_answer_does_not_move_the_clock_and_a_quick_one_does() {
        let clock = Clock::default();
        clock.adjust(10_000, 10_400, 10_800);
        assert_eq!(clock.offset_ms(), 0);
        clock.adjust(20_000, 20_100, 20_010);
        assert_eq!(clock.offset_ms(), 89);
        clock.adjust(30_000, 30_400, 30_800);
        assert_eq!(clock.offset_ms(), 89);
    }

    #[test]
    fn an_answer_from_before_its_question_is_ignored() {
        let clock = Clock::default();
        clock.adjust(10_000, 70_000, 5_000);
        assert_eq!(clock.offset_ms(), 0);
    }
}
