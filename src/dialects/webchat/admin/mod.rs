//! Routes for administrators and applications: users, rooms, messages, presence, uploads, the audit log.

mod audit;
mod messages;
mod presence;
mod roles;
mod rooms;
mod traces;
mod uploads;
mod users;

use actix_web::web::{self, ServiceConfig};
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};

use crate::domain::{Limit, Result, position_cursor};
use crate::edge::resource;

const DEFAULT_PAGE: Limit = Limit::of(50);
const MAX_PAGE: usize = 500;

pub(super) fn routes(routes: &mut ServiceConfig) {
    routes
        .service(resource("/api/v1/admin/users").route(web::get().to(users::list)).route(web::post().to(users::create)))
        .service(resource("/api/v1/admin/users/{id}").route(web::delete().to(users::delete)))
        .service(
            resource("/api/v1/admin/users/{id}/ban")
                .route(web::put().to(users::ban))
                .route(web::delete().to(users::unban)),
        )
        .service(
            resource("/api/v1/admin/users/{id}/admin")
                .route(web::put().to(roles::promote))
                .route(web::delete().to(roles::demote)),
        )
        .service(resource("/api/v1/admin/users/{id}/sessions").route(web::delete().to(users::end_sessions)))
        .service(resource("/api/v1/admin/users/{id}/password").route(web::post().to(users::set_one_time_password)))
        .service(resource("/api/v1/admin/rooms").route(web::get().to(rooms::list)).route(web::post().to(rooms::create)))
        .service(resource("/api/v1/admin/rooms/{id}").route(web::delete().to(rooms::remove)))
        .service(
            resource("/api/v1/admin/rooms/{id}/members")
                .route(web::get().to(rooms::members))
                .route(web::post().to(rooms::add_member)),
        )
        .service(resource("/api/v1/admin/rooms/{id}/messages").route(web::get().to(messages::list)))
        .service(resource("/api/v1/admin/messages").route(web::post().to(messages::send)))
        .service(resource("/api/v1/admin/presence").route(web::get().to(presence::list)))
        .service(resource("/api/v1/admin/uploads").route(web::get().to(uploads::list)))
        .service(resource("/api/v1/admin/audit").route(web::get().to(audit::list)))
        .service(resource("/api/v1/messages/{id}/trace").route(web::get().to(traces::trace)));
}

#[derive(OpenApi)]
#[openapi(paths(
    users::list,
    users::create,
    users::delete,
    users::ban,
    users::unban,
    users::end_sessions,
    users::set_one_time_password,
    roles::promote,
    roles::demote,
    rooms::list,
    rooms::create,
    rooms::remove,
    rooms::members,
    rooms::add_member,
    messages::list,
    messages::send,
    presence::list,
    uploads::list,
    audit::list,
    traces::trace,
))]
pub(super) struct Documentation;

/// A page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// `next` of the page before.
    cursor: Option<String>,
    /// Maximum number of entries: 50 when absent, at most 500.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

/// The size of a page.
fn page_limit(text: Option<&str>) -> Result<Limit> {
    Limit::parse_or(text, DEFAULT_PAGE, MAX_PAGE)
}

/// The position in a list at which a page begins.
fn position(cursor: Option<&str>) -> Result<usize> {
    cursor.map_or(Ok(0), position_cursor)
}
