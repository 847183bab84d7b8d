//! Rooms, for administrators.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PageQuery, page_limit};
use crate::dialects::common::utc_millis;
use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::rooms::room_of;
use crate::dialects::webchat::wire::{Done, room_kind_word};
use crate::domain::{Result, RoomSummary, room_cursor};
use crate::edge::{Authenticated, Context, QueryParams};
use crate::service::Operator;

/// A group or public room, for administrators.
#[derive(Serialize, ToSchema)]
pub(super) struct RoomEntry {
    #[schema(example = 101)]
    id: u32,
    #[schema(example = "room_a1b2c3d4")]
    room_id: String,
    /// `public` or `group`.
    kind: &'static str,
    #[schema(example = "Project Alpha")]
    name: String,
    /// The owner; the global room has none.
    #[schema(required)]
    owner_id: Option<u64>,
    /// Number of members.
    members: u64,
    #[schema(format = DateTime, example = "2025-10-26T12:00:00.000Z")]
    created_at: String,
}

impl From<RoomSummary> for RoomEntry {
    fn from(room: RoomSummary) -> Self {
        Self {
            id: room.id.number(),
            room_id: room.id.to_string(),
            kind: room_kind_word(room.kind),
            name: room.name,
            owner_id: room.owner.map(|owner| owner.0),
            members: room.members,
            created_at: utc_millis(room.created_at_ms),
        }
    }
}

/// A page of rooms, ordered by number. It may have fewer than `limit` although there is a next one.
#[derive(Serialize, ToSchema)]
pub(super) struct RoomPage {
    rooms: Vec<RoomEntry>,
    /// The cursor of the next page, if there may be one.
    #[schema(required)]
    next: Option<String>,
}

/// Lists groups and public rooms.
#[utoipa::path(
    get, path = "/api/v1/admin/rooms", operation_id = "webchat_admin_list_rooms", tag = "webchat",
    security(("bearer" = [])), params(PageQuery),
    responses(
        (status = 200, description = "The rooms", body = RoomPage),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<PageQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let after = query.0.cursor.as_deref().map(room_cursor).transpose()?;
    let operator = Operator::Admin(&user.caller, &user.client);
    let (rooms, next) =
        context.services.administration.rooms(&operator, after, page_limit(query.0.limit.as_deref())?).await?;
    let rooms = rooms.into_iter().map(RoomEntry::from).collect();
    Ok(HttpResponse::Ok().json(RoomPage { rooms, next: next.map(|room| room.number().to_string()) }))
}

/// Removes a group or public room with its messages.
#[utoipa::path(
    delete, path = "/api/v1/admin/rooms/{id}", operation_id = "webchat_admin_remove_room", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "The room was removed", body = Done, example = json!({"message": "Room removed"})),
        (status = 400, description = "`global` and direct rooms cannot be removed", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such room", body = ErrorBody),
    )
)]
pub(super) async fn remove(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let operator = Operator::Admin(&user.caller, &user.client);
    context.services.room_removals.remove_any(room_of(&path)?, &operator).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Room removed" }))
}
