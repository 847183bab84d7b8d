//! How many files a user uploads to this node at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::{Error, Result, UserId};

/// When a client should try again: uploads take seconds.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Counts the uploads of each user that are under way.
#[derive(Clone, Default)]
pub(super) struct UploadTurns {
    counts: Arc<Mutex<HashMap<UserId, u32>>>,
}

/// An upload that is counted until this value is dropped.
pub(super) struct UploadTurn {
    user: UserId,
    counts: Arc<Mutex<HashMap<UserId, u32>>>,
}

impl UploadTurns {
    /// Counts an upload. At most `most` are allowed, `None` for any number.
    ///
    /// # Errors
    /// `RateLimited` when the user has as many under way as are allowed.
    pub(super) fn take(&self, user: UserId, most: Option<u32>) -> Result<UploadTurn> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user).or_default();
        if most.is_some_and(|most| *count >= most) {
            return Err(Error::RateLimited { retry_after: RETRY_AFTER });
        }
        *count += 1;
        Ok(UploadTurn { user, counts: Arc::clone(&self.counts) })
    }
}

impl Drop for UploadTurn {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_turns_of_their_own_and_gets_them_back() {
        let (turns, most) = (UploadTurns::default(), Some(2));
        let (first, second) = (turns.take(UserId(1), most), turns.take(UserId(1), most));
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(turns.take(UserId(1), most), Err(Error::RateLimited { .. })));
        assert!(turns.take(UserId(1), None).is_ok() && turns.take(UserId(2), most).is_ok());
        drop(first);
        assert!(turns.take(UserId(1), most).is_ok());
        drop(second);
        assert!(turns.counts.lock().expect("not poisoned").is_empty());
    }
}
