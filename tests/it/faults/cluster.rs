//! What is broken: a Redis that keeps its data and two nodes in processes of their own, each behind a proxy.

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

/// One node and what stands between it and Redis.
pub struct Place {
    pub proxy: Proxy,
    /// Absent while it is dead. Who breaks something holds it, so that faults of one node do not start it over and
    /// cut it off at once.
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
        // What is acknowledged is on the disk: then a killed Redis may lose nothing.
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

    /// Starts a node; clients find it at its new address.
    pub async fn start_node(&self, node: usize) -> Process {
        let mut environment = self.environment.clone();
        environment.push(("CHINWAG_REDIS__URL", self.places[node].proxy.url()));
        let process = block_in_place(|| Process::start(&environment, &self.folder));
        self.nodes.lock().expect("no panic while held")[node] = process.base.clone();
        process.ready(&self.http).await
    }

    /// `kill -9`, and a new process in its place.
    pub async fn kill_node(&self, node: usize, dead_for: Duration) {
        let mut process = self.places[node].process.lock().await;
        drop(process.take()); // kills it
        tokio::time::sleep(dead_for).await;
        *process = Some(self.start_node(node).await);
    }

    /// Stops a node without its noticing, and lets it go on.
    pub async fn freeze_node(&self, node: usize, time: Duration) {
        let process = self.places[node].process.lock().await;
        let process = process.as_ref().expect("started");
        process.signal(Signal::SIGSTOP);
        tokio::time::sleep(time).await;
        process.signal(Signal::SIGCONT);
    }

    /// `kill -9` of Redis, and a new one on its data.
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
