//! Validation of settings.

use std::path::Path;

use secrecy::ExposeSecret;

use super::issuers::MAX_ISSUERS;
use super::{Config, ConfigError, Durability, MIN_SECRET_BYTES, RedisMode};

const MAX_TOKEN_TTL_SECS: u64 = 366 * 24 * 60 * 60;
/// The rate limiter stores times with three decimals of a millisecond. Shorter intervals would lose their precision.
const MAX_SENDS_PER_SEC: u32 = 100_000;
const MAX_WRONG_PASSWORDS_SECS: u64 = 24 * 60 * 60;
const MAX_TYPING_SECS: u64 = 60 * 60;
const MAX_OFFLINE_SECS: u64 = 30 * 24 * 60 * 60;
const MAX_HEAD_SECS: u32 = 300;
const MAX_OUTBOUND_SECS: u64 = 60;
const MAX_LEASE_SECS: u64 = 60 * 60;
const MAX_CHECK_SECS: u64 = 60 * 60;
/// Shortest interval between reports: each of them is a write to Redis.
const MIN_REPORT_MS: u64 = 50;
/// Longest interval between reports: the dashboard needs several of them per minute.
const MAX_REPORT_MS: u64 = 10_000;
/// Document 003, note 4.
const MAX_PER_ROOM: u64 = 1000;
const MAX_RETENTION_SECS: u64 = 7 * 24 * 60 * 60;
/// Paths of the other dialects' sockets and of the pages.
const RESERVED_PATHS: [&str; 10] =
    ["/", "/ws", "/api/v1/ws", "/chat", "/login", "/register", "/admin", "/dashboard", "/docs", "/metrics"];

