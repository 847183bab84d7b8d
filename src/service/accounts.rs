//! Accounts: registration, login and profiles.

use std::sync::Arc;

use tracing::{debug, info};

use super::grant::Grant;
use super::limits::Limits;
use super::passwords::{NO_PASSWORD, Passwords};
use super::tokens::Tokens;
use crate::config::Registration;
use crate::domain::{
    Account, Caller, Client, Email, Error, InviteCode, NewAccount, Password, Result, TypedName, TypedPassword, UserId,
    folded,
};
use crate::store::Store;

/// Longer texts name no account, and whoever sends them may share a count.
const MAX_COUNTED_CHARS: usize = 320;

/// The account that a login names.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The account with this name.
    Name(TypedName),
    /// The account with this e-mail address, or else the account with this name, provided that it has no address.
    EmailOrName(String),
}

impl Identity {
    /// The form under which wrong passwords are counted where no account is known, one for all spellings.
    fn counted(&self) -> String {
        // The last form is the one that spellings with more spaces share.
        let form = |name: &TypedName| name.forms().last().cloned();
        let text = match self {
            Self::Name(name) => form(name),
            Self::EmailOrName(text) => TypedName::parse(text).as_ref().and_then(form).or_else(|| {
                let start: String = text.chars().take(MAX_COUNTED_CHARS).collect();
                Some(folded(&start))
            }),
        };
        format!("?{}", text.unwrap_or_default())
    }
}

/// The form under which wrong passwords of an account are counted.
pub(super) fn counted(account: &Account) -> String {
    format!("#{}", account.id)
}

/// Registers users, logs them in and checks their tokens.
#[derive(Clone)]
pub struct Accounts {
    pub(super) store: Store,
    pub(super) tokens: Arc<Tokens>,
    pub(super) passwords: Arc<Passwords>,
    pub(super) limits: Arc<Limits>,
    pub(super) registration: Registration,
}

impl Accounts {
    /// Accounts over a store.
    pub fn new(
        store: Store,
        tokens: Arc<Tokens>,
        passwords: Arc<Passwords>,
        limits: Arc<Limits>,
        registration: Registration,
    ) -> Self {
        Self { store, tokens, passwords, limits, registration }
    }

    /// Creates an account for a client that may register. The code of an invite matters only where one is asked for.
    ///
    /// # Errors
    /// `NameTaken`, also for a name that looks like another or is reserved; `EmailTaken`; `WeakPassword`;
    /// `RegistrationClosed`, `InviteRequired`, `InviteInvalid`, `RateLimited`, `StorageFull`.
    pub async fn register(
        &self,
        mut new: NewAccount,
        invite: Option<&str>,
        password: &Password,
        client: &Client,
    ) -> Result<Account> {
        self.limits.check_sign_in(client)?;
        self.limits.check_memory()?;
        match self.registration {
            Registration::Open => {}
            Registration::Closed => return Err(Error::RegistrationClosed),
            Registration::Invite => {
                let code = InviteCode::parse(invite.filter(|code| !code.is_empty()).ok_or(Error::InviteRequired)?)?;
                if !self.store.is_invite_open(&code).await? {
                    return Err(Error::InviteInvalid);
                }
                new.invite = Some(code);
            }
        }
        self.create(&new, Some(password), Some(client)).await
    }

    /// Creates an account whose registration was allowed, with a password or without. Its invite is used up with it.
    pub(super) async fn create(
        &self,
        new: &NewAccount,
        password: Option<&Password>,
        client: Option<&Client>,
    ) -> Result<Account> {
        if new.name.is_reserved() || self.store.is_name_taken(&new.name).await? {
            return Err(Error::NameTaken);
        }
        let hash = match password {
            Some(password) => {
                password.check_strength(new.name.as_str())?;
                self.passwords.hash(password, client).await?
            }
            None => NO_PASSWORD.to_owned(),
        };
        let account = self.store.create_account(new, &hash, self.store.now_ms()).await?;
        info!(user.id = %account.id, "user registered");
        Ok(account)
    }

