//! Two quantiles of durations.

use serde::Serialize;

use crate::metrics::Distribution;

/// Two quantiles in milliseconds; `None` when nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
}

impl From<&Distribution> for Quantiles {
    fn from(all: &Distribution) -> Self {
        let rounded = |part| all.quantile_ms(part).map(|ms| (ms * 100.0).round() / 100.0);
        Self { p50: rounded(0.5), p99: rounded(0.99) }
    }
}
