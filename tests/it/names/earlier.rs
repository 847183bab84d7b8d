//! Accounts that earlier versions stored, by rules that allowed more and without what is stored beside names today.

use redis::{Connection, cmd};
use serde_json::json;

use super::{PASSWORD, register, rename};
use crate::name_search::encoded;
use crate::support::{Redis, User, World};

/// What this version stores beside a name, which earlier versions do not.
fn forget_what_is_new(redis: &mut Connection, prefix: &str) {
    let mut keys: Vec<String> = cmd("KEYS").arg(format!("{prefix}look:*")).query(redis).expect("keys");
    assert!(!keys.is_empty(), "names are claimed with what looks like them");
    keys.extend(["names:parts", "rooms:names:parts", "names:indexed"].map(|key| format!("{prefix}{key}")));
    cmd("DEL").arg(keys).exec(redis).expect("deleted");
}

/// Renames a user as an earlier version does.
fn rename_as_before(redis: &mut Connection, prefix: &str, user: u64, from: &str, to: &str) {
    let (old, new) = (from.to_lowercase(), to.to_lowercase());
    cmd("SET").arg(format!("{prefix}name:{new}")).arg(user).exec(redis).expect("set");
    cmd("HSET").arg(format!("{prefix}{{u:{user}}}")).arg("name").arg(to).exec(redis).expect("set");
    cmd("DEL").arg(format!("{prefix}name:{old}")).exec(redis).expect("deleted");
    let names = format!("{prefix}names");
    cmd("ZADD").arg(&names).arg(0).arg(format!("{new}\0{user}")).exec(redis).expect("added");
    cmd("ZREM").arg(&names).arg(format!("{old}\0{user}")).exec(redis).expect("removed");
}

#[tokio::test]
async fn accounts_of_earlier_versions_keep_their_names() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |_| {}).await;
    let prefix = world.config.redis.prefix.clone();
    let mut direct = redis.connection();
    // Refused today: two scripts, a reserved one, two spaces, and one that looks like another user's.
    let before =
        [("aaaa", "p\u{430}ypal"), ("bbbb", "admin"), ("cccc", "anna  lee"), ("dddd", "aIex"), ("eeee", "alex")];
    for (user, (name, earlier)) in (1..).zip(before) {
        world.user(0, name).await;
        rename_as_before(&mut direct, &prefix, user, name, earlier);
    }
    world.user(0, "John Zed").await;
    forget_what_is_new(&mut direct, &prefix);
    world.add_node().await;
    let zed = world.log_in(1, "John Zed", PASSWORD).await;
    for (_, name) in before {
        let user = world.log_in(1, name, PASSWORD).await;
        assert_eq!(user.get_json(1, "/api/v1/me").await["username"], name);
        zed.open_direct(1, name).await;
        let word = name.split(' ').next().expect("a word");
        let found = zed.get_json(1, &format!("/api/v1/search?kind=user&q={}", encoded(word))).await;
        assert!(found.as_array().is_some_and(|found| found.iter().any(|user| user["username"] == name)), "{found}");
        // A client that sends the whole profile repeats the name.
        let (status, body) = rename(&world, &user, name).await;
        assert_eq!((status, &body["data"]["username"]), (200, &json!(name)));
    }
    // What looks like them is taken, whether they have logged in since or not.
    for name in ["A1ex", "ALEX", "AIEX", "John Z\u{435}d"] {
        assert!(matches!(register(&world, 1, name).await, 400 | 409), "{name}");
    }
    let found = zed.get_json(1, "/api/v1/search?kind=user&q=zed").await;
    assert_eq!(found[0]["username"], "John Zed");
    world.stop().await;
}

#[tokio::test]
async fn what_looks_like_an_earlier_name_is_taken_before_its_user_logs_in() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |_| {}).await;
    world.user(0, "Alice").await;
    forget_what_is_new(&mut redis.connection(), &world.config.redis.prefix.clone());
    world.add_node().await;
    assert_eq!(register(&world, 1, "AIice").await, 409);
    world.stop().await;
}

#[tokio::test]
async fn a_claim_that_an_earlier_version_left_behind_ends() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let prefix = world.config.redis.prefix.clone();
    let mut direct = redis.connection();
    world.user(0, "wanda").await;
    rename_as_before(&mut direct, &prefix, 1, "wanda", "wilma");
    assert_eq!(register(&world, 0, "wanda").await, 409, "a change of name may be under way");
    for key in cmd("KEYS").arg(format!("{prefix}look:*")).query::<Vec<String>>(&mut direct).expect("keys") {
        cmd("SET").arg(key).arg("1:1000").exec(&mut direct).expect("set"); // long ago
    }
    let bob = world.user(0, "bob").await;
    assert_eq!(rename(&world, &bob, "wanda").await.0, 200);
    assert_eq!(register(&world, 0, "wi1ma").await, 201, "no claim protects it until its user logs in");
    let found = bob.get_json(0, "/api/v1/search?kind=user&q=wanda").await;
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    world.stop().await;
}

/// How many users a search finds.
async fn count(user: &User<'_>, node: usize, text: &str) -> Option<usize> {
    let found = user.get_json(node, &format!("/api/v1/search?kind=user&q={}", encoded(text))).await;
    found.as_array().map(Vec::len)
}

#[tokio::test]
async fn names_that_an_earlier_version_indexed_are_found_without_their_marks() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |_| {}).await;
    let prefix = world.config.redis.prefix.clone();
    let mut direct = redis.connection();
    let user = world.user(0, "Zoë Müller").await;
    user.make_room(0, "Café").await;
    for (key, parts) in [("names:parts", ["zoe muller\x001", "muller\x001"]), ("rooms:names:parts", ["cafe\x002", ""])]
    {
        cmd("ZREM").arg(format!("{prefix}{key}")).arg(&parts).exec(&mut direct).expect("removed");
    }
    cmd("SET").arg(format!("{prefix}names:indexed")).arg(1).exec(&mut direct).expect("set");
    assert_eq!((count(&user, 0, "müller").await, count(&user, 0, "muller").await), (Some(1), Some(0)));
    world.add_node().await;
    let other = world.user(1, "zed").await;
    for text in ["müller", "muller", "zoe", "zoë"] {
        assert_eq!(count(&other, 1, text).await, Some(1), "{text}");
    }
    let mut parts: Vec<String> =
        cmd("ZRANGE").arg(format!("{prefix}rooms:names:parts")).arg(0).arg(-1).query(&mut direct).expect("a set");
    parts.retain(|part| part.ends_with("\x002"));
    assert_eq!(parts, ["cafe\x002"]);
    world.stop().await;
}
