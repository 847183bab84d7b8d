//! Users and their accounts.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use super::ids::UserId;
use super::invite::InviteCode;
use super::names::Email;
use super::origin::AccountOrigin;
use super::user_name::UserName;

/// What the name of a deleted account reads as.
pub const DELETED_NAME: &str = "已注销";

/// Role of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// No rights over other accounts.
    #[default]
    User,
    /// May delete any message, see addresses and open the dashboard.
    Admin,
}

/// A user with a name: for the sender of a message, the name at the time of sending; for a member, the current name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRef {
    /// The user, or [`UserId::SERVER`].
    pub id: UserId,
    /// The name.
    pub name: String,
}

/// The authenticated user of a request, as the token states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Number of the user.
    pub id: UserId,
    /// Name of the user.
    pub name: String,
    /// Time of login, when the token was issued, UTC seconds.
    pub logged_in_at_secs: u64,
}

impl Caller {
    /// The user with the current name.
    pub fn user_ref(&self) -> UserRef {
        UserRef { id: self.id, name: self.name.clone() }
    }
}

/// A random number that distinguishes an account from a later one with the same user number. Tokens carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenKey(pub u64);

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for TokenKey {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// An account that is not created yet.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The name.
    pub name: UserName,
    /// The e-mail address; accounts of document 000 have none.
    pub email: Option<Email>,
    /// The phone number; may be empty.
    pub phone: String,
    /// The invite with which the user registers.
    pub invite: Option<InviteCode>,
    /// Where it comes from, if nobody registered it.
    pub origin: Option<AccountOrigin>,
}

/// An account as stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number.
    pub id: UserId,
    /// The name for display.
    pub name: String,
    /// The e-mail address; empty for none.
    pub email: String,
    /// The phone number; empty for none.
    pub phone: String,
    /// The address of an avatar; empty for none.
    pub avatar: String,
    /// What the user says about the present; empty for none.
    pub status_text: String,
    /// Time of creation, UTC milliseconds.
    pub created_at_ms: u64,
    /// Time of the last change of the profile, UTC milliseconds.
    pub updated_at_ms: u64,
    /// Hash of the password in bcrypt's text form; empty without a password.
    pub password_hash: String,
    /// Its role.
    pub role: Role,
    /// Banned accounts cannot log in.
    pub is_banned: bool,
    /// Why it is banned, as the administrator said; empty for none.
    pub ban_reason: String,
    /// Token epoch: tokens of an older one are invalid. Grows with each change of password and each ban.
    pub token_epoch: u64,
    /// Until when the password is good for one login, UTC milliseconds, if an administrator has set it; 0 once it was
    /// used.
    pub one_time_until_ms: Option<u64>,
    /// The key that tokens must carry; accounts of earlier versions get one at the next login.
    pub token_key: Option<TokenKey>,
    /// The invite that a registration which was interrupted has not used yet.
    pub unused_invite: Option<String>,
    /// Where it comes from, if nobody registered it.
    pub origin: Option<AccountOrigin>,
    /// The name that it had before the present one, as long as that is neither released nor announced.
    pub left_name: Option<String>,
    /// The first valid epoch, as long as it is not announced.
    pub unannounced_epoch: Option<u64>,
}

/// A user with activity within the last half hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineUser {
    /// Number of the user.
    pub id: UserId,
    /// Name at the latest activity.
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
