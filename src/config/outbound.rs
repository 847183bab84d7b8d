//! Settings for requests to other servers.

use serde::Deserialize;

use super::Network;
use super::server::list;

/// Settings for requests to other servers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct OutboundConfig {
    /// Networks that are reached although they are not public.
    #[serde(deserialize_with = "list")]
    pub allowed_networks: Vec<Network>,
    /// Networks that are not reached although they are public or allowed.
    #[serde(deserialize_with = "list")]
    pub refused_networks: Vec<Network>,
    /// Seconds that a request may take, its answer included.
    pub timeout_secs: u64,
}
