//! Floor 4: everything that is not a chat API: the web client, the dashboard, administration, documentation, health,
//! metrics, uploaded files.

mod arrival;
mod dashboard;
mod docs;
mod faults;
mod health;
mod hooks;
mod refusals;
mod sockets;
mod uploads;
mod web;

use actix_web::http::{Method, header};
use actix_web::web::{Data, ServiceConfig, get};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::config::Config;
use crate::domain::{Error, Kind};
use crate::edge::{Dialect, resource};

pub use docs::{Document, documentation, openapi};
pub use faults::faults;

/// The server itself, which answers for paths that no dialect owns.
pub const SITE: Dialect =
    Dialect { name: "site", owns: |_| true, routes, error, sockets: |_| Vec::new(), openapi: Default::default };

/// Registers the routes of an address for operators alone.
pub fn probes(routes: &mut ServiceConfig) {
    health(routes);
    routes.service(resource("/metrics").route(get().to(health::metrics)));
}

fn health(routes: &mut ServiceConfig) {
    routes
        .service(resource("/health/live").route(get().to(health::live)))
        .service(resource("/health/ready").route(get().to(health::ready)));
}

fn routes(routes: &mut ServiceConfig, config: &Config) {
    match config.server.metrics_listener() {
        Some(_) => health(routes),
        None => probes(routes),
    }
    routes
        .app_data(Data::new(dashboard::HasOwnRedis(config.has_private_redis())))
        .service(resource("/uploads/{path:.*}").route(get().to(uploads::download)))
        .service(resource("/dashboard/figures").route(get().to(dashboard::metrics)))
        .service(resource("/dashboard/hooks").route(get().to(hooks::list)))
        .service(resource("/asyncapi.json").route(get().to(sockets::document)))
        .service(resource("/ws/check").route(get().to(arrival::arrival)))
        .service(resource("/docs").route(get().to(docs::home)))
        .service(resource("/docs/sockets").route(get().to(sockets::shown)))
        .service(resource("/docs/sockets/try").route(get().to(web::sockets)))
        .service(resource("/assets/{name}").route(get().to(web::asset)));
    for path in ["/worker.js", "/app.webmanifest"] {
        routes.service(resource(path).route(get().to(web::named)));
    }
    for path in ["/", "/register", "/login", "/chat"] {
        routes.service(resource(path).route(get().to(web::page)));
    }
    for path in ["/dashboard", "/dashboard/"] {
        routes.service(resource(path).route(get().to(web::dashboard)));
    }
    for path in ["/admin", "/admin/"] {
        routes.service(resource(path).route(get().to(web::admin)));
    }
}

fn error(error: &Error, request: &HttpRequest) -> HttpResponse {
    if error.kind() == Kind::NotFound && is_visit(request) {
        return web::missing(request);
    }
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
        Kind::StorageFull => "out of space",
    };
    HttpResponse::build(error.status_code()).json(serde_json::json!({ "error": text }))
}

/// Whether a browser requests a page, rather than a program something of an API.
fn is_visit(request: &HttpRequest) -> bool {
    let is_of_program = ["/api", "/uploads/"].iter().any(|prefix| request.path().starts_with(prefix));
    let accepted =
        request.headers().get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    request.method() == Method::GET && !is_of_program && accepted.contains("text/html")
}
