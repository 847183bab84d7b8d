//! How servers become a cluster.

use redis::InfoDict;

use crate::support::{PATIENCE, free_port, scratch, start_with_process, wait_for};

pub const SLOTS: usize = 16_384;
/// Time after which a master counts as failed, ms.
const NODE_TIMEOUT_MS: usize = 1000;

/// Arguments of a server of a cluster. The port of its bus is a free one too: the default, 10,000 above the other, may
/// be taken by an outgoing connection.
pub fn arguments(folder: &std::path::Path, bus: u16) -> Vec<String> {
    let words = format!(
        "--cluster-enabled yes --cluster-config-file nodes.conf --cluster-port {bus} \
         --cluster-node-timeout {NODE_TIMEOUT_MS} --cluster-require-full-coverage no \
         --cluster-replica-validity-factor 0 --repl-diskless-sync-delay 0 --dir {}",
        folder.display()
    );
    words.split_whitespace().map(str::to_owned).collect()
}

/// A server's own port, and the ports under which others find it and its bus.
pub struct Place {
    pub port: u16,
    pub announced: (u16, u16),
}

fn connection(port: u16) -> redis::Connection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).expect("an address");
    client.get_connection().expect("it answers")
}

fn run(port: u16, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]).exec(&mut connection(port)).expect("done");
}

/// Gives the first servers all slots, makes the others replicas of them in turn, and waits until all agree.
pub fn form(servers: &[Place], masters: usize) {
    for (index, Place { port, .. }) in servers.iter().enumerate() {
        run(*port, &["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
        if index < masters {
            let (first, behind) = (SLOTS * index / masters, SLOTS * (index + 1) / masters);
            run(*port, &["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(behind - 1).to_string()]);
        }
    }
    for Place { announced: (port, bus), .. } in &servers[1..] {
        run(servers[0].port, &["CLUSTER", "MEET", "127.0.0.1", &port.to_string(), &bus.to_string()]);
    }
    wait("the servers know each other", || {
        servers.iter().all(|Place { port, .. }| info(*port, "cluster_known_nodes") == servers.len().to_string())
    });
    for (index, Place { port, .. }) in servers.iter().enumerate().skip(masters) {
        let mut ask = connection(servers[index % masters].port);
        let master: String = redis::cmd("CLUSTER").arg("MYID").query(&mut ask).expect("an id");
        run(*port, &["CLUSTER", "REPLICATE", &master]);
    }
    wait("the cluster is up and its replicas follow", || {
        servers.iter().enumerate().all(|(index, Place { port, .. })| {
            let follows = index < masters || replication(*port, "master_link_status") == "up";
            follows && info(*port, "cluster_state") == "ok"
        })
    });
}

/// A field of `CLUSTER INFO`.
pub fn info(port: u16, field: &str) -> String {
    let info: InfoDict = redis::cmd("CLUSTER").arg("INFO").query(&mut connection(port)).expect("answered");
    info.get(field).unwrap_or_default()
}

fn replication(port: u16, field: &str) -> String {
    let info: InfoDict = redis::cmd("INFO").arg("replication").query(&mut connection(port)).expect("answered");
    info.get(field).unwrap_or_default()
}

fn wait(what: &str, check: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !check() {
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

pub fn url(ports: impl Iterator<Item = u16>) -> String {
    ports.map(|port| format!("redis://127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
}

/// Starts three masters that end with the test process.
pub fn start_shared() -> String {
    let folder = scratch();
    let servers: Vec<Place> = (0..3)
        .map(|_| {
            let port = free_port();
            Place { port, announced: (port, free_port()) }
        })
        .collect();
    let lines = servers.iter().map(|Place { port, announced: (_, bus) }| {
        let own = folder.join(port.to_string());
        std::fs::create_dir(&own).expect("the folder is ours");
        format!("--port {port} --bind 127.0.0.1 --save \"\" --loglevel warning {}", arguments(&own, *bus).join(" "))
    });
    start_with_process(&lines.collect::<Vec<_>>());
    servers.iter().for_each(|Place { port, .. }| wait_for(&format!("redis://127.0.0.1:{port}")));
    form(&servers, 3);
    url(servers.iter().map(|server| server.port))
}
