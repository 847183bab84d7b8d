//! `chinwag backup` and `chinwag restore`.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::administer::administer;
use super::{EXIT_FAILURE, EXIT_USAGE, fail, print};
use crate::config::Config;
use crate::domain::utc_seconds;
use crate::node;
use crate::service::{Archive, BackupError, Backups, Contents, Restored, Restoring, inspect_backup};

/// The name that stands for standard output.
const STANDARD_OUTPUT: &str = "-";

#[derive(Args)]
pub(super) struct BackupArguments {
    /// The file, which is replaced once the backup is complete; - for standard output.
    file: PathBuf,
    /// Leaves out uploaded files.
    #[arg(long)]
    no_uploads: bool,
}

#[derive(Args)]
pub(super) struct RestoreArguments {
    /// The file.
    file: PathBuf,
    /// First deletes the chat that Redis already holds.
    #[arg(long)]
    replace: bool,
    /// Leaves out uploaded files.
    #[arg(long)]
    no_uploads: bool,
    /// Only verifies the file and shows what is in it.
    #[arg(long, conflicts_with_all = ["replace", "no_uploads"])]
    check: bool,
}

/// Creates a backup.
pub(super) async fn back_up(config: &Config, arguments: &BackupArguments) -> ExitCode {
    let (file, has_uploads) = (&arguments.file, !arguments.no_uploads);
    let is_for_output = file.as_os_str() == STANDARD_OUTPUT;
    if is_for_output && std::io::stdout().is_terminal() {
        return fail(&"a backup is not for a terminal", EXIT_USAGE);
    }
    let backing_up = async |backups: &Backups| {
        Ok(match is_for_output {
            true => write_to_output(backups, has_uploads).await,
            false => write_to_file(backups, has_uploads, file).await,
        })
    };
    match administer(node::backups(config), backing_up).await {
        Err(failure) => failure,
        Ok(Err(error)) => fail_with(file, &error),
        Ok(Ok(contents)) if is_for_output => {
            eprintln!("{contents}");
            ExitCode::SUCCESS
        }
        Ok(Ok(contents)) => print(&contents.to_string()),
    }
}

async fn write_to_output(backups: &Backups, has_uploads: bool) -> Result<Contents, BackupError> {
    // Not by lines, as the library would.
    let output = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    Ok(backups.back_up(output, has_uploads).await?.0)
}

/// Writes a temporary file next to the target, which replaces it once it is complete.
async fn write_to_file(backups: &Backups, has_uploads: bool, path: &Path) -> Result<Contents, BackupError> {
    if path.exists() && !path.is_file() {
        return Err(std::io::Error::other("this is no file").into());
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let draft = PathBuf::from(name);
    // Overwrites what an interrupted backup has left.
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&draft)?;
    file.try_lock().map_err(std::io::Error::from)?;
    file.set_len(0)?;
    let written = write_draft(backups, has_uploads, file).await;
    match &written {
        Ok(_) => std::fs::rename(&draft, path)?,
        Err(_) => std::fs::remove_file(&draft)?,
    }
    written
}

async fn write_draft(backups: &Backups, has_uploads: bool, file: File) -> Result<Contents, BackupError> {
    let (contents, mut file) = backups.back_up(file, has_uploads).await?;
    file.flush()?;
    file.sync_all()?;
    Ok(contents)
}

/// Restores a backup, or only checks it.
pub(super) async fn restore(config: &Config, arguments: &RestoreArguments) -> ExitCode {
    let file = &arguments.file;
    let opened = File::open(file).map_err(BackupError::from).and_then(Archive::open);
    let archive = match opened {
        Ok(archive) => archive,
        Err(error) => return fail_with(file, &error),
    };
    if arguments.check {
        return match inspect_backup(archive) {
            Ok((description, contents)) => {
                let at = utc_seconds(description.begun_at_ms);
                let uploads = if description.has_uploads { "" } else { " (made without uploads)" };
                print(&format!("of {at}, version {}: {contents}{uploads}", description.version))
            }
            Err(error) => fail_with(file, &error),
        };
    }
    let how = Restoring { replaces: arguments.replace, skips_uploads: arguments.no_uploads };
    let restoring = async |backups: &Backups| Ok(backups.restore(archive, how).await);
    match administer(node::restoring(config), restoring).await {
        Err(failure) => failure,
        Ok(Err(error)) => fail_with(file, &error),
        Ok(Ok((contents, Restored { last_user, last_room }))) => print(&format!(
            "{contents}\nall tokens end; new users have numbers above {last_user}, new rooms above {last_room}"
        )),
    }
}

fn fail_with(file: &Path, error: &BackupError) -> ExitCode {
    let code = match error {
        BackupError::Foreign | BackupError::Format(_) | BackupError::Damaged | BackupError::NotEmpty => EXIT_USAGE,
        BackupError::Running(_) | BackupError::File(_) | BackupError::Store(_) => EXIT_FAILURE,
    };
    fail(&format!("{}: {error}", file.display()), code)
}
