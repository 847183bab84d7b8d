//! A subject's servers: its nodes and a Redis of its own, so that subscriptions of other subjects cost it nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Instant;

use crate::common::Result;
use crate::common::cpu::Cpu;
use crate::common::machine::memory_kb_of;
use crate::common::process::{Process, START_POLL, START_TIMEOUT, free_port, launch, output_dir};
use crate::common::reader::{UPGRADED, upgrade_request};
use crate::common::servers::{node_command, start_redis};
use crate::subject::{NCHAN_MODULE, Subject};

const SOCKET_IO_PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ws/socketio.cjs");
const NCHAN_SETTINGS: &str = include_str!("nchan.conf");

/// The processes of one subject.
pub struct Servers {
    pub subject: Subject,
    pub redis: Option<Process>,
    pub nodes: Vec<Process>,
    dir: PathBuf,
}

impl Servers {
    /// Starts everything and waits until it listens.
    pub fn start(subject: Subject, scratch: &Path) -> Result<Self> {
        let dir = scratch.join(subject.word());
        std::fs::create_dir_all(&dir)?;
        let redis = subject.has_redis().then(|| start_redis(&dir, "redis", &[])).transpose()?;
        let mut servers = Self { subject, redis, nodes: Vec::new(), dir };
        servers.restart_nodes()?;
        Ok(servers)
    }

    /// Restarts the nodes: memory that they keep of earlier sockets would hide what new sockets need.
    pub fn restart_nodes(&mut self) -> Result<()> {
        self.nodes.clear();
        for number in 1..=self.subject.nodes() {
            let port = free_port()?;
            let (name, mut command) = (format!("node{number}"), self.command(number, port)?);
            let node = launch(&self.dir, &name, port, &mut command)?;
            if self.subject == Subject::Nchan {
                // It refuses sockets until it is connected to Redis.
                wait_for_upgrade(&node, "/c/0")?;
            }
            self.nodes.push(node);
        }
        Ok(())
    }

    fn command(&self, number: usize, port: u16) -> Result<Command> {
        let redis_port = self.redis.as_ref().map(|redis| redis.port).unwrap_or_default();
        match self.subject {
            Subject::Raw => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["bare-server", &port.to_string()]);
                Ok(command)
            }
            Subject::Chinwag => {
                Ok(node_command(&self.dir.join("data"), port, redis_port, &[("LIMITS__ENABLED", "false")]))
            }
            Subject::SocketIo => {
                let mut command = Command::new("node");
                command.env("NODE_PATH", peers_dir().join("node_modules")).env("NODE_ENV", "production");
                command.args([SOCKET_IO_PROGRAM, &port.to_string(), &redis_port.to_string()]);
                Ok(command)
            }
            Subject::Centrifugo => {
                let file = self.dir.join(format!("node{number}.json"));
                std::fs::write(&file, centrifugo_settings(port, redis_port))?;
                let mut command = Command::new(peers_dir().join("bin/centrifugo"));
                command.arg("--config").arg(file);
                Ok(command)
            }
            Subject::Nchan => nchan(&self.dir.join(format!("node{number}")), port, redis_port),
        }
    }

    /// CPU time spent so far.
    pub fn cpu(&self) -> Result<Cpu> {
        Cpu::now(&self.nodes, self.redis.as_slice())
    }

    /// Resident memory of the nodes, KB.
    pub fn memory_kb(&self) -> Result<u64> {
        self.nodes.iter().map(|node| memory_kb_of(node.pid())).sum()
    }
}

/// Where `scripts/bench-peers` installs the servers to compare with.
pub fn peers_dir() -> PathBuf {
    std::env::var_os("BENCH_PEERS").map_or_else(|| output_dir().join("peers"), PathBuf::from)
}

/// `dir` is the node's own. nginx writes everything below it.
fn nchan(dir: &Path, port: u16, redis_port: u16) -> Result<Command> {
    std::fs::create_dir_all(dir)?;
    let file = dir.join("nginx.conf");
    let settings = NCHAN_SETTINGS.replace("NCHAN_MODULE", NCHAN_MODULE);
    let settings = settings.replace("NODE_PORT", &port.to_string()).replace("REDIS_PORT", &redis_port.to_string());
    std::fs::write(&file, settings)?;
    let mut command = Command::new("nginx");
    command.args(["-e", "stderr", "-p"]).arg(dir).arg("-c").arg(file);
    Ok(command)
}

/// Settings of version 5. The history is as long as Chinwag's; usage statistics are off.
fn centrifugo_settings(port: u16, redis_port: u16) -> String {
    serde_json::json!({
        "address": "127.0.0.1",
        "port": port,
        "engine": "redis",
        "redis_address": format!("redis://127.0.0.1:{redis_port}"),
        "history_size": 1000,
        "history_ttl": "168h",
        "client_insecure": true,
        "allow_subscribe_for_client": true,
        "allow_subscribe_for_anonymous": true,
        "allow_publish_for_client": true,
        "allow_publish_for_anonymous": true,
        "usage_stats_disable": true,
        "log_level": "warn",
    })
    .to_string()
}

/// Waits until a process accepts WebSockets: some servers listen before they do.
fn wait_for_upgrade(process: &Process, path: &str) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < START_TIMEOUT {
        let mut stream = TcpStream::connect(("127.0.0.1", process.port))?;
        stream.set_read_timeout(Some(START_TIMEOUT))?;
        stream.write_all(upgrade_request(path).as_bytes())?;
        let mut answer = [0; UPGRADED.len()];
        stream.read_exact(&mut answer)?;
        if answer == UPGRADED.as_bytes() {
            return Ok(());
        }
        sleep(START_POLL);
    }
    Err(format!("no WebSocket at {path} within {START_TIMEOUT:?}").into())
}
