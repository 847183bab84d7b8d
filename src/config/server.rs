//! Settings for listening and stopping.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::Network;

/// Settings for listening and stopping.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section of settings")]
pub struct ServerConfig {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// Address and port of health checks and metrics alone; empty to serve them with everything else.
    pub metrics_address: String,
    /// Worker threads; 0 means one per core.
    pub workers: usize,
    /// Base URL under which clients reach the server; empty to derive it from each request.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` is trusted.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<Network>,
    /// Header with an id of a request that makes retries safe; empty for none.
    pub retry_header: String,
    /// Allowed origins besides the server's own and localhost.
    #[serde(deserialize_with = "list")]
    pub allowed_origins: Vec<String>,
    /// An additional path for the WebSocket of document 004.
    pub websocket_path: String,
    /// Seconds that the head of a request may take.
    pub head_secs: u32,
    /// Seconds for which a stopping node still accepts connections.
    pub drain_secs: u64,
    /// Seconds for which pending requests may continue after that.
    pub shutdown_secs: u64,
}

impl ServerConfig {
    /// Host and port of `metrics_address`, if there is one.
    pub fn metrics_listener(&self) -> Option<(&str, u16)> {
        let (host, port) = self.metrics_address.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some((host, port.parse().ok()?)).filter(|_| !host.is_empty())
    }
}

/// Deserializes a list, or a comma-separated string as environment variables hold it.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be a list of texts, or one text with commas between them")]
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
