//! Document 003, the core of the product: chat rooms over HTTP, with polling and heartbeats.
//!
//! Twelve endpoints under `/api/chat`; errors are `{"detail"}` in Chinese.

mod error;
mod messages;
mod presence;
mod rooms;
mod times;
mod upload;
mod wire;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use self::times::Times;
use crate::config::Config;
use crate::domain::{Error, Result, RoomId};
use crate::edge::{Dialect, resource};

/// This dialect.
pub const DIALECT: Dialect = Dialect {
    name: "chatroom",
    owns: |path| path == "/api/chat" || path.starts_with("/api/chat/"),
    routes,
    error: error::body,
    sockets: |_| Vec::new(),
    openapi: Documentation::openapi,
};

fn routes(routes: &mut ServiceConfig, config: &Config) {
    routes.app_data(web::Data::new(Times::of(config)));
    // Fixed paths come first, the busiest ones in front: the framework tries routes in order, and a path with a
    // parameter costs a regular expression.
    routes
        .service(resource("/api/chat/messages").route(web::get().to(messages::list)))
        .service(resource("/api/chat/send").route(web::post().to(messages::send)))
        .service(resource("/api/chat/heartbeat").route(web::post().to(presence::heartbeat)))
        .service(resource("/api/chat/stats").route(web::get().to(presence::stats)))
        .service(resource("/api/chat/online-users").route(web::get().to(presence::online_users)))
        .service(resource("/api/chat/rooms").route(web::get().to(rooms::list)).route(web::post().to(rooms::create)))
        .service(resource("/api/chat/upload").route(web::post().to(upload::upload)))
        .service(resource("/api/chat/messages/{message_id}").route(web::delete().to(messages::delete)))
        .service(resource("/api/chat/rooms/{room_id}/join").route(web::post().to(rooms::join)))
        .service(resource("/api/chat/rooms/{room_id}/leave").route(web::post().to(rooms::leave)))
        .service(resource("/api/chat/user-ip/{user_id}").route(web::get().to(presence::user_ip)));
}

#[derive(OpenApi)]
#[openapi(
    paths(
        messages::send,
        upload::upload,
        messages::list,
        presence::online_users,
        presence::stats,
        rooms::create,
        rooms::join,
        rooms::leave,
        rooms::list,
        messages::delete,
        presence::user_ip,
        presence::heartbeat,
    ),
    tags((name = "chatroom", description = "Document 003, 在线聊天系统 API 接口说明文档: chat rooms on Redis. Errors are `{\"detail\"}`."))
)]
struct Documentation;

/// Parses the room of a request; `global` when absent.
///
/// # Errors
/// `RoomNotFound` for a malformed id, which is answered like a room that does not exist.
fn room_of(id: Option<&str>) -> Result<RoomId> {
    match id {
        None => Ok(RoomId::GLOBAL),
        Some(id) => id.parse().map_err(|_| Error::RoomNotFound),
    }
}
