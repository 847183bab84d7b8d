//! What administrators see of invites.

use super::invite::InviteId;
use super::user::UserRef;

/// An invite as administrators see it.
#[derive(Clone, Debug)]
pub struct InviteSummary {
    /// Its id.
    pub id: InviteId,
    /// Who made it; `None` for the command line and for deleted users.
    pub made_by: Option<UserRef>,
    /// Accounts that it may make.
    pub uses: u64,
    /// Accounts that it has made.
    pub used: u64,
    /// When it expires, UTC milliseconds.
    pub expires_at_ms: u64,
}
