//! Bounds the lists and pages that a user's clients have in progress or do not read, over HTTP and WebSockets alike.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use foldhash::HashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Error, Limit, Result, UserId};

/// Responses that a user may have in progress on a node: four long ones, or sixteen pages.
const PARTS_PER_USER: usize = 16;
const PARTS_OF_A_LONG_ONE: u32 = 4;
/// How long another one waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// A page with more messages counts as long.
const LONG_PAGE: usize = 100;
/// Minimum number of users at which those without a response in progress are removed.
const LEAST_KEPT: usize = 256;

/// The users with long responses on a node. Shared by its workers.
#[derive(Default)]
pub struct LongAnswers(Mutex<Users>);

#[derive(Default)]
struct Users {
    limits: HashMap<UserId, Weak<Semaphore>>,
    /// At this number of users those without a response in progress are removed.
    swept_at: usize,
}

/// A long answer, until it is dropped.
pub struct LongAnswer {
    _permit: OwnedSemaphorePermit,
}

impl LongAnswers {
    /// Waits until a user has few enough responses in progress for another long one.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn admit(&self, user: UserId) -> Result<LongAnswer> {
        self.admit_parts(user, PARTS_OF_A_LONG_ONE).await
    }

    /// The same for a page with this limit, which may be short and yet have a hundred of the longest messages.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn admit_page(&self, user: UserId, limit: Limit) -> Result<LongAnswer> {
        self.admit_parts(user, if limit.get() > LONG_PAGE { PARTS_OF_A_LONG_ONE } else { 1 }).await
    }

    async fn admit_parts(&self, user: UserId, parts: u32) -> Result<LongAnswer> {
        let limit = self.limit_of(user);
        if let Ok(permit) = Arc::clone(&limit).try_acquire_many_owned(parts) {
            return Ok(LongAnswer { _permit: permit });
        }
        let permit = tokio::time::timeout(PATIENCE, limit.acquire_many_owned(parts)).await;
        let permit = permit.map_err(|_| Error::RateLimited { retry_after: PATIENCE })?;
        Ok(LongAnswer { _permit: permit.map_err(Error::internal)? })
    }

    fn limit_of(&self, user: UserId) -> Arc<Semaphore> {
        let mut users = self.0.lock().expect("no panic while held");
        if let Some(limit) = users.limits.get(&user).and_then(Weak::upgrade) {
            return limit;
        }
        if users.limits.len() >= users.swept_at.max(LEAST_KEPT) {
            users.limits.retain(|_, limit| limit.strong_count() > 0);
            users.swept_at = 2 * users.limits.len();
        }
        let limit = Arc::new(Semaphore::new(PARTS_PER_USER));
        users.limits.insert(user, Arc::downgrade(&limit));
        limit
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_user_has_few_long_answers_and_others_have_theirs() {
        let answers = LongAnswers::default();
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(answers.admit(UserId(1)).await.expect("admitted"));
        }
        for limit in [1, 20, 50, LONG_PAGE] {
            held.push(answers.admit_page(UserId(1), Limit::of(limit)).await.expect("admitted"));
        }
        for limit in [1, LONG_PAGE + 1] {
            assert!(answers.admit_page(UserId(1), Limit::of(limit)).now_or_never().is_none(), "one more has to wait");
        }
        assert!(answers.admit(UserId(2)).await.is_ok());
        held.pop();
        assert!(answers.admit_page(UserId(1), Limit::of(LONG_PAGE + 1)).now_or_never().is_none(), "too little room");
        assert!(answers.admit_page(UserId(1), Limit::of(LONG_PAGE)).await.is_ok());
    }

    #[tokio::test]
    async fn users_without_an_answer_are_forgotten() {
        let answers = LongAnswers::default();
        let held = answers.admit(UserId(0)).await.expect("admitted");
        for user in 1..10_000 {
            drop(answers.admit(UserId(user)).await.expect("admitted"));
        }
        assert!(answers.0.lock().expect("not poisoned").limits.len() <= LEAST_KEPT);
        drop(held);
    }
}
