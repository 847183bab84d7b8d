//! Redis loses numbers that were assigned: nothing that exists is overwritten, no number is assigned again, and a token
//! opens no account but its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonwebtoken::Algorithm;
use redis::Commands;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::bad_frames::{ALL, Dialect};
use crate::bad_input::{claims, sign};
use crate::command_log::LoggedRedis;
use crate::raw_socket::{Incoming, RawSocket};
use crate::support::{Redis, User, World, eventually, room_id, scratch};

/// Requests of each dialect that need no more than a token, among them those that would say something.
const REQUESTS: [(&str, &str, &str); 10] = [
    ("GET", "/api/v1/me", "error"),
    ("GET", "/api/v1/user/profile", "code"),
    ("POST", "/api/chat/history/private", "code"),
    ("GET", "/api/chat/stats", "detail"),
    ("POST", "/api/chat/heartbeat", "detail"),
    ("POST", "/api/chat/send?room_id=global", "detail"),
    ("POST", "/api/v1/rooms", "error"),
    ("POST", "/api/v1/chat/message", "code"),
    ("POST", "/api/v1/group", "code"),
    ("POST", "/api/v1/upload/file", "error"),
];

const SOCKETS: [&str; 5] = ["/ws", "/ws?ext=1", "/api/v1/ws", "/ws/chat", "/ws/chat?dialect=messenger"];

/// Nodes without limits: refused tokens count as sign-ins.
async fn start(nodes: usize, redis: &Redis) -> World {
    World::start_with(nodes, &redis.url(), |config| config.limits.enabled = false).await
}

/// The status of a request with a token, which is refused in the words of its dialect.
async fn status(world: &World, node: usize, (method, path, field): (&str, &str, &str), token: &str) -> u16 {
    let method: Method = method.parse().expect("a method");
    let body = json!({"message_type": "text", "content": "a ghost", "user_id": 1});
    let request = world.client.request(method, world.url(node, path)).bearer_auth(token).json(&body);
    let answer = request.send().await.expect("answered");
    let status = answer.status();
    if status == StatusCode::UNAUTHORIZED {
        let body: Value = answer.json().await.expect("JSON");
        assert!(!body[field].is_null(), "{path}: {body}");
    }
    status.as_u16()
}

/// Asserts that a token opens nothing on a node.
async fn assert_dead(world: &World, node: usize, token: &str) {
    for request in REQUESTS {
        assert_eq!(status(world, node, request, token).await, 401, "{request:?}");
    }
    for path in SOCKETS {
        let mark = if path.contains('?') { '&' } else { '?' };
        let opened = RawSocket::connect(&world.base(node)).await.open(&format!("{path}{mark}token={token}"), "").await;
        assert_eq!(opened.map(|_| ()).map_err(|(status, _)| status), Err(401), "{path}");
    }
}

async fn wait_dead(world: &World, node: usize, token: &str) {
    eventually("the token is refused", async || status(world, node, REQUESTS[3], token).await == 401).await;
    assert_dead(world, node, token).await;
}

async fn assert_closed(mut socket: RawSocket) {
    loop {
        match socket.next().await {
            Incoming::Close(Some(code), _) => return assert_eq!(code, 1008),
            Incoming::Text(_) => {} // what happened before
            other => panic!("{other:?}"),
        }
    }
}

async fn id(user: &User<'_>, node: usize) -> u64 {
    user.get_json(node, "/api/v1/me").await["id"].as_u64().expect("a number")
}

/// A Redis that can be started on its append-only file as it was before, as after a power failure.
struct Rewinding {
    redis: Redis,
    folder: PathBuf,
}

impl Rewinding {
    fn start() -> Self {
        let folder = scratch();
        let redis = Redis::start(&["--appendonly", "yes", "--dir", &folder.to_string_lossy()]);
        Self { redis, folder }
    }

    fn keep(&self) {
        copy(&self.folder.join("appendonlydir"), &self.folder.join("kept"));
    }

    fn rewind(&mut self) {
        self.redis.kill();
        copy(&self.folder.join("kept"), &self.folder.join("appendonlydir"));
        self.redis.restart();
    }
}

/// Makes a folder a copy of another.
fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).expect("the folder is ours");
    }
    std::fs::create_dir_all(to).expect("writable");
    for file in std::fs::read_dir(from).expect("a folder") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}

