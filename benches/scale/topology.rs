//! Nodes and Redis masters.

use std::path::{Path, PathBuf};

use crate::common::Result;
use crate::common::cpu::Cpu;
use crate::common::process::{Process, free_port, launch};
use crate::common::servers::{node_command, redis_url, start_cluster, start_redis};

pub struct Topology {
    pub nodes: Vec<Process>,
    pub masters: Vec<Process>,
    dir: PathBuf,
}

impl Topology {
    /// Starts everything in a folder of its own. Several masters are a Redis Cluster.
    pub fn start(dir: &Path, nodes: usize, masters: usize) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let masters = match masters {
            1 => vec![start_redis(dir, "redis", &[])?],
            several => start_cluster(dir, several)?,
        };
        let mut topology = Self { nodes: Vec::new(), masters, dir: dir.to_owned() };
        topology.restart_nodes(nodes)?;
        Ok(topology)
    }

    /// Replaces all nodes by this number of fresh ones.
    pub fn restart_nodes(&mut self, count: usize) -> Result<()> {
        self.nodes.clear();
        let (data, url) = (self.dir.join("data"), redis_url(&self.masters));
        let settings = [("REDIS__URL", url.as_str()), ("LIMITS__ENABLED", "false")];
        for number in 1..=count {
            let port = free_port()?;
            let mut command = node_command(&data, port, self.masters[0].port, &settings);
            self.nodes.push(launch(&self.dir, &format!("node{number}"), port, &mut command)?);
        }
        Ok(())
    }

    /// CPU time spent so far.
    pub fn cpu(&self) -> Result<Cpu> {
        Cpu::now(&self.nodes, &self.masters)
    }
}
