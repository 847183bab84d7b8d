//! Rate limits that each node keeps in memory, and whether Redis has memory left. The limit of messages per user and room is
//! kept in Redis, by the script that stores messages, and so is the one of wrong passwords.
//!
//! The services check the limits themselves, so that no dialect can forget to.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;

use crate::config::LimitsConfig;
use crate::domain::{Client, Error, Result, RoomId, UserId};
use crate::store::{GuessLimit, SendRate};

/// Maximum number of users and rooms whose typing a node remembers. Beyond, typing may be announced sooner.
const MAX_TYPING: u64 = 100_000;

/// The limits of a node, shared by its workers.
pub struct Limits {
    /// Replaced as a whole when the settings are reloaded. Reading it takes no lock.
    rates: ArcSwap<Rates>,
    is_memory_full: AtomicBool,
    clock: DefaultClock,
}

/// What the settings ask for. All rates and caps are absent when limits are disabled.
struct Rates {
    requests: Option<DefaultKeyedRateLimiter<UserId>>,
    sends: Option<DefaultKeyedRateLimiter<UserId>>,
    searches: Option<DefaultKeyedRateLimiter<UserId>>,
    uploads: Option<DefaultKeyedRateLimiter<UserId>>,
    applications: Option<DefaultKeyedRateLimiter<UserId>>,
    rooms: Option<DefaultKeyedRateLimiter<UserId>>,
    sign_ins: Option<DefaultKeyedRateLimiter<IpAddr>>,
    refused_tokens: Option<DefaultKeyedRateLimiter<IpAddr>>,
    /// Where users have typed lately.
    typing: Option<Cache<(UserId, RoomId), ()>>,
    /// How fast a user may send to one room.
    send_rate: Option<SendRate>,
    /// How many wrong passwords an address may try.
    guesses: Option<GuessLimit>,
    caps: Option<Caps>,
    typing_members: u64,
}

/// How much one user or address may have of something.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Open WebSockets of a user on the node.
    pub sockets_of_user: u32,
    /// Open WebSockets of an address on the node.
    pub sockets_of_address: u32,
    /// Other open connections of an address on the node.
    pub connections_of_address: u32,
    /// Uploads of a user that are under way on the node.
    pub uploads_at_once: u32,
    /// Bytes that a user uploads in a day.
    pub uploads_bytes_per_day: u64,
}

impl Rates {
    fn new(config: &LimitsConfig) -> Self {
        let is_on = config.enabled;
        let typing = || Cache::builder().max_capacity(MAX_TYPING).time_to_live(Duration::from_secs(config.typing_secs));
        Self {
            requests: is_on.then(|| limiter(config.requests_per_sec, config.requests_burst)),
            sends: is_on.then(|| limiter(config.user_sends_per_sec, config.user_sends_burst)),
            searches: is_on.then(|| limiter(config.searches_per_sec, config.searches_burst)),
            uploads: is_on.then(|| limiter(config.uploads_per_sec, config.uploads_burst)),
            applications: is_on
                .then(|| limiter(config.application_requests_per_sec, config.application_requests_burst)),
            rooms: is_on.then(|| limiter(config.rooms_per_sec, config.rooms_burst)),
            sign_ins: is_on.then(|| limiter(config.sign_ins_per_sec, config.sign_ins_burst)),
            refused_tokens: is_on.then(|| limiter(config.refused_tokens_per_sec, config.refused_tokens_burst)),
            typing: is_on.then(|| typing().build()),
            send_rate: is_on.then_some(SendRate { per_sec: config.sends_per_sec, burst: config.sends_burst }),
            guesses: is_on.then_some(GuessLimit {
                free: config.wrong_passwords.into(),
                window_ms: config.wrong_passwords_secs * 1000,
            }),
            caps: is_on.then_some(Caps {
                sockets_of_user: config.sockets_per_user,
                sockets_of_address: config.sockets_per_address,
                connections_of_address: config.connections_per_address,
                uploads_at_once: config.uploads_at_once,
                uploads_bytes_per_day: config.uploads_bytes_per_day,
            }),
            typing_members: config.typing_members,
        }
    }
}

impl Limits {
    /// Creates the limiters that the configuration asks for.
    pub fn new(config: &LimitsConfig) -> Self {
        Self {
            rates: ArcSwap::from_pointee(Rates::new(config)),
            is_memory_full: AtomicBool::new(false),
            clock: DefaultClock::default(),
        }
    }

    /// Takes over other settings. Rates begin again, with the whole burst; what is open already stays.
    pub fn reload(&self, config: &LimitsConfig) {
        self.rates.store(Arc::new(Rates::new(config)));
    }

    /// How much one user or address may have; `None` when limits are disabled.
    pub fn caps(&self) -> Option<Caps> {
        self.rates.load().caps
    }

