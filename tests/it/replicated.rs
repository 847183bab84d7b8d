//! A Redis server with replicas.

use nix::sys::signal::Signal;

use crate::support::{Redis, eventually};

/// A master and its replicas.
pub struct Replicated {
    pub master: Redis,
    pub replicas: Vec<Redis>,
}

impl Replicated {
    /// Starts a master with replicas and waits until they receive its writes.
    pub async fn start(replicas: usize) -> Self {
        let master = Self::start_master();
        let address = master.url();
        Self::with_replicas_of(master, &address, replicas).await
    }

    pub fn start_master() -> Redis {
        Redis::start(&["--repl-diskless-sync-delay", "0"])
    }

    /// Starts replicas that reach the master at this address.
    pub async fn with_replicas_of(master: Redis, address: &str, replicas: usize) -> Self {
        let replicas = (0..replicas).map(|_| replica_of(address)).collect();
        let replicated = Self { master, replicas };
        replicated.wait_for(replicated.replicas.len()).await;
        replicated
    }

    /// Waits until this number of replicas receives writes.
    pub async fn wait_for(&self, replicas: usize) {
        let mut connection = self.master.connection();
        eventually("the replicas receive writes", async || {
            let mut pipeline = redis::pipe();
            pipeline.cmd("SET").arg("replicated").arg(1).ignore().cmd("WAIT").arg(replicas).arg(100);
            let (reached,): (usize,) = pipeline.query(&mut connection).expect("answered");
            reached >= replicas
        })
        .await;
    }

    /// Suspends or resumes all replicas.
    pub fn signal(&self, signal: Signal) {
        for replica in &self.replicas {
            replica.signal(signal);
        }
    }
}

fn replica_of(master: &str) -> Redis {
    let port = master.rsplit(':').next().expect("a port");
    // Loads what the master sends without a file.
    Redis::start(&["--replicaof", "127.0.0.1", port, "--repl-diskless-load", "swapdb"])
}
