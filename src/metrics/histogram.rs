//! Histograms of durations. Bucket sizes grow with the duration, four buckets per doubling: a quantile is exact to
//! within a quarter, and histograms of several nodes and minutes can be added.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first bucket ends at 2^6 microseconds.
const FIRST: u32 = 6;
/// Doublings between the end of the first bucket and the start of the last, which is at 67 seconds.
const DOUBLINGS: u32 = 20;
/// Buckets per doubling, as a power of two.
const SPLIT: u32 = 2;
const BUCKETS: usize = 2 + ((DOUBLINGS as usize) << SPLIT);

/// Returns the bucket of a duration in microseconds.
fn bucket(micros: u64) -> usize {
    if micros < 1 << FIRST {
        return 0;
    }
    let doubling = micros.ilog2();
    let quarter = (micros >> (doubling - SPLIT)) as usize & ((1 << SPLIT) - 1);
    (1 + ((doubling as usize - FIRST as usize) << SPLIT) + quarter).min(BUCKETS - 1)
}

/// Returns the lower bound of a bucket in microseconds.
fn start(bucket: usize) -> u64 {
    if bucket == 0 {
        return 0;
    }
    let (doubling, quarter) = ((bucket - 1) >> SPLIT, (bucket - 1) & ((1 << SPLIT) - 1));
    ((1 << SPLIT) + quarter as u64) << (FIRST as usize + doubling - SPLIT as usize)
}

/// A histogram that several threads record into.
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
    /// Records a duration `times` times.
    pub fn record(&self, duration: Duration, times: u64) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(times, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros.saturating_mul(times), Ordering::Relaxed);
    }

    /// Returns a copy of everything recorded so far.
    pub fn read(&self) -> Distribution {
        let buckets = self.buckets.each_ref().map(|count| count.load(Ordering::Relaxed));
        Distribution { buckets, sum_micros: self.sum_micros.load(Ordering::Relaxed) }
    }
}

/// The contents of a [`Histogram`] at one moment, or the sum of several.
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
    /// Returns what was recorded after `earlier` was read.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut difference = self.clone();
        difference
            .buckets
            .iter_mut()
            .zip(&earlier.buckets)
            .for_each(|(count, before)| *count = count.wrapping_sub(*before));
        difference.sum_micros = self.sum_micros.wrapping_sub(earlier.sum_micros);
        difference
    }

    /// Returns the non-empty buckets, which is the stored form.
    pub(super) fn sparse(&self) -> Sparse {
        let buckets = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        Sparse(buckets.map(|(bucket, count)| (bucket, *count)).collect())
    }

    /// Adds stored buckets. The sum of durations is not stored, because quantiles do not need it.
    pub fn add(&mut self, sparse: &Sparse) {
        for (bucket, count) in &sparse.0 {
            self.buckets[(*bucket).min(BUCKETS - 1)] += count;
        }
    }

    /// Returns the number of durations.
    pub fn total(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(super) fn sum_secs(&self) -> f64 {
        self.sum_micros as f64 / 1e6
    }

    /// Returns cumulative counts: each doubling's upper bound in seconds, and the number of durations below it.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        (0..=DOUBLINGS as usize).map(|doubling| {
            let end = 1 + (doubling << SPLIT);
            (start(end) as f64 / 1e6, self.buckets[..end].iter().sum())
        })
    }

    /// Returns a quantile in milliseconds, for example the median for 0.5; `None` for an empty distribution.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let total = self.total();
        let rank = (quantile * total as f64).ceil().max(1.0);
        let mut before = 0;
        for (bucket, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            if (before + count) as f64 >= rank {
                let (from, to) = (start(bucket) as f64, start(bucket + 1) as f64);
                let position = (rank - before as f64) / *count as f64;
                return Some((from + (to - from) * position) / 1e3);
            }
            before += count;
        }
        None
    }
}

/// The non-empty buckets of a distribution: index and count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sparse(Vec<(usize, u64)>);

impl Sparse {
    /// Returns how many durations are up to a limit, and how many there are. Within the bucket of the limit they count as
    /// evenly distributed.
    pub fn within_ms(&self, limit_ms: u64) -> (f64, u64) {
        let limit = (limit_ms * 1000) as f64;
        let part = |bucket: usize| {
            let (from, to) = (start(bucket) as f64, start(bucket + 1) as f64);
            ((limit - from) / (to - from)).clamp(0.0, 1.0)
        };
        self.0.iter().fold((0.0, 0), |(within, all), (bucket, count)| {
            (within + part((*bucket).min(BUCKETS - 1)) * *count as f64, all + count)
        })
    }

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
        fn quantiles_are_exact_to_within_a_quarter(mut micros in prop::collection::vec(64..60_000_000_u64, 1..200)) {
            let histogram = Histogram::default();
            micros.iter().for_each(|micros| histogram.record(Duration::from_micros(*micros), 1));
            micros.sort_unstable();
            for quantile in [0.5, 0.99] {
                let rank = ((quantile * micros.len() as f64).ceil() as usize).max(1);
                let (exact, found) = (micros[rank - 1] as f64 / 1e3, histogram.read().quantile_ms(quantile));
                let found = found.expect("not empty");
                prop_assert!((found - exact).abs() <= exact / 4.0, "{found} for {exact}");
            }
        }
    }

    #[test]
    fn an_empty_histogram_has_no_quantile_and_the_last_bucket_is_unbounded() {
        let histogram = Histogram::default();
        assert_eq!(histogram.read().quantile_ms(0.5), None);
        histogram.record(Duration::from_secs(100_000), 3);
        let read = histogram.read();
        assert_eq!((read.total(), read.cumulative().last().map(|(_, count)| count)), (3, Some(0)));
        assert!(read.quantile_ms(0.99).is_some_and(|ms| ms > 67_000.0));
    }

    #[test]
    fn a_limit_divides_the_bucket_in_which_it_lies() {
        let histogram = Histogram::default();
        for (ms, times) in [(0, 3), (229, 5), (240, 100), (263, 7), (100_000_000, 1)] {
            histogram.record(Duration::from_millis(ms), times);
        }
        let (within, all) = histogram.read().sparse().within_ms(250);
        assert_eq!(all, 116);
        assert!((70.0..72.0).contains(&within), "{within}: those below, and 63 of the 100 between 229 and 262");
    }

    #[test]
    fn stored_distributions_add_up() {
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
