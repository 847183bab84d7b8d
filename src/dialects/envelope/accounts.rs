//! Registration, login and profiles: document 001, §§1, 2.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error::ErrorBody;
use super::wire::{
    ChangedProfile, Envelope, LoggedIn, LoginBody, Profile, ProfileBody, RegisterBody, Registered, present, success,
};
use crate::domain::{
    Email, Error, Field, NewAccount, Password, ProfileChange, Result, TypedPassword, UserName, parse_avatar,
    parse_phone,
};
use crate::edge::{Authenticated, Context, JsonBody, client_of};
use crate::service::Identity;

/// Registers a user.
#[utoipa::path(
    post, path = "/api/v1/register", operation_id = "envelope_register", tag = "envelope",
    security(()), request_body = RegisterBody,
    responses(
        (status = 200, description = "The user was created", body = Envelope<Registered>),
        (status = 400, description = "A field is missing, invalid or taken", body = ErrorBody),
        (status = 403, description = "Registration is closed, or needs an invite that is valid", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn register(
    request: HttpRequest,
    body: JsonBody<RegisterBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let client = client_of(&request, &context.trusted_proxies);
    let body = body.0;
    let name = UserName::parse(required(&body.username, Field::UserName)?)?;
    let email = Email::parse(required(&body.email, Field::Email)?)?;
    let password = Password::parse(required(&body.password, Field::Password)?)?;
    let phone = parse_phone(present(&body.phone).unwrap_or_default())?.to_owned();
    let new = NewAccount { name, email: Some(email), phone, invite: None, origin: None };
    let invite = present(&body.invite);
    let account = context.services.accounts.register(new, invite, &password, &client).await?;
    Ok(success(Registered::from(account)))
}

fn required(text: &Option<String>, field: Field) -> Result<&str> {
    present(text).ok_or(Error::Missing(field))
}

/// Checks a user's password and returns a token.
#[utoipa::path(
    post, path = "/api/v1/login", operation_id = "envelope_log_in", tag = "envelope",
    security(()), request_body = LoginBody,
    responses(
        (status = 200, description = "A token and the user", body = Envelope<LoggedIn>),
        (status = 400, description = "A field is missing", body = ErrorBody),
        (status = 401, description = "Wrong e-mail address or password", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn log_in(
    request: HttpRequest,
    body: JsonBody<LoginBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let client = client_of(&request, &context.trusted_proxies);
    let who = Identity::EmailOrName(required(&body.0.email, Field::Email)?.to_owned());
    // A password that no account can have counts as wrong.
    let password = TypedPassword::parse(required(&body.0.password, Field::Password)?);
    let password = password.ok_or(Error::BadCredentials)?;
    let (account, token) = context.services.accounts.log_in(&who, &password, &client).await?;
    Ok(success(LoggedIn::new(account, token)))
}

/// The caller's profile.
#[utoipa::path(
    get, path = "/api/v1/user/profile", operation_id = "envelope_get_profile", tag = "envelope",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The profile", body = Envelope<Profile>),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn profile(
    user: Authenticated,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let account = context.services.accounts.profile(&user.caller).await?;
    Ok(success(Profile::new(account, &context.base_url(&request))))
}

/// Changes the caller's profile.
#[utoipa::path(
    put, path = "/api/v1/user/profile", operation_id = "envelope_change_profile", tag = "envelope",
    security(("bearer" = [])), request_body = ProfileBody,
    responses(
        (status = 200, description = "The profile after the change", body = Envelope<ChangedProfile>),
        (status = 400, description = "A field is invalid, or the name is taken", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn change_profile(
    user: Authenticated,
    body: JsonBody<ProfileBody>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let ProfileBody { username, avatar, phone } = body.0;
    let change = ProfileChange {
        name: username.as_deref().map_or(Ok(None), |text| UserName::parse_change(text, &user.caller.name))?,
        avatar: avatar.as_deref().map(parse_avatar).transpose()?.map(str::to_owned),
        phone: phone.as_deref().map(parse_phone).transpose()?.map(str::to_owned),
        status_text: None,
    };
    let account = context.services.profiles.change(&user.caller, change).await?;
    Ok(success(ChangedProfile::new(account, &context.base_url(&request))))
}
