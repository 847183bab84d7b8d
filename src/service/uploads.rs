//! Uploads: checked while they are received, stored under names that cannot be guessed, served unchanged.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::sync::Semaphore;

use super::file_store::{self, unavailable};
use super::incoming::Incoming;
use super::limits::Limits;
use super::upload_path::{Folder, UploadPath};
use super::{images, sniff};
use crate::domain::{Attachment, Caller, Error, FileKind, FileName, Result};
use crate::metrics::{Count, Metrics};

/// Pictures that are cleaned at the same time.
const CLEANED_AT_ONCE: usize = 4;
/// How long an upload that is under way may write nothing. It writes a part at a time, which takes a slow client minutes.
const STALLED: Duration = Duration::from_secs(24 * 60 * 60);
/// The smallest part that S3 accepts.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// A stored file that no message shows yet. If it is dropped before a message may show it, because of an error or a
/// lost client, the file is removed.
pub struct StoredFile {
    path: UploadPath,
    name: FileName,
    size: u64,
    pixels: Option<(u32, u32)>,
    digest: [u8; 32],
    uploads: Uploads,
    may_be_shown: bool,
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        if self.may_be_shown {
            return;
        }
        let (uploads, path) = (self.uploads.clone(), self.path.clone());
        // Without a runtime there was no request either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { uploads.remove(&path).await });
        }
    }
}

impl StoredFile {
    /// Whether it is a picture.
    pub fn is_image(&self) -> bool {
        self.path.kind().is_image()
    }

    /// The file name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The SHA-256 of the uploaded bytes.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Removes the file, best effort: no message will show it.
    pub async fn discard(mut self) {
        self.may_be_shown = true; // the drop must not remove it again
        self.uploads.remove(&self.path).await;
    }

    /// Keeps the file when this value is dropped: a message may show it.
    pub(super) fn keep(&mut self) {
        self.may_be_shown = true;
    }

    /// The attachment of a message that shows the file.
    pub fn attachment(&self) -> Attachment {
        Attachment {
            url: format!("/uploads/{}", self.path),
            name: Some(self.name.as_str().to_owned()),
            size: Some(self.size),
            pixels: self.pixels,
            is_own_upload: self.path.folder() == Folder::Chat,
        }
    }
}

/// A stored file, opened for a client.
pub struct Download {
    /// The type of the file.
    pub kind: FileKind,
    /// Size of the whole file in bytes.
    pub size: u64,
    /// The part of the file that `body` yields.
    pub range: Range<u64>,
    /// The bytes.
    pub body: BoxStream<'static, object_store::Result<Bytes>>,
}

/// Receives, stores and serves files.
#[derive(Clone)]
pub struct Uploads {
    store: Arc<dyn ObjectStore>,
    /// The folder of the store, if it is a local one.
    folder: Option<PathBuf>,
    max_bytes: u64,
    held: Arc<AtomicU64>,
    cleaning: Arc<Semaphore>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
}

impl Uploads {
    /// Opens the files at `url`: `file:///folder`, or `s3://bucket/prefix` when built with S3.
    ///
    /// # Errors
    /// `Internal` for an address that is not understood or a folder that cannot be created.
    pub fn open(url: &str, max_bytes: u64, limits: Arc<Limits>, metrics: Arc<Metrics>) -> Result<Self> {
        let (store, folder) = (file_store::open(url)?, file_store::folder_of(url));
        let cleaning = Arc::new(Semaphore::new(CLEANED_AT_ONCE));
        Ok(Self { store, folder, max_bytes, held: Arc::default(), cleaning, limits, metrics })
    }

    /// The size limit of a file, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Receives a file of the caller and stores it. The content must agree with the name. The file becomes visible when
    /// it is complete; an error leaves nothing behind.
    ///
    /// # Errors
    /// `RateLimited`, before anything of the body is read; `UnsupportedType`, `TooLarge`, the body's own errors,
    /// `Unavailable` when the file store fails.
    pub async fn receive<S>(&self, caller: &Caller, folder: Folder, name: FileName, body: S) -> Result<StoredFile>
    where
        S: Stream<Item = Result<Bytes>>,
    {
        self.limits.check_upload(caller.id)?;
        let kind = name.kind().ok_or(Error::UnsupportedType)?;
        let body = std::pin::pin!(body);
        let mut body = Incoming::new(body, self.max_bytes);
        if kind.is_image() {
            body.hold(&self.held);
        }
        let path = UploadPath::new(folder, kind);
        let head = body.read_up_to(sniff::HEAD_BYTES).await?;
        sniff::check(kind, &head)?;
        let (size, pixels) = match kind.is_image() {
            true => self.store_picture(&path, body.read_rest(head).await?).await?,
            false => {
                self.stream(&path, head.freeze(), &mut body).await?;
                (body.size(), None)
            }
        };
        let digest = body.digest();
        self.metrics.count(Count::Uploads);
        self.metrics.add(Count::UploadBytes, size);
        Ok(StoredFile { path, name, size, pixels, digest, uploads: self.clone(), may_be_shown: false })
    }

