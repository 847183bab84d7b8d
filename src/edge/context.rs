//! The state that handlers use: a worker's services, and what the workers of a node share.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};

use super::drain::Stopping;
use super::long_answers::LongAnswers;
use super::socket::{Liveness, SocketCounts};
use crate::config::Network;
use crate::edge::http::allowed_origins::AllowedOrigins;
use crate::edge::http::client::is_from_trusted;
use crate::edge::http::forwarded::forwarded_is_https;
use crate::fanout::{FollowedRooms, Hub};
use crate::metrics::Metrics;
use crate::service::Services;
use crate::spans::Spans;

/// The state of one worker. Shared parts are behind `Arc`s.
pub struct Context {
    /// The rules of the chat.
    pub services: Services,
    /// The rooms that this node follows.
    pub followed_rooms: FollowedRooms,
    /// The WebSockets of this worker.
    pub hub: Hub,
    /// Checks whether these WebSockets are alive and still authorised.
    pub liveness: Rc<Liveness>,
    /// Numbers of open WebSockets on this node.
    pub socket_counts: Arc<SocketCounts>,
    /// Bounds long answers on this node.
    pub long_answers: Arc<LongAnswers>,
    /// Metrics of this node.
    pub metrics: Arc<Metrics>,
    /// Spans of this node.
    pub spans: Spans,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Allowed origins of a WebSocket besides the server's own and localhost.
    pub allowed_origins: AllowedOrigins,
    /// Base URL under which clients reach the server; empty to derive it from each request.
    pub public_url: String,
    /// Header with a proxy's id of a request, which makes retries safe.
    pub retry_header: Option<HeaderName>,
    /// The progress of a shutdown, and the requests under way.
    pub stopping: Arc<Stopping>,
}

impl Context {
    /// Returns the base URL of the server: the configured one, or the one that the request was sent to.
    pub fn base_url(&self, request: &HttpRequest) -> String {
        if !self.public_url.is_empty() {
            return self.public_url.clone();
        }
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_https = is_from_trusted(request, &self.trusted_proxies) && forwarded_is_https(request) == Some(true);
        [if is_https { "https://" } else { "http://" }, host].concat()
    }

    /// Whether the node is draining: it reports itself as not ready, and still serves requests.
    pub fn is_draining(&self) -> bool {
        self.stopping.is_draining()
    }
}
