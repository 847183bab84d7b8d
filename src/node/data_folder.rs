//! The data folder, which no other user of the machine may look into: it holds messages, password hashes and secrets.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tracing::warn;

const OWNER_ONLY: u32 = 0o700;
const OTHERS: u32 = 0o007;
const GROUP_AND_OTHERS: u32 = 0o077;
/// As of `/tmp`: everybody may put files there.
const STICKY: u32 = 0o1000;
/// What Chinwag keeps in its folder.
const CONTENT: [&str; 7] = ["lock", "redis.lock", "redis.sock", "redis.log", "appendonlydir", "jwt_secret", "uploads"];

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct FolderError {
    path: PathBuf,
    reason: String,
}

impl FolderError {
    pub(super) fn new(path: &Path, reason: impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Creates a folder, accessible to its owner only, and returns its absolute path.
///
/// # Errors
/// The folder cannot be created.
pub(super) fn create(dir: &Path) -> Result<PathBuf, FolderError> {
    let failed = |error| FolderError::new(dir, error);
    DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(dir).map_err(failed)?;
    dir.canonicalize().map_err(failed)
}

/// Creates the data folder, and closes one that exists to other users.
///
/// # Errors
/// The folder cannot be created, or is accessible to other users and not closed to them by itself: it belongs to somebody
/// else, or has other uses.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, FolderError> {
    let dir = create(dir)?;
    let failed = |error| FolderError::new(&dir, error);
    let found = std::fs::metadata(&dir).map_err(failed)?;
    let mode = found.mode();
    let access = Access { mode, is_ours: found.uid() == nix::unistd::geteuid().as_raw() };
    match access.verdict(|| is_data_folder(&dir)) {
        Verdict::Closed => {}
        Verdict::Mend => {
            std::fs::set_permissions(&dir, Permissions::from_mode(OWNER_ONLY)).map_err(failed)?;
            let (folder, mode) = (dir.display(), format!("{:o}", mode & 0o777));
            warn!(%folder, mode, "the data folder was accessible to other users; it is closed to them now");
        }
        Verdict::Refuse(reason) => return Err(FolderError::new(&dir, reason)),
    }
    Ok(dir)
}

/// Whether a folder has been a data folder, or may become one.
fn is_data_folder(dir: &Path) -> bool {
    let Ok(mut entries) = std::fs::read_dir(dir) else { return false };
    if CONTENT.iter().any(|name| dir.join(name).exists()) {
        return true;
    }
    entries.next().is_none()
}

/// Who may use a folder.
struct Access {
    mode: u32,
    is_ours: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// No other user sees what is in it.
    Closed,
    /// It can be closed.
    Mend,
    /// It cannot be, for this reason.
    Refuse(&'static str),
}

impl Access {
    fn verdict(&self, holds_only_ours: impl FnOnce() -> bool) -> Verdict {
        let open = if self.is_ours { GROUP_AND_OTHERS } else { OTHERS };
        if self.mode & open == 0 {
            // A folder of somebody else that we may use by its group was set up so.
            return Verdict::Closed;
        }
        if self.mode & STICKY != 0 || !(self.is_ours || self.mode & OTHERS == 0) {
            return Verdict::Refuse("other users have access, and it is not ours to close; use a folder of its own");
        }
        match holds_only_ours() {
            true => Verdict::Mend,
            false => Verdict::Refuse(
                "other users have access, and it holds other files; close it (chmod 700) or use another",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_our_own_is_mended() {
        let verdict = |mode, is_ours, holds_only_ours: bool| Access { mode, is_ours }.verdict(|| holds_only_ours);
        for mode in [0o040_700, 0o040_500] {
            assert_eq!(verdict(mode, true, false), Verdict::Closed, "{mode:o}");
        }
        for mode in [0o040_755, 0o040_750, 0o040_777, 0o040_701, 0o042_770] {
            assert_eq!(verdict(mode, true, true), Verdict::Mend, "{mode:o}");
            assert!(matches!(verdict(mode, true, false), Verdict::Refuse(_)), "{mode:o}");
        }
        assert!(matches!(verdict(0o041_777, true, true), Verdict::Refuse(_)), "/tmp");
        assert_eq!(verdict(0o042_770, false, true), Verdict::Closed, "shared with our group");
        for mode in [0o040_755, 0o042_775, 0o040_777] {
            assert!(matches!(verdict(mode, false, true), Verdict::Refuse(_)), "{mode:o}");
        }
    }
}
