//! Routes of the users whom the caller blocks.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::rooms::user_of;
use super::wire::Done;
use crate::domain::Result;
use crate::edge::{Authenticated, Context};

/// A user whom the caller blocks.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"user_id": 2, "username": "Bob"}))]
pub(super) struct BlockedUser {
    user_id: u64,
    username: String,
}

/// Lists the users whom the caller blocks, in the order of blocking.
#[utoipa::path(
    get, path = "/api/v1/me/blocks", operation_id = "webchat_list_blocked_users", tag = "webchat",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The users", body = [BlockedUser]),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn list(user: Authenticated, context: web::Data<Context>) -> Result<HttpResponse> {
    let blocked = context.services.blocks.list(&user.caller).await?;
    let entry = |user: crate::domain::UserRef| BlockedUser { user_id: user.id.0, username: user.name };
    Ok(HttpResponse::Ok().json(blocked.into_iter().map(entry).collect::<Vec<_>>()))
}

/// Blocks a user, who then can neither send the caller direct messages nor add the caller to a room. Idempotent.
#[utoipa::path(
    put, path = "/api/v1/me/blocks/{user_id}", operation_id = "webchat_block_user", tag = "webchat",
    security(("bearer" = [])),
    params(("user_id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The user is blocked", body = Done, example = json!({"message": "User blocked"})),
        (status = 400, description = "The user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
        (status = 409, description = "The caller blocks a thousand users already", body = ErrorBody),
    )
)]
pub(super) async fn block(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    context.services.blocks.block(&user.caller, user_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(Done { message: "User blocked" }))
}

/// Unblocks a user. Idempotent.
#[utoipa::path(
    delete, path = "/api/v1/me/blocks/{user_id}", operation_id = "webchat_unblock_user", tag = "webchat",
    security(("bearer" = [])),
    params(("user_id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The user is not blocked", body = Done, example = json!({"message": "User unblocked"})),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "The id is not a number", body = ErrorBody),
    )
)]
pub(super) async fn unblock(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    context.services.blocks.unblock(&user.caller, user_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(Done { message: "User unblocked" }))
}