    async fn store_picture(&self, path: &UploadPath, bytes: Bytes) -> Result<(u64, Option<(u32, u32)>)> {
        let _permit = self.cleaning.acquire().await.map_err(Error::internal)?;
        let picture = images::clean(path.kind(), bytes)?;
        let size = picture.bytes.len() as u64;
        self.store.put(&path.object(), PutPayload::from(picture.bytes)).await.map_err(unavailable)?;
        Ok((size, Some(picture.pixels)))
    }

    /// Streams a document to the file store. An upload that fails is aborted.
    async fn stream<S>(&self, path: &UploadPath, head: Bytes, body: &mut Incoming<S>) -> Result<()>
    where
        S: Stream<Item = Result<Bytes>> + Unpin,
    {
        let upload = self.store.put_multipart(&path.object()).await.map_err(unavailable)?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        writer.put(head);
        loop {
            match body.next().await {
                Ok(Some(chunk)) if path.kind() == FileKind::Txt && sniff::has_control(&chunk) => {
                    abort(writer).await;
                    return Err(Error::UnsupportedType);
                }
                Ok(Some(chunk)) => writer.put(chunk),
                Ok(None) => break,
                Err(error) => {
                    abort(writer).await;
                    return Err(error);
                }
            }
            writer.wait_for_capacity(1).await.map_err(unavailable)?;
        }
        writer.finish().await.map_err(unavailable)?;
        Ok(())
    }

    /// Keeps a file that belongs to no message, and returns it as an attachment.
    pub fn publish(&self, mut file: StoredFile) -> Attachment {
        file.keep();
        file.attachment()
    }

    /// Removes files older than `days` that belong to no message.
    ///
    /// # Errors
    /// `Unavailable` when the file store fails.
    pub async fn remove_older_than(&self, days: u64) -> Result<usize> {
        let age = Duration::from_secs(days * 24 * 60 * 60);
        let Some(oldest) = SystemTime::now().checked_sub(age) else { return Ok(0) };
        let mut removed = 0;
        for folder in [Folder::Images, Folder::Files] {
            let mut files = self.store.list(Some(&Path::from(folder.name())));
            while let Some(file) = files.next().await {
                let file = file.map_err(unavailable)?;
                if SystemTime::from(file.last_modified) < oldest {
                    self.store.delete(&file.location).await.map_err(unavailable)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Removes what uploads that ended with their process left in a local folder, a day after their last byte.
    ///
    /// # Errors
    /// `Unavailable` when the folder is not usable.
    pub async fn remove_leftovers(&self) -> Result<usize> {
        let (Some(folder), Some(oldest)) = (self.folder.clone(), SystemTime::now().checked_sub(STALLED)) else {
            return Ok(0);
        };
        let removing = tokio::task::spawn_blocking(move || file_store::remove_leftovers(&folder, oldest));
        removing.await.map_err(Error::internal)?.map_err(|error| Error::Unavailable(error.into()))
    }

    async fn remove(&self, path: &UploadPath) {
        if let Err(error) = self.store.delete(&path.object()).await {
            tracing::warn!(%error, %path, "could not remove an upload that no message shows");
        }
    }

    /// Removes the file of a deleted message if it was uploaded as that message, but not a file that the message merely
    /// links to. No-op for a file that is gone.
    ///
    /// # Errors
    /// `Unavailable`: the file may still exist, delete again.
    pub(super) async fn delete_with_message(&self, file: &Attachment) -> Result<()> {
        let path = file.url.strip_prefix("/uploads/").and_then(UploadPath::parse);
        let Some(path) = path.filter(|_| file.is_own_upload) else { return Ok(()) };
        match self.store.delete(&path.object()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Opens a file or a part of it. `None` for a part outside the file.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn open_file(&self, path: &UploadPath, range: Option<GetRange>) -> Result<Option<Download>> {
        let options = GetOptions::new().with_range(range.clone());
        let found = match self.store.get_opts(&path.object(), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Err(Error::NotFound),
            // A range outside the file is the only other error that a client can cause.
            Err(_) if range.is_some() && self.store.head(&path.object()).await.is_ok() => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        Ok(Some(Download {
            kind: path.kind(),
            size: found.meta.size,
            range: found.range.clone(),
            body: found.into_stream(),
        }))
    }
}

async fn abort(writer: WriteMultipart) {
    if let Err(error) = writer.abort().await {
        tracing::warn!(%error, "could not remove an aborted upload");
    }
}
