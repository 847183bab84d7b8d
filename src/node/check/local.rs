//! What a node needs on its machine: its secret, a place for uploads, and space on the disk.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{AccessFlags, access};
use secrecy::ExposeSecret;

use super::{Finding, reason};
use crate::config::{Config, MIN_SECRET_BYTES};
use crate::node::listener;
use crate::service::{free_bytes, probe_uploads, uploads_folder};

/// Time for the place of uploads to take a file.
const PATIENCE: Duration = Duration::from_secs(10);
const MIB: u64 = 1024 * 1024;

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let url = &config.uploads.url;
    let folder = if url.is_empty() { Some(config.data.dir.join("uploads")) } else { uploads_folder(url) };
    let uploads = match &folder {
        Some(folder) if !folder.exists() => to_be_made("uploads", folder),
        Some(folder) => uploads(&url_of(folder), &folder.display().to_string()).await,
        None => uploads(url, url).await,
    };
    let mut findings = vec![secret(config), uploads];
    findings.extend(folder.map(|folder| disk(&folder, config)));
    findings
}

/// The address of the place for uploads, which a start may still have to create.
pub(super) fn uploads_url(config: &Config) -> String {
    match config.uploads.url.as_str() {
        "" => url_of(&config.data.dir.join("uploads")),
        url => url.to_owned(),
    }
}

fn url_of(folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    url::Url::from_directory_path(folder).map(String::from).unwrap_or_default()
}

/// Whether the node can listen where it should.
pub(super) fn address(config: &Config) -> Finding {
    let (host, port) = (&config.server.host, config.server.port);
    match listener::is_free(host, port) {
        Ok(true) => Finding::good("address", format!("{host}:{port} is free")),
        Ok(false) => Finding::good("address", format!("{host}:{port} is in use, as it is while the node runs")),
        Err(error) => Finding::wrong("address", format!("server.host and server.port, {host}:{port}: {error}")),
    }
}

/// The secret that signs tokens. A configured one has been found long enough.
fn secret(config: &Config) -> Finding {
    let configured = config.auth.jwt_secret.expose_secret().len();
    if configured > 0 {
        return Finding::good("secret", format!("auth.jwt_secret has {configured} bytes"));
    }
    let file = config.data.dir.join("jwt_secret");
    let shown = file.display();
    match std::fs::read_to_string(&file) {
        Ok(kept) if kept.trim().len() >= MIN_SECRET_BYTES => Finding::good("secret", format!("kept in {shown}")),
        Ok(_) => Finding::wrong("secret", format!("the one in {shown} has less than {MIN_SECRET_BYTES} bytes")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Finding::good("secret", format!("none yet, the first start creates one in {shown}"))
        }
        Err(error) => Finding::wrong("secret", format!("{shown}: {error}")),
    }
}

async fn uploads(url: &str, shown: &str) -> Finding {
    match tokio::time::timeout(PATIENCE, probe_uploads(url)).await {
        Ok(Ok(())) => Finding::good("uploads", format!("{shown} is writable")),
        Ok(Err(error)) => Finding::wrong("uploads", format!("cannot write to {shown}: {}", reason(&error))),
        Err(_) => Finding::wrong("uploads", format!("cannot write to {shown} within {} seconds", PATIENCE.as_secs())),
    }
}

/// A folder that does not exist: whether it can be created.
fn to_be_made(about: &'static str, folder: &Path) -> Finding {
    let (shown, parent) = (folder.display(), existing(folder));
    if !parent.is_dir() {
        return Finding::wrong(about, format!("{shown} cannot be created: {} is not a folder", parent.display()));
    }
    match access(&parent, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => Finding::good(about, format!("{shown} does not exist yet, the first start creates it")),
        Err(error) => Finding::wrong(about, format!("{shown} cannot be created in {}: {error}", parent.display())),
    }
}

/// The folder, or the nearest one above it that exists.
fn existing(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn disk(folder: &Path, config: &Config) -> Finding {
    let (reserve, folder) = (config.uploads.reserve_bytes, existing(folder));
    let shown = folder.display();
    match free_bytes(&folder) {
        Ok(free) if free < reserve.saturating_add(config.uploads.max_bytes) => Finding::wrong(
            "disk",
            format!("{} MiB are free at {shown}: uploads are refused, {} MiB stay free", free / MIB, reserve / MIB),
        ),
        Ok(free) => Finding::good("disk", format!("{} MiB are free at {shown}", free / MIB)),
        Err(error) => Finding::wrong("disk", format!("{shown}: {error}")),
    }
}
