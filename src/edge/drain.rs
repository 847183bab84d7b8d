//! Stopping without losing a request: a node first reports itself not ready, then closes its sockets, then waits for
//! the requests that have no answer yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A node's way to its end, shared by its workers.
#[derive(Default)]
pub struct Stopping {
    is_draining: AtomicBool,
    closes_sockets: AtomicBool,
    under_way: AtomicUsize,
}

impl Stopping {
    /// From now on the node is not ready.
    pub fn begin(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Whether the node is about to stop.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// From now on WebSockets are closed.
    pub fn close_sockets(&self) {
        self.closes_sockets.store(true, Ordering::Release);
    }

    pub(in crate::edge) fn closes_sockets(&self) -> bool {
        self.closes_sockets.load(Ordering::Acquire)
    }

    /// How many requests have no answer yet.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }
}

/// Counts a request for as long as it lives.
pub(in crate::edge) struct UnderWay(Arc<Stopping>);

impl UnderWay {
    pub(in crate::edge) fn enter(stopping: &Arc<Stopping>) -> Self {
        stopping.under_way.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(stopping))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}
