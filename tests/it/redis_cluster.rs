//! Redis Clusters for tests: primaries and their replicas.

pub mod forming;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use redis::InfoDict;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::block_in_place;

use self::forming::{Place, SLOTS, arguments, form, info, url};
use crate::faults::proxy::{Path, Paths, Proxy, Target};
use crate::support::{Redis, eventually, free_port, scratch};

/// The user of Redis as which a node logs in that is cut off together with a master.
pub const APART: &str = "apart";
/// Clusters at a time: more would make each other's timers late.
static TURNS: Semaphore = Semaphore::const_new(1);
/// The same of clusters in which nothing depends on timers.
static TURNS_WITHOUT_REPLICAS: Semaphore = Semaphore::const_new(2);

/// Three masters, each with a replica or none, and a network between them that may break.
pub struct RedisCluster {
    pub servers: Vec<Redis>,
    /// Between each server and its clients, replicas among them.
    doors: Vec<Proxy>,
    /// Between each server and the others.
    bus_doors: Vec<Proxy>,
    folder: PathBuf,
    _turn: SemaphorePermit<'static>,
}

/// The address from which a server opens connections to the others.
fn source(server: usize) -> IpAddr {
    IpAddr::from([127, 0, 1, u8::try_from(server + 1).expect("few servers")])
}

impl RedisCluster {
    pub const MASTERS: usize = 3;

    pub async fn start() -> Self {
        Self::start_servers(2 * Self::MASTERS, &[], &TURNS).await
    }

    /// Starts masters without replicas, which never count as failed.
    pub async fn start_without_replicas() -> Self {
        let patient = ["--cluster-node-timeout", "60000"];
        Self::start_servers(Self::MASTERS, &patient, &TURNS_WITHOUT_REPLICAS).await
    }

    async fn start_servers(count: usize, more: &[&str], turns: &'static Semaphore) -> Self {
        let turn = turns.acquire().await.expect("never closed");
        let folder = scratch();
        let (mut servers, mut doors, mut bus_doors) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..count {
            let own = folder.join(number.to_string());
            std::fs::create_dir(&own).expect("the folder is ours");
            let (door, bus_door) =
                (Proxy::start("redis://127.0.0.1:1").await, Proxy::start("redis://127.0.0.1:1").await);
            let bus = free_port();
            bus_door.point_to(&format!("redis://127.0.0.1:{bus}"));
            let mut arguments = arguments(&own, bus);
            let announced = format!(
                "--cluster-announce-ip 127.0.0.1 --cluster-announce-port {} --cluster-announce-bus-port {} \
                 --bind-source-addr {} --appendonly yes --user {APART} on nopass ~* &* +@all",
                door.port(),
                bus_door.port(),
                source(number)
            );
            arguments.extend(announced.split_whitespace().chain(more.iter().copied()).map(str::to_owned));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let server = block_in_place(|| Redis::start(&arguments));
            door.point_to(&server.url());
            servers.push(server);
            doors.push(door);
            bus_doors.push(bus_door);
        }
        let places: Vec<Place> = (0..servers.len())
            .map(|server| Place {
                port: servers[server].port(),
                announced: (doors[server].port(), bus_doors[server].port()),
            })
            .collect();
        block_in_place(|| form(&places, Self::MASTERS));
        Self { servers, doors, bus_doors, folder, _turn: turn }
    }

    /// The addresses, as `redis.url` takes them.
    pub fn url(&self) -> String {
        url(self.doors.iter().map(Proxy::port))
    }

    /// The same for the node that [`Self::cut_off`] leaves alone with a master.
    pub fn url_apart(&self) -> String {
        let all = self.doors.iter().map(|door| format!("redis://{APART}:any@127.0.0.1:{}", door.port()));
        all.collect::<Vec<_>>().join(",")
    }

    /// Holds back what connections of a user say to a server, until [`Self::heal`].
    pub fn hold(&self, server: usize, target: Target) {
        self.doors[server].disturb(target, Paths { to_redis: Path::Held, to_node: Path::Open });
    }

    /// Cuts the connections over which nodes hear events. Returns their number.
    pub fn cut_pubsub(&self) -> usize {
        self.doors.iter().map(|door| door.cut(Target::PubSub)).sum()
    }

