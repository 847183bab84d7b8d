//! Document 001: replies are `{"code","message","data"}`, errors `{"code","message","error"}`.

mod accounts;
mod chat;
mod error;
mod socket;
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
    sockets: |_| socket::routes(),
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
        )
        .service(resource("/api/v1/chat/message").route(web::post().to(chat::send)))
        .service(resource("/api/v1/chat/messages").route(web::get().to(chat::list)))
        .service(resource("/api/v1/group").route(web::post().to(chat::create_group)))
        .service(resource("/api/v1/group/{group_id}/members").route(web::post().to(chat::add_member)));
}

#[derive(OpenApi)]
#[openapi(
    paths(
        accounts::register,
        accounts::log_in,
        accounts::profile,
        accounts::change_profile,
        chat::send,
        chat::list,
        chat::create_group,
        chat::add_member,
    ),
    tags((name = "envelope", description = "Document 001: accounts, messages and groups. Errors are `{\"code\",\"message\",\"error\"}`."))
)]
struct Documentation;
