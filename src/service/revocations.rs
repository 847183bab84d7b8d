//! The revoked tokens that a node knows of.

use std::collections::HashMap;
use std::sync::RwLock;

use crate::domain::UserId;

/// Revoked tokens: user → the first valid epoch. Loaded at start and every few seconds, and updated at once by
/// announcements.
#[derive(Default)]
pub struct Revocations(RwLock<HashMap<UserId, u64>>);

impl Revocations {
    /// Records a revocation, unless a later one is known.
    pub fn raise(&self, user: UserId, epoch: u64) {
        let mut known = self.0.write().expect("no panic while held");
        let first_good = known.entry(user).or_insert(0);
        *first_good = epoch.max(*first_good);
    }

    /// Forgets all but these epochs.
    pub(super) fn retain(&self, is_kept: impl Fn(u64) -> bool) {
        self.0.write().expect("no panic while held").retain(|_, epoch| is_kept(*epoch));
    }

    /// Whether tokens of a user with this epoch are revoked.
    pub(super) fn is_dead(&self, user: UserId, epoch: u64) -> bool {
        let known = self.0.read().expect("no panic while held");
        known.get(&user).is_some_and(|first_good| epoch < *first_good)
    }
}
