//! Who can read the data folder.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use reqwest::multipart::{Form, Part};

use crate::process::{Process, Starting, token};
use crate::support::{client, ok, scratch};
use chinwag::conformance::sample;

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).expect("it exists").permissions().mode()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// The folder and everything in it.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(all(&path)),
            false => found.push(path),
        }
    }
    found
}

fn assert_closed(folder: &Path) {
    let open: Vec<String> = all(folder)
        .iter()
        .filter(|path| mode(path) & 0o077 != 0)
        .map(|path| format!("{} {:o}", path.display(), mode(path)))
        .collect();
    assert!(open.is_empty(), "{}", open.join("\n"));
}

/// Its Redis ends with it, and writes no more.
fn stop(mut node: Process) {
    node.signal(Signal::SIGTERM);
    assert_eq!(node.wait(), Some(0));
}

async fn use_it(node: &Process) {
    let client = client();
    let token = token(&client, &node.base, "alice").await;
    for name in ["a.png", "a.txt"] {
        let extension = name.rsplit('.').next().expect("one");
        let form = Form::new().part("file", Part::bytes(sample(extension, 2048)).file_name(name));
        let url = format!("{}/api/chat/upload", node.base);
        ok(client.post(url).bearer_auth(&token).multipart(form).send().await).await;
    }
}

#[tokio::test]
async fn everything_in_a_new_folder_is_for_its_owner_only() {
    let parent = scratch();
    set_mode(&parent, 0o755);
    let folder = parent.join("data");
    let node = Process::start(&[("CHINWAG_DATA__DIR", folder.display().to_string())], &parent).ready(&client()).await;
    use_it(&node).await;
    assert!(folder.join("redis.sock").exists() && folder.join("uploads/chat").exists());
    assert_closed(&folder);
    stop(node);
    std::fs::remove_dir_all(parent).expect("ours");
}

#[tokio::test]
async fn an_open_folder_of_before_is_closed_and_said_to_have_been_open() {
    for has_data in [false, true] {
        let folder = scratch();
        if has_data {
            std::fs::create_dir(folder.join("uploads")).expect("created");
            std::fs::write(folder.join("jwt_secret"), "a secret for tests, long enough".repeat(2)).expect("written");
        }
        set_mode(&folder, 0o755);
        let starting = Starting::here(&[], &folder);
        starting.says("the data folder was accessible to other users").await;
        let node = starting.listening();
        assert_eq!(mode(&folder) & 0o777, 0o700);
        stop(node);
        std::fs::remove_dir_all(folder).expect("ours");
    }
}

#[tokio::test]
async fn an_open_folder_with_other_uses_is_refused() {
    for (mode, file) in [(0o755, Some("notes.txt")), (0o1777, None)] {
        let folder = scratch();
        if let Some(file) = file {
            std::fs::write(folder.join(file), "notes").expect("written");
        }
        set_mode(&folder, mode);
        let (code, log) = Starting::here(&[], &folder).ended();
        assert_eq!(code, Some(1), "{log}");
        let last = log.lines().last().expect("a line");
        assert!(last.contains(&folder.display().to_string()) && last.contains("other users have access"), "{log}");
        assert_eq!(self::mode(&folder) & 0o7777, mode, "it is left as it was");
        std::fs::remove_dir_all(folder).expect("ours");
    }
}
