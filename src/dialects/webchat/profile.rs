//! Routes of profiles: the caller's own, and what others see of a user.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ErrorBody;
use super::rooms::user_of;
use super::search::check_query;
use crate::dialects::common::{absolute, utc_millis};
use crate::domain::{
    Account, Caller, ChangedProfile, Error, Field, Limit, NameQuery, ProfileChange, Result, Role, StatusText, UserCard,
    UserId, UserName,
};
use crate::edge::{Authenticated, Context, JsonBody, QueryParams};

/// Maximum number of users in one request.
const MAX_CARDS: usize = 100;
const DEFAULT_FOUND: Limit = Limit::of(20);

/// The caller's account.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 2, "username": "Alice", "email": "alice@example.com", "phone": "", "avatar": "", "status_text": "At lunch",
    "is_admin": false, "created_at": "2025-10-26T12:00:00.000Z"
}))]
pub(super) struct Me {
    id: u64,
    username: String,
    email: String,
    phone: String,
    /// The address of an avatar; empty for none.
    avatar: String,
    status_text: String,
    is_admin: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

impl Me {
    fn new(account: Account, base_url: &str) -> Self {
        Self {
            id: account.id.0,
            username: account.name,
            email: account.email,
            phone: account.phone,
            avatar: absolute(base_url, &account.avatar).into_owned(),
            status_text: account.status_text,
            is_admin: account.role == Role::Admin,
            created_at: utc_millis(account.created_at_ms),
        }
    }
}

/// Returns the caller's account.
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "webchat_get_me", tag = "webchat",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The account", body = Me),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn me(user: Authenticated, request: HttpRequest, context: web::Data<Context>) -> Result<HttpResponse> {
    let account = context.services.accounts.profile(&user.caller).await?;
    Ok(HttpResponse::Ok().json(Me::new(account, &context.base_url(&request))))
}

/// Changes of the caller's profile. Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"username": "Alice L", "status_text": "At lunch"}))]
pub(super) struct MePatch {
    /// As in a registration.
    #[schema(min_length = 1, max_length = 32)]
    username: Option<String>,
    /// The address of an image from `POST /api/v1/upload/image`; empty for none.
    avatar: Option<String>,
    /// Up to 100 characters on one line; empty for none.
    #[schema(max_length = 100)]
    status_text: Option<String>,
}

impl MePatch {
    fn parse(self, caller: &Caller) -> Result<ProfileChange> {
        let name = self.username.as_deref().map(|text| UserName::parse_change(text, &caller.name));
        Ok(ProfileChange {
            name: name.transpose()?.flatten(),
            avatar: self.avatar,
            phone: None,
            status_text: self.status_text.as_deref().map(StatusText::parse).transpose()?,
        })
    }
}

