//! Why a node does not start, and why one ends by itself.

use super::private_redis::PrivateRedisError;
use crate::config::ConfigError;
use crate::domain::Error;

/// Why a node does not start, in one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no private Redis.
    #[error(transparent)]
    PrivateRedis(#[from] PrivateRedisError),
    /// Redis is not usable, or something else that is needed.
    #[error("{0}")]
    Node(#[from] Error),
    /// A file or socket.
    #[error("{what}: {source}")]
    Io {
        /// Which.
        what: String,
        /// The reason.
        source: std::io::Error,
    },
}
