//! Rooms, for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PageQuery, page_limit, position};
use crate::dialects::common::{or_default, utc_millis};
use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::rooms::room_of;
use crate::dialects::webchat::search::check_query;
use crate::dialects::webchat::wire::{Done, MemberEntry, room_kind_word};
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

/// A page of the rooms.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RoomsQuery {
    /// A part of a name; all rooms when absent.
    #[param(max_length = 100)]
    q: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Maximum number of entries: 50 when absent, at most 500.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

/// Lists groups and public rooms, or searches them by a part of their names.
#[utoipa::path(
    get, path = "/api/v1/admin/rooms", operation_id = "webchat_admin_list_rooms", tag = "webchat",
    security(("bearer" = [])), params(RoomsQuery),
    responses(
        (status = 200, description = "The rooms", body = RoomPage),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<RoomsQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let RoomsQuery { q, cursor, limit } = query.0;
    let text = q.unwrap_or_default();
    check_query(&text, 0)?;
    let (after, limit) = (cursor.as_deref().map(room_cursor).transpose()?, page_limit(limit.as_deref())?);
    let operator = Operator::Admin(&user.caller, &user.client);
    let (rooms, next) = context.services.administration.rooms(&operator, &text, after, limit).await?;
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

/// A page of the members of a room, in the order of joining.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberPage {
    members: Vec<MemberEntry>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// Lists the members of a group or public room in the order of joining. The caller need not be one.
#[utoipa::path(
    get, path = "/api/v1/admin/rooms/{id}/members", operation_id = "webchat_admin_list_members", tag = "webchat",
    security(("bearer" = [])), params(("id" = u32, Path, description = "The room"), PageQuery),
    responses(
        (status = 200, description = "The members", body = MemberPage),
        (status = 400, description = "A parameter is invalid, or the room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such room", body = ErrorBody),
    )
)]
pub(super) async fn members(
    user: Authenticated,
    path: web::Path<String>,
    query: QueryParams<PageQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (from, limit) = (position(query.0.cursor.as_deref())?, page_limit(query.0.limit.as_deref())?);
    let operator = Operator::Admin(&user.caller, &user.client);
    let (members, next) = context.services.administration.members(&operator, room_of(&path)?, from, limit).await?;
    let base_url = context.base_url(&request);
    let members = members.into_iter().map(|member| MemberEntry::new(member, &base_url)).collect();
    Ok(HttpResponse::Ok().json(MemberPage { members, next: next.map(|next| next.to_string()) }))
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
