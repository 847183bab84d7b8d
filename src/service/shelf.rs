//! The files themselves: put, read, listed and removed in the file store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};

use super::file_store::{self, failed};
use super::upload_path::{Folder, UploadPath};
use crate::domain::{Error, Result};

/// The smallest part that S3 accepts.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// The files of all nodes.
#[derive(Clone)]
pub(super) struct Shelf {
    store: Arc<dyn ObjectStore>,
    /// The folder of the store, if it is a local one.
    folder: Option<PathBuf>,
    /// Bytes that must stay free on the disk of that folder.
    reserve_bytes: u64,
}

impl Shelf {
    /// Opens the files at `url`: `file:///folder`, or `s3://bucket/prefix` when built with S3.
    ///
    /// # Errors
    /// `Internal` for an address that is not understood or a folder that cannot be created.
    pub(super) fn open(url: &str, reserve_bytes: u64) -> Result<Self> {
        Ok(Self { store: file_store::open(url)?, folder: file_store::folder_of(url), reserve_bytes })
    }

    /// Checks that the disk has space for a file in addition to the reserve. A bucket always has.
    ///
    /// # Errors
    /// `StorageFull`.
    pub(super) async fn check_space(&self, bytes: u64) -> Result<()> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        let free =
            tokio::task::spawn_blocking(move || file_store::free_bytes(&folder)).await.map_err(Error::internal)?;
        let is_enough =
            free.map_err(|error| Error::Unavailable(error.into()))? >= self.reserve_bytes.saturating_add(bytes);
        if is_enough { Ok(()) } else { Err(Error::StorageFull) }
    }

    /// Stores a whole file.
    ///
    /// # Errors
    /// `StorageFull`, `Unavailable`.
    pub(super) async fn put(&self, path: &UploadPath, bytes: Bytes) -> Result<()> {
        self.store.put(&path.object(), PutPayload::from(bytes)).await.map(drop).map_err(failed)
    }

    /// Begins a file that is stored in parts. It is visible once it is finished.
    pub(super) async fn begin(&self, path: &UploadPath) -> Result<WriteMultipart> {
        let upload = self.store.put_multipart(&path.object()).await.map_err(failed)?;
        Ok(WriteMultipart::new_with_chunk_size(upload, PART_BYTES))
    }

    /// Opens a file or a part of it. `None` for a part outside the file.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub(super) async fn get(&self, path: &UploadPath, range: Option<GetRange>) -> Result<Option<GetResult>> {
        let options = GetOptions::new().with_range(range.clone());
        match self.store.get_opts(&path.object(), options).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Err(Error::NotFound),
            // A range outside the file is the only other error that a client can cause.
            Err(_) if range.is_some() && self.has(path).await => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether a file exists.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn exists(&self, path: &UploadPath) -> Result<bool> {
        match self.store.head(&path.object()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether a file exists, as far as can be found out.
    pub(super) async fn has(&self, path: &UploadPath) -> bool {
        self.exists(path).await.unwrap_or(false)
    }

    /// Removes a file. No-op for one that is gone.
    ///
    /// # Errors
    /// `Unavailable`: the file may still exist.
    pub(super) async fn remove(&self, path: &UploadPath) -> Result<()> {
        match self.store.delete(&path.object()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// The files of a folder with the times at which they were written.
    pub(super) fn list(&self, folder: Folder) -> BoxStream<'static, Result<(UploadPath, SystemTime)>> {
        let files = self.store.list(Some(&Path::from(folder.name()))).map_err(failed);
        let files = files.try_filter_map(|file| async move {
            let path = UploadPath::parse(file.location.as_ref());
            Ok(path.map(|path| (path, SystemTime::from(file.last_modified))))
        });
        files.boxed()
    }

    /// Removes what uploads that ended with their process left in a local folder, if they have written nothing since
    /// `oldest`. Returns their number.
    ///
    /// # Errors
    /// `Unavailable` when the folder is not usable.
    pub(super) async fn remove_leftovers(&self, oldest: SystemTime) -> Result<usize> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        let removing = tokio::task::spawn_blocking(move || file_store::remove_leftovers(&folder, oldest));
        removing.await.map_err(Error::internal)?.map_err(|error| Error::Unavailable(error.into()))
    }
}
