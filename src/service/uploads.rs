//! Uploads: checked while they are received, stored under names that cannot be guessed, served unchanged.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use object_store::{GetRange, WriteMultipart};

use super::documents::{self, Rest, Text};
use super::file_store::failed;
use super::images;
use super::incoming::Incoming;
use super::limits::Limits;
use super::low_priority::LowPriority;
use super::shelf::Shelf;
use super::stored_file::{Findings, StoredFile};
use super::upload_path::{Folder, UploadPath};
use super::upload_turns::UploadTurns;
use crate::config::UploadsConfig;
use crate::domain::{
    Attachment, Caller, Content, Error, FileKind, FileName, MessageId, NewMessage, Result, UserId, check_file_name,
};
use crate::metrics::{Count, Metrics};
use crate::store::{FileDescription, Store};

/// Bytes of a file by which its type is recognised.
const HEAD_BYTES: usize = 64 * 1024;
/// Pictures and archives that are examined at the same time.
const EXAMINED_AT_ONCE: usize = 4;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What a small file counts for a user: it takes a place in the file store and in Redis as well.
const MIN_COUNTED_BYTES: u64 = 16 * 1024;
/// Bytes counted too many that are not worth a correction.
const MAX_MISCOUNTED_BYTES: u64 = 64 * 1024;

/// A file to upload.
pub struct NewUpload {
    /// The folder for files of its purpose.
    pub folder: Folder,
    /// Its name.
    pub name: FileName,
    /// Bytes of the request, if the client announced them.
    pub announced_bytes: Option<u64>,
}

/// A stored file, opened for a client.
pub struct Download {
    /// Size of the whole file in bytes.
    pub size: u64,
    /// The part of the file that `body` yields.
    pub range: Range<u64>,
    /// The bytes.
    pub body: BoxStream<'static, object_store::Result<Bytes>>,
}

/// The file store and the limits of uploads, which the workers of a node share.
#[derive(Clone)]
pub struct Files {
    pub(super) shelf: Shelf,
    max_bytes: u64,
    /// How long files are kept that no message uses; `None` forever.
    pub(super) kept_for: Option<Duration>,
    turns: UploadTurns,
    held: Arc<AtomicU64>,
    examiners: Arc<LowPriority>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
}

impl Files {
    /// Opens the files at `url`: `file:///folder`, or `s3://bucket/prefix` when built with S3.
    ///
    /// # Errors
    /// `Internal` for an address that is not understood or a folder that cannot be created.
    pub fn open(url: &str, config: &UploadsConfig, limits: Arc<Limits>, metrics: Arc<Metrics>) -> Result<Self> {
        Ok(Self {
            shelf: Shelf::open(url, config.reserve_bytes)?,
            max_bytes: config.max_bytes,
            kept_for: Some(DAY.saturating_mul(config.keep_days)).filter(|kept| !kept.is_zero()),
            turns: UploadTurns::default(),
            held: Arc::default(),
            examiners: Arc::new(LowPriority::new(EXAMINED_AT_ONCE)?),
            limits,
            metrics,
        })
    }
}

/// Receives, stores and serves files.
#[derive(Clone)]
pub struct Uploads {
    pub(super) files: Files,
    pub(super) store: Store,
}

impl Uploads {
    /// The files, and the store that knows their messages.
    pub fn new(files: Files, store: Store) -> Self {
        Self { files, store }
    }