    /// Returns the account and a token if the password is right. An unknown name, a wrong password and a banned account
    /// take the same time and give the same answer, and count alike as wrong.
    ///
    /// # Errors
    /// `BadCredentials`; `RateLimited`, also for an address that has tried too many wrong passwords for this account.
    pub async fn log_in(&self, who: &Identity, password: &TypedPassword, client: &Client) -> Result<(Account, String)> {
        self.limits.check_sign_in(client)?;
        let account = self.find(who).await?;
        // By the account where there is one: another account may have its e-mail address as a name.
        let counted = account.as_ref().map_or_else(|| who.counted(), counted);
        self.count_guess(&counted, client).await?;
        let matches = self.verify(account.as_ref(), password, client).await?;
        let mut account = account.filter(|account| matches && !account.is_banned).ok_or(Error::BadCredentials)?;
        if account.one_time_until_ms.is_some()
            && !self.store.use_one_time_password(account.id, &account.password_hash).await?
        {
            return Err(Error::BadCredentials);
        }
        if !self.store.use_invite(&account).await? {
            return Err(Error::BadCredentials);
        }
        self.forget_guesses(&counted, client).await;
        account = self.store.finish_changes(account).await?;
        if account.token_key.is_none() {
            account.token_key = self.store.ensure_token_key(account.id).await?;
        }
        let token = self.begin_session(&account, client).await?;
        Ok((account, token))
    }

    pub(super) async fn count_guess(&self, counted: &str, client: &Client) -> Result<()> {
        let Some(limit) = self.limits.guesses() else { return Ok(()) };
        self.store.count_guess(counted, client.counted_address(), limit).await
    }

    /// Best effort: attempts that are not forgotten now expire.
    pub(super) async fn forget_guesses(&self, counted: &str, client: &Client) {
        if self.limits.guesses().is_none() {
            return;
        }
        if let Err(error) = self.store.forget_guesses(counted, client.counted_address()).await {
            debug!(%error, "could not forget wrong passwords after the right one");
        }
    }

    async fn find(&self, who: &Identity) -> Result<Option<Account>> {
        match who {
            Identity::Name(name) => self.store.account_by_name(name).await,
            Identity::EmailOrName(text) => {
                if let Ok(email) = Email::parse(text)
                    && let Some(account) = self.store.account_by_email(&email).await?
                {
                    return Ok(Some(account));
                }
                let Some(name) = TypedName::parse(text) else { return Ok(None) };
                let account = self.store.account_by_name(&name).await?;
                Ok(account.filter(|account| account.email.is_empty()))
            }
        }
    }

    /// The caller's account.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn profile(&self, caller: &Caller) -> Result<Account> {
        self.store.account(caller.id).await?.ok_or(Error::UserNotFound)
    }

    /// Checks the token of a request: without a round trip but for the first of a user on this node. A valid token counts
    /// as a request of its user, an invalid one as a refused token of the client's address.
    ///
    /// # Errors
    /// `Unauthenticated`, `RateLimited`; `Unavailable` when the account must be read and cannot.
    pub async fn authenticate(&self, token: Option<&str>, client: &Client) -> Result<Grant> {
        let grant = self.granted(token).await;
        match &grant {
            Ok(grant) => self.limits.check_request(grant.caller.id)?,
            Err(Error::Unauthenticated) => self.limits.check_refused_token(client)?,
            Err(_) => {}
        }
        grant
    }

    /// The user of a token that this server has issued, which may have ended since.
    pub fn holder(&self, token: &str) -> Option<UserId> {
        self.tokens.holder(token)
    }

    async fn granted(&self, token: Option<&str>) -> Result<Grant> {
        let token = token.ok_or(Error::Unauthenticated)?;
        match self.tokens.grant(token) {
            Err(Error::Unauthenticated) if !self.tokens.issuers().is_empty() => self.granted_by_issuer(token).await,
            grant => {
                let grant = grant?;
                self.confirm(&grant).await?;
                Ok(grant)
            }
        }
    }

    /// Checks that the account of a grant still exists: without a round trip unless connections to Redis broke meanwhile.
    ///
    /// # Errors
    /// `Unauthenticated`, `Unavailable`.
    pub async fn confirm(&self, grant: &Grant) -> Result<()> {
        self.tokens.confirm(&self.store, grant).await
    }

    /// Whether [`Self::confirm`] needs no round trip.
    pub fn is_confirmed(&self, grant: &Grant) -> bool {
        self.tokens.is_confirmed(&self.store, grant)
    }

    /// Whether a grant is still valid.
    pub fn is_good(&self, grant: &Grant) -> bool {
        self.tokens.is_good(grant)
    }

    /// The user of a grant, with the current name.
    pub fn caller(&self, grant: &Grant) -> Caller {
        self.tokens.caller(grant)
    }

    /// The user with this name.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn named(&self, name: &str) -> Result<UserId> {
        let name = TypedName::parse(name).ok_or(Error::UserNotFound)?;
        self.store.account_by_name(&name).await?.map(|account| account.id).ok_or(Error::UserNotFound)
    }
}
