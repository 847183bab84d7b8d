//! Health checks and metrics, for load balancers and monitoring.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::domain::{Error, Result};
use crate::edge::Probes;

/// The text format that all versions of Prometheus support.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Liveness: the process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Readiness: Redis answers, has the scripts and takes writes, pub/sub delivers, and the node is not draining.
pub(super) async fn ready(probes: web::Data<Probes>) -> Result<HttpResponse> {
    if probes.stopping.is_draining() {
        return Err(Error::Unavailable("this node is about to stop".into()));
    }
    probes.presence.check_store().await?;
    if !probes.followed_rooms.is_up() {
        return Err(Error::Unavailable("pub/sub does not deliver events".into()));
    }
    if !probes.followed_rooms.takes_writes() {
        return Err(Error::Unavailable("Redis takes no writes".into()));
    }
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}

/// The node's metrics in the Prometheus text format.
pub(super) async fn metrics(probes: web::Data<Probes>) -> HttpResponse {
    HttpResponse::Ok().content_type(PROMETHEUS).body(probes.metrics.render())
}
