//! How many replicas must have received a write before it is acknowledged, and when fewer are enough.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a node demands of replicas. Its workers share it.
pub(in crate::store) struct Durability {
    /// Number of replicas by the configuration; 0 requires none.
    wanted: u8,
    /// Time with too few replicas after which fewer are enough. `None`: never.
    floor: Option<Duration>,
    /// Number of replicas that a write must have reached now.
    in_force: AtomicU8,
    /// Since when fewer replicas than in force have been reached.
    short_since: Mutex<Option<Instant>>,
    /// Time of Redis before which everything had been received by enough replicas at the last measurement that found
    /// enough, UTC milliseconds; 0 before the first.
    received_until_ms: AtomicU64,
}

/// Replicas of the server, as of the last measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaCounts {
    /// How many must have received a write by the configuration.
    pub wanted: u8,
    /// How many must have received a write now: fewer than configured after the time of the floor.
    pub in_force: u8,
    /// How many received the latest write, at most the number required.
    pub reached: u8,
}

impl Durability {
    pub(in crate::store) fn new(wanted: u8, floor_secs: u64) -> Self {
        let floor = (floor_secs > 0).then(|| Duration::from_secs(floor_secs));
        Self {
            wanted,
            floor,
            in_force: AtomicU8::new(wanted),
            short_since: Mutex::default(),
            received_until_ms: AtomicU64::new(0),
        }
    }

    pub(in crate::store) fn wanted(&self) -> u8 {
        self.wanted
    }

    pub(in crate::store) fn in_force(&self) -> u8 {
        self.in_force.load(Ordering::Acquire)
    }

    /// Records how many replicas have received a write. Returning replicas count at once, missing ones when they have
    /// been missing for the time of the floor.
    pub(in crate::store) fn measured(&self, reached: u8, now: Instant) -> ReplicaCounts {
        let reached = reached.min(self.wanted);
        let mut short_since = self.short_since.lock().expect("no panic while held");
        if reached >= self.in_force() {
            *short_since = None;
            self.in_force.store(reached, Ordering::Release);
        } else {
            let since = *short_since.get_or_insert(now);
            if self.floor.is_some_and(|floor| now.duration_since(since) >= floor) {
                *short_since = None;
                self.in_force.store(reached, Ordering::Release);
            }
        }
        ReplicaCounts { wanted: self.wanted, in_force: self.in_force(), reached }
    }

    /// Records that enough replicas have received everything before a time of Redis.
    pub(in crate::store) fn received(&self, until_ms: u64) {
        self.received_until_ms.store(until_ms, Ordering::Release);
    }

    /// The time of Redis before which enough replicas had received everything; `None` until it was measured.
    pub(in crate::store) fn received_until_ms(&self) -> Option<u64> {
        Some(self.received_until_ms.load(Ordering::Acquire)).filter(|until_ms| *until_ms > 0)
    }

    /// Records that the server did not answer, which says nothing about its replicas.
    pub(in crate::store) fn not_measured(&self) {
        *self.short_since.lock().expect("no panic while held") = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_force(durability: &Durability, reached: u8, now: Instant) -> u8 {
        durability.measured(reached, now).in_force
    }

    #[test]
    fn fewer_replicas_are_enough_only_after_the_floor() {
        let (durability, start) = (Durability::new(2, 10), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        assert_eq!(in_force(&durability, 2, at(0)), 2);
        assert_eq!(in_force(&durability, 1, at(1)), 2);
        assert_eq!(in_force(&durability, 2, at(10)), 2, "back in time");
        assert_eq!(in_force(&durability, 1, at(11)), 2);
        assert_eq!(in_force(&durability, 0, at(20)), 2);
        assert_eq!(in_force(&durability, 1, at(21)), 1);
        assert_eq!(in_force(&durability, 0, at(22)), 1, "the floor applies to each step");
        assert_eq!(in_force(&durability, 0, at(32)), 0);
        assert_eq!(in_force(&durability, 1, at(33)), 1, "returning replicas count at once");
        assert_eq!(in_force(&durability, 2, at(34)), 2);
    }

    #[test]
    fn without_a_floor_the_demand_never_falls() {
        let (durability, start) = (Durability::new(1, 0), Instant::now());
        assert_eq!(in_force(&durability, 0, start), 1);
        assert_eq!(in_force(&durability, 0, start + Duration::from_secs(100_000)), 1);
    }

    #[test]
    fn an_outage_of_the_server_is_no_lack_of_replicas() {
        let (durability, start) = (Durability::new(1, 10), Instant::now());
        assert_eq!(in_force(&durability, 0, start), 1);
        durability.not_measured();
        assert_eq!(in_force(&durability, 0, start + Duration::from_secs(11)), 1);
        assert_eq!(in_force(&durability, 0, start + Duration::from_secs(21)), 0);
    }
}