    /// Cuts all connections. Servers and nodes open new ones.
    pub fn cut_all(&self) {
        self.doors.iter().for_each(|door| {
            door.cut(Target::All);
        });
    }

    /// The address of a server, as logs have it.
    pub fn address(&self, server: usize) -> String {
        format!("127.0.0.1:{}", self.doors[server].port())
    }

    /// Takes a slot from its owner, as far as all servers know.
    pub fn disown(&self, slot: u16) {
        let has_owner = |server: &Redis| {
            let nodes: String = redis::cmd("CLUSTER").arg("NODES").query(&mut server.connection()).expect("nodes");
            nodes.lines().any(|line| has_slot(line, slot))
        };
        // A server may hear of the owner once more.
        while self.servers.iter().any(has_owner) {
            for server in self.servers.iter().filter(|server| has_owner(server)) {
                let delete = redis::cmd("CLUSTER").arg("DELSLOTS").arg(slot).to_owned();
                delete.exec(&mut server.connection()).expect("deleted");
            }
        }
    }

    /// Gives a slot without an owner to a server.
    pub fn give(&self, slot: u16, server: usize) {
        let add = redis::cmd("CLUSTER").arg("ADDSLOTS").arg(slot).to_owned();
        add.exec(&mut self.servers[server].connection()).expect("added");
    }

    /// Some keys of a slot, as its owner knows them.
    pub fn keys_in_slot(&self, slot: u16) -> Vec<String> {
        let ask = redis::cmd("CLUSTER").arg("GETKEYSINSLOT").arg(slot).arg(100).to_owned();
        let keys = self.servers.iter().map(|server| ask.query::<Vec<String>>(&mut server.connection()));
        keys.flat_map(|keys| keys.expect("answered")).collect()
    }

    /// Connections to all servers together.
    pub fn connections(&self) -> usize {
        self.doors.iter().map(|door| door.count(Target::All)).sum()
    }

    /// Cuts a server, and the node that logs in as another user, off from all others. Nothing is closed.
    pub fn cut_off(&self, server: usize) {
        let held = Paths::both(Path::Held);
        for (number, (door, bus_door)) in self.doors.iter().zip(&self.bus_doors).enumerate() {
            let is_apart = number == server;
            door.disturb(if is_apart { Target::OtherThan(APART) } else { Target::User(APART) }, held);
            bus_door.disturb(if is_apart { Target::All } else { Target::From(source(server)) }, held);
        }
    }

    /// Ends the partition. What was on its way arrives.
    pub fn heal(&self) {
        self.doors.iter().chain(&self.bus_doors).for_each(Proxy::restore);
    }

    /// The master that has the slot of a key.
    pub fn owner(&self, key: &str) -> usize {
        let slot = self.slot(key);
        let asked = (0..self.servers.len()).find_map(|server| {
            let nodes: String = redis::cmd("CLUSTER").arg("NODES").query(&mut self.connect(server)?).ok()?;
            let owner = nodes.lines().find(|line| has_slot(line, slot))?;
            let port: u16 = owner.split(' ').nth(1)?.split(['@', ',']).next()?.rsplit(':').next()?.parse().ok()?;
            self.doors.iter().position(|door| door.port() == port)
        });
        asked.expect("the slot has an owner")
    }

    pub fn slot(&self, key: &str) -> u16 {
        let ask = redis::cmd("CLUSTER").arg("KEYSLOT").arg(key).to_owned();
        let answer = (0..self.servers.len()).find_map(|server| ask.query(&mut self.connect(server)?).ok());
        answer.expect("a server answers")
    }

    /// The replica of a master.
    pub fn replica_of(&self, master: usize) -> usize {
        let replica = (0..self.servers.len()).find(|server| {
            let Some(mut connection) = self.connect(*server) else { return false };
            let info: InfoDict = redis::cmd("INFO").arg("replication").query(&mut connection).expect("answered");
            info.get::<u16>("master_port") == Some(self.doors[master].port())
        });
        replica.expect("it has a replica")
    }

    fn connect(&self, server: usize) -> Option<redis::Connection> {
        let client = redis::Client::open(self.servers[server].url()).expect("an address");
        let connection = client.get_connection_with_timeout(Duration::from_millis(300)).ok()?;
        connection.set_read_timeout(Some(Duration::from_millis(500))).expect("a time");
        Some(connection)
    }

