//! Online users, statistics, addresses, heartbeats: document 003, §§4, 5, 11, 12.

use actix_web::{HttpResponse, web};

use super::error::Detail;
use super::rooms::list_limit;
use super::times::Times;
use super::wire::{ChatStats, Heartbeat, ListQuery, OnlineEntry, UserIp};
use crate::dialects::common::NEXT_CURSOR;
use crate::domain::{Error, Field, OnlineCursor, Result, UserId};
use crate::edge::{Authenticated, Context, ListFrame, QueryParams, QuietAuth, long_list};

/// Lists the users with activity within 30 minutes, latest first.
#[utoipa::path(
    get, path = "/api/chat/online-users", operation_id = "chatroom_list_online_users", tag = "chatroom",
    security(("bearer" = [])), params(ListQuery),
    responses(
        (status = 200, description = "The users", body = [OnlineEntry],
            headers(("X-Next-Cursor" = String, description = "Cursor of the next page, if there is one"))),
        (status = 400, description = "A parameter is missing or invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
    )
)]
pub(super) async fn online_users(
    user: Authenticated,
    query: QueryParams<ListQuery>,
    context: web::Data<Context>,
    times: web::Data<Times>,
) -> Result<HttpResponse> {
    let after = match &query.0.cursor {
        Some(text) => Some(cursor(text).ok_or(Error::Invalid(Field::Cursor))?),
        None => None,
    };
    let limit = list_limit(&query.0)?;
    let held = context.long_answers.admit(user.caller.id).await?;
    let online = context.services.presence.online(&user.caller, after, limit).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = online.next {
        response.insert_header((NEXT_CURSOR, format!("{}-{}", next.active_at_ms, next.user)));
    }
    let places: Vec<usize> = (0..online.users.len()).collect();
    Ok(long_list(response, ListFrame::bare(), places, held, move |place, printer| {
        let user = &online.users[place];
        printer.print(&OnlineEntry::of(user, online.shows_address(user.id), &times));
    }))
}

fn cursor(text: &str) -> Option<OnlineCursor> {
    let (active_at_ms, user) = text.split_once('-')?;
    Some(OnlineCursor { active_at_ms: active_at_ms.parse().ok()?, user: UserId(user.parse().ok()?) })
}

/// Statistics, at constant cost.
#[utoipa::path(
    get, path = "/api/chat/stats", operation_id = "chatroom_get_stats", tag = "chatroom",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The statistics", body = ChatStats),
        (status = 401, description = "No valid token", body = Detail),
    )
)]
pub(super) async fn stats(_user: Authenticated, context: web::Data<Context>) -> Result<HttpResponse> {
    let stats = context.services.presence.stats().await?;
    Ok(HttpResponse::Ok().json(ChatStats {
        online_users_count: stats.online_users,
        total_messages_today: stats.messages_today,
        active_rooms: stats.active_rooms,
    }))
}

/// The address of an online user.
#[utoipa::path(
    get, path = "/api/chat/user-ip/{user_id}", operation_id = "chatroom_get_user_ip", tag = "chatroom",
    security(("bearer" = [])),
    params(("user_id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The address", body = UserIp),
        (status = 400, description = "A parameter is missing or invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
        (status = 403, description = "Not allowed", body = Detail),
        (status = 404, description = "The user is not online", body = Detail),
    )
)]
pub(super) async fn user_ip(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let id: u64 = path.parse().map_err(|_| Error::Invalid(Field::UserId))?;
    let ip = context.services.presence.ip_of(&user.caller, UserId(id)).await?;
    Ok(HttpResponse::Ok().json(UserIp { user_id: id, ip }))
}

/// Keeps the caller online.
#[utoipa::path(
    post, path = "/api/chat/heartbeat", operation_id = "chatroom_send_heartbeat", tag = "chatroom",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The heartbeat was recorded", body = Heartbeat),
        (status = 401, description = "No valid token", body = Detail),
    )
)]
pub(super) async fn heartbeat(
    QuietAuth(user): QuietAuth,
    context: web::Data<Context>,
    times: web::Data<Times>,
) -> Result<HttpResponse> {
    let at_ms = context.services.presence.heartbeat(&user.caller, &user.client).await?;
    Ok(HttpResponse::Ok().json(Heartbeat { status: "ok", timestamp: times.print(at_ms) }))
}
