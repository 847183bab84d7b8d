//! Configuration: `config/default.toml` (embedded), then a file, then the environment.
//!
//! There is one struct per section, with units in the names of fields. `config/default.toml` documents each setting.
//! Values are validated once, when they are loaded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::{File, FileFormat};
use secrecy::SecretString;
use serde::Deserialize;

mod checks;
mod durability;
mod environment;
mod error;
mod issuers;
mod network;
mod outbound;
mod presence;
mod push;
mod redis;
mod server;
mod telemetry;
mod values;
mod words;

pub use self::redis::{Fsync, RedisConfig, RedisMode};
pub use durability::Durability;
pub use error::ConfigError;
pub use issuers::IssuerConfig;
pub use network::Network;
pub use outbound::OutboundConfig;
pub use presence::PresenceConfig;
pub use push::PushConfig;
pub use server::ServerConfig;
pub use telemetry::TelemetryConfig;
pub use values::Values;
pub use words::{Adding, IpVisibility, KeyKind, LogFormat, Registration, SigningAlgorithm};

/// All settings with their defaults and documentation.
const DEFAULTS: &str = include_str!("../../config/default.toml");
/// Minimum length of a signing secret in bytes: the output size of HMAC-SHA256.
pub(crate) const MIN_SECRET_BYTES: usize = 32;

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct Config {
    /// Section `server`.
    pub server: ServerConfig,
    /// Section `redis`.
    pub redis: RedisConfig,
    /// Section `data`.
    pub data: DataConfig,
    /// Section `auth`.
    pub auth: AuthConfig,
    /// Section `limits`.
    pub limits: LimitsConfig,
    /// Section `messages`.
    pub messages: MessagesConfig,
    /// Section `uploads`.
    pub uploads: UploadsConfig,
    /// Section `presence`.
    pub presence: PresenceConfig,
    /// Section `privacy`.
    pub privacy: PrivacyConfig,
    /// Section `push`.
    pub push: PushConfig,
    /// Section `stats`.
    pub stats: StatsConfig,
    /// Section `chatroom`.
    pub chatroom: ChatroomConfig,
    /// Section `outbound`.
    pub outbound: OutboundConfig,
    /// Section `telemetry`.
    pub telemetry: TelemetryConfig,
    /// Section `log`.
    pub log: LogConfig,
}

/// Settings of the data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct DataConfig {
    /// Path of the data folder.
    pub dir: PathBuf,
}

/// Settings for tokens and passwords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct AuthConfig {
    /// Secret that signs and verifies tokens; empty to use the one kept in the data folder.
    pub jwt_secret: SecretString,
    /// Former secret that still verifies tokens, or empty.
    pub jwt_secret_previous: SecretString,
    /// Lifetime of a token, in seconds.
    pub token_ttl_secs: u64,
    /// Cost factor of bcrypt.
    pub bcrypt_cost: u32,
    /// Who may register.
    pub registration: Registration,
    /// Other issuers whose tokens are accepted.
    pub issuers: Vec<IssuerConfig>,
}

/// Rate limits and other bounds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct LimitsConfig {
    /// Whether rate limits apply.
    pub enabled: bool,
    /// Messages per second from one user in one room.
    pub sends_per_sec: u32,
    /// Burst of messages from one user in one room.
    pub sends_burst: u32,
    /// Messages per second from one user in all rooms, on one node.
    pub user_sends_per_sec: u32,
    /// Burst of messages from one user in all rooms, on one node.
    pub user_sends_burst: u32,
    /// Requests per second and user on one node.
    pub requests_per_sec: u32,
    /// Burst of requests per user on one node.
    pub requests_burst: u32,
    /// Requests per second and application on one node.
    pub application_requests_per_sec: u32,
    /// Burst of requests per application on one node.
    pub application_requests_burst: u32,
    /// Sign-ins per second and IP address on one node.
    pub sign_ins_per_sec: u32,
    /// Burst of sign-ins per IP address on one node.
    pub sign_ins_burst: u32,
    /// Refused tokens per second and IP address on one node.
    pub refused_tokens_per_sec: u32,
    /// Burst of refused tokens per IP address on one node.
    pub refused_tokens_burst: u32,
    /// Wrong passwords per account and IP address that need no waiting.
    pub wrong_passwords: u32,
    /// Seconds after which wrong passwords are forgotten; the longest wait after one.
    pub wrong_passwords_secs: u64,
    /// Searches per second and user on one node.
    pub searches_per_sec: u32,
    /// Burst of searches per user on one node.
    pub searches_burst: u32,
    /// Seconds between two announcements of typing by one user in one room.
    pub typing_secs: u64,
    /// Maximum number of members of a room that hears announcements of typing.
    pub typing_members: u64,
    /// Rooms created per second and user on one node.
    pub rooms_per_sec: u32,
    /// Burst of rooms created per user on one node.
    pub rooms_burst: u32,
    /// Maximum number of rooms in which a user may be.
    pub rooms_per_user: u64,
    /// Maximum number of rooms that a user may make in a day.
    pub rooms_made_daily: u64,
    /// Uploads per second and user on one node.
    pub uploads_per_sec: u32,
    /// Burst of uploads per user on one node.
    pub uploads_burst: u32,
    /// Uploads of a user on one node at the same time.
    pub uploads_at_once: u32,
    /// Bytes that a user may upload a day.
    pub uploads_bytes_per_day: u64,
    /// Maximum number of members in a room's member list.
    pub members_listed: usize,
    /// Maximum number of members that a list of rooms shows in all.
    pub members_answered: usize,
    /// Maximum number of members of a room with receipts.
    pub receipt_members: u64,
    /// Open WebSockets per user on one node.
    pub sockets_per_user: u32,
    /// Open WebSockets per IP address on one node.
    pub sockets_per_address: u32,
    /// Open connections per IP address on one node, without WebSockets.
    pub connections_per_address: u32,
    /// Seconds for which a WebSocket may lag before it is closed.
    pub behind_secs: u64,
}

