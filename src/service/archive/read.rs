//! Reads an archive, once it has shown that it is whole.

use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Take};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{BackupError, Contents, Description, FORMAT, HASH_BYTES, MAGIC};
use crate::store::{Pairs, StoredKey, StoredValue};

/// Bytes that are hashed at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// An archive that is as it was written.
pub struct Archive<R> {
    input: Take<BufReader<R>>,
    description: Description,
}

/// What follows next in an archive.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A key, or a part of one.
    Key(StoredKey),
    /// The file with this path begins.
    File(String),
    /// A piece of the file.
    Piece(Vec<u8>),
    /// The file ends.
    EndOfFile,
    /// The archive ends.
    End(Contents),
}

impl<R: Read + Seek> Archive<R> {
    /// Reads an archive from its beginning to its end, and compares its hash.
    ///
    /// # Errors
    /// `Foreign`, `Format`, `Damaged`, `File`.
    pub fn open(mut input: R) -> Result<Self, BackupError> {
        let length = input.seek(SeekFrom::End(0))?;
        input.rewind()?;
        check_head(&mut input)?;
        let hashed = length.checked_sub(HASH_BYTES).ok_or(BackupError::Damaged)?;
        input.rewind()?;
        let expected = hash(&mut (&mut input).take(hashed))?;
        let mut found = Vec::new();
        input.read_to_end(&mut found)?;
        if found != expected {
            return Err(BackupError::Damaged);
        }
        let begins_at = (MAGIC.len() + size_of_val(&FORMAT)) as u64;
        input.seek(SeekFrom::Start(begins_at))?;
        let mut input = BufReader::new(input).take(hashed.saturating_sub(begins_at));
        let description = match byte(&mut input)? {
            b'I' => json(&mut input)?,
            _ => return Err(BackupError::Damaged),
        };
        Ok(Self { input, description })
    }

    /// Where it comes from.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The next frame. There is none behind `End`.
    ///
    /// # Errors
    /// `Damaged`, `File`.
    pub fn next_frame(&mut self) -> Result<Frame, BackupError> {
        let input = &mut self.input;
        let letter = byte(input)?;
        match letter {
            b'K' | b'H' | b'Z' => Ok(Frame::Key(key(input, letter)?)),
            b'F' => Ok(Frame::File(text(input)?)),
            b'C' => Ok(Frame::Piece(bytes(input)?)),
            b'E' => Ok(Frame::EndOfFile),
            b'S' => Ok(Frame::End(json(input)?)),
            _ => Err(BackupError::Damaged),
        }
    }
}

fn check_head(input: &mut impl Read) -> Result<(), BackupError> {
    let mut magic = [0; MAGIC.len()];
    let mut format = [0; 4];
    match input.read_exact(&mut magic) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(BackupError::Foreign),
        read => read?,
    }
    if magic != MAGIC {
        return Err(BackupError::Foreign);
    }
    exactly(input, &mut format)?;
    match u32::from_le_bytes(format) {
        FORMAT => Ok(()),
        other => Err(BackupError::Format(other)),
    }
}

fn hash(input: &mut impl Read) -> Result<Vec<u8>, BackupError> {
    let (mut hash, mut block) = (Sha256::new(), vec![0; BLOCK_BYTES]);
    loop {
        match input.read(&mut block)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(&block[..read]),
        }
    }
}

fn key(input: &mut impl Read, letter: u8) -> Result<StoredKey, BackupError> {
    let name = text(input)?;
    let expires_at_ms = Some(number(input)?).filter(|at_ms| *at_ms != 0);
    let value = match letter {
        b'K' => {
            let entries = number(input)?;
            StoredValue::Dump(bytes(input)?, entries)
        }
        b'H' => StoredValue::Fields(pairs(input)?),
        _ => StoredValue::Scores(pairs(input)?),
    };
    Ok(StoredKey { name, expires_at_ms, value })
}

fn pairs(input: &mut impl Read) -> Result<Pairs, BackupError> {
    (0..length(input)?).map(|_| Ok((bytes(input)?, bytes(input)?))).collect()
}

fn byte(input: &mut impl Read) -> Result<u8, BackupError> {
    let mut byte = [0];
    exactly(input, &mut byte)?;
    Ok(byte[0])
}

fn number(input: &mut impl Read) -> Result<u64, BackupError> {
    let mut bytes = [0; 8];
    exactly(input, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn length(input: &mut impl Read) -> Result<u32, BackupError> {
    let mut bytes = [0; 4];
    exactly(input, &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Takes no more memory than there are bytes, whatever the length says.
fn bytes(input: &mut impl Read) -> Result<Vec<u8>, BackupError> {
    let length = u64::from(length(input)?);
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(BackupError::Damaged) }
}

fn text(input: &mut impl Read) -> Result<String, BackupError> {
    String::from_utf8(bytes(input)?).map_err(|_| BackupError::Damaged)
}

fn json<T: DeserializeOwned>(input: &mut impl Read) -> Result<T, BackupError> {
    serde_json::from_slice(&bytes(input)?).map_err(|_| BackupError::Damaged)
}

/// Fills a buffer. An archive that ends early is damaged.
fn exactly(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), BackupError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => BackupError::Damaged,
        _ => BackupError::File(error),
    })
}
