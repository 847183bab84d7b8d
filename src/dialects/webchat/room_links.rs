//! Routes of links with which users join a room themselves. Tokens are in bodies, never in paths, which are logged.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::rooms::room_of;
use super::wire::{Done, room_kind_word};
use crate::dialects::common::{absolute, utc_millis};
use crate::domain::{Error, Field, LinkId, LinkTerms, LinkedRoom, Result, RoomLink};
use crate::edge::{Authenticated, Context, JsonBody, OptionalBody};

const DEFAULT_DAYS: u32 = 7;

/// Terms of a link.
#[derive(Default, Deserialize, ToSchema)]
#[schema(example = json!({"days": 7, "uses": 10}))]
pub(super) struct LinkBody {
    /// Days for which it is valid: 1 to 365, 7 when absent.
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u32>,
    /// Users who may join with it: 1 to 1000, any number when absent.
    #[schema(minimum = 1, maximum = 1000)]
    uses: Option<u32>,
}

/// A link that was just created.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0123456789abcdef0123456789abcdef", "token": "30f4c306abcdefghijklmnopqrstuvwxyz",
    "url": "https://chat.example.org/chat?join=30f4c306abcdefghijklmnopqrstuvwxyz",
    "uses": 10, "expires_at": "2025-11-02T12:00:00.000Z"
}))]
pub(super) struct NewLink {
    /// Its id.
    id: String,
    /// The token, which is shown once.
    token: String,
    /// The link for a browser.
    url: String,
    /// Users who may join with it; `null` for any number.
    #[schema(required)]
    uses: Option<u32>,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Creates a link with which any user may join the room. For its owner and admins; the link works as long as its
/// creator is one of them. A room has at most 20.
#[utoipa::path(
    post, path = "/api/v1/rooms/{id}/links", operation_id = "webchat_create_link", tag = "webchat",
    security(("bearer" = [])), request_body(content = Option<LinkBody>),
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 201, description = "The link", body = NewLink),
        (status = 400, description = "A term is not valid, or the room is `global` or a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is neither owner nor admin", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
        (status = 409, description = "The room has too many links", body = ErrorBody),
        (status = 429, description = "Too many changes; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn create(
    user: Authenticated,
    path: web::Path<String>,
    body: OptionalBody<LinkBody>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let LinkBody { days, uses } = body.0.unwrap_or_default();
    let terms = LinkTerms::new(uses, days.unwrap_or(DEFAULT_DAYS))?;
    let (token, id, expires_at_ms) = context.services.rooms.make_link(room_of(&path)?, &user.caller, terms).await?;
    Ok(HttpResponse::Created().json(NewLink {
        id: id.0,
        url: format!("{}/chat?join={}", context.base_url(&request), token.expose()),
        token: token.expose().to_owned(),
        uses: terms.uses,
        expires_at: utc_millis(expires_at_ms),
    }))
}

/// A link in the list, which has no tokens.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0123456789abcdef0123456789abcdef", "created_at": "2025-10-26T12:00:00.000Z",
    "created_by": {"id": 1, "username": "Alice"}, "uses": 10, "used": 2, "expires_at": "2025-11-02T12:00:00.000Z"
}))]
pub(super) struct ListedLink {
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: LinkMaker,
    /// Users who may join with it; `null` for any number.
    #[schema(required)]
    uses: Option<u64>,
    /// Users who have joined with it.
    used: u64,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Who created a link.
#[derive(Serialize, ToSchema)]
pub(super) struct LinkMaker {
    id: u64,
    username: String,
}

impl From<RoomLink> for ListedLink {
    fn from(link: RoomLink) -> Self {
        Self {
            id: link.id.0,
            created_at: utc_millis(link.made_at_ms),
            created_by: LinkMaker { id: link.made_by.id.0, username: link.made_by.name },
            uses: link.uses,
            used: link.used,
            expires_at: utc_millis(link.expires_at_ms),
        }
    }
}

/// Lists the links of a room that have not expired, the newest first. For its owner and admins.
#[utoipa::path(
    get, path = "/api/v1/rooms/{id}/links", operation_id = "webchat_list_links", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "Up to 20 links", body = [ListedLink]),
        (status = 400, description = "The room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is neither owner nor admin", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let links = context.services.rooms.links(room_of(&path)?, &user.caller).await?;
    Ok(HttpResponse::Ok().json(links.into_iter().map(ListedLink::from).collect::<Vec<_>>()))
}

