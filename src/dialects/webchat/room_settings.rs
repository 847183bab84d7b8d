//! Routes of a room itself: what its owner and admins may change.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::rooms::room_of;
use super::wire::{Done, room_kind_word};
use crate::dialects::common::absolute;
use crate::domain::{Description, Result, RoomChange, RoomDetails, RoomId, RoomName, SlowMode, UserId};
use crate::edge::{Authenticated, Context, JsonBody};

/// A room's properties.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": 101, "room_id": "room_a1b2c3d4", "kind": "group", "name": "Project Alpha", "description": "", "avatar": "", "slow_mode_secs": 0}))]
pub(super) struct RoomSettings {
    id: u32,
    room_id: String,
    /// `public` or `group`.
    kind: &'static str,
    name: String,
    description: String,
    /// The address of an avatar; empty for none.
    avatar: String,
    /// Seconds between two messages of a member; 0 for none.
    slow_mode_secs: u32,
}

impl RoomSettings {
    fn new(room: RoomDetails, base_url: &str) -> Self {
        Self {
            id: room.id.number(),
            room_id: room.id.to_string(),
            kind: room_kind_word(room.kind),
            avatar: absolute(base_url, &room.avatar).into_owned(),
            name: room.name,
            description: room.description,
            slow_mode_secs: room.slow_mode.secs(),
        }
    }
}

/// Changes of a room. Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "Project Beta", "slow_mode_secs": 30}))]
pub(super) struct RoomPatch {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Up to 500 characters.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// The address of an image from `POST /api/v1/upload/image`; empty for none.
    avatar: Option<String>,
    /// Seconds between two messages of a member who is neither owner nor admin, up to 21600; 0 for none.
    #[schema(maximum = 21600)]
    slow_mode_secs: Option<u64>,
}

impl RoomPatch {
    fn parse(self) -> Result<RoomChange> {
        Ok(RoomChange {
            name: self.name.as_deref().map(RoomName::parse).transpose()?,
            description: self.description.as_deref().map(Description::parse).transpose()?,
            avatar: self.avatar,
            slow_mode: self.slow_mode_secs.map(SlowMode::of_secs).transpose()?,
        })
    }
}

/// Reads a group of the caller, or a public room.
#[utoipa::path(
    get, path = "/api/v1/rooms/{id}", operation_id = "webchat_get_room", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "The room", body = RoomSettings),
        (status = 400, description = "The room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn read(
    user: Authenticated,
    path: web::Path<String>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let room = context.services.rooms.details(room_of(&path)?, &user.caller).await?;
    Ok(HttpResponse::Ok().json(RoomSettings::new(room, &context.base_url(&request))))
}

/// Changes a room. For its owner and admins. Members with `?ext=1` receive `room_changed`.
#[utoipa::path(
    patch, path = "/api/v1/rooms/{id}", operation_id = "webchat_change_room", tag = "webchat",
    security(("bearer" = [])), request_body = RoomPatch,
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "The room", body = RoomSettings),
        (status = 400, description = "A field is invalid, or the room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is neither owner nor admin", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn change(
    user: Authenticated,
    path: web::Path<String>,
    body: JsonBody<RoomPatch>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let change = body.0.parse()?;
    let room = context.services.rooms.change_settings(room_of(&path)?, &user.caller, change).await?;
    Ok(HttpResponse::Ok().json(RoomSettings::new(room, &context.base_url(&request))))
}

/// Removes a room with its messages. For its owner and administrators. Members with `?ext=1` receive `room_removed`.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{id}", operation_id = "webchat_remove_room", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "The room was removed", body = Done, example = json!({"message": "Room removed"})),
        (status = 400, description = "`global` and direct rooms cannot be removed", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn remove(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    context.services.room_removals.remove(room_of(&path)?, &user.caller, &user.client).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Room removed" }))
}

/// What changed in a room, as sent to its members.
#[derive(Serialize)]
pub(super) struct ChangedRoom {
    room_id: u32,
    user_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_mode_secs: Option<u32>,
}

impl ChangedRoom {
    pub(super) fn new(room: RoomId, by: UserId, change: &RoomChange, base_url: &str) -> Self {
        Self {
            room_id: room.number(),
            user_id: by.0,
            name: change.name.as_ref().map(|name| name.as_str().to_owned()),
            description: change.description.as_ref().map(|text| text.as_str().to_owned()),
            avatar: change.avatar.as_ref().map(|path| absolute(base_url, path).into_owned()),
            slow_mode_secs: change.slow_mode.map(SlowMode::secs),
        }
    }
}
