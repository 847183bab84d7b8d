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
    _scratch: Scratch,
}

impl Rig {
    /// Starts everything and waits until it listens.
    pub fn start() -> Result<Self> {
        prepare_this_process()?;
        let scratch = Scratch::make()?;
        let redis = start_redis(&scratch.0)?;
        let node = start_node(&scratch.0, &redis, "node", &[("LIMITS__ENABLED", "false")])?;
        let rates = [
            ("LIMITS__SENDS_PER_SEC", NO_RATE),
            ("LIMITS__SENDS_BURST", NO_RATE),
            ("LIMITS__REQUESTS_PER_SEC", NO_RATE),
            ("LIMITS__REQUESTS_BURST", NO_RATE),
        ];
        let limited_node = start_node(&scratch.0, &redis, "limited-node", &rates)?;
        let port = free_port()?;
        let program = std::env::current_exe()?;
        let bare = launch(&scratch.0, "bare", port, Command::new(program).args(["bare-server", &port.to_string()]))?;
        Ok(Self { redis, node, limited_node, bare, _scratch: scratch })
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
