//! Blocks: a blocked user sends no direct messages to the one who blocks, and adds them to no room.

use crate::domain::{Caller, Error, Field, Result, UserId, UserRef};
use crate::store::Store;

/// Blocks and unblocks users.
pub struct Blocks {
    store: Store,
}

impl Blocks {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The users whom the caller blocks, in the order of blocking.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<UserRef>> {
        self.store.blocked_by(caller.id).await
    }

    /// Blocks a user; no-op for a user who is blocked.
    ///
    /// # Errors
    /// `Invalid(UserId)` for oneself; `UserNotFound`, `TooManyBlocked`.
    pub async fn block(&self, caller: &Caller, user: UserId) -> Result<()> {
        if user == caller.id {
            return Err(Error::Invalid(Field::UserId));
        }
        if self.store.names(&[user]).await?.is_empty() {
            return Err(Error::UserNotFound);
        }
        self.store.set_blocked(caller.id, user, true).await
    }

    /// Unblocks a user; no-op for a user who is not blocked.
    pub async fn unblock(&self, caller: &Caller, user: UserId) -> Result<()> {
        self.store.set_blocked(caller.id, user, false).await
    }
}
