//! Administration: users, invites, rooms and the audit log, over HTTP and from the command line.

use super::access::Action;
use super::accounts::Accounts;
use super::audit::{Act, Operator, Target, record, record_with};
use super::invites::Invite;
use crate::domain::{
    Account, AuditEntry, AuditFilter, EntryId, Error, Field, InviteCode, InviteId, InviteSummary, InviteTerms, Limit,
    Member, NewAccount, Password, Reason, Result, Role, RoomId, RoomSummary, Session, UploadTotal, UserId, UserRef,
    random_hex,
};
use crate::store::{Restored, Revocation};

/// How long a one-time password can be used, milliseconds: a day.
const ONE_TIME_PASSWORD_MS: u64 = 24 * 60 * 60 * 1000;
/// Random bytes of a one-time password, which has twice as many digits.
const ONE_TIME_PASSWORD_BYTES: usize = 10;
/// Entries of the audit log among which one page of a search is found.
const SEARCHED_AT_ONCE: Limit = Limit::of(1000);

/// Who uploads how much.
pub struct UploadUse {
    /// Users by the bytes of their stored files, most first.
    pub users: Vec<UploadTotal>,
    /// Bytes that each may upload in a day; `None` without a limit.
    pub day_limit_bytes: Option<u64>,
    /// The position of the next page.
    pub next: Option<usize>,
}

/// What administrators may do. Every act is recorded in the audit log before it is carried out.
pub struct Administration {
    accounts: Accounts,
}

