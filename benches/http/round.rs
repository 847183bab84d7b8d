//! What one round of a row measures.

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
