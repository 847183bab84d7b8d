//! A data folder for the life of a process.

use std::path::{Path, PathBuf};

use tracing::warn;

use super::data_folder;
use super::error::StartError;
use crate::domain::random_hex;

/// Random bytes of its name, which are printed as twice as many digits.
const NAME_BYTES: usize = 4;
/// Longest folder for temporary files in which the path of a socket is short enough.
const MAX_PARENT: usize = 68;

/// A folder that is removed with everything in it when it is dropped.
pub struct ScratchFolder(PathBuf);

impl ScratchFolder {
    /// Creates an empty one among the temporary files.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create() -> Result<Self, StartError> {
        let named = std::env::temp_dir();
        let parent = if named.as_os_str().len() <= MAX_PARENT { &named } else { Path::new("/tmp") };
        let name = format!("chinwag-dev-{}", random_hex::<NAME_BYTES>()?);
        Ok(Self(data_folder::create(&parent.join(name))?))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            warn!(folder = %self.0.display(), %error, "could not remove the folder of temporary data");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn it_is_for_its_owner_and_goes_with_all_that_is_in_it() {
        let folder = ScratchFolder::create().expect("created");
        let path = folder.path().to_owned();
        assert_eq!(std::fs::metadata(&path).expect("a folder").mode() & 0o777, 0o700);
        std::fs::create_dir(path.join("uploads")).expect("created");
        std::fs::write(path.join("uploads/picture"), "pixels").expect("written");
        drop(folder);
        assert!(!path.exists());
    }
}
