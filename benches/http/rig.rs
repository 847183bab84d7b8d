//! The servers under measurement.

use std::path::Path;
use std::process::Command;

use crate::common::Result;
use crate::common::process::{Process, Scratch, free_port, launch, prepare_this_process};
use crate::common::servers::{node_command, start_redis};

/// Connections of the load, each with a user of its own.
pub const CONNECTIONS: usize = 32;
/// Rates that no load here reaches: the cost of the limits is measured, not what they refuse.
const NO_RATE: &str = "100000";

/// One Redis, two nodes, one bare server.
pub struct Rig {
    pub redis: Process,
    /// Rate limits off.
    pub node: Process,
    /// Rate limits on, with rates that no load reaches.
    pub limited_node: Process,
    /// Answers a fixed body.
    pub bare: Process,
    scratch: Scratch,
}

impl Rig {
    /// Starts everything and waits until it listens.
    pub fn start() -> Result<Self> {
        prepare_this_process()?;
        Self::start_in(Scratch::make()?, &[])
    }

    /// Starts everything in a folder, Redis with further arguments.
    pub fn start_in(scratch: Scratch, redis_arguments: &[&str]) -> Result<Self> {
        let redis = start_redis(&scratch.0, "redis", redis_arguments)?;
        let node = start_node(&scratch.0, &redis, "node", &[("LIMITS__ENABLED", "false")])?;
        let rates = [
            ("LIMITS__SENDS_PER_SEC", NO_RATE),
            ("LIMITS__SENDS_BURST", NO_RATE),
            ("LIMITS__USER_SENDS_PER_SEC", NO_RATE),
            ("LIMITS__USER_SENDS_BURST", NO_RATE),
            ("LIMITS__SIGN_INS_BURST", NO_RATE),
            ("LIMITS__SEARCHES_PER_SEC", NO_RATE),
            ("LIMITS__SEARCHES_BURST", NO_RATE),
            ("LIMITS__REQUESTS_PER_SEC", NO_RATE),
            ("LIMITS__REQUESTS_BURST", NO_RATE),
        ];
        let limited_node = start_node(&scratch.0, &redis, "limited-node", &rates)?;
        let port = free_port()?;
        let program = std::env::current_exe()?;
        let bare = launch(&scratch.0, "bare", port, Command::new(program).args(["bare-server", &port.to_string()]))?;
        Ok(Self { redis, node, limited_node, bare, scratch })
    }

    /// Starts one more node, with these settings besides.
    pub fn another_node(&self, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
        start_node(&self.scratch.0, &self.redis, name, settings)
    }

    /// Starts a replica of Redis.
    pub fn replica(&self) -> Result<Process> {
        let primary = format!("127.0.0.1 {}", self.redis.port);
        start_redis(&self.scratch.0, "replica", &["--replicaof", &primary, "--dbfilename", "replica.rdb"])
    }

    /// Address of Redis.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.redis.port)
    }
}

fn start_node(dir: &Path, redis: &Process, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
    let port = free_port()?;
    let mut command = node_command(&dir.join("data"), port, redis.port, settings);
    launch(dir, name, port, &mut command)
}
