//! Medians of rounds and percentiles of latencies.

/// The middle value; of an even number of values the upper of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The least and the greatest value.
pub fn range(values: &[f64]) -> (f64, f64) {
    (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(0.0, f64::max))
}

/// A percentile of sorted latencies, in milliseconds.
pub fn percentile_ms(sorted_us: &[u32], share: f64) -> f64 {
    let index = ((sorted_us.len() - 1) as f64 * share) as usize;
    f64::from(sorted_us[index]) / 1000.0
}
