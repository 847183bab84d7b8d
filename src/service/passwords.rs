//! Password hashes: bcrypt, off the async threads, with bounded concurrency.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::{Error, Password, Result};

/// Most requests that may wait for a hash; further ones are refused. At cost 10 they take half a minute.
const MAX_WAITING: usize = 512;

/// Hashes and checks passwords.
pub struct Passwords {
    cost: u32,
    permits: Semaphore,
    waiting: AtomicUsize,
    /// The hash to compare with for unknown users, so that they take as long as known ones.
    decoy: String,
}

impl Passwords {
    /// Creates a hasher with this bcrypt cost, which uses at most `threads` threads.
    ///
    /// # Errors
    /// `Internal` for a cost that bcrypt does not support (4–31).
    pub fn new(cost: u32, threads: usize) -> Result<Self> {
        let decoy = bcrypt::non_truncating_hash("no user has this one", cost).map_err(Error::internal)?;
        Ok(Self { cost, permits: Semaphore::new(threads.max(1)), waiting: AtomicUsize::new(0), decoy })
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// `RateLimited` when too many wait.
    pub async fn hash(&self, password: &Password) -> Result<String> {
        let (password, cost) = (password.clone(), self.cost);
        self.work(move || bcrypt::non_truncating_hash(password.expose(), cost)).await
    }

    /// Whether the password belongs to the hash. Without a hash it takes the same time and returns `false`.
    ///
    /// # Errors
    /// `RateLimited` when too many wait.
    pub async fn matches(&self, password: &Password, hash: Option<&str>) -> Result<bool> {
        let password = password.clone();
        let is_known = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let matches = self.work(move || bcrypt::non_truncating_verify(password.expose(), &hash)).await?;
        Ok(matches && is_known)
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<T> {
        let _waiting = Waiting::enter(&self.waiting)?;
        let _permit = self.permits.acquire().await.map_err(Error::internal)?;
        let outcome = tokio::task::spawn_blocking(job).await.map_err(Error::internal)?;
        outcome.map_err(Error::internal)
    }
}

/// Counts a waiting request until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self> {
        let waiting = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(Error::RateLimited { retry_after: Duration::from_secs(5) });
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
