//! Users, for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page_limit;
use crate::dialects::common::{absolute, or_default, utc_millis};
use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::rooms::user_of;
use crate::dialects::webchat::search::check_query;
use crate::dialects::webchat::wire::Done;
use crate::domain::{Account, Email, Error, Field, NewAccount, Password, Reason, Result, Role, UserName};
use crate::edge::{Authenticated, Context, JsonBody, Operating, OptionalBody, QueryParams};
use crate::service::Operator;

/// A page of the users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UsersQuery {
    /// The beginning of a name; all users when absent.
    #[param(max_length = 100)]
    q: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Maximum number of entries: 50 when absent, at most 500.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

/// A user, for administrators.
#[derive(Serialize, ToSchema)]
pub(super) struct UserEntry {
    #[schema(example = 2)]
    id: u64,
    #[schema(example = "Bob")]
    username: String,
    /// Empty when there is none.
    email: String,
    /// Empty when there is none.
    avatar: String,
    is_admin: bool,
    is_banned: bool,
    /// Why the user is banned; empty for none.
    ban_reason: String,
    #[schema(format = DateTime, example = "2025-10-26T12:00:00.000Z")]
    created_at: String,
}

impl UserEntry {
    fn new(account: Account, base_url: &str) -> Self {
        Self {
            id: account.id.0,
            avatar: absolute(base_url, &account.avatar).into_owned(),
            username: account.name,
            email: account.email,
            is_admin: account.role == Role::Admin,
            is_banned: account.is_banned,
            ban_reason: account.ban_reason,
            created_at: utc_millis(account.created_at_ms),
        }
    }
}

/// A page of users, ordered by name.
#[derive(Serialize, ToSchema)]
pub(super) struct UserPage {
    users: Vec<UserEntry>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// Lists users, or searches them by the beginning of their names.
#[utoipa::path(
    get, path = "/api/v1/admin/users", operation_id = "webchat_admin_list_users", tag = "webchat",
    security(("bearer" = [])), params(UsersQuery),
    responses(
        (status = 200, description = "The users", body = UserPage),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<UsersQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let UsersQuery { q, cursor, limit } = query.0;
    let start = q.unwrap_or_default();
    check_query(&start, 0)?;
    let limit = page_limit(limit.as_deref())?;
    let operator = Operator::Admin(&user.caller, &user.client);
    let administration = &context.services.administration;
    let (users, next) = administration.users(&operator, &start, cursor.as_deref(), limit).await?;
    let base_url = context.base_url(&request);
    let users = users.into_iter().map(|account| UserEntry::new(account, &base_url)).collect();
    Ok(HttpResponse::Ok().json(UserPage { users, next }))
}

/// A user to create.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"username": "bob"}))]
pub(super) struct NewUser {
    #[schema(required, value_type = String, min_length = 1, max_length = 32)]
    username: Option<String>,
    /// 6 characters to 71 bytes. Without one nobody logs in to the account.
    #[schema(min_length = 6, max_length = 71)]
    password: Option<String>,
    email: Option<String>,
}

/// Creates an account, even if registration is closed. For administrators, and applications with the scope
/// `users:write`.
#[utoipa::path(
    post, path = "/api/v1/admin/users", operation_id = "webchat_admin_create_user", tag = "webchat",
    security(("bearer" = [])), request_body = NewUser,
    responses(
        (status = 201, description = "The user", body = UserEntry),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 409, description = "The name or the e-mail address is taken", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn create(
    operating: Operating,
    body: JsonBody<NewUser>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let NewUser { username, password, email } = body.0;
    let name = UserName::parse(&username.ok_or(Error::Missing(Field::UserName))?)?;
    let password = password.as_deref().map(Password::parse).transpose()?;
    let email = email.as_deref().map(Email::parse).transpose()?;
    let new = NewAccount { name, email, phone: String::new(), invite: None, origin: None };
    let account = context.services.administration.add(&operating.operator(), &new, password.as_ref()).await?;
    Ok(HttpResponse::Created().json(UserEntry::new(account, &context.base_url(&request))))
}

/// Deletes a user's account. Messages stay, under the name `已注销`.
#[utoipa::path(
    delete, path = "/api/v1/admin/users/{id}", operation_id = "webchat_admin_delete_user", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The account is deleted, and all its tokens have ended", body = Done,
            example = json!({"message": "User deleted"})),
        (status = 400, description = "The user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn delete(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let administration = &context.services.administration;
    administration.delete(&Operator::Admin(&user.caller, &user.client), user_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(Done { message: "User deleted" }))
}

/// Why a user is banned.
#[derive(Default, Deserialize, ToSchema)]
#[schema(example = json!({"reason": "Sends advertisements"}))]
pub(super) struct Ban {
    /// Up to 200 characters, for the audit log and the list of users.
    #[serde(default, deserialize_with = "or_default")]
    #[schema(nullable, max_length = 200)]
    reason: String,
}

/// Bans a user and ends all sessions of the user. Repeating it replaces the reason.
#[utoipa::path(
    put, path = "/api/v1/admin/users/{id}/ban", operation_id = "webchat_admin_ban_user", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    request_body(content = Option<Ban>),
    responses(
        (status = 200, description = "The user is banned", body = Done, example = json!({"message": "User banned"})),
        (status = 400, description = "The user is the caller, or the reason is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn ban(
    user: Authenticated,
    path: web::Path<String>,
    body: OptionalBody<Ban>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let reason = Reason::parse(&body.0.unwrap_or_default().reason)?;
    let administration = &context.services.administration;
    administration.ban(&Operator::Admin(&user.caller, &user.client), user_of(&path)?, reason).await?;
    Ok(HttpResponse::Ok().json(Done { message: "User banned" }))
}

/// Lifts a ban. Idempotent.
#[utoipa::path(
    delete, path = "/api/v1/admin/users/{id}/ban", operation_id = "webchat_admin_unban_user", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The user is not banned", body = Done, example = json!({"message": "Ban lifted"})),
        (status = 400, description = "The user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn unban(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let administration = &context.services.administration;
    administration.unban(&Operator::Admin(&user.caller, &user.client), user_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Ban lifted" }))
}

/// Ends all sessions of a user: tokens are refused, WebSockets closed.
#[utoipa::path(
    delete, path = "/api/v1/admin/users/{id}/sessions", operation_id = "webchat_admin_end_sessions", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The sessions ended", body = Done, example = json!({"message": "Sessions ended"})),
        (status = 400, description = "The user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn end_sessions(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let administration = &context.services.administration;
    administration.end_sessions(&Operator::Admin(&user.caller, &user.client), user_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Sessions ended" }))
}

/// A password for one login.
#[derive(Serialize, ToSchema)]
pub(super) struct OneTimePassword {
    #[schema(example = "5f0c2a9be4d17733a8c1")]
    password: String,
}

/// Replaces a user's password by a random one and ends all sessions of the user. The password is good for one login
/// within a day.
#[utoipa::path(
    post, path = "/api/v1/admin/users/{id}/password", operation_id = "webchat_admin_set_password", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The password, which is shown only here", body = OneTimePassword),
        (status = 400, description = "The user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn set_one_time_password(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let administration = &context.services.administration;
    let password =
        administration.set_one_time_password(&Operator::Admin(&user.caller, &user.client), user_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(OneTimePassword { password }))
}
