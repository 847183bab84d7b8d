//! The file store: a local folder, or S3.

use std::sync::Arc;

use object_store::ObjectStore;
use url::Url;

use crate::domain::{Error, Result};

/// Opens the store at `url`: `file:///folder`, or `s3://bucket/prefix` when built with S3.
///
/// # Errors
/// `Internal` for an address that is not understood or a folder that cannot be created.
pub(super) fn open(url: &str) -> Result<Arc<dyn ObjectStore>> {
    match url.split_once("://") {
        Some(("file", _)) => open_folder(url),
        #[cfg(feature = "s3")]
        Some(("s3", _)) => open_s3(url),
        _ => Err(Error::internal(format!("cannot store uploads at {url}"))),
    }
}

fn open_folder(url: &str) -> Result<Arc<dyn ObjectStore>> {
    let path = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
    let folder = path.ok_or_else(|| Error::internal(format!("{url} is no local folder")))?;
    std::fs::create_dir_all(&folder).map_err(Error::internal)?;
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?;
    Ok(Arc::new(store))
}

#[cfg(feature = "s3")]
fn open_s3(url: &str) -> Result<Arc<dyn ObjectStore>> {
    // Keys, region and endpoint come from the usual AWS_… variables.
    let bucket = object_store::aws::AmazonS3Builder::from_env().with_url(url).build().map_err(Error::internal)?;
    let prefix = url.trim_start_matches("s3://").split_once('/').map_or("", |(_, prefix)| prefix);
    Ok(Arc::new(object_store::prefix::PrefixStore::new(bucket, prefix)))
}

/// The error for a failure of the file store.
pub(super) fn unavailable(error: object_store::Error) -> Error {
    Error::Unavailable(error.into())
}
