//! Bounds the long answers that a user's clients have under way or do not read, over HTTP and WebSockets alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Error, Limit, Result, UserId};

/// Long answers that a user may have at once on a node.
const PER_USER: usize = 4;
/// How long another one waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// A page with more messages counts as long.
const LONG_PAGE: usize = 100;
/// Least number of users among whom those without an answer are looked for.
const LEAST_KEPT: usize = 256;

/// The users with long answers on a node. Shared by its workers.
#[derive(Default)]
pub struct LongAnswers(Mutex<Users>);

#[derive(Default)]
struct Users {
    limits: HashMap<UserId, Weak<Semaphore>>,
    /// At this number of users those without an answer are forgotten.
    swept_at: usize,
}

/// A long answer, until it is dropped.
pub struct LongAnswer {
    _permit: OwnedSemaphorePermit,
}

impl LongAnswers {
    /// Waits until a user has few enough long answers for one more.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn admit(&self, user: UserId) -> Result<LongAnswer> {
        let permit = tokio::time::timeout(PATIENCE, self.limit_of(user).acquire_owned()).await;
        let permit = permit.map_err(|_| Error::RateLimited { retry_after: PATIENCE })?;
        Ok(LongAnswer { _permit: permit.map_err(Error::internal)? })
    }

    /// The same for a page with this limit, if that is long.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn admit_page(&self, user: UserId, limit: Limit) -> Result<Option<LongAnswer>> {
        match limit.get() > LONG_PAGE {
            true => self.admit(user).await.map(Some),
            false => Ok(None),
        }
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
        let limit = Arc::new(Semaphore::new(PER_USER));
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
        for _ in 0..PER_USER {
            held.push(answers.admit(UserId(1)).await.expect("admitted"));
        }
        assert!(answers.admit(UserId(1)).now_or_never().is_none(), "one more has to wait");
        assert!(answers.admit(UserId(2)).await.is_ok());
        assert!(answers.admit_page(UserId(1), Limit::of(LONG_PAGE)).await.is_ok_and(|page| page.is_none()));
        held.pop();
        assert!(answers.admit_page(UserId(1), Limit::of(LONG_PAGE + 1)).await.is_ok_and(|page| page.is_some()));
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
