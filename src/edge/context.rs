//! What a handler needs: the worker's services and what the node knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header;

use super::client::is_from_trusted;
use super::limits::Limits;
use super::sockets::{SocketCounts, Sockets};
use crate::config::Network;
use crate::fanout::FollowedRooms;
use crate::metrics::Metrics;
use crate::service::Services;

/// One per worker; what the workers share is behind `Arc`s.
pub struct Context {
    /// The rules.
    pub services: Services,
    /// The rooms that this node follows.
    pub followed_rooms: FollowedRooms,
    /// The open WebSockets of this worker.
    pub sockets: Sockets,
    /// How many sockets each user has on this node.
    pub socket_counts: Arc<SocketCounts>,
    /// What this node counts.
    pub metrics: Arc<Metrics>,
    /// Rates of this node.
    pub limits: Arc<Limits>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Origins of pages that may open a WebSocket, besides the server's own and localhost.
    pub allowed_origins: Vec<String>,
    /// Address under which clients reach the server; empty when each request tells.
    pub public_url: String,
    /// Whether the node is about to stop, and what is under way.
    pub stopping: Arc<Stopping>,
}

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

    pub(super) fn closes_sockets(&self) -> bool {
        self.closes_sockets.load(Ordering::Acquire)
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
    /// What stands before a path of ours in an absolute address: as configured, else as the request came.
    pub fn base_url(&self, request: &HttpRequest) -> String {
        if !self.public_url.is_empty() {
            return self.public_url.clone();
        }
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let forwarded = request.headers().get("x-forwarded-proto").and_then(|scheme| scheme.to_str().ok());
        let is_https = forwarded == Some("https") && is_from_trusted(request, &self.trusted_proxies);
        format!("{}://{host}", if is_https { "https" } else { "http" })
    }

    /// Whether the node is about to stop: not ready, still answering.
    pub fn is_draining(&self) -> bool {
        self.stopping.is_draining()
    }
}
