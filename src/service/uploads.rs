//! Uploads: checked while they stream in, stored under names that cannot be guessed, served as they are.

use std::ops::Range;
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

/// Pictures are cleaned this many at a time.
const CLEANED_AT_ONCE: usize = 4;
/// S3 takes no smaller parts.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// A file that is stored and not yet shown anywhere. Dropped before a message may show it (an error, a
/// client that went away), it is removed again.
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
        // Outside a runtime there is no request either.
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

    /// Its name for people.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// SHA-256 of what was uploaded.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Removes it, as far as possible: no message will show it.
    pub async fn discard(mut self) {
        self.may_be_shown = true; // nothing is left to be done at the drop
        self.uploads.remove(&self.path).await;
    }

    /// A message may show it from now on, so dropping it leaves it alone.
    pub(super) fn keep(&mut self) {
        self.may_be_shown = true;
    }

    /// What a message shows of it.
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

/// A stored file on its way to a client.
pub struct Download {
    /// What kind of file it is.
    pub kind: FileKind,
    /// Size of the whole file in bytes.
    pub size: u64,
    /// The bytes that follow, within the whole.
    pub range: Range<u64>,
    /// The bytes.
    pub body: BoxStream<'static, object_store::Result<Bytes>>,
}

/// Where files are kept.
#[derive(Clone)]
pub struct Uploads {
    store: Arc<dyn ObjectStore>,
    max_bytes: u64,
    held: Arc<AtomicU64>,
    cleaning: Arc<Semaphore>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
}

impl Uploads {
    /// Files at `url`: `file:///folder`, or `s3://bucket/prefix` when built with S3.
    ///
    /// # Errors
    /// `Internal` for an address that is not understood or a folder that cannot be made.
    pub fn open(url: &str, max_bytes: u64, limits: Arc<Limits>, metrics: Arc<Metrics>) -> Result<Self> {
        let store = file_store::open(url)?;
        let cleaning = Arc::new(Semaphore::new(CLEANED_AT_ONCE));
        Ok(Self { store, max_bytes, held: Arc::default(), cleaning, limits, metrics })
    }

    /// The largest file, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Receives a file of the caller and stores it. Its content must agree with its name, and it is visible to nobody
    /// until it is complete. On any error nothing is left behind.
    ///
    /// # Errors
    /// `RateLimited`, before anything of the body is read; `UnsupportedType`, `TooLarge`, the body's own errors,
    /// `Unavailable` when the files' store fails.
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

    /// Passes a document on as it comes. An upload that is not finished vanishes.
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

    /// Lets a file stand on its own. Returns what a message may show of it.
    pub fn publish(&self, mut file: StoredFile) -> Attachment {
        file.keep();
        file.attachment()
    }

    /// Removes files older than this that stand on their own.
    ///
    /// # Errors
    /// `Unavailable` when the files' store fails.
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

    async fn remove(&self, path: &UploadPath) {
        if let Err(error) = self.store.delete(&path.object()).await {
            tracing::warn!(%error, %path, "upload without a message left behind");
        }
    }

    /// Removes the file of a deleted message if it was uploaded as that message; a message that merely
    /// names a file leaves it alone. Repeating it is fine.
    ///
    /// # Errors
    /// `Unavailable`: the file may still be there, delete again.
    pub(super) async fn delete_with_message(&self, file: &Attachment) -> Result<()> {
        let path = file.url.strip_prefix("/uploads/").and_then(UploadPath::parse);
        let Some(path) = path.filter(|_| file.is_own_upload) else { return Ok(()) };
        match self.store.delete(&path.object()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Opens a file, or a part of it.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` never: a part outside the file is `None` in the answer.
    pub async fn open_file(&self, path: &UploadPath, range: Option<GetRange>) -> Result<Option<Download>> {
        let options = GetOptions::new().with_range(range.clone());
        let found = match self.store.get_opts(&path.object(), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Err(Error::NotFound),
            // The only other thing that a client can cause is a part that does not exist.
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
        tracing::warn!(%error, "aborted upload not removed");
    }
}
