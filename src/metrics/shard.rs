//! The state of one server of a Redis Cluster.

use serde::Serialize;

/// A server that has some of the slots of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Its address, as the cluster announces it.
    pub address: String,
    /// Whether it answered. Otherwise only its address and its slots are known.
    pub is_up: bool,
    /// The role that the server reports: `master`, or for a moment `slave` when another has taken over.
    pub role: String,
    /// Its version.
    pub version: String,
    /// Slots that it has.
    pub slots: u64,
    /// Memory in use.
    pub memory_bytes: u64,
    /// Memory limit; 0 for none.
    pub memory_limit_bytes: u64,
    /// Connections.
    pub clients: u64,
    /// Recent commands per second.
    pub commands_per_sec: u64,
    /// Replicas that are connected to it.
    pub replicas: u64,
    /// What the slowest of them has not confirmed yet; none without replicas that have copied everything.
    pub lag_bytes: Option<u64>,
    /// Seconds since its start.
    pub uptime_secs: u64,
}
