//! The commands of the servers that both benchmarks measure.

use std::path::Path;
use std::process::Command;

use super::Result;
use super::process::{Process, free_port, launch};

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
