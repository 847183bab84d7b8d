//! Settings of the store: where Redis is, and how to log in.

use std::path::PathBuf;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use serde::Deserialize;

use super::Durability;
use super::words::one_of;

/// Settings of the store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct RedisConfig {
    /// Addresses of Redis, separated by commas; empty for a private Redis.
    pub url: String,
    /// What is at the addresses.
    pub mode: RedisMode,
    /// User of Redis; empty for the one in the addresses.
    pub username: String,
    /// File with the password, read at each connect; empty for the password in the addresses.
    pub password_file: PathBuf,
    /// Name under which Sentinel knows the primary; empty when it knows only one.
    pub sentinel_master: String,
    /// User of the sentinels.
    pub sentinel_username: String,
    /// File with the password of the sentinels; empty when they have none.
    pub sentinel_password_file: PathBuf,
    /// Certificates of the servers' certificate authorities, PEM; empty for those of the system.
    pub tls_ca: PathBuf,
    /// The node's own certificate, PEM; empty when servers require none.
    pub tls_cert: PathBuf,
    /// The key of that certificate, PEM.
    pub tls_key: PathBuf,
    /// Prefix of every key.
    pub prefix: String,
    /// When the private Redis syncs its log to disk.
    pub fsync: Fsync,
    /// Memory that the private Redis may use, in bytes; 0 for half of the machine's.
    pub private_maxmemory_bytes: u64,
    /// What must have received a write before it is acknowledged.
    pub durability: Durability,
    /// Seconds with too few replicas after which fewer are enough; 0 means never.
    pub durability_floor_secs: u64,
}

/// What is at the addresses of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum RedisMode {
    /// Whatever answers: servers or sentinels.
    Auto,
    /// One server, or several of which one takes writes.
    Single,
    /// Sentinels, which know where the primary is.
    Sentinel,
    /// A cluster.
    Cluster,
}

impl TryFrom<String> for RedisMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let words =
            [("auto", Self::Auto), ("single", Self::Single), ("sentinel", Self::Sentinel), ("cluster", Self::Cluster)];
        one_of(&text, &words)
    }
}

/// When the private Redis syncs its log to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Fsync {
    /// Every second.
    Everysec,
    /// Before each reply.
    Always,
}

impl TryFrom<String> for Fsync {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        one_of(&text, &[("everysec", Self::Everysec), ("always", Self::Always)])
    }
}

impl RedisConfig {
    /// Parses the addresses. `None` when one of them is none.
    pub fn addresses(&self) -> Option<Vec<ConnectionInfo>> {
        split(&self.url).iter().map(|address| parse(address.trim())).collect()
    }

    /// Whether the connections are encrypted.
    pub fn has_tls(&self) -> bool {
        self.addresses().is_some_and(|all| all.iter().any(is_tls))
    }

    /// Whether a setting is there that only sentinels need.
    pub fn names_sentinels(&self) -> bool {
        let Self { sentinel_master, sentinel_username, sentinel_password_file, .. } = self;
        !sentinel_master.is_empty() || !sentinel_username.is_empty() || !sentinel_password_file.as_os_str().is_empty()
    }

    /// Whether an address holds a password.
    pub(super) fn has_password(&self) -> bool {
        self.addresses().is_some_and(|all| all.iter().any(|address| address.redis_settings().password().is_some()))
    }

    /// Whether the addresses differ in host and port only.
    pub(super) fn is_uniform(&self) -> bool {
        let Some(addresses) = self.addresses() else { return true };
        let rest = |address: &ConnectionInfo| {
            let redis = address.redis_settings();
            let login = (redis.username().map(str::to_owned), redis.password().map(str::to_owned));
            (redis.db(), login, is_tls(address), is_socket(address))
        };
        addresses.windows(2).all(|pair| rest(&pair[0]) == rest(&pair[1]))
    }

    /// Whether an address is that of a unix socket.
    pub fn has_sockets(&self) -> bool {
        self.addresses().is_some_and(|all| all.iter().any(is_socket))
    }
}

/// Splits addresses at commas. A comma that no scheme follows belongs to a password.
fn split(url: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for piece in url.split(',') {
        match addresses.last_mut() {
            Some(last) if !piece.contains("://") => *last += &format!(",{piece}"),
            Some(_) | None => addresses.push(piece.to_owned()),
        }
    }
    addresses
}

fn parse(address: &str) -> Option<ConnectionInfo> {
    let (scheme, rest) = address.split_once("://")?;
    let is_known = ["redis", "rediss", "redis+unix", "unix"].contains(&scheme) && !rest.is_empty();
    // `#insecure` would accept any certificate.
    address.into_connection_info().ok().filter(|_| is_known && !address.contains('#'))
}

fn is_tls(address: &ConnectionInfo) -> bool {
    matches!(address.addr(), ConnectionAddr::TcpTls { .. })
}

fn is_socket(address: &ConnectionInfo) -> bool {
    matches!(address.addr(), ConnectionAddr::Unix(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_addresses_and_may_stand_in_a_password() {
        assert_eq!(split("redis://a:1, redis://b/2"), ["redis://a:1", " redis://b/2"]);
        assert_eq!(split("redis://:x,y@a"), ["redis://:x,y@a"]);
        assert!(parse("redis://a:1,b:2").is_none());
        assert!(parse("rediss://a/#insecure").is_none());
        assert!(parse("redis+unix:///run/redis.sock").is_some_and(|address| is_socket(&address)));
    }
}
