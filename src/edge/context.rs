//! What a handler needs: the worker's services and what the node knows.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::drain::Stopping;
use super::limits::Limits;
use super::socket::{Liveness, SocketCounts};
use crate::config::Network;
use crate::edge::http::client::is_from_trusted;
use crate::fanout::{FollowedRooms, Hub};
use crate::metrics::Metrics;
use crate::service::Services;

/// One per worker; what the workers share is behind `Arc`s.
pub struct Context {
    /// The rules.
    pub services: Services,
    /// The rooms that this node follows.
    pub followed_rooms: FollowedRooms,
    /// The WebSockets of this worker.
    pub hub: Hub,
    /// What watches over them.
    pub liveness: Rc<Liveness>,
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
