//! Invites to register.

use super::access::{Action, authorise};
use super::accounts::Accounts;
use crate::domain::{Caller, InviteCode, InviteTerms, Result};

/// An invite that was just made.
#[derive(Debug)]
pub struct Invite {
    /// Its code, which is shown once.
    pub code: InviteCode,
    /// Accounts that it may make.
    pub uses: u32,
    /// When it expires, UTC milliseconds.
    pub expires_at_ms: u64,
}

impl Invite {
    /// The link to the web client's registration. `base_url` is empty for a path.
    pub fn link(&self, base_url: &str) -> String {
        format!("{base_url}/register?invite={}", self.code.expose())
    }
}

impl Accounts {
    /// Makes an invite on behalf of an administrator.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn invite(&self, caller: &Caller, terms: InviteTerms) -> Result<Invite> {
        authorise(&self.store, caller, Action::Invite).await?;
        self.make_invite(terms).await
    }

    /// Makes an invite.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn make_invite(&self, terms: InviteTerms) -> Result<Invite> {
        let code = InviteCode::new()?;
        let expires_at_ms = self.store.create_invite(&code, terms).await?;
        Ok(Invite { code, uses: terms.uses, expires_at_ms })
    }
}
