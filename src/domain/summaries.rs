//! What administrators see of invites and uploads.

use super::ids::UserId;
use super::invite::InviteId;
use super::user::UserRef;

/// An invite as administrators see it.
#[derive(Clone, Debug)]
pub struct InviteSummary {
    /// Its id.
    pub id: InviteId,
    /// Who created it; `None` for the command line and for deleted users.
    pub made_by: Option<UserRef>,
    /// Accounts that it may make.
    pub uses: u64,
    /// Accounts that were created with it.
    pub used: u64,
    /// When it expires, UTC milliseconds.
    pub expires_at_ms: u64,
}

/// How much a user uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadTotal {
    /// Number of the user.
    pub id: UserId,
    /// The current name; `None` for a deleted user.
    pub name: Option<String>,
    /// Bytes of the user's files that are stored.
    pub bytes: u64,
    /// Bytes that count for the limit of the present day.
    pub day_bytes: u64,
}
