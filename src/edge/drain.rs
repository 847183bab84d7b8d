//! Stopping without losing a request: a node first reports itself as not ready, then closes its sockets in batches, then
//! waits for the requests that have no response yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::fanout::Hub;
use crate::websocket::Close;

/// A stopping node closes its connections in this many batches, this far apart.
const BATCHES: usize = 20;
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// Each client is asked to come back after a time of its own, up to this many milliseconds.
const MAX_RETRY_MS: u64 = 3000;

/// How far a node is on its way to its end. Shared by its workers.
#[derive(Default)]
pub struct Stopping {
    is_draining: AtomicBool,
    closing: CancellationToken,
    under_way: AtomicUsize,
}

impl Stopping {
    /// Makes the node report itself as not ready.
    pub fn begin(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Whether the node is about to stop.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Makes every worker close its WebSockets.
    pub fn close_sockets(&self) {
        self.closing.cancel();
    }

    pub(in crate::edge) fn closes_sockets(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// How many requests have no response yet.
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

/// Waits until the node closes its sockets, then closes those of this worker in batches, each with a time of its own to
/// come back.
pub async fn close_sockets_at_stop(hub: Hub, stopping: Arc<Stopping>) {
    stopping.closing.cancelled().await;
    let connections = hub.connections();
    for batch in connections.chunks(connections.len().div_ceil(BATCHES).max(1)) {
        for connection in batch {
            hub.close(*connection, &Close::restart(fastrand::u64(..MAX_RETRY_MS)));
        }
        tokio::time::sleep(BATCH_PAUSE).await;
    }
    debug!(closed = connections.len(), under_way = stopping.under_way(), "connections closed");
}