/// Settings for the retention of messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct MessagesConfig {
    /// Maximum number of messages kept per room.
    pub max_per_room: u64,
    /// Seconds for which a message is kept.
    pub retention_secs: u64,
    /// Bytes of the newest messages of rooms that a node keeps in memory for histories; 0 for none.
    pub tail_bytes: usize,
}

/// Settings for uploaded files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct UploadsConfig {
    /// Where uploads are stored; empty for the data folder.
    pub url: String,
    /// Maximum size of an upload.
    pub max_bytes: u64,
    /// Bytes of the disk that stay free.
    pub reserve_bytes: u64,
    /// Days for which files are kept after the last message that used them, except those that belong to a message of
    /// document 003; 0 keeps them forever.
    pub keep_days: u32,
    /// Seconds between searches for files that are not needed any more.
    pub check_secs: u64,
}

/// Settings for privacy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct PrivacyConfig {
    /// Users who may see the IP addresses of others.
    pub ip_visibility: IpVisibility,
    /// Users who may add another to a room.
    pub adding: Adding,
}

/// Settings for the dashboard.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct StatsConfig {
    /// Time zone in which a day begins at midnight.
    pub timezone: String,
    /// Milliseconds between a node's reports for the dashboard; 0 turns them off.
    pub report_ms: u64,
}

/// Settings for the dialect of document 003.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct ChatroomConfig {
    /// Time zone of times printed without an offset; empty to print UTC with `Z`.
    pub naive_timezone: String,
}

/// Settings for logging.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct LogConfig {
    /// Level or filter, as `tracing` parses it.
    pub filter: String,
    /// Format of the log lines.
    pub format: LogFormat,
}

