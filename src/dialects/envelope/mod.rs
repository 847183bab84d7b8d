//! Document 001: everything inside `{"code","message","data"}`; errors as `{"code","message","error"}`.
//!
//! So far its accounts and profiles.

mod accounts;
mod error;
mod wire;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use crate::config::Config;
use crate::edge::{Dialect, resource};

/// This dialect.
pub const DIALECT: Dialect = Dialect {
    name: "envelope",
    owns: |path| path == "/api/v1" || path.starts_with("/api/v1/"),
    routes,
    error: error::body,
    openapi: Documentation::openapi,
};

fn routes(routes: &mut ServiceConfig, _: &Config) {
    routes
        .service(resource("/api/v1/register").route(web::post().to(accounts::register)))
        .service(resource("/api/v1/login").route(web::post().to(accounts::log_in)))
        .service(
            resource("/api/v1/user/profile")
                .route(web::get().to(accounts::profile))
                .route(web::put().to(accounts::change_profile)),
        );
}

#[derive(OpenApi)]
#[openapi(
    paths(accounts::register, accounts::log_in, accounts::profile, accounts::change_profile),
    tags((name = "envelope", description = "Document 001: accounts and profiles. Errors are `{\"code\",\"message\",\"error\"}`."))
)]
struct Documentation;
