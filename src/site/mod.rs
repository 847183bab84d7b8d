//! Floor 4: what is no chat API: documentation, health, metrics, uploaded files.

mod docs;
mod health;
mod sockets;
mod uploads;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};

use crate::config::Config;
use crate::domain::{Error, Kind};
use crate::edge::{Dialect, resource};

pub use docs::{documentation, openapi};

/// The server itself answers for every path that no dialect owns.
pub const SITE: Dialect =
    Dialect { name: "site", owns: |_| true, routes, error, sockets: |_| Vec::new(), openapi: Default::default };

fn routes(routes: &mut ServiceConfig, _: &Config) {
    routes
        .service(resource("/health/live").route(web::get().to(health::live)))
        .service(resource("/health/ready").route(web::get().to(health::ready)))
        .service(resource("/metrics").route(web::get().to(health::metrics)))
        .service(
            resource("/uploads/{path:.*}")
                .route(web::get().to(uploads::download))
                .route(web::head().to(uploads::download)),
        )
        .service(resource("/asyncapi.json").route(web::get().to(sockets::document)))
        .service(resource("/docs/sockets").route(web::get().to(sockets::shown)))
        .service(resource("/").route(web::get().to(docs::home)))
        .service(resource("/docs").route(web::get().to(docs::home)));
}

fn error(error: &Error) -> HttpResponse {
    let text = match error.kind() {
        Kind::BadRequest => "bad request",
        Kind::Unauthorized => "unauthorized",
        Kind::Forbidden => "forbidden",
        Kind::NotFound => "not found",
        Kind::MethodNotAllowed => "method not allowed",
        Kind::Conflict => "conflict",
        Kind::TooLarge => "too large",
        Kind::UnsupportedType => "unsupported type",
        Kind::RateLimited => "too many requests",
        Kind::Internal => "internal error",
        Kind::Unavailable => "unavailable",
    };
    HttpResponse::build(error.status_code()).json(serde_json::json!({ "error": text }))
}
