//! Rooms: document 003, §§6–9.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error::Detail;
use super::room_of;
use super::times::Times;
use super::wire::{ChatRoom, CreateRoomForm, CreatedRoom, Done, ListQuery};
use crate::dialects::common::NEXT_CURSOR;
use crate::domain::{Description, Error, Field, Limit, Result, RoomName, room_cursor};
use crate::edge::{Authenticated, Context, ListFrame, QueryParams, TextForm, list_head, long_list};

/// Maximum number of entries in a list without `limit`.
pub(super) const MAX_LISTED: usize = 10_000;

/// Creates a public room with the caller as owner.
#[utoipa::path(
    post, path = "/api/chat/rooms", operation_id = "chatroom_create_room", tag = "chatroom",
    security(("bearer" = [])),
    request_body(content_type = "multipart/form-data", content = CreateRoomForm),
    responses(
        (status = 200, description = "The room", body = CreatedRoom),
        (status = 400, description = "A parameter is missing or invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
        (status = 413, description = "The form is too large", body = Detail),
        (status = 415, description = "The body is no form", body = Detail),
        (status = 429, description = "Too many rooms, or too fast; see `Retry-After`", body = Detail),
        (status = 507, description = "The server has no space left", body = Detail),
    )
)]
pub(super) async fn create(user: Authenticated, form: TextForm, context: web::Data<Context>) -> Result<HttpResponse> {
    let fields = form.0;
    let name = RoomName::parse(fields.get("room_name")?.ok_or(Error::Missing(Field::RoomName))?)?;
    let description = Description::parse(fields.get("description")?.unwrap_or_default())?;
    let room = context.services.rooms.create_public(&user.caller, &name, &description).await?;
    Ok(HttpResponse::Ok().json(CreatedRoom { room_id: room.to_string(), message: "聊天室创建成功" }))
}

/// Joins a room. Joining again succeeds.
#[utoipa::path(
    post, path = "/api/chat/rooms/{room_id}/join", operation_id = "chatroom_join_room", tag = "chatroom",
    security(("bearer" = [])),
    params(("room_id" = String, Path, description = "The room")),
    responses(
        (status = 200, description = "The caller is a member", body = Done, example = json!({"message": "成功加入聊天室"})),
        (status = 401, description = "No valid token", body = Detail),
        (status = 403, description = "The caller was removed from the room", body = Detail),
        (status = 404, description = "No such room", body = Detail),
        (status = 429, description = "Too many changes; see `Retry-After`", body = Detail),
        (status = 507, description = "The server has no space left", body = Detail),
    )
)]
pub(super) async fn join(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    context.services.rooms.join(room_of(Some(&path))?, &user.caller).await?;
    Ok(HttpResponse::Ok().json(Done { message: "成功加入聊天室" }))
}

/// Leaves a room. Leaving again succeeds.
#[utoipa::path(
    post, path = "/api/chat/rooms/{room_id}/leave", operation_id = "chatroom_leave_room", tag = "chatroom",
    security(("bearer" = [])),
    params(("room_id" = String, Path, description = "The room")),
    responses(
        (status = 200, description = "The caller is not a member", body = Done, example = json!({"message": "成功离开聊天室"})),
        (status = 400, description = "`global` cannot be left", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
        (status = 404, description = "No such room", body = Detail),
        (status = 429, description = "Too many changes; see `Retry-After`", body = Detail),
    )
)]
pub(super) async fn leave(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    context.services.rooms.leave(room_of(Some(&path))?, &user.caller).await?;
    Ok(HttpResponse::Ok().json(Done { message: "成功离开聊天室" }))
}

/// Lists all public rooms and the caller's groups, with members and last message.
#[utoipa::path(
    get, path = "/api/chat/rooms", operation_id = "chatroom_list_rooms", tag = "chatroom",
    security(("bearer" = [])), params(ListQuery),
    responses(
        (status = 200, description = "The rooms", body = [ChatRoom],
            headers(
                ("X-Next-Cursor" = String, description = "Cursor of the next page, if there is one"),
                ("X-Partial" = String, description = "`1` when rooms are left out because their server is away"),
            )),
        (status = 400, description = "A parameter is missing or invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<ListQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
    times: web::Data<Times>,
) -> Result<HttpResponse> {
    let after = query.0.cursor.as_deref().map(room_cursor).transpose()?;
    let limit = list_limit(&query.0)?;
    let held = context.long_answers.admit(user.caller.id).await?;
    let (rooms, next) = context.services.rooms.list(&user.caller, after, limit).await?;
    let base_url = context.base_url(&request);
    let mut response = list_head(&rooms);
    if let Some(next) = next {
        response.insert_header((NEXT_CURSOR, next.number()));
    }
    Ok(long_list(response, ListFrame::bare(), rooms.items, held, move |room, printer| {
        printer.print(&ChatRoom::of(&room, &times, &base_url))
    }))
}

/// Parses the limit of a list.
pub(super) fn list_limit(query: &ListQuery) -> Result<Limit> {
    Limit::parse_or(query.limit.as_deref(), Limit::of(MAX_LISTED), MAX_LISTED)
}
