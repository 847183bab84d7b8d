//! Registration and login: document 000, §1.1.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorBody;
use crate::dialects::common::or_default;
use crate::domain::{Error, Field, NewAccount, Password, Result, TypedName, TypedPassword, UserName};
use crate::edge::{Context, JsonBody, client_of};
use crate::service::Identity;

/// A user name and a password.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"username": "newuser", "password": "your_strong_password"}))]
pub(super) struct Credentials {
    #[serde(default, deserialize_with = "or_default")]
    #[schema(required, nullable = false, min_length = 1, max_length = 32)]
    username: String,
    #[serde(default, deserialize_with = "or_default")]
    /// 6 characters to 71 bytes.
    #[schema(required, nullable = false, min_length = 6, max_length = 71)]
    password: String,
    /// The code of an invite, required for a registration if the server needs one.
    #[serde(default)]
    invite: Option<String>,
}

/// A confirmation.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::Registered)]
pub(super) struct Registered {
    #[schema(example = "User created successfully")]
    message: &'static str,
}

/// A token for all APIs.
#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    #[schema(example = "a.jwt.token.string")]
    pub(super) token: String,
}

/// Registers a user.
#[utoipa::path(
    post, path = "/api/v1/auth/register", operation_id = "webchat_register", tag = "webchat",
    security(()), request_body = Credentials,
    responses(
        (status = 201, description = "The user was created", body = Registered),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 403, description = "Registration is closed, or needs an invite that is valid", body = ErrorBody,
            example = json!({"error": "An invite is required to register"})),
        (status = 409, description = "The name is taken", body = ErrorBody, example = json!({"error": "Username already exists"})),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn register(
    request: HttpRequest,
    body: Result<JsonBody<Credentials>>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let client = client_of(&request, &context.trusted_proxies);
    let body = credentials(body)?;
    let (name, password) = (UserName::parse(&body.username)?, Password::parse(&body.password)?);
    let new = NewAccount { name, email: None, phone: String::new(), invite: None, origin: None };
    context.services.accounts.register(new, body.invite.as_deref(), &password, &client).await?;
    Ok(HttpResponse::Created().json(Registered { message: "User created successfully" }))
}

/// Checks a user's password and returns a token.
#[utoipa::path(
    post, path = "/api/v1/auth/login", operation_id = "webchat_log_in", tag = "webchat",
    security(()), request_body = Credentials,
    responses(
        (status = 200, description = "A token", body = Token),
        (status = 400, description = "A field is missing", body = ErrorBody),
        (status = 401, description = "Wrong user name or password", body = ErrorBody, example = json!({"error": "Invalid username or password"})),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn log_in(
    request: HttpRequest,
    body: Result<JsonBody<Credentials>>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let client = client_of(&request, &context.trusted_proxies);
    let body = credentials(body)?;
    // A name or password that no account can have counts as wrong.
    let name = TypedName::parse(&body.username).ok_or(Error::BadCredentials)?;
    let password = TypedPassword::parse(&body.password).ok_or(Error::BadCredentials)?;
    let (_, token) = context.services.accounts.log_in(&Identity::Name(name), &password, &client).await?;
    Ok(HttpResponse::Ok().json(Token { token }))
}

/// The fields, neither of them empty. A malformed body is answered like one without the fields, as the document has it.
fn credentials(body: Result<JsonBody<Credentials>>) -> Result<Credentials> {
    let body = body.map(|body| body.0).map_err(|error| match error {
        Error::Malformed(_) => Error::Missing(Field::Credentials),
        other => other,
    })?;
    if body.username.is_empty() || body.password.is_empty() {
        return Err(Error::Missing(Field::Credentials));
    }
    Ok(body)
}
