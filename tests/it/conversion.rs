//! `scripts/cluster-convert`: all data of a single server become those of a cluster, also when the conversion is
//! interrupted.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chinwag::config::RedisMode;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use redis::Value;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::block_in_place;

use crate::redis_cluster::forming::arguments;
use crate::support::{PATIENCE, Redis, User, World, free_port, ok, room_id, scratch, unique};
use crate::uploads::{png, upload};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PASSWORD: &str = "your_strong_password";

/// A folder for servers. Moving slots writes to the disk thousands of times, so it is in memory where there is such a place.
fn server_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.join(unique("chinwag-it-")) } else { scratch() };
    std::fs::create_dir_all(&folder).expect("it is writable");
    folder.canonicalize().expect("it is there")
}

/// A single server, and the servers that shall share its data.
struct Servers {
    folder: PathBuf,
    single: Redis,
    others: Vec<Redis>,
}

impl Servers {
    fn start() -> Self {
        let folder = server_folder();
        let own = |name: &str| {
            let own = folder.join(name);
            std::fs::create_dir(&own).expect("the folder is ours");
            own
        };
        let single = Redis::start(&["--appendonly", "yes", "--dir", &own("single").display().to_string()]);
        let others = (0..2).map(|number| {
            let arguments = arguments(&own(&number.to_string()), free_port());
            Redis::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let others = others.collect();
        let include = format!("include {ROOT}/config/redis-cluster.conf\ncluster-port {}\n", free_port());
        std::fs::write(folder.join("redis.conf"), include).expect("the folder is ours");
        Self { folder, single, others }
    }

    fn all(&self) -> impl Iterator<Item = &Redis> {
        [&self.single].into_iter().chain(&self.others)
    }

    fn conversion(&self) -> Command {
        let mut command = Command::new(format!("{ROOT}/scripts/cluster-convert"));
        command.arg("--config").arg(self.folder.join("redis.conf")).arg(self.folder.join("single"));
        command.args(self.all().map(|server| format!("127.0.0.1:{}", server.port())));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the script and returns whether it succeeded and what it said.
    fn convert(&self) -> (bool, String) {
        let output = self.conversion().output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Kills the script, and what it runs, when it has begun to move slots.
    fn convert_and_kill(&self) {
        let mut script = self.conversion().process_group(0).spawn().expect("it runs");
        let mut lines = BufReader::new(script.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let has_begun = lines.any(|line| line.contains("Distributing"));
        if has_begun {
            killpg(Pid::from_raw(script.id().try_into().expect("a pid")), Signal::SIGKILL).expect("it runs");
        }
        let mut said = String::new();
        script.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        script.wait().expect("it ends");
        assert!(has_begun, "{said}");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // The script has started it in the background.
        if let Ok(mut connection) = redis::Client::open(self.single.url()).and_then(|client| client.get_connection()) {
            drop(redis::cmd("SHUTDOWN").arg("NOSAVE").exec(&mut connection));
        }
        self.others.clear();
        std::fs::remove_dir_all(&self.folder).expect("the folder is ours");
    }
}

/// All keys of a server with what they hold, and whether they expire. Leaves out those that expire before the test ends.
fn contents(server: &Redis) -> BTreeMap<String, (String, bool)> {
    let mut connection = server.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys");
    let mut contents = BTreeMap::new();
    for key in keys {
        let left_ms: i64 = redis::cmd("PTTL").arg(&key).query(&mut connection).expect("a time");
        if left_ms >= 0 && u128::from(left_ms.unsigned_abs()) < 5 * PATIENCE.as_millis() {
            continue;
        }
        let content = content(&mut connection, &key);
        contents.insert(key, (content, left_ms >= 0));
    }
    contents
}

/// What a key holds, in an order that does not depend on the server.
fn content(connection: &mut redis::Connection, key: &str) -> String {
    let kind: String = redis::cmd("TYPE").arg(key).query(connection).expect("a type");
    let mut ask =
        |words: &[&str]| -> Value { redis::cmd(words[0]).arg(&words[1..]).query(connection).expect("a value") };
    let sorted = |value: Value, of: usize| {
        let Value::Array(items) = value else { panic!("{key}: {value:?}") };
        let mut items: Vec<String> = items.chunks(of).map(|item| format!("{item:?}")).collect();
        items.sort_unstable();
        items.join(" ")
    };
    let content = match kind.as_str() {
        "string" => format!("{:?}", ask(&["GET", key])),
        "list" => format!("{:?}", ask(&["LRANGE", key, "0", "-1"])),
        "hash" => sorted(ask(&["HGETALL", key]), 2),
        "set" => sorted(ask(&["SMEMBERS", key]), 1),
        "zset" => sorted(ask(&["ZRANGE", key, "0", "-1", "WITHSCORES"]), 2),
        "stream" => {
            let entries = ask(&["XRANGE", key, "-", "+"]);
            let Value::Array(state) = ask(&["XINFO", "STREAM", key]) else { panic!("{key}: no state") };
            let state = state.chunks(2).map(|field| format!("{field:?}"));
            // How they lie in memory is the server's affair.
            let state: Vec<String> = state.filter(|field| !field.contains("radix-tree")).collect();
            format!("{entries:?} {}", state.join(" "))
        }
        other => panic!("{key} is a {other}"),
    };
    format!("{kind} {content}")
}

/// Accounts, rooms of all kinds, their messages and members, a block, a picture and an invite's worth of keys.
async fn fill(world: &World) -> Filled {
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let public = alice.make_room(0, "public").await;
    let group = room_id(alice.make_group(1, "group", &["bob"]).await);
    let direct = room_id(bob.open_direct(0, "alice").await);
    for number in 0..150 {
        bob.send(number % 2, [&public, &group, &direct][number % 3], &format!("text {number}")).await;
    }
    for number in 0..60 {
        alice.make_room(number % 2, &format!("room {number}")).await;
    }
    alice.read(0, &format!("messages?room_id={group}&limit=20")).await;
    let picture = ok(upload(&alice, 0, "photo.png", png(), &group).await).await;
    let deleted = bob.send(0, &group, "deleted").await;
    let path = format!("messages/{}?room_id={group}", deleted["id"].as_str().expect("an id"));
    ok(bob.request(0, Method::DELETE, &path).send().await).await;
    let eve = world.user(0, "eve").await;
    let blocked = alice.at(0, Method::PUT, "/api/v1/me/blocks/3").send().await.expect("answered");
    assert!(blocked.status().is_success());
    Filled {
        group,
        picture: picture["file_url"].as_str().expect("an address").to_owned(),
        tokens: [&alice, &bob, &eve].map(|user| user.token.clone()),
    }
}

struct Filled {
    group: String,
    picture: String,
    /// Of alice, bob and eve.
    tokens: [String; 3],
}

/// Everything that was there is served, and new things are taken.
async fn check(world: &World, filled: &Filled, texts: &[String]) {
    let [alice, bob, eve] = ["alice", "bob", "eve"]
        .into_iter()
        .zip(&filled.tokens)
        .map(|(name, token)| User::new(world, name, token))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap_or_else(|_| panic!("three"));
    let page = format!("room_id={}&limit=100", filled.group);
    assert_eq!(alice.texts(0, &page).await, texts);
    let picture = world.client.get(world.url(1, &filled.picture)).send().await.expect("answered");
    assert_eq!(picture.status(), StatusCode::OK);
    world.log_in(1, "bob", PASSWORD).await;
    let body = json!({"name": "direct", "is_private": true, "username": "alice"});
    let refused = eve.at(0, Method::POST, "/api/v1/rooms").json(&body).send().await.expect("answered");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN, "the block holds");
    let mut socket = world.webchat(0, &alice, "").await;
    bob.send(1, &filled.group, "after it").await;
    assert_eq!(socket.next_of("new_message").await["payload"]["content"], "after it");
    assert_eq!(world.user(0, "newcomer").await.texts(0, "room_id=global").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_of_a_single_server_is_in_the_cluster() {
    let servers = block_in_place(Servers::start);
    let mut world = World::start_with(2, &servers.single.url(), |config| config.redis.mode = RedisMode::Auto).await;
    let filled = fill(&world).await;
    let page = format!("room_id={}&limit=100", filled.group);
    let texts = User::new(&world, "alice", &filled.tokens[0]).texts(0, &page).await;

    let (is_done, said) = block_in_place(|| servers.convert());
    assert!(!is_done && said.contains("clients are connected"), "{said}");
    for node in world.nodes.drain(..) {
        node.stop().await;
    }
    let in_database_1 = |words: &[&str]| {
        let mut connection = servers.single.connection();
        redis::cmd("SELECT").arg(1).exec(&mut connection).expect("selected");
        redis::cmd(words[0]).arg(&words[1..]).exec(&mut connection).expect("done");
    };
    in_database_1(&["SET", "key", "value"]);
    let (is_done, said) = block_in_place(|| servers.convert());
    assert!(!is_done && said.contains("db1"), "{said}");
    // A server in cluster mode would run this in database 0, which has all the data.
    in_database_1(&["FLUSHDB"]);

    let before = contents(&servers.single);
    block_in_place(|| servers.convert_and_kill());
    let (is_done, said) = block_in_place(|| servers.convert());
    assert!(is_done, "{said}");
    let parts: Vec<_> = servers.all().map(contents).collect();
    assert!(parts.iter().all(|part| !part.is_empty()), "every shard has keys");
    let sizes: usize = parts.iter().map(BTreeMap::len).sum();
    let after: BTreeMap<_, _> = parts.into_iter().flatten().collect();
    assert_eq!(sizes, after.len(), "no key is in two shards");
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (key, content) in &before {
        assert_eq!(&after[key], content, "{key}");
    }

    world.config.redis.url = servers.all().map(Redis::url).collect::<Vec<_>>().join(",");
    world.add_node().await;
    world.add_node().await;
    check(&world, &filled, &texts).await;
    world.stop().await;
}
