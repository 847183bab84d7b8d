//! Shutdown without losing a request: a node first reports itself as not ready, then closes its sockets in batches, and
//! then waits for the requests that have no response yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::fanout::Hub;
use crate::websocket::Close;

/// Number of batches in which a stopping node closes its sockets.
const BATCHES: usize = 20;
/// Pause between two batches.
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// Upper bound of the random delay after which each client is asked to reconnect.
const MAX_RETRY_MS: u64 = 3000;

/// The progress of a shutdown. Shared by the workers of a node.
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

    /// Whether the node reports itself as not ready.
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

    /// Returns the number of requests that have no response yet.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }
}

/// Counts one request as under way until it is dropped.
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

/// Waits until the node closes its sockets, then closes those of this worker in batches. Each client gets a random
/// delay before it reconnects, so that clients do not reconnect at once.
pub async fn close_sockets_at_stop(hub: Hub, stopping: Arc<Stopping>) {
    stopping.closing.cancelled().await;
    let connections = hub.connections();
    for batch in connections.chunks(connections.len().div_ceil(BATCHES).max(1)) {
        for connection in batch {
            hub.close(*connection, &Close::restart(fastrand::u64(..MAX_RETRY_MS)));
        }
        tokio::time::sleep(BATCH_PAUSE).await;
    }
    debug!(closed = connections.len(), under_way = stopping.under_way(), "closed the connections of a worker");
}