    /// Counts a request or a frame of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_request(&self, user: UserId) -> Result<()> {
        self.check(&self.rates.load().requests, user)
    }

    /// Counts a request of an application, by its account. Nothing else limits what it does.
    pub(super) fn check_application(&self, bot: UserId) -> Result<()> {
        self.check(&self.rates.load().applications, bot)
    }

    /// Counts a message of a user, to whichever room.
    pub(super) fn check_send(&self, user: UserId) -> Result<()> {
        self.check_memory()?;
        self.check_change(user)
    }

    /// Counts a change that is announced in a room as a message of a user, and that takes no memory.
    pub(super) fn check_change(&self, user: UserId) -> Result<()> {
        self.check(&self.rates.load().sends, user)
    }

    /// How fast a user may send to one room; `None` when limits are disabled.
    pub(super) fn send_rate(&self) -> Option<SendRate> {
        self.rates.load().send_rate
    }

    /// Counts a search of a user.
    pub(super) fn check_search(&self, user: UserId) -> Result<()> {
        self.check(&self.rates.load().searches, user)
    }

    /// Counts an upload of a user.
    pub(super) fn check_upload(&self, user: UserId) -> Result<()> {
        self.check_memory()?;
        self.check(&self.rates.load().uploads, user)
    }

    /// Counts a room that a user creates.
    pub(super) fn check_new_room(&self, user: UserId) -> Result<()> {
        self.check_memory()?;
        self.check(&self.rates.load().rooms, user)
    }

    /// Counts a registration or a login.
    pub(super) fn check_sign_in(&self, client: &Client) -> Result<()> {
        self.check(&self.rates.load().sign_ins, client.counted_address())
    }

    /// Counts a refused token. Apart from sign-ins: the expired token of a client that tries again and again must not keep
    /// others at its address from logging in.
    pub(super) fn check_refused_token(&self, client: &Client) -> Result<()> {
        self.check(&self.rates.load().refused_tokens, client.counted_address())
    }

    /// How many wrong passwords an address may try for an account; `None` when limits are disabled.
    pub(super) fn guesses(&self) -> Option<GuessLimit> {
        self.rates.load().guesses
    }

    /// Whether it may be announced in a room that a user is typing. Counts as a message of the user, so that nobody floods
    /// many rooms at once.
    pub(super) fn admits_typing(&self, user: UserId, room: RoomId) -> bool {
        let is_due =
            self.rates.load().typing.as_ref().is_none_or(|typing| typing.entry((user, room)).or_insert(()).is_fresh());
        is_due && self.check_change(user).is_ok()
    }

    /// Forgets typing that could not be announced, so that the next try is refused as well.
    pub(super) fn forget_typing(&self, user: UserId, room: RoomId) {
        if let Some(typing) = &self.rates.load().typing {
            typing.invalidate(&(user, room));
        }
    }

    /// Maximum number of members of a room that hears announcements of typing.
    pub(super) fn typing_members(&self) -> u64 {
        self.rates.load().typing_members
    }

    /// Refuses what takes memory of Redis once little is left, whether or not limits are enabled.
    pub(super) fn check_memory(&self) -> Result<()> {
        if self.is_memory_full.load(Ordering::Relaxed) { Err(Error::StorageFull) } else { Ok(()) }
    }

    /// Records whether Redis has little memory left. Returns whether that is news.
    pub fn set_memory_full(&self, is_full: bool) -> bool {
        self.is_memory_full.swap(is_full, Ordering::Relaxed) != is_full
    }

    fn check<K: Hash + Eq + Clone>(&self, limiter: &Option<DefaultKeyedRateLimiter<K>>, key: K) -> Result<()> {
        let Some(limiter) = limiter else { return Ok(()) };
        limiter
            .check_key(&key)
            .map_err(|until| Error::RateLimited { retry_after: until.wait_time_from(self.clock.now()) })
    }

    /// Drops the keys whose burst is fully available again.
    pub fn forget_quiet(&self) {
        let rates = self.rates.load();
        let of_users =
            [&rates.requests, &rates.sends, &rates.searches, &rates.uploads, &rates.rooms, &rates.applications];
        for limiter in of_users.into_iter().flatten() {
            limiter.retain_recent();
        }
        for limiter in [&rates.sign_ins, &rates.refused_tokens].into_iter().flatten() {
            limiter.retain_recent();
        }
    }
}

fn limiter<K: Hash + Eq + Clone>(per_sec: u32, burst: u32) -> DefaultKeyedRateLimiter<K> {
    // The configuration check refuses zero.
    let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_second(positive(per_sec)).allow_burst(positive(burst)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn other_settings_hold_at_once_and_a_full_memory_is_not_forgotten() {
        let user = UserId(1);
        let mut config = Config::defaults().limits;
        config.searches_burst = 1;
        let limits = Limits::new(&config);
        // A slow machine gains a few while it counts.
        let searches = || (0..999).take_while(|_| limits.check_search(user).is_ok()).count();
        assert!((1..50).contains(&searches()));
        limits.set_memory_full(true);
        (config.searches_burst, config.sockets_per_user) = (100, 7);
        limits.reload(&config);
        assert!((100..150).contains(&searches()));
        assert_eq!(limits.caps().map(|caps| caps.sockets_of_user), Some(7));
        config.enabled = false;
        limits.reload(&config);
        assert_eq!((searches(), limits.caps().is_none()), (999, true));
        assert!(limits.check_memory().is_err());
    }
}