/// Changes the caller's profile. The caller's sockets with `?ext=1` receive `me_changed`.
#[utoipa::path(
    patch, path = "/api/v1/me", operation_id = "webchat_change_me", tag = "webchat",
    security(("bearer" = [])), request_body = MePatch,
    responses(
        (status = 200, description = "The account", body = Me),
        (status = 400, description = "A field is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 409, description = "The name is taken, or looks like one that is", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn change(
    user: Authenticated,
    body: JsonBody<MePatch>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let change = body.0.parse(&user.caller)?;
    let account = context.services.profiles.change_with_upload(&user.caller, change).await?;
    Ok(HttpResponse::Ok().json(Me::new(account, &context.base_url(&request))))
}

/// Parameters of a request for cards.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CardsQuery {
    /// Numbers of up to 100 users, separated by commas.
    #[param(pattern = "^[0-9]{1,18}(,[0-9]{1,18}){0,99}$")]
    ids: Option<String>,
    /// In place of `ids`: the beginning of any word of a user's name, or any ideographs in it.
    #[param(max_length = 100)]
    q: Option<String>,
    /// Maximum number of users that `q` finds: 20 when absent, at most 100.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

impl CardsQuery {
    /// The name to search for, if the request has no numbers.
    fn name(&self) -> Result<Option<(NameQuery, Limit)>> {
        let limit = Limit::parse_or(self.limit.as_deref(), DEFAULT_FOUND, MAX_CARDS)?;
        let Some(text) = self.q.as_deref().filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        check_query(text, 1)?;
        Ok(self.ids.is_none().then(|| (NameQuery::new(text), limit)))
    }

    fn parse(&self) -> Result<Vec<UserId>> {
        let text = self.ids.as_deref().ok_or(Error::Missing(Field::UserIds))?;
        // One more than the maximum shows that there are too many.
        let id = |number: &str| user_of(number).ok().filter(|_| !number.starts_with('+'));
        let ids: Option<Vec<UserId>> = text.split(',').take(MAX_CARDS + 1).map(id).collect();
        ids.filter(|ids| ids.len() <= MAX_CARDS).ok_or(Error::Invalid(Field::UserIds))
    }
}

/// The public profile of a user.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": 2, "username": "Alice", "avatar": "", "status_text": "At lunch"}))]
pub(super) struct Card {
    id: u64,
    username: String,
    /// The address of an avatar; empty for none.
    avatar: String,
    status_text: String,
    /// `true` for the account of an application or a webhook, else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    is_bot: Option<bool>,
}

impl Card {
    fn new(card: UserCard, base_url: &str) -> Self {
        let avatar = absolute(base_url, &card.avatar).into_owned();
        Self {
            id: card.id.0,
            username: card.name,
            avatar,
            status_text: card.status_text,
            is_bot: card.is_bot.then_some(true),
        }
    }
}

/// Returns the public profiles of users, by their numbers or names, without those that do not exist.
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "webchat_get_users", tag = "webchat",
    security(("bearer" = [])), params(CardsQuery),
    responses(
        (status = 200, description = "The users, in the order of the request; those whose name begins with `q` come first", body = [Card]),
        (status = 400, description = "Both `ids` and `q` are missing, or a parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 429, description = "Too many searches; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn cards(
    user: Authenticated,
    query: QueryParams<CardsQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let base_url = context.base_url(&request);
    let users = match query.0.name()? {
        Some((name, limit)) => {
            let found = context.services.rooms.find_users(&user.caller, &name, limit).await?;
            found.into_iter().map(|user| user.id).collect()
        }
        None => query.0.parse()?,
    };
    let cards = context.services.profiles.cards(&users).await?;
    Ok(HttpResponse::Ok().json(cards.into_iter().map(|card| Card::new(card, &base_url)).collect::<Vec<_>>()))
}

/// Returns the public profile of a user.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "webchat_get_user", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The user", body = Card),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn card(
    _: Authenticated,
    path: web::Path<String>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let card = context.services.profiles.cards(&[user_of(&path)?]).await?.pop().ok_or(Error::UserNotFound)?;
    Ok(HttpResponse::Ok().json(Card::new(card, &context.base_url(&request))))
}

/// What changed in a profile, as sent to the user's own connections.
#[derive(Serialize)]
pub(super) struct ChangedMe<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_text: Option<&'a str>,
}

impl<'a> ChangedMe<'a> {
    pub(super) fn new(change: &'a ChangedProfile, base_url: &str) -> Self {
        Self {
            username: change.name.as_deref(),
            avatar: change.avatar.as_deref().map(|path| absolute(base_url, path)),
            status_text: change.status_text.as_deref(),
        }
    }
}

/// What changed in the profile of a user, as sent to everybody.
#[derive(Serialize)]
pub(super) struct ChangedUser<'a> {
    user_id: u64,
    #[serde(flatten)]
    change: ChangedMe<'a>,
}

impl<'a> ChangedUser<'a> {
    pub(super) fn new(user: UserId, change: &'a ChangedProfile, base_url: &str) -> Self {
        Self { user_id: user.0, change: ChangedMe::new(change, base_url) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_to_a_hundred_users() {
        let parse = |ids: &str| CardsQuery { ids: Some(ids.to_owned()), q: None, limit: None }.parse().ok();
        assert_eq!(parse("3"), Some(vec![UserId(3)]));
        assert_eq!(parse("3,1,3"), Some(vec![UserId(3), UserId(1), UserId(3)]));
        for bad in ["", ",", "1,", "x", "1;2", "-1", "+1", "1.0", "9223372036854775808", " 1"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        let many = |count: usize| vec!["7"; count].join(",");
        assert_eq!(parse(&many(100)).map(|ids| ids.len()), Some(100));
        assert_eq!(parse(&many(101)), None);
    }
}
