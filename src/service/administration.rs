//! Administration: users, rooms and the audit log, over HTTP and from the command line.

use std::sync::Arc;

use super::audit::{Act, Operator, Target, record};
use super::passwords::Passwords;
use super::tokens::Tokens;
use crate::domain::{
    Account, AuditEntry, Caller, Client, Error, Field, Limit, Password, Result, RoomId, RoomSummary, UserId, UserRef,
};
use crate::store::{Revocation, Store};

/// How long a one-time password can be used, milliseconds: a day.
const ONE_TIME_PASSWORD_MS: u64 = 24 * 60 * 60 * 1000;
/// Random bytes of a one-time password, which has twice as many digits.
const ONE_TIME_PASSWORD_BYTES: usize = 10;

/// What administrators may do. Every act is recorded in the audit log before it is carried out.
pub struct Administration {
    store: Store,
    passwords: Arc<Passwords>,
    tokens: Arc<Tokens>,
}

impl Administration {
    /// Administration over a store.
    pub fn new(store: Store, passwords: Arc<Passwords>, tokens: Arc<Tokens>) -> Self {
        Self { store, passwords, tokens }
    }

    /// Users whose name begins with a text, ordered by name, behind a cursor. The second value is the cursor of the next
    /// page.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid(Cursor)`.
    pub async fn users(
        &self,
        operator: &Operator<'_>,
        start: &str,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<(Vec<Account>, Option<String>)> {
        operator.authorise(&self.store).await?;
        self.store.list_accounts(start, cursor, limit).await
    }

    /// Bans a user and ends all sessions of the user, or lifts a ban.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn set_banned(&self, caller: &Caller, client: &Client, user: UserId, is_banned: bool) -> Result<()> {
        let act = if is_banned { Act::Ban } else { Act::Unban };
        self.begin(&Operator::Admin(caller, client), act, user).await?;
        self.revoke(user, &Revocation::Banned(is_banned)).await
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn end_sessions(&self, caller: &Caller, client: &Client, user: UserId) -> Result<()> {
        self.begin(&Operator::Admin(caller, client), Act::EndSessions, user).await?;
        self.revoke(user, &Revocation::Tokens).await
    }

    /// Replaces a user's password by a random one, ends all sessions of the user, and returns the password. It is good
    /// for one log-in within a day.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn set_one_time_password(&self, caller: &Caller, client: &Client, user: UserId) -> Result<String> {
        self.begin(&Operator::Admin(caller, client), Act::SetOneTimePassword, user).await?;
        let text = random_password()?;
        let hash = self.passwords.hash(&Password::parse(&text)?, Some(client)).await?;
        let until_ms = self.store.now_ms() + ONE_TIME_PASSWORD_MS;
        self.revoke(user, &Revocation::OneTimePassword { hash, until_ms }).await?;
        Ok(text)
    }

    async fn revoke(&self, user: UserId, change: &Revocation) -> Result<()> {
        self.tokens.revoke(&self.store, user, change).await.map(drop)
    }

    /// Checks that an act on another user is allowed, and records it.
    async fn begin(&self, operator: &Operator<'_>, act: Act, user: UserId) -> Result<()> {
        operator.authorise(&self.store).await?;
        if operator.caller().is_some_and(|caller| caller.id == user) {
            return Err(Error::Invalid(Field::UserId));
        }
        let target: UserRef = self.store.names(&[user]).await?.pop().ok_or(Error::UserNotFound)?;
        record(&self.store, operator, act, Some(Target::User(target))).await
    }

    /// Groups and public rooms behind a room, ordered by number. The second value is the cursor of the next page, which
    /// may be there for an empty page.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn rooms(
        &self,
        operator: &Operator<'_>,
        after: Option<RoomId>,
        limit: Limit,
    ) -> Result<(Vec<RoomSummary>, Option<RoomId>)> {
        operator.authorise(&self.store).await?;
        self.store.all_rooms(after, limit).await
    }

    /// The audit log before an entry, newest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn audit_log(
        &self,
        operator: &Operator<'_>,
        before: Option<&str>,
        limit: Limit,
    ) -> Result<Vec<AuditEntry>> {
        operator.authorise(&self.store).await?;
        self.store.audit_log(before, limit).await
    }
}

/// Hexadecimal digits from the operating system's random source.
fn random_password() -> Result<String> {
    let mut bytes = [0; ONE_TIME_PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
