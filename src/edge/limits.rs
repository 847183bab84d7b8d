//! Rates that a node keeps by itself. Those of sends live in Redis, inside the script.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::LimitsConfig;
use crate::domain::{Error, Result, UserId};

/// The limiters of one node, shared by its workers; all absent when limits are switched off.
pub struct Limits {
    requests: Option<DefaultKeyedRateLimiter<UserId>>,
    uploads: Option<DefaultKeyedRateLimiter<UserId>>,
    rooms: Option<DefaultKeyedRateLimiter<UserId>>,
    sign_ins: Option<DefaultKeyedRateLimiter<IpAddr>>,
    /// Open sockets of a user and from an address.
    sockets: Option<(u32, u32)>,
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
            sockets: is_on.then_some((config.sockets_per_user, config.sockets_per_address)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_user(&self, user: UserId) -> Result<()> {
        self.check(&self.requests, user)
    }

    /// Most open sockets of a user and from an address.
    pub(super) fn socket_caps(&self) -> Option<(u32, u32)> {
        self.sockets
    }

    /// Counts an upload of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_upload(&self, user: UserId) -> Result<()> {
        self.check(&self.uploads, user)
    }

    /// Counts a room that a user makes.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_new_room(&self, user: UserId) -> Result<()> {
        self.check(&self.rooms, user)
    }

    /// Counts a registration, a login or a refused token from an address.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_sign_in(&self, address: IpAddr) -> Result<()> {
        self.check(&self.sign_ins, network_of(address))
    }

    fn check<K: Hash + Eq + Clone>(&self, limiter: &Option<DefaultKeyedRateLimiter<K>>, key: K) -> Result<()> {
        let Some(limiter) = limiter else { return Ok(()) };
        limiter
            .check_key(&key)
            .map_err(|until| Error::RateLimited { retry_after: until.wait_time_from(self.clock.now()) })
    }

    /// Forgets who has not been seen lately; once a minute.
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

/// An IPv6 customer has a /64 of addresses: they count as one.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}
