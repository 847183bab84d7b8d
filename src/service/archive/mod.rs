//! The file of a backup: what was copied, in a form that shows whether it is whole.
//!
//! A line that says what it is, the number of its format, frames, and the SHA-256 of all before it. A frame is a letter and its
//! fields; numbers are little-endian, texts and bytes begin with their length (32 bits):
//!
//! | frame | fields |
//! |---|---|
//! | `I` | a description, JSON: see [`Description`] |
//! | `K` | a key: name, when it expires (ms, 0 for never), entries of a stream, its value as `DUMP` gives it |
//! | `H`, `Z` | a part of a hash or of a sorted set: name, when it expires, number of pairs, pairs |
//! | `F`, `C`, `E` | a file: its path; a piece of it; its end |
//! | `S` | the sums, JSON: see [`Contents`]; the last frame |

mod read;
mod write;

pub use read::{Archive, Frame};
pub use write::ArchiveWriter;

use serde::{Deserialize, Serialize};

use crate::domain::Error;
use crate::store::Unusable;

/// The first line.
const MAGIC: &[u8] = b"chinwag backup\n";
/// The number of the format.
const FORMAT: u32 = 1;
/// Bytes of the hash at the end.
const HASH_BYTES: u64 = 32;

/// Where an archive comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The version that wrote it.
    pub version: String,
    /// When that began, UTC milliseconds.
    pub begun_at_ms: u64,
    /// Whether the uploads are in it.
    pub has_uploads: bool,
}

/// What is in an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Accounts.
    pub accounts: u64,
    /// Rooms, direct ones included.
    pub rooms: u64,
    /// Messages, deleted ones included.
    pub messages: u64,
    /// Keys, and parts of large ones.
    pub keys: u64,
    /// Uploaded files.
    pub files: u64,
}

impl std::fmt::Display for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { accounts, rooms, messages, keys: _, files } = self;
        write!(f, "{accounts} accounts, {rooms} rooms, {messages} messages, {files} files")
    }
}

/// Reasons why a backup is not made or not restored. Prints as one line.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("this is no backup of Chinwag")]
    Foreign,
    /// A newer version wrote the file.
    #[error("its format is {0}, this version reads {FORMAT}: restore it with the version that wrote it")]
    Format(u32),
    /// The file is not as it was written.
    #[error("it is incomplete or was altered")]
    Damaged,
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// Something is stored already.
    #[error("there is a chat already: restore into an empty Redis, or replace everything with --replace")]
    NotEmpty,
    /// A node would go on with what it remembers.
    #[error("node {0} runs: stop all nodes first")]
    Running(String),
    /// Redis or the file store failed.
    #[error("{}", line(.0))]
    Store(#[from] Error),
}

/// What an operator has to change, or what failed.
fn line(error: &Error) -> String {
    Unusable::line(error).map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
