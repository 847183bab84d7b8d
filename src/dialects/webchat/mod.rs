//! Document 000: accounts, rooms, an image upload and a WebSocket with `{type, payload}` frames; errors are
//! `{"error"}`. Chinwag's own client uses it, with `?ext=1` and a few more routes.

mod admin;
mod auth;
mod blocks;
mod client;
mod conversation_settings;
mod deletion;
mod error;
mod hooks;
mod invites;
mod message;
mod pins;
mod profile;
mod push;
mod requests;
mod room_links;
mod room_settings;
mod rooms;
mod search;
mod sessions;
mod slack;
mod socket;
mod upload;
mod wire;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

pub use hooks::print_delivery;

use crate::config::Config;
use crate::edge::{Dialect, resource};

/// This dialect.
pub const DIALECT: Dialect =
    Dialect { name: "webchat", owns, routes, error: error::body, sockets: |_| socket::routes(), openapi };

/// The parts of `/api/v1` that belong to this document; the others belong to document 001.
fn owns(path: &str) -> bool {
    let part = path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next());
    let owned = [
        "auth",
        "upload",
        "rooms",
        "room-links",
        "me",
        "users",
        "conversations",
        "search",
        "push",
        "admin",
        "hooks",
        "messages",
    ];
    part.is_some_and(|part| owned.contains(&part))
}

fn routes(routes: &mut ServiceConfig, _: &Config) {
    routes
        .service(resource("/api/v1/auth/register").route(web::post().to(auth::register)))
        .service(resource("/api/v1/auth/login").route(web::post().to(auth::log_in)))
        .service(resource("/api/v1/auth/logout").route(web::post().to(sessions::log_out)))
        .service(
            resource("/api/v1/auth/invites").route(web::get().to(invites::list)).route(web::post().to(invites::create)),
        )
        .service(resource("/api/v1/auth/invites/{id}").route(web::delete().to(invites::revoke)))
        .service(resource("/api/v1/upload/image").route(web::post().to(upload::image)))
        .service(resource("/api/v1/rooms").route(web::get().to(rooms::list)).route(web::post().to(rooms::create)))
        .service(
            resource("/api/v1/me")
                .route(web::get().to(profile::me))
                .route(web::patch().to(profile::change))
                .route(web::delete().to(deletion::delete)),
        )
        .service(resource("/api/v1/users").route(web::get().to(profile::cards)))
        .service(resource("/api/v1/me/sessions").route(web::get().to(sessions::list)))
        .service(resource("/api/v1/me/sessions/{id}").route(web::delete().to(sessions::end)))
        .service(resource("/api/v1/me/password").route(web::put().to(sessions::change_password)))
        .service(resource("/api/v1/me/blocks").route(web::get().to(blocks::list)))
        .service(
            resource("/api/v1/me/blocks/{user_id}")
                .route(web::put().to(blocks::block))
                .route(web::delete().to(blocks::unblock)),
        )
        .configure(admin::routes)
        .service(resource("/api/v1/conversations").route(web::get().to(client::conversations)))
        .service(resource("/api/v1/search").route(web::get().to(search::search)))
        .service(
            resource("/api/v1/rooms/{id}")
                .route(web::get().to(room_settings::read))
                .route(web::patch().to(room_settings::change))
                .route(web::delete().to(room_settings::remove)),
        )
        .service(resource("/api/v1/rooms/{id}/pins").route(web::get().to(pins::list)))
        .configure(links)
        .configure(hooks_and_push)
        .service(resource("/api/v1/users/{id}").route(web::get().to(profile::card)))
        .service(resource("/api/v1/rooms/{id}/settings").route(web::put().to(conversation_settings::change)))
        .service(
            resource("/api/v1/rooms/{id}/members")
                .route(web::get().to(rooms::members))
                .route(web::post().to(rooms::add_member)),
        )
        .service(
            resource("/api/v1/rooms/{id}/members/{user_id}")
                .route(web::delete().to(rooms::remove_member))
                .route(web::put().to(rooms::set_role)),
        );
}

fn hooks_and_push(routes: &mut ServiceConfig) {
    routes
        .service(
            resource("/api/v1/rooms/{id}/hooks").route(web::get().to(hooks::list)).route(web::post().to(hooks::create)),
        )
        .service(resource("/api/v1/rooms/{id}/hooks/{hook}").route(web::delete().to(hooks::remove)))
        .service(resource("/api/v1/hooks/{token}").route(web::post().to(hooks::post)))
        .service(resource("/api/v1/push/key").route(web::get().to(push::key)))
        .service(
            resource("/api/v1/push/subscriptions")
                .route(web::post().to(push::subscribe))
                .route(web::delete().to(push::unsubscribe)),
        );
}

fn links(routes: &mut ServiceConfig) {
    routes
        .service(
            resource("/api/v1/rooms/{id}/links")
                .route(web::get().to(room_links::list))
                .route(web::post().to(room_links::create)),
        )
        .service(resource("/api/v1/rooms/{id}/links/{link_id}").route(web::delete().to(room_links::revoke)))
        .service(resource("/api/v1/room-links/open").route(web::post().to(room_links::open)))
        .service(resource("/api/v1/room-links/join").route(web::post().to(room_links::join)));
}

fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Documentation::openapi();
    document.merge(admin::Documentation::openapi());
    document
}

#[derive(OpenApi)]
#[openapi(
    paths(
        auth::register,
        auth::log_in,
        invites::create,
        invites::list,
        invites::revoke,
        sessions::log_out,
        sessions::list,
        sessions::end,
        sessions::change_password,
        upload::image,
        rooms::list,
        rooms::create,
        rooms::members,
        rooms::add_member,
        rooms::remove_member,
        rooms::set_role,
        room_settings::read,
        room_settings::change,
        room_settings::remove,
        room_links::create,
        room_links::list,
        room_links::revoke,
        room_links::open,
        room_links::join,
        conversation_settings::change,
        hooks::create,
        hooks::list,
        hooks::remove,
        hooks::post,
        pins::list,
        profile::me,
        profile::change,
        profile::cards,
        profile::card,
        deletion::delete,
        client::conversations,
        blocks::list,
        blocks::block,
        blocks::unblock,
        push::key,
        push::subscribe,
        push::unsubscribe,
        search::search,
    ),
    tags((name = "webchat", description = "Document 000, 前端需求文档, and routes for Chinwag's own client. Errors are `{\"error\"}`. On the added routes, and with the query `ext=1` on all, they also have a `code` and, where it applies, a `field`."))
)]
struct Documentation;
