//! A stored file that no message shows yet.

use super::shelf::Shelf;
use super::upload_path::{Folder, UploadPath};
use crate::domain::{Attachment, Charset, FileName, MessageId, UserId};
use crate::store::FileDescription;

/// A stored file that no message shows yet. If it is dropped before a message may show it, because of an error or a
/// lost client, the file is removed.
pub struct StoredFile {
    pub(super) path: UploadPath,
    pub(super) name: FileName,
    pub(super) size: u64,
    pub(super) pixels: Option<(u32, u32)>,
    pub(super) charset: Option<Charset>,
    pub(super) digest: [u8; 32],
    /// Who uploaded it.
    owner: UserId,
    shelf: Shelf,
    may_be_shown: bool,
}

/// What was found out about a file while it was stored.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) size: u64,
    pub(super) pixels: Option<(u32, u32)>,
    pub(super) charset: Option<Charset>,
    /// SHA-256 of the uploaded bytes.
    pub(super) digest: [u8; 32],
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        if self.may_be_shown {
            return;
        }
        let (shelf, path) = (self.shelf.clone(), self.path.clone());
        // Without a runtime there was no request either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { remove(&shelf, &path).await });
        }
    }
}

impl StoredFile {
    pub(super) fn new(path: UploadPath, name: FileName, found: &Findings, owner: UserId, shelf: Shelf) -> Self {
        let &Findings { size, pixels, charset, digest } = found;
        Self { path, name, size, pixels, charset, digest, owner, shelf, may_be_shown: false }
    }

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
        remove(&self.shelf, &self.path).await;
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
            has_host: false,
            is_own_upload: self.path.folder() == Folder::Chat,
        }
    }

    /// What is remembered of the file. `message` is the one with which it was uploaded.
    pub(super) fn description(&self, message: Option<MessageId>) -> FileDescription {
        let name = Some(self.name.as_str().to_owned());
        FileDescription { name, charset: self.charset, message, uploaded: Some((self.owner, self.size)) }
    }
}

async fn remove(shelf: &Shelf, path: &UploadPath) {
    if let Err(error) = shelf.remove(path).await {
        tracing::warn!(%error, %path, "could not remove an upload that no message shows");
    }
}
