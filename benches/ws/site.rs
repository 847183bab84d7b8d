//! A subject's servers: its own Redis and its nodes, so that nobody else's subscriptions are in the way.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::machine::cpu_of;
use crate::process::{Process, free_port, launch, output_dir};
use crate::subject::{NCHAN_MODULE, Subject};

const SOCKET_IO_PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ws/socketio.cjs");
const NCHAN_SETTINGS: &str = include_str!("nchan.conf");

/// The processes of one subject.
pub struct Site {
    pub subject: Subject,
    pub redis: Option<Process>,
    pub nodes: Vec<Process>,
    dir: PathBuf,
}

/// CPU time spent so far.
#[derive(Clone, Copy)]
pub struct Cpu {
    pub nodes: Duration,
    pub redis: Duration,
}

impl Site {
    /// Starts everything and waits until it listens.
    pub fn start(subject: Subject, scratch: &Path) -> Result<Self> {
        let dir = scratch.join(subject.word());
        std::fs::create_dir_all(&dir)?;
        let redis = subject.has_redis().then(|| start_redis(&dir)).transpose()?;
        let mut site = Self { subject, redis, nodes: Vec::new(), dir };
        site.restart_nodes()?;
        Ok(site)
    }

    /// Begins with fresh processes: what they kept of former sockets would hide what new ones need.
    pub fn restart_nodes(&mut self) -> Result<()> {
        self.nodes.clear();
        for number in 1..=self.subject.nodes() {
            let port = free_port()?;
            let (name, mut command) = (format!("node{number}"), self.command(number, port)?);
            let node = launch(&self.dir, &name, port, &mut command)?;
            if self.subject == Subject::Nchan {
                // It refuses sockets until it has reached Redis.
                node.wait_until_it_upgrades("/c/0")?;
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
            Subject::Chinwag => chinwag(&self.dir.join(format!("data{number}")), port, redis_port),
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

    pub fn cpu(&self) -> Result<Cpu> {
        let mut nodes = Duration::ZERO;
        for node in &self.nodes {
            nodes += cpu_of(node.pid())?;
        }
        let redis = self.redis.as_ref().map(|redis| cpu_of(redis.pid())).transpose()?;
        Ok(Cpu { nodes, redis: redis.unwrap_or_default() })
    }

    /// Memory of the nodes that is in use, KB.
    pub fn memory_kb(&self) -> Result<u64> {
        self.nodes.iter().map(|node| memory_kb_of(node.pid())).sum()
    }
}

/// Where `scripts/bench-peers` puts what Chinwag is compared with.
pub fn peers_dir() -> PathBuf {
    std::env::var_os("BENCH_PEERS").map_or_else(|| output_dir().join("peers"), PathBuf::from)
}

fn memory_kb_of(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// As in production (`config/redis.conf`), except that the log is not rewritten meanwhile: a fork in one round and not
/// in another would make them differ.
fn start_redis(dir: &Path) -> Result<Process> {
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]);
    command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"]);
    command.args(["--maxmemory-policy", "noeviction"]);
    launch(dir, "redis", port, &mut command)
}

fn chinwag(data: &Path, port: u16, redis_port: u16) -> Result<Command> {
    let built = option_env!("CARGO_BIN_EXE_chinwag").map(str::to_owned);
    let program = std::env::var("CHINWAG_BIN").ok().or(built).ok_or("CHINWAG_BIN does not name the binary")?;
    let mut command = Command::new(program);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("CHINWAG_")) {
        command.env_remove(key);
    }
    command.arg("serve").env("CHINWAG_SERVER__PORT", port.to_string());
    command.env("CHINWAG_REDIS__URL", format!("redis://127.0.0.1:{redis_port}/0"));
    command.env("CHINWAG_AUTH__JWT_SECRET", "a secret that only this measurement uses");
    command.env("CHINWAG_AUTH__BCRYPT_COST", "4").env("CHINWAG_SERVER__DRAIN_SECS", "0");
    command.env("CHINWAG_LIMITS__ENABLED", "false").env("CHINWAG_DATA__DIR", data);
    Ok(command)
}

/// `dir` is the node's own, below which nginx writes everything.
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

/// Of version 5. The history is what Chinwag keeps of a room; it may not tell anyone how it is used.
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
