//! What a handler needs: the worker's services and what the node knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
    /// Whether the node is about to stop, and what is under way.
    pub stopping: Arc<Stopping>,
}

/// A node's way to its end, shared by its workers.
#[derive(Default)]
pub struct Stopping {
    is_draining: AtomicBool,
    under_way: AtomicUsize,
}

impl Stopping {
    /// From now on the node is not ready.
    pub fn begin(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// How many requests have no answer yet.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }
}

/// Counts a request for as long as it lives.
pub(super) struct UnderWay(Arc<Stopping>);

impl UnderWay {
    pub(super) fn enter(stopping: &Arc<Stopping>) -> Self {
        stopping.under_way.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(stopping))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Context {
    /// Whether the node is about to stop: not ready, still answering.
    pub fn is_draining(&self) -> bool {
        self.stopping.is_draining.load(Ordering::Acquire)
    }
}