    fn is_master(&self, server: usize) -> bool {
        let info = self
            .connect(server)
            .map(|mut connection| redis::cmd("INFO").arg("replication").query::<InfoDict>(&mut connection));
        info.is_some_and(|info| info.is_ok_and(|info| info.get::<String>("role").as_deref() == Some("master")))
    }

    /// Begins a planned failover to a replica.
    pub fn fail_over(&self, replica: usize) {
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("FAILOVER").exec(&mut self.connect(replica).expect("it answers")).expect("begun");
    }

    /// Waits until this replica takes writes.
    pub async fn promoted(&self, replica: usize) {
        eventually("the replica is promoted", async || block_in_place(|| self.is_master(replica))).await;
    }

    /// Moves slots with their keys from one master to another.
    pub fn move_slots(&self, slots: impl IntoIterator<Item = u16>, from: usize, to: usize) {
        let id = |server: usize| -> String {
            redis::cmd("CLUSTER").arg("MYID").query(&mut self.connect(server).expect("it answers")).expect("an id")
        };
        let (from_id, to_id) = (id(from), id(to));
        let (mut source, mut target) = (self.servers[from].connection(), self.servers[to].connection());
        for slot in slots {
            let set = |connection: &mut redis::Connection, words: &[&str]| {
                let mut command = redis::cmd("CLUSTER");
                command.arg("SETSLOT").arg(slot).arg(words).exec(connection).expect("set");
            };
            set(&mut target, &["IMPORTING", &from_id]);
            set(&mut source, &["MIGRATING", &to_id]);
            loop {
                let mut ask = redis::cmd("CLUSTER");
                let keys: Vec<String> =
                    ask.arg("GETKEYSINSLOT").arg(slot).arg(100).query(&mut source).expect("answered");
                if keys.is_empty() {
                    break;
                }
                let mut migrate = redis::cmd("MIGRATE");
                migrate.arg("127.0.0.1").arg(self.doors[to].port()).arg("").arg(0).arg(5000).arg("KEYS").arg(&keys);
                migrate.exec(&mut source).expect("migrated");
            }
            set(&mut target, &["NODE", &to_id]);
            set(&mut source, &["NODE", &to_id]);
        }
    }

    /// The slots of a master.
    pub fn slots_of(&self, master: usize) -> Vec<u16> {
        let nodes: String =
            redis::cmd("CLUSTER").arg("NODES").query(&mut self.servers[master].connection()).expect("nodes");
        let own = nodes.lines().find(|line| line.contains("myself")).expect("itself").to_owned();
        (0..SLOTS as u16).filter(|slot| has_slot(&own, *slot)).collect()
    }

    /// Waits until there are three masters again, each with a replica that has caught up, and all servers agree.
    pub async fn settled(&self) {
        eventually("the cluster is whole", async || {
            block_in_place(|| {
                let masters = (0..self.servers.len()).filter(|server| self.is_master(*server));
                let are_followed: Vec<bool> = masters
                    .map(|master| {
                        let info = self.connect(master).map(|mut connection| {
                            redis::cmd("INFO").arg("replication").query::<InfoDict>(&mut connection)
                        });
                        let replica = info.and_then(Result::ok).and_then(|info| info.get::<String>("slave0"));
                        replica.is_some_and(|replica| replica.contains("state=online"))
                    })
                    .collect();
                are_followed == [true; Self::MASTERS]
                    && self.servers.iter().all(|server| info(server.port(), "cluster_state") == "ok")
            })
        })
        .await;
    }
}

/// Whether a line of `CLUSTER NODES` names a master that has a slot.
fn has_slot(line: &str, slot: u16) -> bool {
    let mut words = line.split(' ');
    if !words.nth(2).is_some_and(|flags| flags.contains("master") && !flags.contains("fail")) {
        return false;
    }
    words.skip(5).filter(|range| !range.starts_with('[')).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse::<u16>().is_ok_and(|first| first <= slot) && last.parse::<u16>().is_ok_and(|last| slot <= last)
    })
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        self.servers.clear();
        // A failed test leaves its logs.
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.folder).expect("the folder is ours");
        }
    }
}
