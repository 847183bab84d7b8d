//! A small file that is created once and kept.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Reads a file, which the first call creates with this content and mode.
///
/// The file is written under a draft name and then linked, so it is complete once it exists. Processes that start
/// together use what was linked first.
pub(super) fn read_or_create(path: &Path, mode: u32, content: impl FnOnce() -> String) -> std::io::Result<String> {
    if !path.exists() {
        let draft = path.with_extension(format!("{:016x}", fastrand::u64(..)));
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&draft)?;
        let linked = file
            .write_all(content().as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::hard_link(&draft, path));
        std::fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}
