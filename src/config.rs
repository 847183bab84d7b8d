//! Configuration: `config/default.toml` (embedded), then a file, then the environment.
//!
//! One struct per concern, units in names. Values are checked here once and are valid from then on.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use config::{Environment, File, FileFormat};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

mod network;

pub use network::Network;

/// Every setting with its default and meaning.
const DEFAULTS: &str = include_str!("../config/default.toml");
/// Shortest signing key, in bytes: as long as the output of HMAC-SHA256.
pub(crate) const MIN_SECRET_BYTES: usize = 32;
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

/// A setting that is unknown, missing or wrong: one line naming key and reason.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(String);

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Listening and stopping.
    pub server: ServerConfig,
    /// The store.
    pub redis: RedisConfig,
    /// The node's folder.
    pub data: DataConfig,
    /// Tokens and passwords.
    pub auth: AuthConfig,
    /// Bounds.
    pub limits: LimitsConfig,
    /// Retention.
    pub messages: MessagesConfig,
    /// Files.
    pub uploads: UploadsConfig,
    /// Being online.
    pub presence: PresenceConfig,
    /// Who sees what.
    pub privacy: PrivacyConfig,
    /// Figures.
    pub stats: StatsConfig,
    /// Document 003's own.
    pub chatroom: ChatroomConfig,
    /// Logging.
    pub log: LogConfig,
}

/// Listening and stopping.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// Worker threads; 0 means one per core.
    pub workers: usize,
    /// Address under which clients reach the server, or empty.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<Network>,
    /// Origins that may call besides the server's own and localhost.
    #[serde(deserialize_with = "list")]
    pub allowed_origins: Vec<String>,
    /// Another path for document 004's WebSocket.
    pub websocket_path: String,
    /// Seconds between the order to stop and the end of accepting.
    pub drain_secs: u64,
    /// Seconds that requests under way may take after that.
    pub shutdown_secs: u64,
}

/// The store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Address, or empty for a private Redis.
    pub url: String,
    /// Put before every key.
    pub prefix: String,
    /// How the private Redis writes its log.
    pub fsync: Fsync,
}

/// When the private Redis forces its log to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// Every second.
    Everysec,
    /// Before each answer.
    Always,
}

/// The node's folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The folder.
    pub dir: PathBuf,
}

/// Tokens and passwords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// Key that signs.
    pub jwt_secret: SecretString,
    /// Key before it.
    pub jwt_secret_previous: SecretString,
    /// Life of a token.
    pub token_ttl_secs: u64,
    /// bcrypt cost.
    pub bcrypt_cost: u32,
}

/// Bounds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// One switch for all rate limits.
    pub enabled: bool,
    /// Messages a second into one room.
    pub sends_per_sec: u32,
    /// Messages at once into one room.
    pub sends_burst: u32,
    /// Requests of a user a second on one node.
    pub requests_per_sec: u32,
    /// Requests of a user at once on one node.
    pub requests_burst: u32,
    /// Sign-ins from an address a second on one node.
    pub sign_ins_per_sec: u32,
    /// Sign-ins from an address at once on one node.
    pub sign_ins_burst: u32,
    /// Rooms that a user makes a second on one node.
    pub rooms_per_sec: u32,
    /// Rooms that a user makes at once on one node.
    pub rooms_burst: u32,
    /// Uploads of a user a second on one node.
    pub uploads_per_sec: u32,
    /// Uploads of a user at once on one node.
    pub uploads_burst: u32,
    /// Most members that a list shows of a room.
    pub members_listed: usize,
    /// Most members of a room in which receipts are kept.
    pub receipt_members: u64,
    /// Open sockets of a user on one node.
    pub sockets_per_user: u32,
    /// Open sockets from an address on one node.
    pub sockets_per_address: u32,
    /// Seconds for which a socket may be behind.
    pub behind_secs: u64,
}

/// Retention.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesConfig {
    /// Messages kept of a room.
    pub max_per_room: u64,
    /// Seconds for which they are kept.
    pub retention_secs: u64,
}

