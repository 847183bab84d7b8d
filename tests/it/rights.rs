//! A Redis user with the rights that `docs/operations.md` lists, and users who lack some of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use reqwest::Method;
use serde_json::json;

use crate::dialect_clients::{Destination, DialectClients, SEND_PATHS, SOCKET_KINDS};
use crate::process::external;
use crate::support::{Redis, World, eventually, ok, scratch};

const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// The rights in `docs/operations.md`, which are the lines behind `ACL SETUSER`.
pub fn documented_rights() -> Vec<String> {
    rights_behind("ACL SETUSER chinwag on '>PASSWORD'")
}

/// Those that backups need besides.
pub fn rights_for_backups() -> Vec<String> {
    rights_behind("for a cluster:\n\n```sh\nredis-cli ACL SETUSER chinwag")
}

fn rights_behind(start: &str) -> Vec<String> {
    let (_, rest) = OPERATIONS.split_once(start).expect("documented");
    let (rules, _) = rest.split_once("```").expect("a block");
    let rules = rules.split_whitespace().filter(|rule| *rule != "\\");
    rules.map(|rule| rule.trim_matches('\'').to_owned()).collect()
}

/// The user and the password that [`admit`] makes, as an address has them.
pub const LOGIN: &str = "chinwag:p%C3%A4ssword";

/// Makes a user with these rights, and no others.
pub fn admit(redis: &Redis, rights: &[String]) {
    let mut command = redis::cmd("ACL");
    command.arg("SETUSER").arg("chinwag").arg("reset").arg("on").arg(">pässword");
    command.arg(rights).exec(&mut redis.connection()).expect("the rules are valid");
}

/// Makes a user with these rights. Returns the address with its password.
pub fn login(redis: &Redis, rights: &[String]) -> String {
    admit(redis, rights);
    redis.url().replacen("://", &format!("://{LOGIN}@"), 1)
}

/// The documented rights without those that begin with one of these.
pub fn without(missing: &[&str]) -> Vec<String> {
    let mut rights = documented_rights();
    rights.retain(|right| !missing.iter().any(|missing| right == missing));
    rights
}

/// What Redis refused so far.
pub fn refused(redis: &Redis) -> Vec<String> {
    let log: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut redis.connection()).expect("answered");
    log.iter().map(|entry| format!("{entry:?}")).collect()
}

/// The texts of all files below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![std::fs::read_to_string(path).expect("readable")],
        })
        .collect()
}

/// Covers commands that no test reaches, such as those that run once a day.
#[test]
fn every_command_of_the_store_is_among_the_documented_rights() {
    let documented = [documented_rights(), rights_for_backups()].concat();
    let is_permitted = |command: &str| {
        let right = format!("+{}", command.to_lowercase());
        documented.iter().any(|rule| *rule == right || rule.starts_with(&format!("{right}|")))
    };
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"));
    let mut commands = BTreeSet::new();
    for source in &sources {
        for before in ["redis.call('", "redis.pcall('", "cmd(\""] {
            let found = source.split(before).skip(1).filter_map(|rest| rest.split(['\'', '"']).next());
            commands.extend(found.filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase())));
        }
    }
    assert!(commands.len() > 40, "{commands:?}");
    // SENTINEL is for sentinels, which have users of their own.
    commands.retain(|command| *command != "SENTINEL" && !is_permitted(command));
    assert_eq!(commands, BTreeSet::new());
}

