//! Invites to register.

use super::accounts::Accounts;
use super::audit::{Act, Operator, record};
use crate::domain::{InviteCode, InviteTerms, Result};

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
    /// Makes an invite, which the audit log shows without its code.
    ///
    /// # Errors
    /// `Forbidden`, `Unavailable`.
    pub async fn invite(&self, operator: &Operator<'_>, terms: InviteTerms) -> Result<Invite> {
        operator.authorise(&self.store).await?;
        record(&self.store, operator, Act::Invite, None).await?;
        let code = InviteCode::new()?;
        let expires_at_ms = self.store.create_invite(&code, terms).await?;
        Ok(Invite { code, uses: terms.uses, expires_at_ms })
    }
}
