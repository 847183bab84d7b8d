//! Password hashes: bcrypt, off the async threads and below their priority, with bounded concurrency that addresses share fairly.

use std::sync::Arc;

use super::low_priority::LowPriority;
use super::places::Places;
use crate::domain::{Client, Error, Password, Result, TypedPassword};

/// The hash of no password.
pub(super) const NO_PASSWORD: &str = "";
/// Maximum number of requests that may wait for a hash; further ones are refused. At cost 10 they take half a minute.
const MAX_WAITING: usize = 512;

/// Hashes and checks passwords.
pub struct Passwords {
    cost: u32,
    places: Arc<Places>,
    threads: LowPriority,
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
        let (places, threads) = (Places::new(threads.max(1), MAX_WAITING), LowPriority::new(threads)?);
        Ok(Self { cost, places, threads, decoy })
    }

    /// Hashes a password for a client, or for the operator.
    ///
    /// # Errors
    /// `RateLimited` when too many wait.
    pub async fn hash(&self, password: &Password, client: Option<&Client>) -> Result<String> {
        let (password, cost) = (password.clone(), self.cost);
        self.work(client, move || bcrypt::non_truncating_hash(password.expose(), cost)).await
    }

    /// Whether the password belongs to the hash, in any of its forms. Without a hash, or with an empty one, it takes as long as with one that does
    /// not match, and returns `false`.
    ///
    /// # Errors
    /// `RateLimited` when too many wait.
    pub async fn matches(&self, password: &TypedPassword, hash: Option<&str>, client: &Client) -> Result<bool> {
        let password = password.clone();
        let hash = hash.filter(|hash| *hash != NO_PASSWORD);
        let is_known = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let matches = self.work(Some(client), move || {
            for form in password.forms() {
                if bcrypt::non_truncating_verify(form, &hash)? {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        Ok(matches.await? && is_known)
    }

    async fn work<T: Send + 'static>(
        &self,
        client: Option<&Client>,
        job: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.places.take(client.map(Client::counted_address)).await?;
        // The hash goes on when the client is gone, and so does its hold on the place.
        let outcome = self.threads.run(move || {
            let outcome = job();
            drop(place);
            outcome
        });
        outcome.await?.map_err(Error::internal)
    }
}