/// Uses two nodes through all dialects, and as an administrator.
pub async fn use_everything(world: &World) {
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "Project", &["bob"]).await;
    let to = Destination { room, other: None };
    let (mut first, mut second) =
        (DialectClients::open(world, 0, &alice, 1).await, DialectClients::open(world, 1, &bob, 2).await);
    for path in SEND_PATHS {
        first.send(path, to, &format!("{path:?}")).await;
        for kind in SOCKET_KINDS {
            assert_eq!(second.next_message(kind, to).await.content, format!("{path:?}"));
        }
    }
    let direct = alice.open_direct(0, "bob").await;
    bob.read(1, &format!("messages?room_id={}", crate::support::room_id(direct))).await;
    let public = alice.make_room(0, "public").await;
    ok(bob.post(1, &format!("rooms/{public}/join")).send().await).await;
    let message = bob.send(1, &public, "to delete").await["id"].as_str().expect("an id").to_owned();
    ok(bob.request(1, Method::DELETE, &format!("messages/{message}?room_id={public}")).send().await).await;
    ok(bob.post(1, &format!("rooms/{public}/leave")).send().await).await;
    for path in ["rooms", "online-users", "stats", "messages"] {
        alice.read(0, path).await;
    }
    ok(alice.post(0, "heartbeat").send().await).await;
    for path in ["/api/v1/conversations", "/api/v1/me", "/api/v1/search?kind=user&q=bo"] {
        alice.get_json(0, path).await;
    }
    let profile = alice.at(0, Method::PUT, "/api/v1/user/profile").json(&json!({"username": "alicia"}));
    ok(profile.send().await).await;
    world.promote("alicia").await;
    alice.get_json(0, "/dashboard/figures?range=1h").await;
    world.set_banned("bob", true).await;
}

#[tokio::test]
async fn the_documented_rights_suffice_for_all_dialects() {
    let redis = Redis::start(&[]);
    let url = login(&redis, &documented_rights());
    let world = World::start_with(2, &url, |config| {
        config.redis.prefix = "cw:".to_owned();
        config.stats.report_ms = 100;
    })
    .await;
    use_everything(&world).await;
    world.stop().await;
    assert_eq!(refused(&redis), Vec::<String>::new());
}

/// Runs a node that cannot start.
fn start(url: &str, folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chinwag"))
        .envs(external(url))
        .env("CHINWAG_REDIS__PREFIX", "cw:")
        .env("CHINWAG_DATA__DIR", folder)
        .env("CHINWAG_SERVER__PORT", "0")
        .output()
        .expect("the binary runs")
}

#[test]
fn a_missing_right_ends_the_start_with_one_line_that_names_it() {
    let (redis, folder) = (Redis::start(&[]), scratch());
    for (missing, named) in
        [("&cw:*", "channel"), ("+subscribe", "'subscribe'"), ("+script|load", "script"), ("+publish", "'publish'")]
    {
        redis::cmd("ACL").arg("DELUSER").arg("chinwag").exec(&mut redis.connection()).expect("deleted");
        let output = start(&login(&redis, &without(&[missing])), &folder);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "without {missing}: {errors}");
        assert!(errors.contains("denies a right") && errors.contains(named), "without {missing}: {errors}");
        assert_eq!(errors.lines().count(), 1, "without {missing}: {errors}");
    }
    let wrong = start(&redis.url().replacen("://", "://nobody:wrong@", 1), &folder);
    let errors = String::from_utf8_lossy(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(2), "{errors}");
    assert!(errors.contains("refuses the user name or the password"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[tokio::test]
async fn rights_that_only_serve_checks_may_be_missing() {
    let redis = Redis::start(&[]);
    for (number, missing) in [&["+info"][..], &["+role"], &["+info", "+role"]].into_iter().enumerate() {
        redis::cmd("ACL").arg("DELUSER").arg("chinwag").exec(&mut redis.connection()).expect("deleted");
        let url = login(&redis, &without(missing));
        let world = World::start_with(1, &url, |config| {
            config.redis.prefix = "cw:".to_owned();
            config.stats.report_ms = 100;
        })
        .await;
        let user = world.user(0, &format!("user{number}")).await;
        user.send(0, "global", "works").await;
        world.promote(&user.name).await;
        eventually("the dashboard shows the node", async || {
            let page = user.get_json(0, "/dashboard/figures?range=1h").await;
            page["nodes"].as_array().is_some_and(|nodes| nodes.len() == 1)
        })
        .await;
        world.stop().await;
    }
}
