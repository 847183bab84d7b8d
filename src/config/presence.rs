//! Settings for presence.

use serde::Deserialize;

/// Settings for presence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct PresenceConfig {
    /// Seconds of inactivity after which a user is offline.
    pub offline_after_secs: u64,
    /// Seconds for which an open socket keeps its user online without a renewal by its node. The users of a node that
    /// died are announced as offline within this time and a fifth.
    pub lease_secs: u64,
}