impl Config {
    /// Loads the defaults, then `file`, then the environment variables `CHINWAG_<SECTION>__<KEY>`.
    ///
    /// # Errors
    /// One line that names the key and the reason.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Ok(Self::load_with(file, std::env::vars_os())?.0)
    }

    /// The same with the values as they were written, to tell what changes.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_values(file: Option<&Path>) -> Result<(Self, Values), ConfigError> {
        Self::load_with(file, std::env::vars_os())
    }

    fn load_with(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(Self, Values), ConfigError> {
        let mut sources = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            sources = sources.add_source(File::from(path).format(FileFormat::Toml));
        }
        let sources = sources.add_source(environment::source(variables)?);
        let sources = sources.build()?;
        let values = Values::of(&sources)?;
        let config: Self = sources.try_deserialize()?;
        config.check()?;
        Ok((config, values))
    }

    /// Returns the defaults alone.
    pub fn defaults() -> Self {
        let config = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build();
        config.and_then(config::Config::try_deserialize).expect("the embedded defaults are complete")
    }

    /// Whether the node runs a private Redis.
    pub fn has_private_redis(&self) -> bool {
        self.redis.url.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn with_file(text: &str) -> Result<Config, ConfigError> {
        let sources = config::Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from_str(text, FileFormat::Toml));
        let config: Config = sources.build()?.try_deserialize()?;
        config.check().map(|()| config)
    }

    #[test]
    fn defaults_are_valid() {
        assert!(Config::defaults().check().is_ok());
    }

    /// The whole line of an error that the library makes.
    #[test]
    fn errors_say_what_is_expected_in_words_for_people() {
        let cases = [
            ("[server]\nport = 99999", "server.port: must be a whole number from 0 to 65535, not 99999"),
            ("[server]\nport = \"x\"", "server.port: must be a whole number, not \"x\""),
            ("[limits]\nenabled = \"maybe\"", "limits.enabled: must be a boolean, not \"maybe\""),
            ("[limits]\nsends_per_sec = -1", "limits.sends_per_sec: must be a whole number from 0, not -1"),
            ("[auth]\nregistration = \"shut\"", "auth.registration: must be open or invite or closed, not \"shut\""),
            ("[auth]\nregistration = 5", "auth.registration: must be open or invite or closed, not \"5\""),
            ("[log]\nformat = 4", "log.format: must be auto or human or json, not \"4\""),
            ("[redis]\nfsync = \"never\"", "redis.fsync: must be everysec or always, not \"never\""),
            ("server = 3", "server: must be a section of settings, not 3"),
            (
                "[server]\ntrusted_proxies = 5",
                "server.trusted_proxies: must be a list of texts, or one text with commas between them",
            ),
            ("[server", "TOML parse error at line 1, column 8: unclosed table, expected `]`"),
        ];
        for (text, expected) in cases {
            let error = with_file(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(error, format!("configuration: {expected}"), "{text:?}");
        }
    }

    #[test]
    fn errors_name_the_key_of_the_invalid_setting() {
        let cases = [
            ("[server]\nprot = 1", "prot"),
            ("[server]\nport = \"x\"", "port"),
            ("[auth]\nbcrypt_cost = 3", "bcrypt_cost"),
            ("[auth]\njwt_secret = \"short\"", "jwt_secret"),
            ("[auth]\nregistration = \"shut\"", "registration"),
            ("[redis]\nurl = \"redis://x\"", "jwt_secret"),
            ("[server]\ntrusted_proxies = [\"10.0.0.0/33\"]", "10.0.0.0/33"),
            ("[server]\nmetrics_address = \"9100\"", "metrics_address"),
            ("[server]\nmetrics_address = \"localhost:http\"", "metrics_address"),
            ("[server]\nmetrics_address = \":9100\"", "metrics_address"),
            ("[server]\nhead_secs = 0", "head_secs"),
            ("[limits]\nconnections_per_address = 0", "limits"),
            ("[server]\nretry_header = \"a b\"", "retry_header"),
            ("[redis]\ndurability = \"replicas:3\"", "redis.durability"),
            ("[redis]\ndurability = \"replicas:1\"", "redis.durability"),
            ("[privacy]\nip_visibility = \"nobody\"", "ip_visibility"),
            ("[privacy]\nadding = \"nobody\"", "adding"),
            ("[stats]\ntimezone = \"Mars/Olympus\"", "timezone"),
            ("[stats]\nreport_ms = 20", "report_ms"),
            ("[server]\nwebsocket_path = \"/chat\"", "websocket_path"),
            ("[messages]\nmax_per_room = 1001", "max_per_room"),
            ("[presence]\noffline_after_secs = 99999999999", "offline_after_secs"),
            ("[uploads]\nurl = \"ftp://x\"", "uploads.url"),
            ("[uploads]\ncheck_secs = 0", "uploads.check_secs"),
            ("[limits]\nuploads_at_once = 0", "limits"),
            ("[limits]\nuploads_bytes_per_day = 1000", "limits.uploads_bytes_per_day"),
            ("[limits]\napplication_requests_per_sec = 0", "limits"),
            ("[outbound]\nallowed_networks = [\"10.0.0.0/33\"]", "10.0.0.0/33"),
            ("[outbound]\nrefused_networks = [\"203.0.113\"]", "203.0.113"),
            ("[outbound]\ntimeout_secs = 0", "outbound.timeout_secs"),
        ];
        for (text, key) in cases {
            let error = with_file(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(key), "{text:?} gave {error:?}");
            assert!(!error.contains('\n'), "{error:?}");
        }
    }

    #[test]
    fn errors_of_redis_settings_name_the_key() {
        let cases = [
            ("url = \"nonsense\"", "redis.url"),
            ("url = \"redis://a,http://b\"", "redis.url"),
            ("url = \"redis://a/0,redis://b/1\"", "redis.url"),
            ("url = \"redis://a,rediss://b\"", "redis.url"),
            ("url = \"redis://a\"\nmode = \"ring\"", "mode"),
            ("url = \"redis+unix:///redis.sock\"\nmode = \"cluster\"", "redis.mode"),
            ("url = \"redis+unix:///a\"\nmode = \"sentinel\"", "redis.mode"),
            ("url = \"redis://:a@b\"\npassword_file = \"/c\"", "redis.password_file"),
            ("url = \"redis://a\"\ntls_ca = \"/b\"", "redis.tls_ca"),
            ("url = \"rediss://a\"\ntls_cert = \"/b\"", "redis.tls_key"),
            ("mode = \"sentinel\"", "redis.url"),
        ];
        for (text, key) in cases {
            let text = format!("[redis]\n{text}\n[auth]\njwt_secret = \"0123456789012345678901234567890123\"");
            let error = with_file(&text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(key), "{text:?} gave {error:?}");
            assert!(!error.contains('\n'), "{error:?}");
        }
    }
}
