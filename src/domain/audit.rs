//! The audit log: what administrators and applications did.

use super::user::UserRef;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id, also the cursor behind it.
    pub id: String,
    /// Time of the act, UTC milliseconds.
    pub at_ms: u64,
    /// The administrator, or the account of the application; `None` for the command line.
    pub actor: Option<UserRef>,
    /// The address of the request; empty for the command line.
    pub address: String,
    /// What was done, as `user.ban`.
    pub act: String,
    /// To whom or what it was done, if to one user or room.
    pub target: Option<AuditTarget>,
}

/// Who did it: each has a log of its own, so that no application pushes out what administrators did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditLog {
    /// Administrators, over HTTP and on the command line.
    Administrators,
    /// Applications.
    Applications,
}

/// What an act concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditTarget {
    /// `user` or `room`.
    pub kind: String,
    /// Number of the user or room.
    pub id: u64,
    /// Its name at that time.
    pub name: String,
}
