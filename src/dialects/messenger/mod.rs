//! Document 002, 即时通信前后端交互设计: histories and status over HTTP, chat over a WebSocket with an Authorization header. Replies are
//! `{"code","message",…}`; the HTTP status equals the code.

mod error;
mod history;
mod socket;
mod wire;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use crate::config::Config;
use crate::edge::{Dialect, resource};

/// This dialect.
pub const DIALECT: Dialect = Dialect {
    name: "messenger",
    owns,
    routes,
    error: error::body,
    sockets: socket::routes,
    openapi: Documentation::openapi,
};

/// The parts of `/api/chat` that belong to this document; the others belong to document 003.
fn owns(path: &str) -> bool {
    let part = path.strip_prefix("/api/chat/").and_then(|rest| rest.split('/').next());
    part.is_some_and(|part| matches!(part, "history" | "message"))
}

fn routes(routes: &mut ServiceConfig, _: &Config) {
    routes
        .service(resource("/api/chat/history/private").route(web::post().to(history::private)))
        .service(resource("/api/chat/history/room").route(web::post().to(history::room)))
        .service(resource("/api/chat/message/status").route(web::post().to(history::status)));
}

#[derive(OpenApi)]
#[openapi(
    paths(history::private, history::room, history::status),
    tags((name = "messenger", description = "Document 002, 即时通信前后端交互设计: histories and status. Errors are `{\"code\",\"message\"}`."))
)]
struct Documentation;
