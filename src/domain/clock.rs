//! The clock of this machine; nothing else reads it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the current time, UTC milliseconds. Times of messages come from Redis, which all nodes share.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