/// Whether a setting breaks a rule, and the message for that case.
type Rule = (bool, &'static str);

impl Config {
    /// Validates all settings.
    ///
    /// # Errors
    /// One line that names the key and the reason.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rules = self.auth_rules().into_iter().chain(self.storage_rules()).chain(self.redis_rules());
        let rules = rules.chain(self.surface_rules());
        match rules.into_iter().find(|(is_broken, _)| *is_broken) {
            Some((_, reason)) => Err(ConfigError(reason.to_owned())),
            None => match self.push.fault().or_else(|| self.telemetry.fault()) {
                Some(fault) => Err(ConfigError(fault.to_owned())),
                None => self.check_issuers(),
            },
        }
    }

    fn check_issuers(&self) -> Result<(), ConfigError> {
        let issuers = &self.auth.issuers;
        let own = [&self.auth.jwt_secret, &self.auth.jwt_secret_previous].map(ExposeSecret::expose_secret);
        if issuers.len() > MAX_ISSUERS {
            return Err(ConfigError(format!("auth.issuers: at most {MAX_ISSUERS} are possible")));
        }
        for (number, issuer) in (1..).zip(issuers) {
            let secret = issuer.secret.expose_secret();
            let is_own = !secret.is_empty() && own.contains(&secret);
            let fault = is_own.then_some("secret must not be auth.jwt_secret: anyone who has that can act as any user");
            if let Some(fault) = fault.or_else(|| issuer.fault()) {
                return Err(ConfigError(format!("auth.issuers, number {number}: {fault}")));
            }
        }
        Ok(())
    }

    fn auth_rules(&self) -> [Rule; 5] {
        let auth = &self.auth;
        let secret_bytes = auth.jwt_secret.expose_secret().len();
        let previous_bytes = auth.jwt_secret_previous.expose_secret().len();
        let is_short = |bytes: usize| bytes > 0 && bytes < MIN_SECRET_BYTES;
        [
            (
                !self.has_private_redis() && secret_bytes == 0,
                "auth.jwt_secret is required with redis.url; generate one with `chinwag secret`",
            ),
            (is_short(secret_bytes), "auth.jwt_secret must have at least 32 bytes"),
            (is_short(previous_bytes), "auth.jwt_secret_previous must have at least 32 bytes"),
            (
                !(1..=MAX_TOKEN_TTL_SECS).contains(&auth.token_ttl_secs),
                "auth.token_ttl_secs must be between 1 and 31622400",
            ),
            (!(4..=31).contains(&auth.bcrypt_cost), "auth.bcrypt_cost must be between 4 and 31"),
        ]
    }

    /// Rules of messages, presence, durability, uploads and limits.
    fn storage_rules(&self) -> [Rule; 16] {
        [
            (self.data.dir.as_os_str().is_empty(), "data.dir must not be empty"),
            (
                !(1..=MAX_PER_ROOM).contains(&self.messages.max_per_room),
                "messages.max_per_room must be between 1 and 1000",
            ),
            (
                !(1..=MAX_RETENTION_SECS).contains(&self.messages.retention_secs),
                "messages.retention_secs must be between 1 and 604800",
            ),
            (
                !(1..=MAX_OFFLINE_SECS).contains(&self.presence.offline_after_secs),
                "presence.offline_after_secs must be between 1 and 2592000",
            ),
            (
                !(1..=MAX_LEASE_SECS).contains(&self.presence.lease_secs),
                "presence.lease_secs must be between 1 and 3600",
            ),
            (
                self.has_private_redis() && self.redis.durability != Durability::Server,
                "redis.durability must be server without redis.url: a private Redis has no replicas",
            ),
            (!is_upload_address(&self.uploads.url), "uploads.url must be like file:///folder or s3://bucket/prefix"),
            (self.uploads.max_bytes == 0, "uploads.max_bytes must be at least 1"),
            (!(1..=MAX_CHECK_SECS).contains(&self.uploads.check_secs), "uploads.check_secs must be between 1 and 3600"),
            (
                self.limits.uploads_bytes_per_day < self.uploads.max_bytes,
                "limits.uploads_bytes_per_day must be at least uploads.max_bytes",
            ),
            (self.limits.members_listed == 0, "limits.members_listed must be at least 1"),
            (self.limits.members_answered == 0, "limits.members_answered must be at least 1"),
            (self.has_zero_limit(), "limits: every rate and burst must be at least 1"),
            (
                !(1..=MAX_WRONG_PASSWORDS_SECS).contains(&self.limits.wrong_passwords_secs),
                "limits.wrong_passwords_secs must be between 1 and 86400",
            ),
            (
                !(1..=MAX_TYPING_SECS).contains(&self.limits.typing_secs),
                "limits.typing_secs must be between 1 and 3600",
            ),
            (self.limits.sends_per_sec > MAX_SENDS_PER_SEC, "limits.sends_per_sec must be at most 100000"),
        ]
    }

    /// Rules of the addresses of Redis and of logging in there.
    fn redis_rules(&self) -> [Rule; 7] {
        let redis = &self.redis;
        let (is_set, is_private) = (|path: &Path| !path.as_os_str().is_empty(), self.has_private_redis());
        let has_files = [&redis.tls_ca, &redis.tls_cert, &redis.tls_key].into_iter().any(|path| is_set(path));
        let has_login = !redis.username.is_empty() || is_set(&redis.password_file) || !redis.sentinel_master.is_empty();
        [
            (
                !is_private && redis.addresses().is_none(),
                "redis.url must be like redis://host:6379/0, rediss://host or redis+unix:///path, or several",
            ),
            (
                is_private && (redis.mode != RedisMode::Auto || has_login || has_files),
                "redis.url is required with the settings of servers",
            ),
            (
                !is_private && !redis.is_uniform(),
                "redis.url: all addresses must have the same scheme, user, password and database",
            ),
            (
                matches!(redis.mode, RedisMode::Sentinel | RedisMode::Cluster) && !is_private && redis.has_sockets(),
                "redis.mode: sentinels and clusters need addresses with host and port",
            ),
            (
                is_set(&redis.password_file) && !is_private && redis.has_password(),
                "redis.password_file and a password in redis.url exclude each other",
            ),
            (
                has_files && !is_private && !redis.has_tls(),
                "redis.tls_ca, redis.tls_cert and redis.tls_key need addresses like rediss://host:6379",
            ),
            (
                is_set(&redis.tls_cert) != is_set(&redis.tls_key),
                "redis.tls_cert and redis.tls_key must be set together",
            ),
        ]
    }

    /// Rules of time zones, reports and addresses.
    fn surface_rules(&self) -> [Rule; 10] {
        let (server, stats) = (&self.server, &self.stats);
        [
            (is_unknown_zone(&stats.timezone), "stats.timezone is not a time zone that this system knows"),
            (
                stats.report_ms != 0 && !(MIN_REPORT_MS..=MAX_REPORT_MS).contains(&stats.report_ms),
                "stats.report_ms must be 0 or between 50 and 10000",
            ),
            (
                !self.chatroom.naive_timezone.is_empty() && is_unknown_zone(&self.chatroom.naive_timezone),
                "chatroom.naive_timezone is not a time zone that this system knows",
            ),
            (
                !server.public_url.is_empty() && !is_web_address(&server.public_url),
                "server.public_url must begin with http:// or https://",
            ),
            (
                server.allowed_origins.iter().any(|origin| !is_web_address(origin) || origin.ends_with('/')),
                "server.allowed_origins must be origins like https://app.example.org",
            ),
            (
                !server.metrics_address.is_empty() && server.metrics_listener().is_none(),
                "server.metrics_address must be like 127.0.0.1:9100",
            ),
            (!(1..=MAX_HEAD_SECS).contains(&server.head_secs), "server.head_secs must be between 1 and 300"),
            (
                !(1..=MAX_OUTBOUND_SECS).contains(&self.outbound.timeout_secs),
                "outbound.timeout_secs must be between 1 and 60",
            ),
            (!is_header_name(&server.retry_header), "server.retry_header must be the name of a header, or empty"),
            (
                !server.websocket_path.starts_with('/') || RESERVED_PATHS.contains(&server.websocket_path.as_str()),
                "server.websocket_path must begin with / and must not be a path that is in use, like / or /ws",
            ),
        ]
    }

    fn has_zero_limit(&self) -> bool {
        let limits = &self.limits;
        [
            limits.sends_per_sec,
            limits.sends_burst,
            limits.user_sends_per_sec,
            limits.user_sends_burst,
            limits.requests_per_sec,
            limits.requests_burst,
            limits.application_requests_per_sec,
            limits.application_requests_burst,
            limits.sign_ins_per_sec,
            limits.sign_ins_burst,
            limits.refused_tokens_per_sec,
            limits.refused_tokens_burst,
            limits.wrong_passwords,
            limits.searches_per_sec,
            limits.searches_burst,
            limits.uploads_per_sec,
            limits.uploads_burst,
            limits.uploads_at_once,
            limits.rooms_per_sec,
            limits.rooms_burst,
            limits.sockets_per_user,
            limits.sockets_per_address,
            limits.connections_per_address,
        ]
        .contains(&0)
    }
}

fn is_header_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_unknown_zone(name: &str) -> bool {
    jiff::tz::TimeZone::get(name).is_err()
}

fn is_upload_address(text: &str) -> bool {
    text.is_empty() || has_scheme(text, "file") || (cfg!(feature = "s3") && has_scheme(text, "s3"))
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.split_once("://").is_some_and(|(found, rest)| found == scheme && !rest.is_empty())
}

pub(super) fn is_web_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}
