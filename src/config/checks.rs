//! What no setting may be.

use secrecy::ExposeSecret;

use super::{Config, ConfigError, MIN_SECRET_BYTES};

const MAX_TOKEN_TTL_SECS: u64 = 366 * 24 * 60 * 60;
/// The script keeps time in fractions of milliseconds; below a hundredth they would vanish.
const MAX_SENDS_PER_SEC: u32 = 100_000;
const MAX_OFFLINE_SECS: u64 = 30 * 24 * 60 * 60;
/// Reports are for people who look on; a minute must have several.
const MIN_REPORT_MS: u64 = 50;
const MAX_REPORT_MS: u64 = 10_000;
/// Document 003, note 4.
const MAX_PER_ROOM: u64 = 1000;
const MAX_RETENTION_SECS: u64 = 7 * 24 * 60 * 60;
/// The sockets of other documents and the pages.
const TAKEN_PATHS: [&str; 9] =
    ["/", "/ws", "/api/v1/ws", "/chat", "/login", "/register", "/dashboard", "/docs", "/metrics"];

impl Config {
    /// Refuses values that no part of the server could use.
    ///
    /// # Errors
    /// One line naming the key and the reason.
    pub fn check(&self) -> Result<(), ConfigError> {
        let secret_bytes = self.auth.jwt_secret.expose_secret().len();
        let previous_bytes = self.auth.jwt_secret_previous.expose_secret().len();
        let is_short = |bytes: usize| bytes > 0 && bytes < MIN_SECRET_BYTES;
        let rules: [(bool, &str); 20] = [
            (
                !self.is_single_node() && secret_bytes == 0,
                "auth.jwt_secret is required with redis.url; make one with `chinwag secret`",
            ),
            (is_short(secret_bytes), "auth.jwt_secret must have at least 32 bytes"),
            (is_short(previous_bytes), "auth.jwt_secret_previous must have at least 32 bytes"),
            (
                !(1..=MAX_TOKEN_TTL_SECS).contains(&self.auth.token_ttl_secs),
                "auth.token_ttl_secs must be between 1 and 31622400",
            ),
            (!(4..=31).contains(&self.auth.bcrypt_cost), "auth.bcrypt_cost must be between 4 and 31"),
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
                !self.is_single_node() && !is_redis_address(&self.redis.url),
                "redis.url must be like redis://host:6379/0 or redis+unix:///path",
            ),
            (!is_upload_address(&self.uploads.url), "uploads.url must be like file:///folder or s3://bucket/prefix"),
            (self.limits.members_listed == 0, "limits.members_listed must be at least 1"),
            (self.has_idle_limit(), "limits: every rate and burst must be at least 1"),
            (self.limits.sends_per_sec > MAX_SENDS_PER_SEC, "limits.sends_per_sec must be at most 100000"),
            (self.uploads.max_bytes == 0, "uploads.max_bytes must be at least 1"),
            (is_no_zone(&self.stats.timezone), "stats.timezone is no time zone that this system knows"),
            (
                self.stats.report_ms != 0 && !(MIN_REPORT_MS..=MAX_REPORT_MS).contains(&self.stats.report_ms),
                "stats.report_ms must be 0 or between 50 and 10000",
            ),
            (
                !self.chatroom.naive_timezone.is_empty() && is_no_zone(&self.chatroom.naive_timezone),
                "chatroom.naive_timezone is no time zone that this system knows",
            ),
            (
                !self.server.public_url.is_empty() && !is_web_address(&self.server.public_url),
                "server.public_url must begin with http:// or https://",
            ),
            (
                self.server.allowed_origins.iter().any(|origin| !is_web_address(origin) || origin.ends_with('/')),
                "server.allowed_origins must be origins like https://app.example.org",
            ),
            (
                !self.server.websocket_path.starts_with('/')
                    || TAKEN_PATHS.contains(&self.server.websocket_path.as_str()),
                "server.websocket_path must begin with / and be no path that is in use, like / or /ws",
            ),
        ];
        match rules.into_iter().find(|(is_broken, _)| *is_broken) {
            Some((_, reason)) => Err(ConfigError(reason.to_owned())),
            None => Ok(()),
        }
    }

    fn has_idle_limit(&self) -> bool {
        let limits = &self.limits;
        [
            limits.sends_per_sec,
            limits.sends_burst,
            limits.requests_per_sec,
            limits.requests_burst,
            limits.sign_ins_per_sec,
            limits.sign_ins_burst,
            limits.uploads_per_sec,
            limits.uploads_burst,
            limits.rooms_per_sec,
            limits.rooms_burst,
            limits.sockets_per_user,
            limits.sockets_per_address,
        ]
        .contains(&0)
    }
}

fn is_no_zone(name: &str) -> bool {
    jiff::tz::TimeZone::get(name).is_err()
}

fn is_redis_address(text: &str) -> bool {
    ["redis", "redis+unix", "unix"].iter().any(|scheme| has_scheme(text, scheme))
        && redis::IntoConnectionInfo::into_connection_info(text).is_ok()
}

fn is_upload_address(text: &str) -> bool {
    text.is_empty() || has_scheme(text, "file") || (cfg!(feature = "s3") && has_scheme(text, "s3"))
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.split_once("://").is_some_and(|(found, rest)| found == scheme && !rest.is_empty())
}

fn is_web_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}
