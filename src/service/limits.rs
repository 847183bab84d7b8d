//! Rates that a node keeps by itself. Those of sends live in Redis, inside the script.
//!
//! The services check them: a caller, whatever it speaks, cannot forget to.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::LimitsConfig;
use crate::domain::{Client, Error, Result, UserId};

/// The limiters of one node, shared by its workers; all absent when limits are switched off.
pub struct Limits {
    requests: Option<DefaultKeyedRateLimiter<UserId>>,
    uploads: Option<DefaultKeyedRateLimiter<UserId>>,
    rooms: Option<DefaultKeyedRateLimiter<UserId>>,
    sign_ins: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
}

impl Limits {
    /// Limiters as configured.
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

    /// Forgets the keys that have their full burst again.
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
    // The configuration has refused zeros.
    let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_second(positive(per_sec)).allow_burst(positive(burst)))
}
