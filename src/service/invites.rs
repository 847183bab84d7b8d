//! Invites to register.

use crate::domain::{InviteCode, InviteId};

/// An invite that was just made.
#[derive(Debug)]
pub struct Invite {
    /// By what it is known from now on.
    pub id: InviteId,
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