/// Revokes a link to a room. For its owner and admins. Users who have joined with it stay.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{id}/links/{link_id}", operation_id = "webchat_revoke_link", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room"), ("link_id" = String, Path, description = "The link")),
    responses(
        (status = 200, description = "The link is revoked", body = Done, example = json!({"message": "Link revoked"})),
        (status = 400, description = "The room is a direct room", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is neither owner nor admin", body = ErrorBody),
        (status = 404, description = "No such link or room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn revoke(
    user: Authenticated,
    path: web::Path<(String, String)>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (room, id) = path.into_inner();
    let id = LinkId::parse(&id).ok_or(Error::NotFound)?;
    context.services.rooms.revoke_link(room_of(&room)?, &user.caller, &id).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Link revoked" }))
}

/// A link that somebody has.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"token": "30f4c306abcdefghijklmnopqrstuvwxyz"}))]
pub(super) struct LinkTokenBody {
    #[schema(required, value_type = String)]
    token: Option<String>,
}

impl LinkTokenBody {
    fn token(&self) -> Result<&str> {
        self.token.as_deref().ok_or(Error::Missing(Field::LinkToken))
    }
}

/// The room of a link.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 101, "room_id": "room_30f4c306", "kind": "group", "name": "Project Alpha", "description": "", "avatar": "",
    "members": 12, "is_member": false
}))]
pub(super) struct LinkRoom {
    id: u32,
    room_id: String,
    /// `public` or `group`.
    kind: &'static str,
    name: String,
    description: String,
    /// The address of an avatar; empty for none.
    avatar: String,
    /// Number of members.
    members: u64,
    /// Whether the caller is one of them.
    is_member: bool,
}

impl LinkRoom {
    fn new(room: LinkedRoom, base_url: &str) -> Self {
        Self {
            id: room.id.number(),
            room_id: room.id.to_string(),
            kind: room_kind_word(room.kind),
            avatar: absolute(base_url, &room.avatar).into_owned(),
            name: room.name,
            description: room.description,
            members: room.members,
            is_member: room.is_member,
        }
    }
}

/// Shows the room of a link before the caller joins it.
#[utoipa::path(
    post, path = "/api/v1/room-links/open", operation_id = "webchat_open_link", tag = "webchat",
    security(("bearer" = [])), request_body = LinkTokenBody,
    responses(
        (status = 200, description = "The room", body = LinkRoom),
        (status = 400, description = "The token is missing", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The link has expired or is used up, or others removed the caller from the room", body = ErrorBody),
        (status = 404, description = "No such link, or a revoked one", body = ErrorBody),
        (status = 429, description = "Too many tries; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn open(
    user: Authenticated,
    body: JsonBody<LinkTokenBody>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let room = context.services.rooms.linked_room(body.0.token()?, &user.caller).await?;
    Ok(HttpResponse::Ok().json(LinkRoom::new(room, &context.base_url(&request))))
}

/// Joins the room of a link. Does nothing for a member.
#[utoipa::path(
    post, path = "/api/v1/room-links/join", operation_id = "webchat_join_by_link", tag = "webchat",
    security(("bearer" = [])), request_body = LinkTokenBody,
    responses(
        (status = 200, description = "The room, of which the caller is a member", body = LinkRoom),
        (status = 400, description = "The token is missing", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The link has expired or is used up, or others removed the caller from the room", body = ErrorBody),
        (status = 404, description = "No such link, or a revoked one", body = ErrorBody),
        (status = 429, description = "Too many tries, or the caller is in too many rooms", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn join(
    user: Authenticated,
    body: JsonBody<LinkTokenBody>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let room = context.services.rooms.join_by_link(body.0.token()?, &user.caller).await?;
    Ok(HttpResponse::Ok().json(LinkRoom::new(room, &context.base_url(&request))))
}
