//! One primary, two replicas and three sentinels, each in its own process, and a network between them that may break.

use std::path::PathBuf;
use std::time::Instant;

use redis::InfoDict;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::faults::proxy::{Path, Paths, Proxy, Target};
use crate::support::{PATIENCE, Redis, eventually, scratch};

/// The name of the primary.
pub const NAME: &str = "chinwag";
/// The user of Redis as which a node logs in that is cut off together with a primary.
const APART: &str = "apart";
/// Sets at a time: more would make each other's timers late.
static TURNS: Semaphore = Semaphore::const_new(2);

/// The servers and their sentinels.
pub struct SentinelSet {
    pub servers: Vec<Redis>,
    pub sentinels: Vec<Redis>,
    /// Between each server and all that connects to it. Sentinels announce their addresses.
    doors: Vec<Proxy>,
    /// Between each sentinel and the node that may be cut off.
    apart: Vec<Proxy>,
    folder: PathBuf,
    _turn: SemaphorePermit<'static>,
}

impl SentinelSet {
    /// Starts all and waits until the sentinels know each other and the replicas, which have caught up.
    pub async fn start() -> Self {
        let turn = TURNS.acquire().await.expect("never closed");
        let folder = scratch();
        let (mut servers, mut doors): (Vec<Redis>, Vec<Proxy>) = (Vec::new(), Vec::new());
        for number in 0..3 {
            let own = folder.join(format!("server-{number}"));
            std::fs::create_dir(&own).expect("the folder is ours");
            let door = Proxy::start("redis://127.0.0.1:1").await;
            let (own, port) = (own.to_string_lossy().into_owned(), door.port().to_string());
            let mut arguments = vec!["--dir", &own, "--appendonly", "yes", "--repl-diskless-sync-delay", "0"];
            arguments.extend(["--replica-announce-ip", "127.0.0.1", "--replica-announce-port", &port]);
            arguments.extend(["--user", APART, "on", "nopass", "~*", "&*", "+@all"]);
            let primary = doors.first().map(|primary| format!("127.0.0.1 {}", primary.port()));
            if let Some(primary) = &primary {
                arguments.extend(["--replicaof", primary]);
            }
            let server = Redis::start(&arguments);
            door.point_to(&server.url());
            servers.push(server);
            doors.push(door);
        }
        let config = format!(
            "sentinel monitor {NAME} 127.0.0.1 {} 2\n\
             sentinel down-after-milliseconds {NAME} 1000\n\
             sentinel failover-timeout {NAME} 5000\n\
             sentinel parallel-syncs {NAME} 2\n",
            doors[0].port()
        );
        let (mut sentinels, mut apart) = (Vec::new(), Vec::new());
        for number in 0..3 {
            let path = folder.join(format!("sentinel-{number}.conf"));
            std::fs::write(&path, &config).expect("written");
            let sentinel = Redis::start(&[&*path.to_string_lossy(), "--sentinel"]);
            apart.push(Proxy::start(&sentinel.url()).await);
            sentinels.push(sentinel);
        }
        let set = Self { servers, sentinels, doors, apart, folder, _turn: turn };
        set.settled().await;
        set
    }

    /// The addresses of the sentinels, as `redis.url` takes them.
    pub fn url(&self) -> String {
        self.sentinels.iter().map(Redis::url).collect::<Vec<_>>().join(",")
    }

    /// The same for the node that [`Self::cut_off`] leaves alone with a server.
    pub fn url_apart(&self) -> String {
        let addresses = self.apart.iter().map(|sentinel| format!("redis://{APART}:any@127.0.0.1:{}", sentinel.port()));
        addresses.collect::<Vec<_>>().join(",")
    }

    /// Cuts a server, and the node that logs in as another user, off from all others. Nothing is closed.
    pub fn cut_off(&self, server: usize) {
        for (number, door) in self.doors.iter().enumerate() {
            let target = if number == server { Target::OtherThan(APART) } else { Target::User(APART) };
            door.disturb(target, Paths::both(Path::Held));
        }
        for sentinel in &self.apart {
            sentinel.disturb(Target::All, Paths::both(Path::Held));
        }
    }

    /// Ends the partition. What was on its way arrives.
    pub fn heal(&self) {
        for proxy in self.doors.iter().chain(&self.apart) {
            proxy.restore();
        }
    }

    /// The index of the server that the first sentinel which answers takes for the primary.
    pub fn primary(&self) -> usize {
        let place = self.sentinels.iter().find_map(|sentinel| {
            let mut connection = redis::Client::open(sentinel.url()).ok()?.get_connection().ok()?;
            let ask = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(NAME).to_owned();
            ask.query::<(String, u16)>(&mut connection).ok()
        });
        let (_, port) = place.expect("a sentinel answers");
        self.doors.iter().position(|door| door.port() == port).expect("one of the three")
    }

    /// Whether a server takes writes.
    pub fn is_primary(&self, server: usize) -> bool {
        let client = redis::Client::open(self.servers[server].url()).expect("an address");
        let info = client.get_connection().and_then(|mut connection| redis::cmd("INFO").query(&mut connection));
        info.is_ok_and(|info: InfoDict| info.get::<String>("role").as_deref() == Some("master"))
    }

    /// Asks the first sentinel for a failover. Returns once it has begun.
    pub fn fail_over(&self) {
        let ask = redis::cmd("SENTINEL").arg("FAILOVER").arg(NAME).to_owned();
        let started = Instant::now();
        while let Err(error) = ask.exec(&mut self.sentinels[0].connection()) {
            assert!(started.elapsed() < PATIENCE, "no failover: {error}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Waits until another server than this one takes writes, and returns it.
    pub async fn promoted(&self, old: usize) -> usize {
        let mut promoted = old;
        eventually("a replica is promoted", async || {
            let candidates = (0..self.servers.len()).filter(|server| *server != old);
            promoted = candidates.into_iter().find(|server| self.is_primary(*server)).unwrap_or(old);
            promoted != old
        })
        .await;
        promoted
    }

    /// Waits until every sentinel knows the other two and both replicas, which follow the same primary.
    pub async fn settled(&self) {
        eventually("the sentinels know each other and the replicas", async || {
            let primary = self.primary();
            let info: Option<InfoDict> = redis::cmd("INFO").query(&mut self.servers[primary].connection()).ok();
            let has_replicas = info.is_some_and(|info| {
                let is_online =
                    |replica: &str| info.get::<String>(replica).is_some_and(|replica| replica.contains("state=online"));
                is_online("slave0") && is_online("slave1")
            });
            has_replicas && self.sentinels.iter().all(is_settled)
        })
        .await;
    }
}

fn is_settled(sentinel: &Redis) -> bool {
    let ask = redis::cmd("SENTINEL").arg("MASTER").arg(NAME).to_owned();
    let Ok(known) = ask.query::<std::collections::HashMap<String, String>>(&mut sentinel.connection()) else {
        return false;
    };
    let has = |field: &str, value: &str| known.get(field).is_some_and(|found| found == value);
    has("num-slaves", "2") && has("num-other-sentinels", "2") && has("flags", "master")
}

impl Drop for SentinelSet {
    fn drop(&mut self) {
        self.sentinels.clear();
        self.servers.clear();
        // A failed test leaves its logs.
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.folder).expect("the folder is ours");
        }
    }
}
