//! Rooms, for administrators.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PageQuery, page_limit};
use crate::dialects::common::{or_default, utc_millis};
use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::rooms::room_of;
use crate::dialects::webchat::wire::{Done, room_kind_word};
use crate::domain::{Description, Error, Field, Result, RoomKind, RoomName, RoomSummary, UserId, room_cursor};
use crate::edge::{Authenticated, Context, JsonBody, Operating, QueryParams};
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

/// A room to create.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "Project Alpha", "is_public": false, "owner_id": 2}))]
pub(super) struct NewRoom {
    #[schema(required, value_type = String, min_length = 1, max_length = 100)]
    name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    #[schema(nullable, max_length = 500)]
    description: String,
    /// A public room; a group when absent.
    #[serde(default, deserialize_with = "or_default")]
    #[schema(nullable)]
    is_public: bool,
    /// The owner and first member; the caller when absent, for an application its account.
    owner_id: Option<u64>,
}

/// A room that was created.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::CreatedRoom)]
pub(super) struct CreatedRoom {
    #[schema(example = 101)]
    id: u32,
    #[schema(example = "room_a1b2c3d4")]
    room_id: String,
}

/// Creates a group or a public room. For administrators, and applications with the scope `rooms:write`.
#[utoipa::path(
    post, path = "/api/v1/admin/rooms", operation_id = "webchat_admin_create_room", tag = "webchat",
    security(("bearer" = [])), request_body(content = inline(NewRoom)),
    responses(
        (status = 201, description = "The room", body = CreatedRoom),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "There is no such owner", body = ErrorBody),
        (status = 429, description = "Too many requests, or the owner is in too many rooms; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn create(
    operating: Operating,
    body: JsonBody<NewRoom>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let NewRoom { name, description, is_public, owner_id } = body.0;
    let name = RoomName::parse(&name.ok_or(Error::Missing(Field::RoomName))?)?;
    let description = Description::parse(&description)?;
    let kind = if is_public { RoomKind::Public } else { RoomKind::Group };
    let (operator, owner) = (operating.operator(), owner_id.map(UserId));
    let room = context.services.rooms.create_for(&operator, kind, (&name, &description), owner).await?;
    Ok(HttpResponse::Created().json(CreatedRoom { id: room.number(), room_id: room.to_string() }))
}

/// A user to add to a room.
#[derive(Deserialize, ToSchema)]
#[schema(as = webchat::AddedMember, example = json!({"user_id": 2}))]
pub(super) struct AddedMember {
    #[schema(required, value_type = u64)]
    user_id: Option<u64>,
}

/// Adds any user to any group or public room. For administrators, and applications with the scope `members:write`.
#[utoipa::path(
    post, path = "/api/v1/admin/rooms/{id}/members", operation_id = "webchat_admin_add_member", tag = "webchat",
    security(("bearer" = [])), request_body = AddedMember,
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 201, description = "The user is a member", body = Done, example = json!({"message": "Member added"})),
        (status = 400, description = "A field is missing, or the room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such room or user", body = ErrorBody),
        (status = 429, description = "Too many requests, or the user is in too many rooms; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn add_member(
    operating: Operating,
    path: web::Path<String>,
    body: JsonBody<AddedMember>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let user = UserId(body.0.user_id.ok_or(Error::Missing(Field::UserId))?);
    context.services.rooms.add_for(&operating.operator(), room_of(&path)?, user).await?;
    Ok(HttpResponse::Created().json(Done { message: "Member added" }))
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