    /// The size limit of a file, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.files.max_bytes
    }

    /// Receives a file of the caller and stores it. Pictures are recognised by their content, the content of documents must
    /// agree with the name. The file becomes visible when it is complete; an error leaves nothing behind.
    ///
    /// # Errors
    /// `RateLimited` and `StorageFull`, before anything of the body is read; `UnsupportedType`, `TooLarge`, the body's own
    /// errors, `Unavailable` when the file store or Redis fails.
    pub async fn receive<S>(&self, caller: &Caller, upload: NewUpload, body: S) -> Result<StoredFile>
    where
        S: Stream<Item = Result<Bytes>>,
    {
        self.files.limits.check_upload(caller.id)?;
        let _turn = self.files.turns.take(caller.id, self.files.limits.caps().map(|caps| caps.uploads_at_once))?;
        let announced = upload.announced_bytes.unwrap_or(u64::MAX).min(self.files.max_bytes);
        self.files.shelf.check_space(announced).await?;
        let counted = self.count(caller.id, announced).await?;
        let received = self.take_in(caller.id, upload, body).await;
        self.correct(caller.id, counted, received.as_ref().map_or(0, |file| file.size)).await;
        received
    }

    async fn take_in<S>(&self, owner: UserId, upload: NewUpload, body: S) -> Result<StoredFile>
    where
        S: Stream<Item = Result<Bytes>>,
    {
        let body = std::pin::pin!(body);
        let mut body = Incoming::new(body, self.files.max_bytes);
        let head = body.read_up_to(HEAD_BYTES).await?.freeze();
        let (kind, rest) = match images::kind_of(&head) {
            Some(kind) => (kind, Rest::Whole),
            None if upload.folder == Folder::Images => return Err(Error::UnsupportedType),
            None => {
                let kind = upload.name.kind().ok_or(Error::UnsupportedType)?;
                (kind, documents::check_start(kind, &head)?)
            }
        };
        let path = UploadPath::new(upload.folder, kind);
        let mut found = match rest {
            Rest::Whole => {
                body.hold(&self.files.held);
                let whole = body.read_rest(head.into()).await?;
                self.store_whole(&path, whole).await?
            }
            Rest::Text(text) => self.store_parts(&path, head, Some(text), &mut body).await?,
            Rest::Unchecked => self.store_parts(&path, head, None, &mut body).await?,
        };
        self.files.metrics.count(Count::Uploads);
        self.files.metrics.add(Count::UploadBytes, found.size);
        found.digest = body.digest();
        Ok(StoredFile::new(path, upload.name, &found, owner, self.files.shelf.clone()))
    }

    /// Counts what a user is about to upload, and returns what was counted.
    async fn count(&self, user: UserId, announced: u64) -> Result<u64> {
        let Some(most) = self.files.limits.caps().map(|caps| caps.uploads_bytes_per_day) else { return Ok(0) };
        let counted = announced.max(MIN_COUNTED_BYTES);
        self.store.count_upload(user, counted, most, DAY).await.map(|()| counted)
    }

    /// Takes back what was counted beyond the size of the stored file. Best effort: the day ends anyway.
    async fn correct(&self, user: UserId, counted: u64, stored: u64) {
        let excess = counted.saturating_sub(stored.max(if stored > 0 { MIN_COUNTED_BYTES } else { 0 }));
        if excess > MAX_MISCOUNTED_BYTES || (stored == 0 && excess > 0) {
            let corrected = self.store.uncount_upload(user, excess).await;
            note(corrected, "could not correct how much a user uploads");
        }
    }

    /// Stores a file that is examined as a whole: a picture without its metadata, or an archive as it is.
    async fn store_whole(&self, path: &UploadPath, bytes: Bytes) -> Result<Findings> {
        let kind = path.kind();
        // Ten megabytes take longer than a worker may be held.
        let (bytes, pixels) = self.files.examiners.run(move || examine(kind, bytes)).await??;
        let size = bytes.len() as u64;
        self.files.shelf.put(path, bytes).await?;
        Ok(Findings { size, pixels, ..Findings::default() })
    }

    /// Streams a document to the file store. An upload that fails is aborted.
    async fn store_parts<S>(
        &self,
        path: &UploadPath,
        head: Bytes,
        mut text: Option<Text>,
        body: &mut Incoming<S>,
    ) -> Result<Findings>
    where
        S: Stream<Item = Result<Bytes>> + Unpin,
    {
        let mut writer = self.files.shelf.begin(path).await?;
        if let Err(error) = write_parts(&mut writer, head, &mut text, body).await {
            abort(writer).await;
            return Err(error);
        }
        let charset = match text.map(Text::finish) {
            Some(Err(error)) => {
                abort(writer).await;
                return Err(error);
            }
            Some(Ok(charset)) => charset,
            None => None,
        };
        writer.finish().await.map_err(failed)?;
        Ok(Findings { size: body.size(), charset, ..Findings::default() })
    }

    /// Keeps a file that belongs to no message, and returns it as an attachment.
    pub async fn publish(&self, mut file: StoredFile) -> Attachment {
        file.keep();
        self.note(&file, None).await;
        file.attachment()
    }

    /// Remembers a file, with the message with which it was uploaded. Without its name it is served as well.
    pub(super) async fn note(&self, file: &StoredFile, message: Option<MessageId>) {
        let noted = self.store.note_upload(&file.path.to_string(), &file.description(message)).await;
        note(noted, "could not remember the name of an upload");
    }

    /// Checks the file of a message that is about to be sent. An upload of this server is stored as a path, whatever
    /// the host in its address, and is kept from now on as if it was new.
    ///
    /// # Errors
    /// `Length` or `Invalid` for its name.
    pub(super) async fn attach(&self, mut message: NewMessage) -> Result<NewMessage> {
        let Some(file) = &mut message.attachment else { return Ok(message) };
        file.name.as_deref().map_or(Ok(()), check_file_name)?;
        if let Some(path) = self.uploaded(&file.url).await {
            let address = format!("/uploads/{path}");
            if message.text.as_str() == file.url {
                message.text = Content::parse(address.clone())?;
            }
            (file.url, file.has_host) = (address, true);
        }
        let path = UploadPath::of_address(&file.url).filter(|path| path.folder() != Folder::Chat);
        if let Some(path) = path {
            note(self.store.renew_upload(&path.to_string()).await, "could not note that an upload is used");
        }
        Ok(message)
    }

    /// The path of an upload of this server in an address with a host. Another server may have the same paths.
    pub(super) async fn uploaded(&self, url: &str) -> Option<UploadPath> {
        let path = UploadPath::of_url(url)?;
        self.files.shelf.has(&path).await.then_some(path)
    }

    /// Removes the file of a deleted message if it was uploaded as that message, but not a file that the message merely
    /// links to. No-op for a file that is gone.
    ///
    /// # Errors
    /// `Unavailable`: the file may still exist, delete again.
    pub(super) async fn delete_with_message(&self, file: &Attachment) -> Result<()> {
        let path = UploadPath::of_address(&file.url).filter(|_| file.is_own_upload);
        match path {
            Some(path) => self.remove(&path).await,
            None => Ok(()),
        }
    }

    /// Removes a file, and then what is remembered of it.
    pub(super) async fn remove(&self, path: &UploadPath) -> Result<()> {
        self.files.shelf.remove(path).await?;
        note(self.store.forget_upload(&path.to_string()).await, "could not forget a removed upload");
        Ok(())
    }

    /// What is remembered of a file. Files are served while Redis is away: then nothing is.
    ///
    /// # Errors
    /// `NotFound` when the message with which it was uploaded is gone. The file is removed.
    pub async fn describe(&self, path: &UploadPath) -> Result<FileDescription> {
        let description = match self.store.describe_upload(&path.to_string()).await {
            Ok(description) => description.unwrap_or_default(),
            Err(_) => return Ok(FileDescription::default()),
        };
        match description.message {
            Some(message) if matches!(self.store.has_message(message).await, Ok(false)) => {
                note(self.remove(path).await, "could not remove the file of a message that is gone");
                Err(Error::NotFound)
            }
            _ => Ok(description),
        }
    }

    /// Opens a file or a part of it. `None` for a part outside the file.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn open_file(&self, path: &UploadPath, range: Option<GetRange>) -> Result<Option<Download>> {
        let found = self.files.shelf.get(path, range).await?;
        Ok(found.map(|found| Download { size: found.meta.size, range: found.range.clone(), body: found.into_stream() }))
    }
}

/// Checks a file as a whole. Returns what is to be stored, and the size of a picture in pixels.
fn examine(kind: FileKind, bytes: Bytes) -> Result<(Bytes, Option<(u32, u32)>)> {
    if kind.is_image() {
        return images::clean(kind, &bytes).map(|picture| (picture.bytes, Some(picture.pixels)));
    }
    documents::check_whole(kind, &bytes).map(|()| (bytes, None))
}

async fn write_parts<S>(
    writer: &mut WriteMultipart,
    head: Bytes,
    text: &mut Option<Text>,
    body: &mut Incoming<S>,
) -> Result<()>
where
    S: Stream<Item = Result<Bytes>> + Unpin,
{
    let mut next = Some(head);
    while let Some(chunk) = next {
        if let Some(text) = text {
            text.check(&chunk)?;
        }
        writer.put(chunk);
        writer.wait_for_capacity(1).await.map_err(failed)?;
        next = body.next().await?;
    }
    Ok(())
}

async fn abort(writer: WriteMultipart) {
    if let Err(error) = writer.abort().await {
        tracing::warn!(%error, "could not remove an aborted upload");
    }
}

/// Logs a failure that nothing depends on.
fn note(outcome: Result<()>, what: &str) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "{what}");
    }
}
