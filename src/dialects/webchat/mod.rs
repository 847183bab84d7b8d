//! Document 000: registering and logging in, with errors as `{"error"}`.

mod auth;
mod error;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use crate::config::Config;
use crate::edge::{Dialect, resource};

/// This dialect.
pub const DIALECT: Dialect =
    Dialect { name: "webchat", owns, routes, error: error::body, openapi: Documentation::openapi };

/// The parts of `/api/v1` that are this document's; the rest is document 001's.
fn owns(path: &str) -> bool {
    let part = path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next());
    part.is_some_and(|part| matches!(part, "auth" | "upload" | "rooms" | "me" | "conversations" | "search"))
}

fn routes(routes: &mut ServiceConfig, _: &Config) {
    routes
        .service(resource("/api/v1/auth/register").route(web::post().to(auth::register)))
        .service(resource("/api/v1/auth/login").route(web::post().to(auth::log_in)));
}

#[derive(OpenApi)]
#[openapi(
    paths(auth::register, auth::log_in),
    tags((name = "webchat", description = "Document 000: accounts. Errors are `{\"error\"}`."))
)]
struct Documentation;
