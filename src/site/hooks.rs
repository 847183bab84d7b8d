//! The state of outgoing webhooks, for `/dashboard`.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::domain::{HookHealth, OutgoingHook, Result, now_ms};
use crate::edge::{Authenticated, Context};

/// Maximum number of webhooks that are listed, those that fail first.
const MAX_LISTED: usize = 50;

#[derive(Serialize)]
struct Shown {
    total: usize,
    failing: usize,
    hooks: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    /// Of the address, whose path may be a secret.
    host: String,
    /// `null` for all rooms.
    room: Option<u32>,
    state: &'static str,
    failing_since_ms: Option<u64>,
    delivered_at_ms: Option<u64>,
    error: Option<String>,
    given_up: u64,
}

impl From<(OutgoingHook, HookHealth)> for Row {
    fn from((hook, health): (OutgoingHook, HookHealth)) -> Self {
        Self {
            id: hook.id.to_string(),
            host: hook.url.host().to_owned(),
            room: hook.room.map(|room| room.number()),
            state: health.state(now_ms()),
            failing_since_ms: health.failing_since_ms,
            delivered_at_ms: health.delivered_at_ms,
            error: health.error,
            given_up: health.given_up,
        }
    }
}

/// Lists webhooks, for administrators.
pub(super) async fn list(user: Authenticated, context: web::Data<Context>) -> Result<HttpResponse> {
    let found = context.services.hooks.health(&user.caller).await?;
    let total = found.len();
    let failing = found.iter().filter(|(_, health)| health.failing_since_ms.is_some()).count();
    let hooks = found.into_iter().take(MAX_LISTED).map(Row::from).collect();
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Shown { total, failing, hooks }))
}
