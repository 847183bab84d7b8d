//! Users and their accounts.

use super::ids::UserId;
use super::names::{Email, UserName};

/// What an account may do beyond its own things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    #[default]
    User,
    /// Deletes anyone's messages, sees addresses, opens the dashboard.
    Admin,
}

/// A user and the name they had at some time: of a message's sender when it was sent, of a member now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRef {
    /// The user, or [`UserId::SERVER`].
    pub id: UserId,
    /// The name.
    pub name: String,
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

impl Caller {
    /// The user and their present name.
    pub fn user_ref(&self) -> UserRef {
        UserRef { id: self.id, name: self.name.clone() }
    }
}

/// An account that is to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The name.
    pub name: UserName,
    /// The e-mail address; accounts of document 000 have none.
    pub email: Option<Email>,
    /// The phone number; may be empty.
    pub phone: String,
}

/// What a user changes of their account; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// A new name.
    pub name: Option<UserName>,
    /// The address of a picture; empty for none.
    pub avatar: Option<String>,
    /// A phone number; empty for none.
    pub phone: Option<String>,
}

/// An account as stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number.
    pub id: UserId,
    /// The name as shown.
    pub name: String,
    /// The e-mail address; empty for none.
    pub email: String,
    /// The phone number; empty for none.
    pub phone: String,
    /// The address of a picture; empty for none.
    pub avatar: String,
    /// When it was made, UTC milliseconds.
    pub created_at_ms: u64,
    /// When its profile was last changed, UTC milliseconds.
    pub updated_at_ms: u64,
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
