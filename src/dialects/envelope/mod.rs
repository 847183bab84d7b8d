//! Document 001: replies are `{"code","message","data"}`, errors `{"code","message","error"}`.

mod accounts;
mod chat;
mod error;
mod socket;
mod wire;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;
use utoipa::openapi::{Ref, RefOr, Schema};

use crate::config::Config;
use crate::edge::{Dialect, resource};

/// This dialect.
pub const DIALECT: Dialect = Dialect {
    name: "envelope",
    owns: |path| path == "/api/v1" || path.starts_with("/api/v1/"),
    routes,
    error: error::body,
    sockets: |_| socket::routes(),
    openapi,
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

/// Describes the dialect. A generator names the data of a reply only where the envelope refers to it.
fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Documentation::openapi();
    let schemas = &mut document.components.get_or_insert_default().schemas;
    let names: Vec<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas {
        let data = name.strip_prefix("Envelope_").filter(|data| names.iter().any(|name| name == data));
        if let (Some(data), RefOr::T(Schema::Object(envelope))) = (data, schema) {
            envelope.properties.insert("data".to_owned(), Ref::from_schema_name(data).into());
        }
    }
    document
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
    tags((name = "envelope", description = "Document 001, API 接口定义: accounts, messages and groups. Errors are `{\"code\",\"message\",\"error\"}`."))
)]
struct Documentation;
