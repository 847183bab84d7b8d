//! Backups, made while nodes run and restored elsewhere.

mod elsewhere;
mod load;
mod refused;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chinwag::config::Config;
use redis::Value;
use secrecy::ExposeSecret;
use serde_json::json;

use self::load::Load;
use crate::command_line::Shell;
use crate::process::{Process, token};
use crate::support::{Redis, User, World, answered, client, ok, scratch};
use crate::uploads::upload_picture;

/// Keys that restoring changes, and those that tell of running nodes.
const CHANGED: [&str; 4] = ["seq:users", "seq:rooms", "generation", "audit"];
const PASSING: [&str; 6] = ["online:", "connected:", "{o:", "{uploads}:turn", "{uploads}:listed", "probe:"];

/// The command line of the nodes of these settings.
fn shell(config: &Config) -> Shell {
    let environment = vec![
        ("CHINWAG_REDIS__URL", config.redis.url.clone()),
        ("CHINWAG_REDIS__PREFIX", config.redis.prefix.clone()),
        ("CHINWAG_AUTH__JWT_SECRET", config.auth.jwt_secret.expose_secret().to_owned()),
        ("CHINWAG_DATA__DIR", config.data.dir.display().to_string()),
    ];
    Shell { folder: scratch(), environment }
}

/// Settings like these for a Redis elsewhere, with a folder of its own.
fn elsewhere(config: &Config, url: &str) -> Config {
    let mut config = config.clone();
    config.redis.url = url.to_owned();
    config.data.dir = scratch();
    config
}

async fn start(config: &Config) -> World {
    World::start_with(1, &config.redis.url, |own| {
        own.redis.prefix = config.redis.prefix.clone();
        own.data.dir = config.data.dir.clone();
    })
    .await
}

/// Every key of an installation, without the prefix, with when it expires and what it holds in a form that compares.
fn keys(servers: &[&Redis], prefix: &str) -> BTreeMap<String, (i64, String)> {
    let mut found = BTreeMap::new();
    for server in servers {
        let mut connection = server.connection();
        let mut ask = |words: &[&str]| -> Value {
            redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).expect("answered")
        };
        let names: Vec<String> = redis::from_redis_value(ask(&["KEYS", "*"])).expect("names");
        for key in names.into_iter().filter(|key| key.starts_with(prefix)) {
            let kind: String = redis::from_redis_value(ask(&["TYPE", &key])).expect("a type");
            let value = match kind.as_str() {
                "string" => format!("{:?}", ask(&["GET", &key])),
                "hash" => {
                    let fields: BTreeMap<Vec<u8>, Vec<u8>> =
                        redis::from_redis_value(ask(&["HGETALL", &key])).expect("fields");
                    format!("{fields:?}")
                }
                "set" => {
                    let members: BTreeSet<Vec<u8>> =
                        redis::from_redis_value(ask(&["SMEMBERS", &key])).expect("members");
                    format!("{members:?}")
                }
                "zset" => format!("{:?}", ask(&["ZRANGE", &key, "0", "-1", "WITHSCORES"])),
                _ => format!("{:?}", ask(&["XRANGE", &key, "-", "+"])),
            };
            let until: i64 = redis::from_redis_value(ask(&["PEXPIRETIME", &key])).expect("a time");
            found.insert(key.strip_prefix(prefix).expect("ours").to_owned(), (until, value));
        }
    }
    found
}

/// The same without what restoring changes and what tells of running nodes.
fn lasting_keys(servers: &[&Redis], prefix: &str) -> BTreeMap<String, (i64, String)> {
    let mut keys = keys(servers, prefix);
    keys.retain(|name, _| {
        let is_passing = PASSING.iter().any(|start| name.starts_with(start)) || name.ends_with(":history");
        let of_room = [":rate:", ":slow:", ":sent:"].iter().any(|part| name.contains(part));
        !CHANGED.contains(&name.as_str()) && !is_passing && !of_room && !name.ends_with("}:nodes")
    });
    keys
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("it exists").permissions().mode() & 0o777
}

/// A chat with something of everything. Returns the path of an upload.
async fn fill(world: &World) -> String {
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "crew", &["bob"]).await;
    let public = bob.make_room(0, "harbour").await;
    let direct = alice.open_direct(0, "bob").await;
    for room in [crate::support::room_id(group), public, crate::support::room_id(direct), "global".to_owned()] {
        for number in 0..3 {
            alice.send(0, &room, &format!("{room} {number}")).await;
        }
        ok(bob.get(0, &format!("messages?room_id={room}")).send().await).await;
    }
    upload_picture(&alice, 0).await
}

/// What a user finds of each room in a chat that was restored.
async fn assert_filled(world: &World, upload: &str) {
    let alice = world.log_in(0, "alice", "your_strong_password").await;
    let listed = alice.get_json(0, "/api/v1/rooms").await;
    let rooms: Vec<u64> =
        listed.as_array().expect("a list").iter().map(|room| room["id"].as_u64().expect("a number")).collect();
    assert_eq!(rooms.len(), 4, "{listed}");
    for room in rooms {
        let id = if room == 1 { "global".to_owned() } else { crate::support::room_id(room) };
        let texts = alice.texts(0, &format!("room_id={id}")).await;
        let expected: Vec<String> = (0..3).rev().map(|number| format!("{id} {number}")).collect();
        assert_eq!(texts.iter().filter(|text| text.starts_with(&id)).cloned().collect::<Vec<_>>(), expected);
    }
    let path = &upload[upload.find("/uploads/").expect("an upload")..];
    let file = world.client.get(world.url(0, path)).send().await.expect("answered");
    assert_eq!(file.status(), 200, "{path}");
}

