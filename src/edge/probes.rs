//! What health checks and metrics read.

use std::sync::Arc;

use super::drain::Stopping;
use crate::fanout::FollowedRooms;
use crate::metrics::Metrics;
use crate::service::Presence;

/// The state of the node, as its operators see it.
pub struct Probes {
    /// Asks the store whether it answers.
    pub presence: Presence,
    /// Returns whether events arrive.
    pub followed_rooms: FollowedRooms,
    /// Metrics of this node.
    pub metrics: Arc<Metrics>,
    /// The progress of a shutdown.
    pub stopping: Arc<Stopping>,
}
