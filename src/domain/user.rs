//! Users and their accounts.

use super::ids::UserId;

/// What an account may do beyond its own things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    #[default]
    User,
    /// Deletes anyone's messages, sees addresses, opens the dashboard.
    Admin,
}

/// The user behind a request, as their token says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their number.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// When the token was made, which is when they logged in; UTC seconds.
    pub logged_in_at_secs: u64,
}

/// An account as stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number.
    pub id: UserId,
    /// The name as shown.
    pub name: String,
    /// bcrypt's text form.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// Banned accounts cannot log in.
    pub is_banned: bool,
    /// Tokens of an older epoch are dead. Grows with each password change and ban.
    pub token_epoch: u64,
}

/// A user with activity within the last half hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineUser {
    /// Their number.
    pub id: UserId,
    /// Their name at the latest activity.
    pub name: String,
    /// Address at the latest recorded request.
    pub ip: String,
    /// User agent at the latest recorded request.
    pub user_agent: String,
    /// Latest login through any dialect, UTC milliseconds.
    pub logged_in_at_ms: u64,
    /// Latest recorded activity, UTC milliseconds.
    pub active_at_ms: u64,
}
