//! The file store: a local folder, or S3.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use url::Url;

use super::upload_path::{Folder, UploadPath};
use crate::domain::{Error, Result};

/// What a file says that shows whether the store takes files.
const PROBE: &[u8] = b"chinwag check";

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
    let folder = folder_of(url).ok_or_else(|| Error::internal(format!("{url} is no local folder")))?;
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

/// Writes a file to the store at `url` and removes it.
///
/// # Errors
/// `Internal` for an address that is not understood; `StorageFull`, `Unavailable` when the store takes no file.
pub async fn probe(url: &str) -> Result<()> {
    let name = format!(".check-{}", uuid::Uuid::new_v4());
    if let Some(folder) = folder_of(url) {
        // Not by the library, which tries forever where a folder exists and no file can be made in it.
        let file = folder.join(name);
        let probing = move || std::fs::write(&file, PROBE).and_then(|()| std::fs::remove_file(&file));
        let probed = tokio::task::spawn_blocking(probing).await.map_err(Error::internal)?;
        return probed.map_err(|error| Error::Unavailable(error.into()));
    }
    let (store, file) = (open(url)?, object_store::path::Path::from(name));
    store.put(&file, PutPayload::from_static(PROBE)).await.map_err(failed)?;
    store.delete(&file).await.map_err(failed)
}

/// The folder at a `file://` address.
pub fn folder_of(url: &str) -> Option<PathBuf> {
    Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// Removes what uploads that ended with their process left in a folder: files that were not written to since `oldest`.
/// Returns their number.
///
/// The library writes a file under `<name>#<number>` until it is complete, and never lists it.
///
/// # Errors
/// The first one of a folder or file.
pub(super) fn remove_leftovers(folder: &Path, oldest: SystemTime) -> std::io::Result<usize> {
    let mut removed = 0;
    for part in Folder::ALL {
        let entries = match std::fs::read_dir(folder.join(part.name())) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if is_incomplete(part, &entry.file_name().to_string_lossy()) && entry.metadata()?.modified()? < oldest {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

fn is_incomplete(folder: Folder, file: &str) -> bool {
    let Some((name, number)) = file.rsplit_once('#') else { return false };
    number.parse::<u32>().is_ok() && UploadPath::parse(&format!("{}/{name}", folder.name())).is_some()
}

/// Bytes that the disk of a folder has left for files.
///
/// # Errors
/// When the folder is not usable.
pub fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let disk = nix::sys::statvfs::statvfs(folder)?;
    Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

/// The error for a failure of the file store.
pub(super) fn failed(error: object_store::Error) -> Error {
    if is_full(&error) { Error::StorageFull } else { Error::Unavailable(error.into()) }
}

/// Whether a failure comes from a full disk, or from a quota of the system.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
        || error.source().is_some_and(is_full)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use object_store::ObjectStoreExt;

    use super::*;
    use crate::domain::FileKind;

    #[test]
    fn only_old_incomplete_uploads_are_removed() {
        let folder = std::env::temp_dir().join(format!("chinwag-uploads-{:016x}", fastrand::u64(..)));
        let now = SystemTime::now();
        let old = now - Duration::from_secs(100);
        let name = "0b9e2b5e-4f0c-4c9e-8f43-3f6f2c3d9b11";
        let files = [
            (format!("chat/{name}.txt#1"), old, false),
            (format!("files/{name}.pdf#12"), old, false),
            (format!("files/{name}.pdf#13"), now, true), // under way
            (format!("chat/{name}.txt"), old, true),
            (format!("chat/{name}.txt#x"), old, true),
            ("chat/notes.txt#1".to_owned(), old, true),
            (format!("other/{name}.txt#1"), old, true),
        ];
        for (path, modified, _) in &files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            File::create(path).and_then(|file| file.set_modified(*modified)).expect("written");
        }
        assert_eq!(remove_leftovers(&folder, now - Duration::from_secs(50)).expect("removed"), 2);
        for (path, _, is_kept) in &files {
            assert_eq!(folder.join(path).exists(), *is_kept, "{path}");
        }
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[tokio::test]
    async fn what_the_library_leaves_of_an_interrupted_upload_is_recognised() {
        let folder = std::env::temp_dir().join(format!("chinwag-uploads-{:016x}", fastrand::u64(..)));
        let store = open(Url::from_directory_path(&folder).expect("absolute").as_str()).expect("a store");
        let path = UploadPath::new(Folder::Files, FileKind::Pdf);
        let mut upload = store.put_multipart(&path.object()).await.expect("begun");
        upload.put_part("a part".into()).await.expect("written");
        std::mem::forget(upload); // as if the process was killed
        let later = SystemTime::now() + Duration::from_secs(100);
        assert_eq!(remove_leftovers(&folder, later).expect("removed"), 1);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
