//! What a handler needs: the worker's services and what the node knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::limits::Limits;
use crate::config::Network;
use crate::fanout::LiveRooms;
use crate::service::Services;

/// One per worker; what the workers share is behind `Arc`s.
pub struct Context {
    /// The rules.
    pub services: Services,
    /// How far polled rooms have come.
    pub live: LiveRooms,
    /// Rates of this node.
    pub limits: Arc<Limits>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether the node is about to stop.
    pub is_draining: Arc<AtomicBool>,
}

impl Context {
    /// Whether the node is about to stop: not ready, still answering.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }
}
