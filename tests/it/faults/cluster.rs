//! The servers to break: a Redis with persistence, and two nodes in their own processes, each behind a proxy.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::task::block_in_place;

use super::client::Nodes;
use super::proxy::Proxy;
use crate::process::{Process, external};
use crate::support::{Redis, client, scratch};

pub const NODES: usize = 2;

/// A node and the proxy between it and Redis.
pub struct Place {
    pub proxy: Proxy,
    /// `None` while the node is dead. Every fault of this node holds the lock, so that faults do not overlap.
    pub process: tokio::sync::Mutex<Option<Process>>,
}

/// The servers of a test.
pub struct Cluster {
    redis: Mutex<Redis>,
    pub places: Vec<Place>,
    pub nodes: Nodes,
    environment: Vec<(&'static str, String)>,
    folder: PathBuf,
    http: reqwest::Client,
}

impl Cluster {
    pub async fn start() -> Self {
        let folder = scratch();
        // With fsync always, a killed Redis may lose nothing acknowledged.
        let data = folder.to_string_lossy().into_owned();
        let redis = Redis::start(&["--appendonly", "yes", "--appendfsync", "always", "--dir", &data]);
        let mut environment = external(&redis.url());
        environment.retain(|(name, _)| *name != "CHINWAG_REDIS__URL");
        let mut places = Vec::new();
        for _ in 0..NODES {
            places.push(Place { proxy: Proxy::start(&redis.url()).await, process: tokio::sync::Mutex::default() });
        }
        let nodes = Arc::new(Mutex::new(vec![String::new(); NODES]));
        let cluster = Self { redis: Mutex::new(redis), places, nodes, environment, folder, http: client() };
        for node in 0..NODES {
            let mut process = cluster.places[node].process.lock().await;
            *process = Some(cluster.start_node(node).await);
        }
        cluster
    }

    /// Starts a node and publishes its new address to clients.
    pub async fn start_node(&self, node: usize) -> Process {
        let mut environment = self.environment.clone();
        environment.push(("CHINWAG_REDIS__URL", self.places[node].proxy.url()));
        let process = block_in_place(|| Process::start(&environment, &self.folder));
        self.nodes.lock().expect("no panic while held")[node] = process.base.clone();
        process.ready(&self.http).await
    }

    /// Kills a node (`kill -9`) and starts a new process.
    pub async fn kill_node(&self, node: usize, dead_for: Duration) {
        let mut process = self.places[node].process.lock().await;
        drop(process.take()); // kills it
        tokio::time::sleep(dead_for).await;
        *process = Some(self.start_node(node).await);
    }

    /// Suspends a node (SIGSTOP) for a while.
    pub async fn freeze_node(&self, node: usize, time: Duration) {
        let process = self.places[node].process.lock().await;
        let process = process.as_ref().expect("started");
        process.signal(Signal::SIGSTOP);
        tokio::time::sleep(time).await;
        process.signal(Signal::SIGCONT);
    }

    /// Kills Redis (`kill -9`) and starts a new one with its data.
    pub async fn restart_redis(&self, dead_for: Duration) {
        block_in_place(|| self.redis.lock().expect("no panic while held").kill());
        tokio::time::sleep(dead_for).await;
        block_in_place(|| self.redis.lock().expect("no panic while held").restart());
    }

    /// Ends all network faults and waits until every node is ready.
    pub async fn heal(&self) {
        for node in 0..NODES {
            self.places[node].proxy.restore();
            let mut process = self.places[node].process.lock().await;
            let healed = process.take().expect("started").ready(&self.http).await;
            *process = Some(healed);
        }
    }
}