#[tokio::test]
async fn a_counter_of_users_that_went_back_overwrites_nobody() {
    let redis = Redis::start(&[]);
    let mut world = start(1, &redis).await;
    let (counter, mut connection) = (format!("{}seq:users", world.config.redis.prefix), redis.connection());
    let alice = world.user(0, "alice").await.token;
    world.user(0, "bob").await;
    let () = connection.set(&counter, 1).expect("set");
    world.add_node().await; // it has seen no higher number
    let mallory = world.user(1, "mallory").await;
    assert!(id(&mallory, 1).await > 2);
    let () = connection.set(&counter, 1).expect("set");
    let trudy = world.user(0, "trudy").await; // a node that has
    assert!(id(&trudy, 0).await > id(&mallory, 1).await);
    assert_eq!(id(&world.log_in(0, "bob", "your_strong_password").await, 0).await, 2);
    assert_eq!(status(&world, 1, REQUESTS[0], &alice).await, 200);
    assert_eq!(id(&world.log_in(1, "alice", "your_strong_password").await, 1).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_counter_that_is_far_back_catches_up_in_a_few_steps() {
    let redis = Redis::start(&[]);
    let world = start(1, &redis).await;
    let (prefix, mut connection) = (world.config.redis.prefix.clone(), redis.connection());
    let mut accounts = redis::pipe();
    for number in 1..=3000 {
        accounts.cmd("HSET").arg(format!("{prefix}{{u:{number}}}")).arg(&["name", "someone"]).ignore();
    }
    accounts.exec(&mut connection).expect("stored");
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut connection).expect("reset");
    let user = world.user(0, "newcomer").await;
    let stats: redis::InfoDict = redis::cmd("INFO").arg("commandstats").query(&mut connection).expect("answered");
    let calls = |name: &str| {
        let line: String = stats.get(&format!("cmdstat_{name}")).unwrap_or_default();
        line.split(['=', ',']).nth(1).and_then(|calls| calls.parse::<u64>().ok()).unwrap_or(0)
    };
    assert!(calls("evalsha") + calls("eval") < 40, "{} and {}", calls("evalsha"), calls("eval"));
    let number = id(&user, 0).await;
    assert!((3001..10_000).contains(&number), "{number}");
    world.stop().await;
}

#[tokio::test]
async fn a_counter_of_rooms_that_went_back_gives_no_room_to_others() {
    let redis = Redis::start(&[]);
    let mut world = start(1, &redis).await;
    let counter = format!("{}seq:rooms", world.config.redis.prefix);
    let first = {
        let alice = world.user(0, "alice").await;
        world.user(0, "bob").await;
        let room = alice.open_direct(0, "bob").await;
        alice.send(0, &room_id(room), "between us").await;
        room
    };
    for node in [1, 0] {
        let () = redis.connection().set(&counter, 1).expect("set");
        if node == 1 {
            world.add_node().await; // it has seen no higher number
        }
        let (carol, dave) = (format!("carol{node}"), format!("dave{node}"));
        let (carol, _) = (world.user(node, &carol).await, world.user(node, &dave).await);
        let room = carol.open_direct(node, &dave).await;
        assert!(room > first, "{room} on node {node}");
        carol.send(node, &room_id(room), "between them").await;
        assert_eq!(carol.texts(node, &format!("room_id={}", room_id(room))).await, ["between them"]);
        let () = redis.connection().set(&counter, 0).expect("set");
        let group = carol.make_group(node, "a group", &[]).await;
        assert!(group > room, "{group}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_pair_that_was_given_the_room_of_another_gets_its_own() {
    let redis = Redis::start(&[]);
    let world = start(1, &redis).await;
    let alice = world.user(0, "alice").await;
    world.user(0, "bob").await;
    let carol = world.user(0, "carol").await;
    world.user(0, "dave").await;
    let room = alice.open_direct(0, "bob").await;
    // As a version did that gave numbers twice.
    let () = redis.connection().set(format!("{}direct:3:4", world.config.redis.prefix), room).expect("set");
    let body = json!({"type": "text", "content": "for dave", "receiver_id": "4"});
    assert_eq!(carol.ask(0, "/api/v1/chat/message", &body).await.0, 200);
    let own = carol.open_direct(0, "dave").await;
    assert_ne!(own, room);
    assert_eq!(carol.texts(0, &format!("room_id={}", room_id(own))).await, ["for dave"]);
    assert_eq!(carol.get_json(0, "/api/v1/rooms").await.as_array().map(Vec::len), Some(2));
    world.stop().await;
}

#[tokio::test]
async fn after_a_flush_under_live_nodes_nothing_of_before_is_given_again() {
    let redis = Redis::start(&[]);
    let world = start(2, &redis).await;
    let alice = world.user(0, "alice").await;
    let last = alice.make_group(0, "before", &[]).await;
    let mut sockets = Vec::new();
    for node in 0..2 {
        for dialect in ALL {
            sockets.push(dialect.open(&world.base(node), &alice.token).await);
        }
    }
    redis::cmd("FLUSHALL").exec(&mut redis.connection()).expect("flushed");
    let bob = world.user(1, "bob").await;
    assert!(id(&bob, 1).await > 1);
    let group = bob.make_group(1, "after", &[]).await;
    assert!(group > last, "{group}");
    for node in 0..2 {
        wait_dead(&world, node, &alice.token).await;
    }
    for socket in sockets {
        assert_closed(socket).await;
    }
    // `global` is there again and has its members.
    bob.send(0, "global", "anyone here?").await;
    let again = world.user(0, "alice").await;
    assert_eq!(again.texts(0, "").await, ["anyone here?"]);
    assert_ne!(id(&again, 0).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_token_of_an_account_that_was_lost_opens_nothing() {
    let mut redis = Rewinding::start();
    let world = start(2, &redis.redis).await;
    let alice = world.user(0, "alice").await;
    redis.keep();
    let xavier = world.user(0, "xavier").await;
    let lost = id(&xavier, 1).await;
    let room = xavier.open_direct(0, "alice").await;
    let mut sockets = Vec::new();
    for dialect in ALL {
        sockets.push((dialect, dialect.open(&world.base(1), &xavier.token).await));
    }
    redis.rewind();
    for (dialect, socket) in &mut sockets {
        socket.send_text(&dialect.say(1, "a ghost").to_string()).await;
    }
    for node in 0..2 {
        world.wait_ready(node).await;
    }
    let yvonne = world.user(0, "yvonne").await;
    assert!(id(&yvonne, 0).await > lost);
    for node in 0..2 {
        assert_dead(&world, node, &xavier.token).await;
        assert_eq!(id(&alice, node).await, 1);
    }
    assert!(yvonne.open_direct(1, "alice").await > room);
    // Sockets of before are closed, and no message of a ghost is stored.
    for (_, socket) in sockets {
        assert_closed(socket).await;
    }
    assert_eq!(yvonne.texts(0, "").await, Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn a_token_does_not_open_a_later_account_with_the_same_number() {
    let redis = Redis::start(&[]);
    let mut world = start(1, &redis).await;
    let xavier = world.user(0, "xavier").await.token;
    let (prefix, mut connection) = (world.config.redis.prefix.clone(), redis.connection());
    world.user(0, "yvonne").await;
    let () = connection.rename(format!("{prefix}{{u:2}}"), format!("{prefix}{{u:1}}")).expect("renamed");
    let () = connection.set(format!("{prefix}name:yvonne"), 1).expect("set");
    world.add_node().await;
    assert_dead(&world, 1, &xavier).await;
    let yvonne = world.log_in(1, "yvonne", "your_strong_password").await;
    assert_eq!(id(&yvonne, 1).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_token_for_nobody_is_refused_in_every_dialect() {
    let redis = Redis::start(&[]);
    let world = start(1, &redis).await;
    world.user(0, "alice").await;
    let mut ghost = claims();
    ghost["sub"] = "999".into();
    let ghost = sign(&ghost, Algorithm::HS256, world.config.auth.jwt_secret.expose_secret());
    assert_dead(&world, 0, &ghost).await;
    world.stop().await;
}

#[tokio::test]
async fn tokens_of_the_version_before_stay_valid_for_the_account_that_they_were_issued_for() {
    let redis = Redis::start(&[]);
    let mut world = start(1, &redis).await;
    world.user(0, "alice").await;
    let (account, mut connection) = (format!("{}{{u:1}}", world.config.redis.prefix), redis.connection());
    let secret = world.config.auth.jwt_secret.expose_secret().to_owned();
    let issued = |secs_ago: i64| {
        let mut claims = claims();
        claims["iat"] = (claims["iat"].as_i64().expect("a time") - secs_ago).into();
        sign(&claims, Algorithm::HS256, &secret)
    };
    let (of_account, of_before) = (issued(0), issued(300));
    // A node of the version before issued them, for an account with a key and for one without.
    for node in [1, 2] {
        world.add_node().await;
        for request in REQUESTS {
            assert_ne!(status(&world, node, request, &of_account).await, 401, "{request:?}");
        }
        assert_dead(&world, node, &of_before).await;
        let () = connection.hdel(&account, "key").expect("deleted");
    }
    let new = world.log_in(0, "alice", "your_strong_password").await.token;
    assert!(connection.hexists::<_, _, bool>(&account, "key").expect("answered"));
    for node in 0..3 {
        for token in [&new, &of_account] {
            assert_eq!(status(&world, node, REQUESTS[3], token).await, 200);
        }
    }
    world.stop().await;
}

/// Runs `chinwag restored` for the Redis of the nodes.
fn run_restored(world: &World) {
    let output = Command::new(env!("CARGO_BIN_EXE_chinwag"))
        .arg("restored")
        .env("CHINWAG_REDIS__URL", &world.config.redis.url)
        .env("CHINWAG_REDIS__PREFIX", &world.config.redis.prefix)
        .env("CHINWAG_AUTH__JWT_SECRET", world.config.auth.jwt_secret.expose_secret())
        .env("CHINWAG_DATA__DIR", world.folder())
        .output()
        .expect("the binary runs");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), text.lines().count()), (Some(0), 1), "{text}{errors}");
}

#[tokio::test]
async fn after_a_restored_backup_old_tokens_end_and_numbers_are_skipped() {
    let mut redis = Rewinding::start();
    let world = start(2, &redis.redis).await;
    let alice = world.user(0, "alice").await;
    let mut last_room = alice.make_group(0, "before", &[]).await;
    redis.keep();
    let (original, mut last_user) = (alice.token, 1);
    let mut tokens = vec![original.clone()];
    for name in ["bob", "carol"] {
        redis.rewind();
        for node in 0..2 {
            world.wait_ready(node).await;
        }
        let open = Dialect::Webchat.open(&world.base(0), &original).await;
        run_restored(&world);
        assert_closed(open).await;
        for token in &tokens {
            for node in 0..2 {
                wait_dead(&world, node, token).await;
            }
        }
        let alice = world.log_in(0, "alice", "your_strong_password").await;
        for node in [1, 0] {
            assert_eq!(id(&alice, node).await, 1);
        }
        // The next time the backup has neither this user nor the generation of this token.
        let other = world.user(1, name).await;
        let (user, room) = (id(&other, 0).await, other.make_group(0, "after", &[]).await);
        assert!(user > last_user.max(1_000_000) && room > last_room.max(100_000), "{user} {room}");
        (last_user, last_room) = (user, room);
        tokens.push(alice.token);
    }
    world.stop().await;
}

#[tokio::test]
async fn account_changes_are_read_from_the_last_reading_on() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let now_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).expect("after 1970");
    let mut starts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    eventually("the node reads several times", async || {
        for command in redis.read().into_iter().filter(|command| command.name == "zrange") {
            if let [key, start, ..] = command.arguments.as_slice()
                && (key.ends_with("revoked") || key.ends_with("renamed"))
            {
                starts.entry(key.clone()).or_default().push(start.parse().expect("a time"));
            }
        }
        starts.values().any(|starts| starts.len() >= 4)
    })
    .await;
    for kind in ["revoked", "renamed"] {
        let starts = &starts[&format!("{}{kind}", world.config.redis.prefix)];
        let is_recent = |start: &u64| *start > now_ms - 5 * 60 * 1000;
        assert!(starts[0] == 0 && starts[1..].iter().all(is_recent), "{starts:?}");
    }
    // A change that was not announced is found by the next reading.
    let bob = world.user(0, "bob").await;
    let revoked = format!("{}revoked", world.config.redis.prefix);
    let () = redis.connection().zadd(revoked, 1, now_ms + 1000).expect("set");
    eventually("the token is refused", async || status(&world, 0, REQUESTS[3], &bob.token).await == 401).await;
    world.stop().await;
}

#[tokio::test]
async fn revocations_are_kept_as_long_as_a_token_lives() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.auth.token_ttl_secs = 3600).await;
    let (revoked, mut connection) = (format!("{}revoked", world.config.redis.prefix), redis.connection());
    world.user(0, "bob").await;
    let now_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).expect("after 1970");
    for (user, minutes_ago) in [(77, 59), (78, 70)] {
        let () = connection.zadd(&revoked, user, now_ms - minutes_ago * 60_000).expect("set");
    }
    world.set_banned("bob", true).await;
    let kept: BTreeSet<u64> = connection.zrange(&revoked, 0, -1).expect("answered");
    assert_eq!(kept, BTreeSet::from([1, 77]));
    world.stop().await;
}

#[tokio::test]
async fn an_interrupted_registration_is_finished_by_the_log_in() {
    let redis = Redis::start(&[]);
    let world = start(1, &redis).await;
    let (prefix, mut connection) = (world.config.redis.prefix.clone(), redis.connection());
    world.user(0, "alice").await;
    // As if the node had been killed after it claimed the name.
    let () = connection.del(format!("{prefix}names")).expect("deleted");
    let () = connection.zrem(format!("{prefix}{{r:1}}:members"), 1).expect("removed");
    let () = connection.del(format!("{prefix}{{u:1}}:rooms")).expect("deleted");
    let alice = world.log_in(0, "alice", "your_strong_password").await;
    let found = alice.get_json(0, "/api/v1/search?kind=user&q=ali").await;
    assert!(found.to_string().contains("alice"), "{found}");
    assert_eq!(alice.get_json(0, "/api/v1/rooms").await.as_array().map(Vec::len), Some(1));
    world.stop().await;
}
