//! The shapes of document 001. In requests `""` and `null` mean absent; in replies what does not apply is `""`.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Account;
use crate::edge::utc_seconds;

/// Every successful reply, whatever was done: HTTP 200, code 200, `success`.
#[derive(Serialize, ToSchema)]
pub(super) struct Envelope<T> {
    #[schema(example = 200)]
    code: u16,
    #[schema(example = "success")]
    message: &'static str,
    data: T,
}

/// Wraps a reply.
pub(super) fn success<T: Serialize>(data: T) -> HttpResponse {
    HttpResponse::Ok().json(Envelope { code: 200, message: "success", data })
}

/// A text that is there: neither missing, nor null, nor empty.
pub(super) fn present(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// The body of `POST /register`.
#[derive(Deserialize, ToSchema)]
pub(super) struct RegisterBody {
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<String>,
    /// Optional.
    pub(super) phone: Option<String>,
}

/// The body of `POST /login`.
#[derive(Deserialize, ToSchema)]
pub(super) struct LoginBody {
    /// The e-mail address; an account without one gives its user name here.
    pub(super) email: Option<String>,
    pub(super) password: Option<String>,
}

/// The body of `PUT /user/profile`: what is absent stays, `""` clears avatar and phone.
#[derive(Deserialize, ToSchema)]
pub(super) struct ProfileBody {
    pub(super) username: Option<String>,
    pub(super) avatar: Option<String>,
    pub(super) phone: Option<String>,
}

/// An account that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    user_id: String,
    username: String,
    email: String,
    phone: String,
    created_at: String,
}

impl From<Account> for Registered {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.id.to_string(),
            username: account.name,
            email: account.email,
            phone: account.phone,
            created_at: utc_seconds(account.created_at_ms),
        }
    }
}

/// A login.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn {
    token: String,
    user: LoggedInUser,
}

/// Who logged in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedInUser {
    user_id: String,
    username: String,
    email: String,
}

impl LoggedIn {
    pub(super) fn new(account: Account, token: String) -> Self {
        let user_id = account.id.to_string();
        Self { token, user: LoggedInUser { user_id, username: account.name, email: account.email } }
    }
}

/// The caller's profile.
#[derive(Serialize, ToSchema)]
pub(super) struct Profile {
    user_id: String,
    username: String,
    email: String,
    phone: String,
    avatar: String,
    created_at: String,
    updated_at: String,
}

impl From<Account> for Profile {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.id.to_string(),
            username: account.name,
            email: account.email,
            phone: account.phone,
            avatar: account.avatar,
            created_at: utc_seconds(account.created_at_ms),
            updated_at: utc_seconds(account.updated_at_ms),
        }
    }
}

/// The profile after a change: without address and time of making, as documented.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedProfile {
    user_id: String,
    username: String,
    avatar: String,
    phone: String,
    updated_at: String,
}

impl From<Account> for ChangedProfile {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.id.to_string(),
            username: account.name,
            avatar: account.avatar,
            phone: account.phone,
            updated_at: utc_seconds(account.updated_at_ms),
        }
    }
}
