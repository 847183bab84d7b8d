//! Document 000: registering and logging in, with errors as `{"error"}`.

mod auth;
mod error;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use crate::edge::{Dialect, resource};

/// This dialect.
pub const DIALECT: Dialect = Dialect {
    name: "webchat",
    owns: |path| path.starts_with("/api/v1/"),
    routes,
    error: error::body,
    openapi: Documentation::openapi,
};

fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/api/v1/auth/register").route(web::post().to(auth::register)))
        .service(resource("/api/v1/auth/login").route(web::post().to(auth::log_in)));
}

#[derive(OpenApi)]
#[openapi(
    paths(auth::register, auth::log_in),
    tags((name = "webchat", description = "Document 000: accounts. Errors are `{\"error\"}`."))
)]
struct Documentation;
