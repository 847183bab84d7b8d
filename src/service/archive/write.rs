//! Writes an archive.

use std::io::{BufWriter, Write};

use sha2::{Digest, Sha256};

use super::{Contents, Description, FORMAT, MAGIC};
use crate::domain::Error;
use crate::service::archive::BackupError;
use crate::store::{Pairs, StoredKey, StoredValue};

/// Passes bytes on and hashes them.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// An archive that is being written.
pub struct ArchiveWriter<W: Write> {
    out: BufWriter<Hashing<W>>,
    contents: Contents,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive.
    ///
    /// # Errors
    /// `File`.
    pub fn begin(inner: W, description: &Description) -> Result<Self, BackupError> {
        let out = BufWriter::new(Hashing { inner, hash: Sha256::new() });
        let mut writer = Self { out, contents: Contents::default() };
        writer.out.write_all(MAGIC)?;
        writer.out.write_all(&FORMAT.to_le_bytes())?;
        writer.letter(b'I')?;
        writer.bytes(&serde_json::to_vec(description).map_err(Error::internal)?)?;
        Ok(writer)
    }

    /// Adds a key, or a part of one.
    ///
    /// # Errors
    /// `File`.
    pub fn key(&mut self, key: &StoredKey) -> Result<(), BackupError> {
        self.contents.keys += 1;
        self.contents.rooms += u64::from(key.is_room());
        self.contents.accounts += u64::from(key.is_account());
        self.contents.messages += key.messages();
        self.letter(match key.value {
            StoredValue::Dump(..) => b'K',
            StoredValue::Fields(_) => b'H',
            StoredValue::Scores(_) => b'Z',
        })?;
        self.bytes(key.name.as_bytes())?;
        self.number(key.expires_at_ms.unwrap_or(0))?;
        match &key.value {
            StoredValue::Dump(value, entries) => {
                self.number(*entries)?;
                self.bytes(value)
            }
            StoredValue::Fields(pairs) | StoredValue::Scores(pairs) => self.pairs(pairs),
        }
    }

    /// Begins a file. Its pieces follow, then its end.
    ///
    /// # Errors
    /// `File`.
    pub fn begin_file(&mut self, path: &str) -> Result<(), BackupError> {
        self.contents.files += 1;
        self.letter(b'F')?;
        self.bytes(path.as_bytes())
    }

    /// Adds a piece of the file.
    ///
    /// # Errors
    /// `File`.
    pub fn piece(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.letter(b'C')?;
        self.bytes(bytes)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// `File`.
    pub fn end_file(&mut self) -> Result<(), BackupError> {
        self.letter(b'E')
    }

    /// Ends the archive. Returns what is in it, and what it was written to.
    ///
    /// # Errors
    /// `File`.
    pub fn finish(mut self) -> Result<(Contents, W), BackupError> {
        let contents = self.contents;
        self.letter(b'S')?;
        self.bytes(&serde_json::to_vec(&contents).map_err(Error::internal)?)?;
        let Hashing { mut inner, hash } = self.out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        inner.write_all(&hash.finalize())?;
        inner.flush()?;
        Ok((contents, inner))
    }

    fn letter(&mut self, letter: u8) -> Result<(), BackupError> {
        Ok(self.out.write_all(&[letter])?)
    }

    fn number(&mut self, number: u64) -> Result<(), BackupError> {
        Ok(self.out.write_all(&number.to_le_bytes())?)
    }

    fn length(&mut self, length: usize) -> Result<(), BackupError> {
        let length = u32::try_from(length).map_err(|_| std::io::Error::other("a value has more than 4 GiB"))?;
        Ok(self.out.write_all(&length.to_le_bytes())?)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.length(bytes.len())?;
        Ok(self.out.write_all(bytes)?)
    }

    fn pairs(&mut self, pairs: &Pairs) -> Result<(), BackupError> {
        self.length(pairs.len())?;
        for (first, second) in pairs {
            self.bytes(first)?;
            self.bytes(second)?;
        }
        Ok(())
    }
}
