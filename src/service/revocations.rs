//! The revoked tokens that a node knows of.

use std::sync::RwLock;
use std::time::Duration;

use foldhash::HashMap;
use foldhash::fast::RandomState;
use moka::sync::Cache;

use crate::domain::{TokenId, UserId};

/// How much longer an ended token is remembered than it could be valid: for clocks that differ.
const LONGER: Duration = Duration::from_secs(120);

/// Revoked tokens. Loaded at start and every few seconds, and updated at once by announcements.
pub struct Revocations {
    /// User → the first valid epoch.
    epochs: RwLock<HashMap<UserId, u64>>,
    /// Tokens that ended alone.
    ended: Cache<TokenId, (), RandomState>,
}

impl Revocations {
    /// No revocations yet, of tokens that live for so many seconds.
    pub(super) fn new(lifetime_secs: u64) -> Self {
        let remembered = Duration::from_secs(lifetime_secs) + LONGER;
        Self {
            epochs: RwLock::default(),
            ended: Cache::builder().time_to_live(remembered).build_with_hasher(RandomState::default()),
        }
    }

    /// Records a revocation, unless a later one is known. Returns whether it is news.
    pub fn raise(&self, user: UserId, epoch: u64) -> bool {
        let mut known = self.epochs.write().expect("no panic while held");
        let first_good = known.entry(user).or_insert(0);
        let is_news = epoch > *first_good;
        *first_good = epoch.max(*first_good);
        is_news
    }

    /// Whether an epoch of a user is known to be revoked.
    pub(super) fn has_later(&self, user: UserId, epoch: u64) -> bool {
        self.epochs.read().expect("no panic while held").get(&user).is_some_and(|first_good| epoch < *first_good)
    }

    /// Records that one token ended.
    pub fn end(&self, token: TokenId) {
        self.ended.insert(token, ());
    }

    /// Forgets all but these epochs. Ended tokens stay: no other has the same id.
    pub(super) fn retain(&self, is_kept: impl Fn(u64) -> bool) {
        self.epochs.write().expect("no panic while held").retain(|_, epoch| is_kept(*epoch));
    }

    /// Whether a token of a user with this epoch is revoked or has ended.
    pub(super) fn is_dead(&self, user: UserId, epoch: u64, token: TokenId) -> bool {
        self.has_later(user, epoch) || self.ended.contains_key(&token)
    }
}