#[tokio::test]
async fn what_was_backed_up_is_what_is_restored() {
    let (from, to) = (Redis::start(&[]), Redis::start(&[]));
    let mut world = World::start_with(1, &from.url(), |_| {}).await;
    let upload = fill(&world).await;
    // More than is read at once.
    let mut connection = from.connection();
    for number in (0..30_000).step_by(1000) {
        let (mut scores, mut fields) = (redis::cmd("ZADD"), redis::cmd("HSET"));
        scores.arg(format!("{}{{r:1}}:members", world.config.redis.prefix));
        fields.arg(format!("{}{{uploads}}:pictures", world.config.redis.prefix));
        for user in number..number + 1000 {
            scores.arg(1.7e12 + f64::from(user) / 8.0).arg(1_000_000 + user);
            fields.arg(format!("chat/{user}")).arg("1");
        }
        scores.exec(&mut connection).expect("added");
        fields.exec(&mut connection).expect("added");
    }
    let old = world.log_in(0, "alice", "your_strong_password").await.token;
    world.nodes.pop().expect("a node").stop().await;

    let mut target = elsewhere(&world.config, &to.url());
    target.redis.prefix = "other[1]*:".to_owned();
    let (shell, target_shell) = (shell(&world.config), self::shell(&target));
    let file = shell.folder.join("chat.backup");
    let path = file.to_str().expect("text");
    let said = shell.ok(&["backup", path], "");
    assert_eq!(mode(&file), 0o600);
    assert!(said.contains("2 accounts, 4 rooms, ") && said.contains("1 files"), "{said}");
    let checked = target_shell.ok(&["restore", path, "--check"], "");
    assert!(checked.contains(said.trim()), "{checked}");
    assert_eq!(keys(&[&to], "").len(), 0, "a check changes nothing");

    let restored = target_shell.ok(&["restore", path], "");
    assert!(restored.starts_with(&said) && restored.contains("all tokens end"), "{restored}");
    assert_eq!(lasting_keys(&[&to], &target.redis.prefix), lasting_keys(&[&from], &world.config.redis.prefix));
    assert_eq!(keys(&[&to], "").len(), keys(&[&to], &target.redis.prefix).len(), "nothing else is written");

    let restored = start(&target).await;
    assert_filled(&restored, &upload).await;
    let (status, _) = answered(User::new(&restored, "alice", &old).get(0, "messages").send().await).await;
    assert_eq!(status, 401);
    let new = restored.user(0, "carol").await.get_json(0, "/api/v1/me").await;
    assert!(new["id"].as_u64().expect("a number") > 1_000_000, "{new}");
    restored.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_every_message_that_was_acknowledged_before() {
    let (from, to) = (Redis::start(&[]), Redis::start(&[]));
    let world = World::start_with(2, &from.url(), |_| {}).await;
    let load = Load::start(&world).await;
    load.has_sent(200).await;
    let acknowledged = load.acknowledged();
    let shell = shell(&world.config);
    let file = shell.folder.join("chat.backup");
    let path = file.to_str().expect("text").to_owned();
    let sent_before = load.sent();
    let backing_up = tokio::task::spawn_blocking(move || {
        let said = shell.ok(&["backup", &path], "");
        (shell, said)
    });
    let (shell, _) = backing_up.await.expect("it ends");
    assert!(load.sent() > sent_before, "nodes went on");
    load.stop().await;

    let target = elsewhere(&world.config, &to.url());
    self::shell(&target).ok(&["restore", file.to_str().expect("text")], "");
    drop(shell);
    let restored = start(&target).await;
    load::assert_has(&restored, &acknowledged).await;
    restored.stop().await;
    world.stop().await;
}

/// A node with a private Redis in this folder, and the command line for it.
fn private(folder: &Path) -> (Process, Shell) {
    let environment = vec![("CHINWAG_DATA__DIR", folder.display().to_string())];
    (Process::start(&[], folder), Shell { folder: scratch(), environment })
}

async fn texts(node: &Process, token: &str) -> serde_json::Value {
    let url = format!("{}/api/chat/messages", node.base);
    client().get(url).bearer_auth(token).send().await.expect("answered").json().await.expect("JSON")
}

#[tokio::test]
async fn a_private_redis_is_backed_up_while_it_runs_and_restored_to_a_new_folder() {
    let (client, folder, new) = (client(), scratch(), scratch().join("data"));
    let (node, shell) = private(&folder);
    let node = node.ready(&client).await;
    let alice = token(&client, &node.base, "alice").await;
    let url = format!("{}/api/chat/send", node.base);
    ok(client.post(url).bearer_auth(&alice).json(&json!({"message_type": "text", "content": "kept"})).send().await)
        .await;
    let file = shell.folder.join("chat.backup");
    let path = file.to_str().expect("text");
    shell.ok(&["backup", path], "");
    // The log of Redis is written anew, which copies of its files do not survive.
    assert!(shell.fails(&["restore", path, "--replace"], "", 1).contains("in use by another Chinwag"));

    let other = Shell { folder: scratch(), environment: vec![("CHINWAG_DATA__DIR", new.display().to_string())] };
    other.ok(&["restore", path], "");
    assert!(other.fails(&["restore", path], "", 2).contains("there is a chat already"));
    let (restored, _) = private(&new);
    let restored = restored.ready(&client).await;
    let credentials = json!({"username": "alice", "password": "your_strong_password"});
    let url = format!("{}/api/v1/auth/login", restored.base);
    let (status, body) = answered(client.post(url).json(&credentials).send().await).await;
    assert_eq!(status, 200, "{body}");
    let history = texts(&restored, body["token"].as_str().expect("a token")).await;
    assert_eq!(history[0]["content"], "kept", "{history}");
}
