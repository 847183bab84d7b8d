//! The commands of the servers that both benchmarks measure.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Instant;

use super::Result;
use super::process::{Process, START_POLL, START_TIMEOUT, free_port, launch};

/// Starts Redis as in production (`config/redis.conf`), except that the log is not rewritten: a fork in one round and
/// not in another would make them differ. `name` is that of its log, `more` are further arguments.
pub fn start_redis(dir: &Path, name: &str, more: &[&str]) -> Result<Process> {
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]);
    command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"]);
    command.args(["--maxmemory-policy", "noeviction", "--appenddirname", &format!("{name}-log")]).args(more);
    launch(dir, name, port, &mut command)
}

/// Starts this number of masters of a Redis Cluster, which share all slots.
pub fn start_cluster(dir: &Path, masters: usize) -> Result<Vec<Process>> {
    let (mut servers, mut create) = (Vec::new(), Command::new("redis-cli"));
    create.args(["--cluster", "create"]);
    for number in 1..=masters {
        let (name, bus) = (format!("master{number}"), free_port()?.to_string());
        let settings = format!("{name}.conf");
        let cluster = ["--cluster-enabled", "yes", "--cluster-config-file", &settings, "--cluster-port", &bus];
        let server = start_redis(dir, &name, &cluster)?;
        create.arg(format!("127.0.0.1:{}@{bus}", server.port));
        servers.push(server);
    }
    let output = create.arg("--cluster-yes").output()?;
    if !output.status.success() {
        return Err(format!("redis-cli: {}", String::from_utf8_lossy(&output.stdout)).into());
    }
    servers.iter().try_for_each(wait_for_slots)?;
    Ok(servers)
}

/// Waits until a master knows who has each slot.
fn wait_for_slots(server: &Process) -> Result<()> {
    let mut connection = redis::Client::open(("127.0.0.1", server.port))?.get_connection()?;
    let started = Instant::now();
    while started.elapsed() < START_TIMEOUT {
        let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut connection)?;
        if info.contains("cluster_state:ok") {
            return Ok(());
        }
        sleep(START_POLL);
    }
    Err("the cluster is not ready".into())
}

/// The address of these servers for a node.
pub fn redis_url(servers: &[Process]) -> String {
    let addresses: Vec<String> = servers.iter().map(|server| format!("redis://127.0.0.1:{}", server.port)).collect();
    addresses.join(",")
}

/// The command of a node with these settings besides, for example `("LIMITS__ENABLED", "false")`.
pub fn node_command(data: &Path, port: u16, redis_port: u16, settings: &[(&str, &str)]) -> Command {
    let program = std::env::var("CHINWAG_BIN").unwrap_or(env!("CARGO_BIN_EXE_chinwag").to_owned());
    let mut command = Command::new(program);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("CHINWAG_")) {
        command.env_remove(key);
    }
    command.arg("serve").env("CHINWAG_SERVER__PORT", port.to_string());
    command.env("CHINWAG_REDIS__URL", format!("redis://127.0.0.1:{redis_port}/0"));
    command.env("CHINWAG_AUTH__JWT_SECRET", "a secret that only this measurement uses");
    command.env("CHINWAG_AUTH__BCRYPT_COST", "4").env("CHINWAG_SERVER__DRAIN_SECS", "0");
    command.env("CHINWAG_DATA__DIR", data);
    for (key, value) in settings {
        command.env(format!("CHINWAG_{key}"), value);
    }
    command
}
