//! Rate limits that each node keeps in memory. The limit of sends is kept in Redis, by the script that stores messages.
//!
//! The services check the limits themselves, so that no dialect can forget to.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::LimitsConfig;
use crate::domain::{Client, Error, Result, UserId};

/// The rate limiters of a node, shared by its workers. All are absent when limits are disabled.
pub struct Limits {
    requests: Option<DefaultKeyedRateLimiter<UserId>>,
    uploads: Option<DefaultKeyedRateLimiter<UserId>>,
    rooms: Option<DefaultKeyedRateLimiter<UserId>>,
    sign_ins: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
}

impl Limits {
    /// Creates the limiters that the configuration asks for.
    pub fn new(config: &LimitsConfig) -> Self {
        let is_on = config.enabled;
        Self {
            requests: is_on.then(|| limiter(config.requests_per_sec, config.requests_burst)),
            uploads: is_on.then(|| limiter(config.uploads_per_sec, config.uploads_burst)),
            rooms: is_on.then(|| limiter(config.rooms_per_sec, config.rooms_burst)),
            sign_ins: is_on.then(|| limiter(config.sign_ins_per_sec, config.sign_ins_burst)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request or a frame of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_request(&self, user: UserId) -> Result<()> {
        self.check(&self.requests, user)
    }

    /// Counts an upload of a user.
    pub(super) fn check_upload(&self, user: UserId) -> Result<()> {
        self.check(&self.uploads, user)
    }

    /// Counts a room that a user creates.
    pub(super) fn check_new_room(&self, user: UserId) -> Result<()> {
        self.check(&self.rooms, user)
    }

    /// Counts a registration, a login or a refused token.
    pub(super) fn check_sign_in(&self, client: &Client) -> Result<()> {
        self.check(&self.sign_ins, client.counted_address())
    }

    fn check<K: Hash + Eq + Clone>(&self, limiter: &Option<DefaultKeyedRateLimiter<K>>, key: K) -> Result<()> {
        let Some(limiter) = limiter else { return Ok(()) };
        limiter
            .check_key(&key)
            .map_err(|until| Error::RateLimited { retry_after: until.wait_time_from(self.clock.now()) })
    }

    /// Drops the keys whose burst is fully available again.
    pub fn forget_quiet(&self) {
        for limiter in [&self.requests, &self.uploads, &self.rooms].into_iter().flatten() {
            limiter.retain_recent();
        }
        if let Some(limiter) = &self.sign_ins {
            limiter.retain_recent();
        }
    }
}

fn limiter<K: Hash + Eq + Clone>(per_sec: u32, burst: u32) -> DefaultKeyedRateLimiter<K> {
    // The configuration check refuses zero.
    let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_second(positive(per_sec)).allow_burst(positive(burst)))
}
