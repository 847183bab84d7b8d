//! Durations in buckets that grow with the duration: four for each doubling, so that a quantile is right within a
//! quarter of itself, and those of several nodes and minutes can be added.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first bucket ends at 2^6 microseconds,
const FIRST: u32 = 6;
/// the last begins this many doublings later, at 67 seconds.
const DOUBLINGS: u32 = 20;
/// Buckets of a doubling, as a power of two.
const SPLIT: u32 = 2;
const BUCKETS: usize = 2 + ((DOUBLINGS as usize) << SPLIT);

/// The bucket of a duration in microseconds.
fn bucket(micros: u64) -> usize {
    if micros < 1 << FIRST {
        return 0;
    }
    let doubling = micros.ilog2();
    let part = (micros >> (doubling - SPLIT)) as usize & ((1 << SPLIT) - 1);
    (1 + ((doubling as usize - FIRST as usize) << SPLIT) + part).min(BUCKETS - 1)
}

/// Where a bucket begins, microseconds.
fn start(bucket: usize) -> u64 {
    if bucket == 0 {
        return 0;
    }
    let (doubling, part) = ((bucket - 1) >> SPLIT, (bucket - 1) & ((1 << SPLIT) - 1));
    ((1 << SPLIT) + part as u64) << (FIRST as usize + doubling - SPLIT as usize)
}

/// Durations as they are recorded.
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum_micros: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Records that something took so long, this many times.
    pub fn record(&self, duration: Duration, times: u64) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(times, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros.saturating_mul(times), Ordering::Relaxed);
    }

    /// What was recorded so far.
    pub fn read(&self) -> Distribution {
        let buckets = self.buckets.each_ref().map(|count| count.load(Ordering::Relaxed));
        Distribution { buckets, sum_micros: self.sum_micros.load(Ordering::Relaxed) }
    }
}

/// Recorded durations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    buckets: [u64; BUCKETS],
    sum_micros: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], sum_micros: 0 }
    }
}

impl Distribution {
    /// What was recorded after `earlier` was read.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut rest = self.clone();
        rest.buckets.iter_mut().zip(&earlier.buckets).for_each(|(count, before)| *count = count.wrapping_sub(*before));
        rest.sum_micros = self.sum_micros.wrapping_sub(earlier.sum_micros);
        rest
    }

    /// The buckets that hold something, as they are stored.
    pub(super) fn sparse(&self) -> Sparse {
        let buckets = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        Sparse(buckets.map(|(bucket, count)| (bucket, *count)).collect())
    }

    /// Adds stored ones. Sums are not stored: quantiles need none.
    pub fn add(&mut self, sparse: &Sparse) {
        for (bucket, count) in &sparse.0 {
            self.buckets[(*bucket).min(BUCKETS - 1)] += count;
        }
    }

    /// How many there are.
    pub(super) fn total(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(super) fn sum_secs(&self) -> f64 {
        self.sum_micros as f64 / 1e6
    }

    /// How many are below each doubling: bound in seconds, number.
    pub(super) fn below(&self) -> impl Iterator<Item = (f64, u64)> {
        (0..=DOUBLINGS as usize).map(|doubling| {
            let end = 1 + (doubling << SPLIT);
            (start(end) as f64 / 1e6, self.buckets[..end].iter().sum())
        })
    }

    /// The duration that this part of all does not exceed, milliseconds; `None` when there are none.
    pub fn quantile_ms(&self, part: f64) -> Option<f64> {
        let total = self.total();
        let rank = (part * total as f64).ceil().max(1.0);
        let mut before = 0;
        for (bucket, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            if (before + count) as f64 >= rank {
                let (from, to) = (start(bucket) as f64, start(bucket + 1) as f64);
                let inside = (rank - before as f64) / *count as f64;
                return Some((from + (to - from) * inside) / 1e3);
            }
            before += count;
        }
        None
    }
}

/// The buckets of a distribution that hold something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sparse(Vec<(usize, u64)>);

impl Sparse {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_duration_lies_in_its_bucket(micros in 0..67_000_000_u64) {
            let bucket = bucket(micros);
            prop_assert!(start(bucket) <= micros && micros < start(bucket + 1), "{micros} in {bucket}");
        }

        #[test]
        fn quantiles_are_right_within_a_quarter(mut micros in prop::collection::vec(64..60_000_000_u64, 1..200)) {
            let histogram = Histogram::default();
            micros.iter().for_each(|micros| histogram.record(Duration::from_micros(*micros), 1));
            micros.sort_unstable();
            for part in [0.5, 0.99] {
                let rank = ((part * micros.len() as f64).ceil() as usize).max(1);
                let (exact, found) = (micros[rank - 1] as f64 / 1e3, histogram.read().quantile_ms(part));
                let found = found.expect("not empty");
                prop_assert!((found - exact).abs() <= exact / 4.0, "{found} for {exact}");
            }
        }
    }

    #[test]
    fn nothing_has_no_quantile_and_everything_has_a_place() {
        let histogram = Histogram::default();
        assert_eq!(histogram.read().quantile_ms(0.5), None);
        histogram.record(Duration::from_secs(100_000), 3);
        let read = histogram.read();
        assert_eq!((read.total(), read.below().last().map(|(_, count)| count)), (3, Some(0)));
        assert!(read.quantile_ms(0.99).is_some_and(|ms| ms > 67_000.0));
    }

    #[test]
    fn what_is_stored_adds_up() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(3), 2);
        let before = histogram.read();
        histogram.record(Duration::from_millis(3), 5);
        histogram.record(Duration::from_millis(90), 1);
        let mut sum = Distribution::default();
        sum.add(&histogram.read().since(&before).sparse());
        sum.add(&before.sparse());
        assert_eq!((sum.total(), sum.buckets), (8, histogram.read().buckets));
    }
}
