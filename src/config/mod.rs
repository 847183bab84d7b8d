//! Configuration: `config/default.toml` (embedded), then a file, then the environment.
//!
//! One struct per concern, units in names. Values are checked here once and are valid from then on.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use config::{Environment, File, FileFormat};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

mod checks;
mod network;

pub use network::Network;

/// Every setting with its default and meaning.
const DEFAULTS: &str = include_str!("../../config/default.toml");
/// Shortest signing key, in bytes: as long as the output of HMAC-SHA256.
pub(crate) const MIN_SECRET_BYTES: usize = 32;

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
    /// Metrics.
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

/// Metrics.
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

    /// Whether Chinwag runs a private Redis.
    pub fn has_private_redis(&self) -> bool {
        self.redis.url.is_empty()
    }
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
            ("[server]\nwebsocket_path = \"/chat\"", "websocket_path"),
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
