//! Errors that keep a node from starting.

use std::path::PathBuf;

use super::data_folder::FolderError;
use super::private_redis::PrivateRedisError;
use crate::config::ConfigError;
use crate::domain::Error;
use crate::store::Unusable;

/// An error that keeps a node from starting. Prints as one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The private Redis cannot be started.
    #[error(transparent)]
    PrivateRedis(#[from] PrivateRedisError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A setting differs from that of another node that runs.
    #[error("{0}")]
    Differs(String),
    /// A command for an existing chat was given where there is none.
    #[error("{} is no data folder: give the command in the folder of the node, or set data.dir or redis.url", .0.display())]
    NoData(PathBuf),
    /// Redis, or another part that a node needs, is not usable.
    #[error("{0}")]
    Node(Error),
    /// The settings of Redis, or the rights that it grants, have to be changed.
    #[error("{0}")]
    Redis(String),
    /// An operation on a file or socket failed.
    #[error("{what}: {source}")]
    Io {
        /// The file, or the settings of the socket.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
}

impl From<Error> for StartError {
    fn from(error: Error) -> Self {
        match Unusable::line(&error) {
            Some(line) => Self::Redis(line.to_owned()),
            None => Self::Node(error),
        }
    }
}
