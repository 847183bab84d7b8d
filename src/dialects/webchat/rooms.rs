//! Rooms and their members: document 000, §1.3, and the creation of rooms that it promises.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::wire::{Done, MemberEntry, Room};
use crate::dialects::common::or_default;
use crate::domain::{Description, Error, Field, Result, RoomId, RoomKind, RoomName, UserId};
use crate::edge::{Authenticated, Context, JsonBody, ListFrame, list_head, long_list};

/// Lists the caller's rooms, latest activity first.
#[utoipa::path(
    get, path = "/api/v1/rooms", operation_id = "webchat_list_rooms", tag = "webchat",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The rooms", body = [Room],
            headers(("X-Partial" = String, description = "`1` when rooms are left out because their server is away"))),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn list(user: Authenticated, context: web::Data<Context>) -> Result<HttpResponse> {
    let held = context.long_answers.admit(user.caller.id).await?;
    let rooms = context.services.rooms.conversations(&user.caller).await?;
    Ok(long_list(list_head(&rooms), ListFrame::bare(), rooms.items, held, |room, printer| {
        printer.print(&Room::new(room.head.id, room.name, room.head.kind));
    }))
}

/// A room to create: a group with a name, or the direct room with a user.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "Project Alpha", "is_private": false}))]
pub(super) struct NewRoom {
    #[serde(default, deserialize_with = "or_default")]
    #[schema(nullable)]
    is_private: bool,
    /// The group's name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The other user of the direct room.
    username: Option<String>,
}

/// Creates a group, or opens the direct room with a user. There is only one direct room with each user.
#[utoipa::path(
    post, path = "/api/v1/rooms", operation_id = "webchat_create_room", tag = "webchat",
    security(("bearer" = [])), request_body = NewRoom,
    responses(
        (status = 201, description = "The room", body = Room),
        (status = 400, description = "A field is missing or invalid, or the other user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The other user blocks the caller", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn create(
    user: Authenticated,
    body: JsonBody<NewRoom>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let rooms = &context.services.rooms;
    if body.0.is_private {
        let name = body.0.username.ok_or(Error::Missing(Field::UserName))?;
        let other = rooms.user_named(&name).await?;
        let room = rooms.open_direct(&user.caller, other.id).await?;
        return Ok(HttpResponse::Created().json(Room::new(room, other.name, RoomKind::Direct)));
    }
    let name = RoomName::parse(&body.0.name.ok_or(Error::Missing(Field::RoomName))?)?;
    let made = rooms.create_group(&user.caller, &name, &Description::default(), "").await?;
    Ok(HttpResponse::Created().json(Room::new(made.id, name.as_str().to_owned(), RoomKind::Group)))
}

/// Parses a room number in a path. A malformed number is answered like a room that does not exist.
pub(super) fn room_of(text: &str) -> Result<RoomId> {
    text.parse().ok().and_then(RoomId::new).ok_or(Error::RoomNotFound)
}

/// Parses a user's number in a path. A malformed number, and one outside the range of the document's int64, is answered
/// like a user who does not exist.
pub(super) fn user_of(text: &str) -> Result<UserId> {
    let number: i64 = text.parse().map_err(|_| Error::UserNotFound)?;
    u64::try_from(number).map(UserId).map_err(|_| Error::UserNotFound)
}

/// Lists the members of a room in the order of joining.
#[utoipa::path(
    get, path = "/api/v1/rooms/{id}/members", operation_id = "webchat_list_members", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "The members", body = [MemberEntry]),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn members(
    user: Authenticated,
    path: web::Path<String>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let base_url = context.base_url(&request);
    let held = context.long_answers.admit(user.caller.id).await?;
    let members = context.services.rooms.members(room_of(&path)?, &user.caller).await?;
    Ok(long_list(HttpResponse::Ok(), ListFrame::bare(), members, held, move |member, printer| {
        printer.print(&MemberEntry::new(member, &base_url));
    }))
}

/// A member to add.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"username": "bob"}))]
pub(super) struct NewMember {
    #[schema(required, value_type = String, min_length = 1)]
    username: Option<String>,
}

/// Adds a user to a room. In a group the owner and admins may, in a public room any member.
#[utoipa::path(
    post, path = "/api/v1/rooms/{id}/members", operation_id = "webchat_add_member", tag = "webchat",
    security(("bearer" = [])), request_body = NewMember,
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 201, description = "The user is a member", body = Done),
        (status = 400, description = "A field is missing, or the room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed, the user blocks the caller, or shares no room with the caller where `privacy.adding` demands it", body = ErrorBody),
        (status = 404, description = "No such room or user", body = ErrorBody),
        (status = 429, description = "Too many changes; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn add_member(
    user: Authenticated,
    path: web::Path<String>,
    body: JsonBody<NewMember>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let rooms = &context.services.rooms;
    let room = room_of(&path)?;
    let name = body.0.username.filter(|name| !name.is_empty()).ok_or(Error::Missing(Field::UserName))?;
    let added = rooms.user_named(&name).await?;
    rooms.add_member(room, &user.caller, &added).await?;
    Ok(HttpResponse::Created().json(Done { message: "Member added" }))
}

/// Removes a member. To remove oneself is to leave.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{id}/members/{user_id}", operation_id = "webchat_remove_member", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room"), ("user_id" = u64, Path, description = "The member")),
    responses(
        (status = 200, description = "The user is not a member", body = Done, example = json!({"message": "Member removed"})),
        (status = 400, description = "`global` and direct rooms cannot be left", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such room or member", body = ErrorBody),
        (status = 429, description = "Too many changes; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn remove_member(
    user: Authenticated,
    path: web::Path<(String, String)>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (room, member) = path.into_inner();
    context.services.rooms.remove_member(room_of(&room)?, &user.caller, user_of(&member)?).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Member removed" }))
}

/// A new role of a member.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"role": "admin"}))]
pub(super) struct NewRole {
    /// `admin` or `member`.
    #[schema(required, value_type = String, pattern = "^(admin|member)$")]
    role: Option<String>,
}

/// Makes a member an admin, or an admin an ordinary member. For the owner.
#[utoipa::path(
    put, path = "/api/v1/rooms/{id}/members/{user_id}", operation_id = "webchat_set_role", tag = "webchat",
    security(("bearer" = [])), request_body = NewRole,
    params(("id" = u32, Path, description = "The room"), ("user_id" = u64, Path, description = "The member")),
    responses(
        (status = 200, description = "The role was changed", body = Done, example = json!({"message": "Role changed"})),
        (status = 400, description = "No such role, or the room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is not the owner, or the role is the owner's own", body = ErrorBody),
        (status = 404, description = "No such room or member", body = ErrorBody),
    )
)]
pub(super) async fn set_role(
    user: Authenticated,
    path: web::Path<(String, String)>,
    body: JsonBody<NewRole>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (room, member) = path.into_inner();
    let is_admin = match body.0.role.as_deref() {
        Some("admin") => true,
        Some("member") => false,
        Some(_) => return Err(Error::Invalid(Field::Role)),
        None => return Err(Error::Missing(Field::Role)),
    };
    context.services.rooms.set_role(room_of(&room)?, &user.caller, user_of(&member)?, is_admin).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Role changed" }))
}
