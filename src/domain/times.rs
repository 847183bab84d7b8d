//! How times are printed: as in most documents, and with milliseconds.

use jiff::Timestamp;

/// A time, truncated to its second.
pub fn whole_second(at_ms: u64) -> Timestamp {
    let secs = i64::try_from(at_ms / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(secs).unwrap_or(Timestamp::MAX)
}

/// `2025-10-26T12:00:00Z`
pub fn utc_seconds(at_ms: u64) -> String {
    whole_second(at_ms).to_string()
}

/// `2025-10-26T12:00:00.123Z`, for the extensions.
pub fn utc_millis(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
    format!("{:.3}", at.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        assert_eq!(utc_seconds(1_761_480_000_999), "2025-10-26T12:00:00Z");
        assert_eq!(utc_millis(1_761_480_000_050), "2025-10-26T12:00:00.050Z");
    }
}
