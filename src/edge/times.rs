//! Times as most documents print them.

use jiff::Timestamp;

/// The second in which a time lies.
pub fn whole_second(at_ms: u64) -> Timestamp {
    let secs = i64::try_from(at_ms / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(secs).unwrap_or(Timestamp::MAX)
}

/// `2025-10-26T12:00:00Z`
pub fn utc_seconds(at_ms: u64) -> String {
    whole_second(at_ms).to_string()
}
