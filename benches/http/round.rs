//! What one round of a row measures.

use crate::common::statistics::median;

/// One round of one row. CPU time is of a request, in µs.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Requests a second.
    pub rate: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub node_us: f64,
    pub redis_us: f64,
    /// Share of the machine that other processes took meanwhile, where it was measured.
    pub others: Option<f64>,
}

impl Round {
    /// The median of each figure.
    pub fn median(rounds: &[Self]) -> Self {
        let median_of = |value: fn(&Self) -> f64| median(rounds.iter().map(value).collect());
        let others: Vec<f64> = rounds.iter().filter_map(|round| round.others).collect();
        Self {
            rate: median_of(|round| round.rate),
            p50_ms: median_of(|round| round.p50_ms),
            p99_ms: median_of(|round| round.p99_ms),
            node_us: median_of(|round| round.node_us),
            redis_us: median_of(|round| round.redis_us),
            others: (!others.is_empty()).then(|| median(others)),
        }
    }
}
