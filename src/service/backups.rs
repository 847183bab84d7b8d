//! Backups: everything that lasts in one archive, and back into Redis and the file store.

use std::io::{Read, Seek, Write};

use futures_util::{StreamExt, TryStreamExt};

use super::administration::Administration;
use super::archive::{Archive, ArchiveWriter, BackupError, Contents, Description, Frame};
use super::audit::Operator;
use super::file_store::failed;
use super::shelf::Shelf;
use super::upload_path::{Folder, UploadPath};
use super::uploads::Uploads;
use crate::domain::Error;
use crate::store::{Restored, Store, StoredKey};

type Result<T> = std::result::Result<T, BackupError>;

/// Keys that are stored at once: so many, or about so many bytes.
const KEYS_AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 1024 * 1024;

/// How a backup is restored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restoring {
    /// Whether what is stored is removed first.
    pub replaces: bool,
    /// Whether uploads are left out.
    pub skips_uploads: bool,
}

/// Makes and restores backups.
pub struct Backups {
    administration: Administration,
    store: Store,
    shelf: Shelf,
}

impl Backups {
    /// Backups of these accounts, and of everything in the store behind the uploads.
    pub fn new(administration: Administration, uploads: Uploads) -> Self {
        Self { administration, shelf: uploads.files.shelf, store: uploads.store }
    }

    /// Writes an archive of everything that was acknowledged before, while nodes go on. Of what they store meanwhile, some may
    /// be in it. Returns what is in it, and what it was written to.
    ///
    /// # Errors
    /// `File`; `Store` when Redis or the file store fails, or changed meanwhile.
    pub async fn back_up<W: Write>(&self, output: W, has_uploads: bool) -> Result<(Contents, W)> {
        let description = Description {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            begun_at_ms: self.store.now_ms(),
            has_uploads,
        };
        let mut writer = ArchiveWriter::begin(output, &description)?;
        self.store.copy_keys(|key| writer.key(&key)).await?;
        if has_uploads {
            self.copy_files(&mut writer).await?;
        }
        writer.finish()
    }

    async fn copy_files<W: Write>(&self, writer: &mut ArchiveWriter<W>) -> Result<()> {
        for folder in Folder::ALL {
            let mut files = self.shelf.list(folder);
            while let Some((path, _)) = files.try_next().await? {
                self.copy_file(&path, writer).await?;
            }
        }
        Ok(())
    }

    /// Copies a file, unless it was removed meanwhile.
    async fn copy_file<W: Write>(&self, path: &UploadPath, writer: &mut ArchiveWriter<W>) -> Result<()> {
        let file = match self.shelf.get(path, None).await {
            Ok(Some(file)) => file,
            Ok(None) | Err(Error::NotFound) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        writer.begin_file(&path.to_string())?;
        let mut pieces = file.into_stream();
        while let Some(piece) = pieces.next().await {
            writer.piece(&piece.map_err(failed)?)?;
        }
        writer.end_file()
    }

    /// Puts an archive back, ends all tokens and skips numbers, as after any backup. No node may run.
    ///
    /// # Errors
    /// `NotEmpty`, `Running`, before anything is changed; `Damaged`, `File`, `Store` afterwards: what is stored is then
    /// incomplete.
    pub async fn restore<R: Read + Seek>(
        &self,
        mut archive: Archive<R>,
        how: Restoring,
    ) -> Result<(Contents, Restored)> {
        self.check_no_node_runs().await?;
        if how.replaces {
            self.store.remove_keys().await?;
        } else if self.store.has_keys().await? {
            return Err(BackupError::NotEmpty);
        }
        let contents = self.put(&mut archive, how).await?;
        let restored = self.administration.restored(&Operator::CommandLine).await?;
        Ok((contents, restored))
    }

    async fn check_no_node_runs(&self) -> Result<()> {
        let nodes = self.store.metrics(&[], self.store.now_ms()).await?.nodes;
        match nodes.first() {
            Some(node) => Err(BackupError::Running(format!("{} at {}", node.id, node.address))),
            None => Ok(()),
        }
    }

    async fn put<R: Read + Seek>(&self, archive: &mut Archive<R>, how: Restoring) -> Result<Contents> {
        let (mut batch, mut found) = (Batch::default(), Contents::default());
        loop {
            match archive.next_frame()? {
                Frame::Key(key) => {
                    found.keys += 1;
                    batch.add(key);
                    if batch.is_full() {
                        self.store.put_keys(&batch.take()).await?;
                    }
                }
                Frame::File(path) => {
                    found.files += 1;
                    let path = UploadPath::parse(&path).filter(|_| !how.skips_uploads);
                    self.put_file(path.as_ref(), archive).await?;
                }
                Frame::End(contents) => {
                    self.store.put_keys(&batch.take()).await?;
                    let is_whole = (contents.keys, contents.files) == (found.keys, found.files);
                    return if is_whole { Ok(contents) } else { Err(BackupError::Damaged) };
                }
                Frame::Piece(_) | Frame::EndOfFile => return Err(BackupError::Damaged),
            }
        }
    }

    /// Stores a file, or reads over it.
    async fn put_file<R: Read + Seek>(&self, path: Option<&UploadPath>, archive: &mut Archive<R>) -> Result<()> {
        let mut upload = match path {
            Some(path) => Some(self.shelf.begin(path).await?),
            None => None,
        };
        loop {
            match archive.next_frame()? {
                Frame::Piece(bytes) => {
                    if let Some(upload) = &mut upload {
                        upload.wait_for_capacity(1).await.map_err(failed)?;
                        upload.put(bytes.into());
                    }
                }
                Frame::EndOfFile => {
                    if let Some(upload) = upload {
                        upload.finish().await.map_err(failed)?;
                    }
                    return Ok(());
                }
                Frame::Key(_) | Frame::File(_) | Frame::End(_) => return Err(BackupError::Damaged),
            }
        }
    }
}

/// Reads an archive to its end. Returns where it comes from and what is in it.
///
/// # Errors
/// `Damaged`, `File`.
pub fn inspect<R: Read + Seek>(mut archive: Archive<R>) -> Result<(Description, Contents)> {
    loop {
        if let Frame::End(contents) = archive.next_frame()? {
            return Ok((archive.description().clone(), contents));
        }
    }
}

/// Keys that are stored together.
#[derive(Default)]
struct Batch {
    keys: Vec<StoredKey>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, key: StoredKey) {
        self.bytes += key.size();
        self.keys.push(key);
    }

    fn is_full(&self) -> bool {
        self.keys.len() >= KEYS_AT_ONCE || self.bytes >= BYTES_AT_ONCE
    }

    fn take(&mut self) -> Vec<StoredKey> {
        self.bytes = 0;
        std::mem::take(&mut self.keys)
    }
}
