//! What is not backed up and not restored, and what may be left out.

use super::{assert_filled, elsewhere, fill, keys, shell, start};
use crate::command_line::Shell;
use crate::rights::{documented_rights, login, refused, rights_for_backups};
use crate::support::{Redis, World, scratch};

#[tokio::test]
async fn a_file_that_is_no_whole_backup_changes_nothing() {
    let (from, to) = (Redis::start(&[]), Redis::start(&[]));
    let world = World::start_with(1, &from.url(), |_| {}).await;
    fill(&world).await;
    let shell = shell(&world.config);
    shell.ok(&["backup", "whole"], "");
    let whole = std::fs::read(shell.folder.join("whole")).expect("read");
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    let mut newer = whole.clone();
    newer[b"chinwag backup\n".len()] = 9;
    let target = elsewhere(&world.config, &to.url());
    let target_shell = Shell { folder: shell.folder.clone(), ..super::shell(&target) };
    for (bytes, reason) in [
        (&whole[..whole.len() - 1], "incomplete or was altered"),
        (&whole[..whole.len() / 2], "incomplete or was altered"),
        (&whole[..20], "incomplete or was altered"),
        (&altered, "incomplete or was altered"),
        (&newer, "its format is 9"),
        (b"PK\x03\x04 something else", "no backup of Chinwag"),
        (b"", "no backup of Chinwag"),
    ] {
        std::fs::write(shell.folder.join("bad"), bytes).expect("written");
        for more in [&[][..], &["--replace"], &["--check"]] {
            let said = target_shell.fails(&[&["restore", "bad"], more].concat(), "", 2);
            assert!(said.starts_with("chinwag: bad: ") && said.contains(reason), "{said}");
        }
    }
    assert!(target_shell.fails(&["restore", "missing"], "", 1).contains("missing: "));
    assert_eq!(keys(&[&to], "").len(), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_chat_is_replaced_only_when_it_is_said_and_no_node_runs() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |config| config.stats.report_ms = 5000).await;
    let upload = fill(&world).await;
    // Another installation on the same server, whose prefix begins alike.
    let neighbour = World::start_with(1, &redis.url(), |config| {
        config.redis.prefix = format!("{}2:", world.config.redis.prefix);
    })
    .await;
    neighbour.user(0, "neighbour").await;
    let shell = shell(&world.config);
    shell.ok(&["backup", "chat.backup"], "");
    let late = world.user(0, "late").await.token;
    let reason = shell.fails(&["restore", "chat.backup", "--replace"], "", 1);
    assert!(reason.contains(&format!("node {} at ", world.nodes[0].id())), "{reason}");
    world.nodes.pop().expect("a node").stop().await;
    let before = keys(&[&redis], "");
    let reason = shell.fails(&["restore", "chat.backup"], "", 2);
    assert!(reason.contains("there is a chat already") && reason.contains("--replace"), "{reason}");
    assert_eq!(keys(&[&redis], ""), before);

    shell.ok(&["restore", "chat.backup", "--replace"], "");
    world.add_node().await;
    assert_filled(&world, &upload).await;
    let credentials = serde_json::json!({"username": "late", "password": "your_strong_password"});
    let answer = world.client.post(world.url(0, "/api/v1/auth/login")).json(&credentials).send().await;
    assert_eq!(answer.expect("answered").status(), 401, "registered after the backup: {late}");
    neighbour.log_in(0, "neighbour", "your_strong_password").await;
    neighbour.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn uploads_may_be_left_out_and_the_archive_may_go_to_a_pipe() {
    let (from, to) = (Redis::start(&[]), Redis::start(&[]));
    let world = World::start_with(1, &from.url(), |_| {}).await;
    let upload = fill(&world).await;
    let name = upload.rsplit('/').next().expect("a name");
    let shell = shell(&world.config);
    let piped = shell.run(&["backup", "-"], "");
    let said = String::from_utf8_lossy(&piped.stderr);
    assert!(piped.status.success() && said.contains("1 files"), "{said}");
    std::fs::write(shell.folder.join("piped"), piped.stdout).expect("written");
    assert!(shell.ok(&["backup", "--no-uploads", "without"], "").contains("0 files"));
    assert!(shell.ok(&["restore", "--check", "without"], "").contains("made without uploads"));

    for (arguments, has_upload) in [
        (&["restore", "without"][..], false),
        (&["restore", "piped", "--no-uploads", "--replace"], false),
        (&["restore", "piped", "--replace"], true),
    ] {
        let target = elsewhere(&world.config, &to.url());
        let target_shell = Shell { folder: shell.folder.clone(), ..super::shell(&target) };
        target_shell.ok(arguments, "");
        let file = target.data.dir.join("uploads/images").join(name);
        assert_eq!(file.exists(), has_upload, "{arguments:?}");
        if has_upload {
            let restored = start(&target).await;
            assert_filled(&restored, &upload).await;
            restored.stop().await;
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_backup_that_fails_leaves_the_one_before() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.redis.prefix = "cw:".to_owned()).await;
    world.user(0, "alice").await;
    let shell = shell(&world.config);
    shell.ok(&["backup", "chat.backup"], "");
    let before = std::fs::read(shell.folder.join("chat.backup")).expect("read");
    // What an interrupted one has left is in nobody's way.
    std::fs::write(shell.folder.join("chat.backup.part"), vec![0; 100_000]).expect("written");
    let mut poor = Shell { folder: shell.folder.clone(), environment: shell.environment.clone() };
    poor.environment[0].1 = login(&redis, &documented_rights());
    let reason = poor.fails(&["backup", "chat.backup"], "", 1);
    assert!(reason.starts_with("chinwag: chat.backup: Redis denies a right") && reason.contains("scan"), "{reason}");
    assert_eq!(std::fs::read(shell.folder.join("chat.backup")).expect("read"), before);
    assert!(!shell.folder.join("chat.backup.part").exists());
    shell.ok(&["backup", "chat.backup"], "");
    assert!(shell.fails(&["backup", scratch().to_str().expect("text")], "", 1).contains("this is no file"));
    world.stop().await;
}

#[tokio::test]
async fn the_documented_rights_suffice() {
    let redis = Redis::start(&[]);
    let url = login(&redis, &[documented_rights(), rights_for_backups()].concat());
    let mut world = World::start_with(1, &url, |config| config.redis.prefix = "cw:".to_owned()).await;
    let upload = fill(&world).await;
    let shell = shell(&world.config);
    shell.ok(&["backup", "chat.backup"], "");
    world.nodes.pop().expect("a node").stop().await;
    shell.ok(&["restore", "chat.backup", "--replace"], "");
    assert_eq!(refused(&redis), Vec::<String>::new());
    world.add_node().await;
    assert_filled(&world, &upload).await;
    world.stop().await;
}