/// Files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadsConfig {
    /// Where they are kept, or empty for the node's folder.
    pub url: String,
    /// Largest file.
    pub max_bytes: u64,
    /// Days for which files are kept that were not uploaded as a message; 0 for ever.
    pub keep_days: u64,
}

/// Being online.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceConfig {
    /// Seconds without activity after which a user is offline.
    pub offline_after_secs: u64,
}

/// Who sees what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyConfig {
    /// Who sees addresses of others.
    pub ip_visibility: IpVisibility,
}

/// Who sees addresses of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpVisibility {
    /// Everyone.
    Everyone,
    /// Administrators.
    Admins,
}

/// Figures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatsConfig {
    /// Time zone whose midnight begins a day.
    pub timezone: String,
    /// Milliseconds between a node's reports for the dashboard; 0 is none.
    pub report_ms: u64,
}

/// Document 003's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatroomConfig {
    /// Zone in which times are printed without a zone, or empty.
    pub naive_timezone: String,
}

/// Logging.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Level or filter.
    pub filter: String,
    /// Form of the lines.
    pub format: LogFormat,
}

/// Form of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// For machines.
    Json,
}

impl Config {
    /// Reads the defaults, then `file`, then `CHINWAG_…` from the environment.
    ///
    /// # Errors
    /// One line naming the key and the reason.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut sources = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            sources = sources.add_source(File::from(path).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("CHINWAG").prefix_separator("_").separator("__");
        let config = sources.add_source(environment).build().map_err(|error| ConfigError(error.to_string()))?;
        let config: Self = config.try_deserialize().map_err(|error| ConfigError(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// The defaults alone.
    pub fn defaults() -> Self {
        let config = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build();
        config.and_then(config::Config::try_deserialize).expect("the embedded defaults are complete")
    }

    /// Whether Chinwag runs a Redis of its own.
    pub fn is_single_node(&self) -> bool {
        self.redis.url.is_empty()
    }

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
                    || ["/", "/ws", "/api/v1/ws"].contains(&self.server.websocket_path.as_str()),
                "server.websocket_path must begin with / and be neither /, /ws nor /api/v1/ws",
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

/// A list, or its items in one text separated by commas, as the environment has it.
fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Raw {
        List(Vec<String>),
        Text(String),
    }
    let items = match Raw::deserialize(deserializer)? {
        Raw::List(items) => items,
        Raw::Text(text) => text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
    };
    items.iter().map(|item| item.parse().map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<Config, ConfigError> {
        let sources = config::Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from_str(text, FileFormat::Toml));
        let config: Config = sources
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| ConfigError(error.to_string()))?;
        config.check().map(|()| config)
    }

    #[test]
    fn defaults_are_valid() {
        assert!(Config::defaults().check().is_ok());
    }

    #[test]
    fn wrong_settings_name_their_key() {
        let cases = [
            ("[server]\nprot = 1", "prot"),
            ("[server]\nport = \"x\"", "port"),
            ("[auth]\nbcrypt_cost = 3", "bcrypt_cost"),
            ("[auth]\njwt_secret = \"short\"", "jwt_secret"),
            ("[redis]\nurl = \"redis://x\"", "jwt_secret"),
            ("[server]\ntrusted_proxies = [\"10.0.0.0/33\"]", "10.0.0.0/33"),
            ("[privacy]\nip_visibility = \"nobody\"", "ip_visibility"),
            ("[stats]\ntimezone = \"Mars/Olympus\"", "timezone"),
            ("[stats]\nreport_ms = 20", "report_ms"),
            ("[messages]\nmax_per_room = 1001", "max_per_room"),
            ("[presence]\noffline_after_secs = 99999999999", "offline_after_secs"),
            ("[uploads]\nurl = \"ftp://x\"", "uploads.url"),
            ("[redis]\nurl = \"nonsense\"\n[auth]\njwt_secret = \"0123456789012345678901234567890123\"", "redis.url"),
        ];
        for (text, key) in cases {
            let error = with_file(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(key), "{text:?} gave {error:?}");
            assert!(!error.contains('\n'), "{error:?}");
        }
    }
}
