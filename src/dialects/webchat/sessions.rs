//! Logins of the caller: their list and their end, and the change of the password.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::Token;
use super::error::ErrorBody;
use super::wire::{Done, SessionEntry};
use crate::domain::{Error, Field, Password, Result, TokenId, TypedPassword};
use crate::edge::{Authenticated, Context, JsonBody, OptionalBody};

/// The scope of a logout.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"everywhere": true}))]
pub(super) struct LogOutBody {
    /// Whether all tokens of the caller end; otherwise only the one of the request does.
    #[serde(default)]
    everywhere: Option<bool>,
}

/// Ends the token of the request, or all tokens of the caller. Their WebSockets are closed with 1008.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", operation_id = "webchat_log_out", tag = "webchat",
    security(("bearer" = [])),
    request_body(content = Option<LogOutBody>),
    responses(
        (status = 200, description = "The token is invalid from now on, on all nodes within a second", body = Done),
        (status = 400, description = "The body is not valid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn log_out(
    user: Authenticated,
    body: OptionalBody<LogOutBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let accounts = &context.services.accounts;
    match body.0.and_then(|body| body.everywhere).unwrap_or(false) {
        true => accounts.log_out_everywhere(user.caller.id).await?,
        false => accounts.log_out(&user.caller, user.token).await?,
    }
    Ok(HttpResponse::Ok().json(Done { message: "Logged out" }))
}

/// Lists the caller's logins of the last 30 days, newest first, at most 100.
#[utoipa::path(
    get, path = "/api/v1/me/sessions", operation_id = "webchat_list_sessions", tag = "webchat",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The log-ins", body = [SessionEntry]),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn list(user: Authenticated, context: web::Data<Context>) -> Result<HttpResponse> {
    let sessions = context.services.accounts.sessions(user.caller.id, Some(user.token)).await?;
    Ok(HttpResponse::Ok().json(sessions.into_iter().map(SessionEntry::from).collect::<Vec<_>>()))
}

/// Ends the token of one of the caller's logins.
#[utoipa::path(
    delete, path = "/api/v1/me/sessions/{id}", operation_id = "webchat_end_session", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The `id` of a log-in")),
    responses(
        (status = 200, description = "The token is invalid from now on, on all nodes within a second", body = Done),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "The caller has no such log-in", body = ErrorBody),
    )
)]
pub(super) async fn end(
    user: Authenticated,
    id: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let token: TokenId = id.parse().map_err(|_| Error::NotFound)?;
    context.services.accounts.end_session(&user.caller, token).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Session ended" }))
}

/// The password of the caller, and the one that replaces it.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"old": "your_strong_password", "new": "another_strong_password"}))]
pub(super) struct PasswordBody {
    /// The present password.
    #[schema(required, value_type = String, min_length = 6, max_length = 71)]
    old: Option<String>,
    /// 6 characters to 71 bytes.
    #[schema(required, value_type = String, min_length = 6, max_length = 71)]
    new: Option<String>,
}

/// Changes the caller's password. All tokens end; the response has a new one.
#[utoipa::path(
    put, path = "/api/v1/me/password", operation_id = "webchat_change_password", tag = "webchat",
    security(("bearer" = [])), request_body = PasswordBody,
    responses(
        (status = 200, description = "The only valid token", body = Token),
        (status = 400, description = "A password is missing, or the new one is not valid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The old password is wrong", body = ErrorBody,
            example = json!({"error": "Wrong password", "code": "wrong_password"})),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn change_password(
    user: Authenticated,
    body: JsonBody<PasswordBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let old = own_password(body.0.old.as_deref().ok_or(Error::Missing(Field::OldPassword))?)?;
    let new = Password::parse(body.0.new.as_deref().ok_or(Error::Missing(Field::NewPassword))?)?;
    let token = context.services.accounts.change_password(&user.caller, &old, &new, &user.client).await?;
    Ok(HttpResponse::Ok().json(Token { token }))
}

/// A password that no account can have is a wrong one.
pub(super) fn own_password(text: &str) -> Result<TypedPassword> {
    TypedPassword::parse(text).ok_or(Error::WrongPassword)
}