impl Administration {
    /// Administration of these accounts, and of the rooms in their store.
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts }
    }

    /// The accounts on which it acts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
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
        operator.administer(&self.accounts.store).await?;
        self.accounts.store.list_accounts(start, cursor, limit).await
    }

    /// The logins of a user, for a process that follows no changes of accounts.
    ///
    /// # Errors
    /// `Forbidden`, `Unavailable`.
    pub async fn sessions(&self, operator: &Operator<'_>, user: UserId) -> Result<Vec<Session>> {
        operator.administer(&self.accounts.store).await?;
        self.accounts.tokens.read_changes(&self.accounts.store, 0).await?;
        self.accounts.sessions(user, None).await
    }

    /// Creates an account, even if registration is closed; without a password nobody logs in to it. The audit log gives
    /// its number as 0: it has none yet.
    ///
    /// # Errors
    /// `Forbidden`; `NameTaken`, also for a name that looks like another or is reserved; `EmailTaken`; `WeakPassword`;
    /// `StorageFull`.
    pub async fn add(&self, operator: &Operator<'_>, new: &NewAccount, password: Option<&Password>) -> Result<Account> {
        operator.authorise(&self.accounts.store, Action::AddAccount).await?;
        self.accounts.limits.check_memory()?;
        let target = Target::User(UserRef { id: UserId::SERVER, name: new.name.as_str().to_owned() });
        record(&self.accounts.store, operator, Act::Add, Some(target)).await?;
        self.accounts.create(new, password, operator.client()).await
    }

    /// Creates an invite, which the audit log shows without its code.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn invite(&self, operator: &Operator<'_>, terms: InviteTerms) -> Result<Invite> {
        self.record(operator, Act::Invite, None).await?;
        let code = InviteCode::new()?;
        let maker = operator.caller().map_or(UserId::SERVER, |caller| caller.id);
        let (id, expires_at_ms) = self.accounts.store.create_invite(&code, terms, maker).await?;
        Ok(Invite { id, code, uses: terms.uses, expires_at_ms })
    }

    /// Invites that have not expired, the one that lasts longest first, from a position in the list. The second value is
    /// the position of the next page. A page may have fewer invites than asked for.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn invites(
        &self,
        operator: &Operator<'_>,
        from: usize,
        limit: Limit,
    ) -> Result<(Vec<InviteSummary>, Option<usize>)> {
        operator.administer(&self.accounts.store).await?;
        self.accounts.store.list_invites(from, limit).await
    }

    /// Revokes an invite. Accounts that it made stay.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an invite that is not listed.
    pub async fn revoke_invite(&self, operator: &Operator<'_>, id: &InviteId) -> Result<()> {
        operator.administer(&self.accounts.store).await?;
        self.accounts.store.check_invite(id).await?;
        record(&self.accounts.store, operator, Act::RevokeInvite, None).await?;
        self.accounts.store.remove_invite(id).await
    }

    /// Makes a user an administrator, or an ordinary user again, effective immediately.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn set_role(&self, operator: &Operator<'_>, user: UserId, role: Role) -> Result<()> {
        let act = match role {
            Role::Admin => Act::Promote,
            Role::User => Act::Demote,
        };
        self.begin(operator, act, user).await?;
        self.accounts.store.set_account_role(user, role).await
    }

    /// Bans a user and ends all sessions of the user.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn ban(&self, operator: &Operator<'_>, user: UserId, reason: Reason) -> Result<()> {
        let target = self.target(operator, user).await?;
        record_with(&self.accounts.store, operator, Act::Ban, Some(Target::User(target)), &reason).await?;
        self.revoke(user, &Revocation::Banned(reason)).await
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn unban(&self, operator: &Operator<'_>, user: UserId) -> Result<()> {
        self.begin(operator, Act::Unban, user).await?;
        self.revoke(user, &Revocation::Unbanned).await
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn end_sessions(&self, operator: &Operator<'_>, user: UserId) -> Result<()> {
        self.begin(operator, Act::EndSessions, user).await?;
        self.revoke(user, &Revocation::Tokens).await
    }

    /// Replaces a user's password and ends all sessions of the user.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`, `WeakPassword`; `Invalid(UserId)` for oneself.
    pub async fn set_password(&self, operator: &Operator<'_>, user: UserId, password: &Password) -> Result<()> {
        let user = self.begin(operator, Act::SetPassword, user).await?;
        password.check_strength(&user.name)?;
        let hash = self.accounts.passwords.hash(password, operator.client()).await?;
        self.revoke(user.id, &Revocation::PasswordHash(hash)).await
    }

    /// Replaces a user's password by a random one, ends all sessions of the user, and returns the password. It is good
    /// for one login within a day.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`, `RateLimited`; `Invalid(UserId)` for oneself.
    pub async fn set_one_time_password(&self, operator: &Operator<'_>, user: UserId) -> Result<String> {
        self.begin(operator, Act::SetOneTimePassword, user).await?;
        let text = random_hex::<ONE_TIME_PASSWORD_BYTES>()?;
        let hash = self.accounts.passwords.hash(&Password::parse(&text)?, operator.client()).await?;
        let until_ms = self.accounts.store.now_ms() + ONE_TIME_PASSWORD_MS;
        self.revoke(user, &Revocation::OneTimePassword { hash, until_ms }).await?;
        Ok(text)
    }

    /// Deletes a user's account. Messages stay, under the name of deleted users.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`; `Invalid(UserId)` for oneself.
    pub async fn delete(&self, operator: &Operator<'_>, user: UserId) -> Result<()> {
        self.begin(operator, Act::Remove, user).await?;
        self.accounts.delete_checked(user, "").await
    }

    /// Skips numbers and ends all tokens, after a backup of Redis was restored.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn restored(&self, operator: &Operator<'_>) -> Result<Restored> {
        self.record(operator, Act::Restored, None).await?;
        self.accounts.store.restored().await
    }

    /// Groups and public rooms behind a room whose name has a text in it, ordered by number. The second value is the cursor
    /// of the next page, which may be there for an empty page.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn rooms(
        &self,
        operator: &Operator<'_>,
        text: &str,
        after: Option<RoomId>,
        limit: Limit,
    ) -> Result<(Vec<RoomSummary>, Option<RoomId>)> {
        operator.administer(&self.accounts.store).await?;
        self.accounts.store.all_rooms(text, after, limit).await
    }

    /// Members of a group or public room in the order of joining, from a position in the list. The second value is the
    /// position of the next page.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`, `DirectRoom`.
    pub async fn members(
        &self,
        operator: &Operator<'_>,
        room: RoomId,
        from: usize,
        limit: Limit,
    ) -> Result<(Vec<Member>, Option<usize>)> {
        operator.administer(&self.accounts.store).await?;
        self.accounts.store.members_from(room, from, limit).await
    }

    /// Who uploads how much, from a position in the list.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn uploads(&self, operator: &Operator<'_>, from: usize, limit: Limit) -> Result<UploadUse> {
        operator.administer(&self.accounts.store).await?;
        let (users, next) = self.accounts.store.upload_totals(from, limit).await?;
        let day_limit_bytes = self.accounts.limits.caps().map(|caps| caps.uploads_bytes_per_day);
        Ok(UploadUse { users, day_limit_bytes, next })
    }

    /// The entries of the audit log before an entry that a filter looks for, newest first. The second value is the cursor
    /// of the next page, which may be there for a page with fewer entries than asked for: a search looks at a thousand
    /// entries at a time.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn audit_log(
        &self,
        operator: &Operator<'_>,
        filter: &AuditFilter,
        before: Option<EntryId>,
        limit: Limit,
    ) -> Result<(Vec<AuditEntry>, Option<String>)> {
        operator.administer(&self.accounts.store).await?;
        let most = if filter.is_empty() { limit } else { SEARCHED_AT_ONCE };
        let mut entries = self.accounts.store.audit_log(before, most).await?;
        let last = entries.last().filter(|_| entries.len() >= most.get()).map(|entry| entry.id.clone());
        if filter.is_empty() {
            return Ok((entries, last));
        }
        entries.retain(|entry| filter.matches(entry));
        if entries.len() <= limit.get() {
            return Ok((entries, last));
        }
        // Two entries with the same id belong to one page: the next one would have neither.
        let cut = (limit.get()..entries.len()).find(|at| entries[*at].id != entries[*at - 1].id);
        let next = cut.map(|at| entries[at - 1].id.clone()).or(last);
        entries.truncate(cut.unwrap_or(entries.len()));
        Ok((entries, next))
    }

    async fn revoke(&self, user: UserId, change: &Revocation) -> Result<()> {
        self.accounts.revoke(user, change).await.map(drop)
    }

    /// Checks that an act on another user is allowed. Returns the user.
    async fn target(&self, operator: &Operator<'_>, user: UserId) -> Result<UserRef> {
        operator.administer(&self.accounts.store).await?;
        if operator.caller().is_some_and(|caller| caller.id == user) {
            return Err(Error::Invalid(Field::UserId));
        }
        self.accounts.store.user(user).await
    }

    /// Checks that an act on another user is allowed, and records it. Returns the user.
    async fn begin(&self, operator: &Operator<'_>, act: Act, user: UserId) -> Result<UserRef> {
        let target = self.target(operator, user).await?;
        record(&self.accounts.store, operator, act, Some(Target::User(target.clone()))).await?;
        Ok(target)
    }

    /// Checks that an act is allowed, and records it.
    async fn record(&self, operator: &Operator<'_>, act: Act, target: Option<Target>) -> Result<()> {
        operator.administer(&self.accounts.store).await?;
        record(&self.accounts.store, operator, act, target).await
    }
}
