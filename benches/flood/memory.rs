//! Memory and disk of the servers, watched by a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use crate::common::Result;
use crate::common::machine::{disk_bytes_of, memory_kb_of};

const EVERY: Duration = Duration::from_millis(250);

/// KB before the flood, at most, and at the end.
#[derive(Clone, Copy)]
pub struct Level {
    pub before: u64,
    pub peak: u64,
    pub after: u64,
}

/// What the servers took.
pub struct Usage {
    pub node: Level,
    pub redis: Level,
    /// Bytes written to the disk.
    pub node_disk: u64,
    pub redis_disk: u64,
}

/// Watches until it is ended.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<std::result::Result<Usage, String>>,
}

/// The servers.
struct Servers {
    node: u32,
    redis: u32,
    connection: redis::Connection,
}

impl Watch {
    pub fn begin(node: u32, redis: u32, redis_port: u16) -> Result<Self> {
        let connection = redis::Client::open(("127.0.0.1", redis_port))?.get_connection()?;
        let (stop, servers) = (Arc::new(AtomicBool::new(false)), Servers { node, redis, connection });
        let is_over = Arc::clone(&stop);
        let thread = spawn(move || servers.watch(&is_over).map_err(|error| error.to_string()));
        Ok(Self { stop, thread })
    }

    pub fn end(self) -> Result<Usage> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.thread.join().map_err(|_| "the watch of memory panicked")??)
    }
}

impl Servers {
    fn watch(mut self, is_over: &AtomicBool) -> Result<Usage> {
        let (node, redis) = (memory_kb_of(self.node)?, self.redis_kb()?);
        let before = (disk_bytes_of(self.node)?, disk_bytes_of(self.redis)?);
        let mut node = Level { before: node, peak: node, after: node };
        let mut redis = Level { before: redis, peak: redis, after: redis };
        while !is_over.load(Ordering::Relaxed) {
            sleep(EVERY);
            node.add(memory_kb_of(self.node)?);
            redis.add(self.redis_kb()?);
        }
        let (node_disk, redis_disk) = (disk_bytes_of(self.node)? - before.0, disk_bytes_of(self.redis)? - before.1);
        Ok(Usage { node, redis, node_disk, redis_disk })
    }

    fn redis_kb(&mut self) -> Result<u64> {
        let info: String = redis::cmd("INFO").arg("memory").query(&mut self.connection)?;
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).ok_or("no used_memory")?;
        Ok(line.trim().parse::<u64>()? / 1024)
    }
}

impl Level {
    fn add(&mut self, kb: u64) {
        self.peak = self.peak.max(kb);
        self.after = kb;
    }
}
