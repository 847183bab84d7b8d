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
use url::Url;
use uuid::Uuid;

use super::incoming::Incoming;
use super::limits::Limits;
use super::{images, sniff};
use crate::domain::{Attachment, Caller, Error, FileKind, FileName, Result};
use crate::metrics::{Count, Metrics};

/// Pictures are cleaned this many at a time.
const CLEANED_AT_ONCE: usize = 4;
/// S3 takes no smaller parts.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Where an upload belongs: each has its own life. Files of `Chat` go with their message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// Uploads that became a message (document 003).
    Chat,
    /// Pictures on their own (document 000).
    Images,
    /// Files on their own (document 004).
    Files,
}

impl Folder {
    fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Images => "images",
            Self::Files => "files",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        [Self::Chat, Self::Images, Self::Files].into_iter().find(|folder| folder.name() == name)
    }
}

/// The place of an upload, `<folder>/<uuid>.<ext>`: nothing else is ever read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPath {
    folder: Folder,
    id: Uuid,
    kind: FileKind,
}

impl UploadPath {
    fn new(folder: Folder, kind: FileKind) -> Self {
        Self { folder, id: Uuid::new_v4(), kind }
    }

    /// Reads the part of an address behind `/uploads/`; one spelling only.
    pub fn parse(text: &str) -> Option<Self> {
        let (folder, file) = text.split_once('/')?;
        let (id, extension) = file.split_once('.')?;
        let path =
            Self { folder: Folder::of_name(folder)?, id: id.parse().ok()?, kind: FileKind::of_extension(extension)? };
        (path.to_string() == text).then_some(path)
    }

    /// What kind of file it is.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    fn object(&self) -> Path {
        Path::from(self.to_string())
    }
}

impl std::fmt::Display for UploadPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}.{}", self.folder.name(), self.id, self.kind.extension())
    }
}

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
        self.path.kind.is_image()
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
            is_own_upload: self.path.folder == Folder::Chat,
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
        let store: Arc<dyn ObjectStore> = match url.split_once("://") {
            Some(("file", _)) => open_folder(url)?,
            #[cfg(feature = "s3")]
            Some(("s3", _)) => open_s3(url)?,
            _ => return Err(Error::internal(format!("uploads cannot be kept at {url}"))),
        };
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
        let picture = images::clean(path.kind, bytes)?;
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
                Ok(Some(chunk)) if path.kind == FileKind::Txt && sniff::has_control(&chunk) => {
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
            kind: path.kind,
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

fn open_folder(url: &str) -> Result<Arc<dyn ObjectStore>> {
    let path = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
    let folder = path.ok_or_else(|| Error::internal(format!("{url} names no folder of this machine")))?;
    std::fs::create_dir_all(&folder).map_err(Error::internal)?;
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?;
    Ok(Arc::new(store))
}

#[cfg(feature = "s3")]
fn open_s3(url: &str) -> Result<Arc<dyn ObjectStore>> {
    // Keys, region and endpoint come from the usual AWS_… environment.
    let bucket = object_store::aws::AmazonS3Builder::from_env().with_url(url).build().map_err(Error::internal)?;
    let prefix = url.trim_start_matches("s3://").split_once('/').map_or("", |(_, prefix)| prefix);
    Ok(Arc::new(object_store::prefix::PrefixStore::new(bucket, prefix)))
}

fn unavailable(error: object_store::Error) -> Error {
    Error::Unavailable(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        let path = UploadPath::new(Folder::Chat, FileKind::Png);
        assert_eq!(UploadPath::parse(&path.to_string()), Some(path.clone()));
        let upper = path.to_string().to_uppercase();
        for bad in ["", "chat/", "chat/../x.png", "etc/passwd", "chat/x.png", upper.as_str(), "chat//a.png"] {
            assert_eq!(UploadPath::parse(bad), None, "{bad}");
        }
    }
}
