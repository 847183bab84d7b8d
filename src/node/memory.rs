//! Memory of Redis: how much a private one may use, and a task that makes the node refuse what takes more when little is
//! left. Redis itself refuses nearly every write at its limit, deleting messages and heartbeats included, so the node
//! keeps the last tenth free for them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info};

use crate::metrics::{Gauge, Metrics};
use crate::service::Limits;
use crate::store::{MemoryUse, Store};

const READ_EVERY: Duration = Duration::from_secs(1);
const READ_SHARDS_EVERY: Duration = Duration::from_secs(5);
/// Percentage of the limit from which nodes refuse what takes memory.
pub(super) const FULL_PERCENT: u64 = 90;
/// Percentage below which they accept it again, so that they do not alternate.
const FREE_PERCENT: u64 = 88;

/// Reads every second how much memory Redis uses.
pub(super) async fn watch_memory(store: Store, limits: Arc<Limits>, metrics: Arc<Metrics>) {
    let mut is_full = false;
    loop {
        match store.memory().await {
            Ok(Some(memory)) => {
                is_full = memory.percent() >= if is_full { FREE_PERCENT } else { FULL_PERCENT };
                metrics.set(Gauge::RedisMemory, memory.used_bytes);
                metrics.set(Gauge::RedisLimit, memory.limit_bytes);
                metrics.set(Gauge::RedisFull, is_full.into());
                if limits.set_memory_full(is_full) {
                    log(is_full, memory);
                }
            }
            Ok(None) => {}
            Err(error) => debug!(%error, "could not read how much memory Redis uses"),
        }
        tokio::time::sleep(READ_EVERY).await;
    }
}

/// Reads the state of the shards of a cluster for `/metrics`.
pub(super) async fn watch_shards(store: Store, metrics: Arc<Metrics>) {
    loop {
        match store.shards().await {
            Ok(shards) => metrics.set_shards(shards),
            Err(error) => debug!(%error, "could not read the state of the shards"),
        }
        tokio::time::sleep(READ_SHARDS_EVERY).await;
    }
}

fn log(is_full: bool, MemoryUse { used_bytes, limit_bytes }: MemoryUse) {
    match is_full {
        true => error!(
            used_bytes,
            limit_bytes, "the memory of Redis is nearly full: messages, uploads, rooms and registrations are refused"
        ),
        false => info!(used_bytes, limit_bytes, "Redis has memory again"),
    }
}

/// Whether the memory of Redis is limited, as far as Redis reports it.
pub(super) async fn is_limited(store: &Store) -> bool {
    !matches!(store.memory().await, Ok(Some(MemoryUse { limit_bytes: 0, .. })))
}

/// The `maxmemory` of a private Redis: what is configured, or half of the machine's memory. `None` when that is not known.
pub(super) fn private_maxmemory(configured: u64) -> Option<u64> {
    match configured {
        0 => machine_memory().map(|bytes| bytes / 2),
        bytes => Some(bytes),
    }
}

/// The memory of the machine, or of the control group if that may use less.
fn machine_memory() -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let total = read(Path::new("/proc/meminfo")).and_then(|text| total_of(&text));
    let group = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let group = group.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/").to_owned();
    let limits = [
        format!("/sys/fs/cgroup{group}/memory.max"),
        "/sys/fs/cgroup/memory.max".to_owned(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned(),
    ];
    // The text `max` stands for no limit.
    let limits = limits.iter().filter_map(|path| read(Path::new(path))?.trim().parse().ok());
    limits.chain(total).min()
}

/// The total in the text of `/proc/meminfo`, in bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_in_kibibytes() {
        assert_eq!(total_of("MemTotal:       16384000 kB\nMemFree:  1 kB\n"), Some(16_777_216_000));
        assert_eq!(total_of("MemFree:  1 kB\n"), None);
    }

    #[test]
    fn half_of_the_memory_unless_configured() {
        assert_eq!(private_maxmemory(7), Some(7));
        let half = private_maxmemory(0).expect("this machine has memory");
        let total = total_of(&std::fs::read_to_string("/proc/meminfo").expect("Linux")).expect("a total");
        assert!(half > 0 && half <= total / 2, "{half} of {total}");
    }

    #[test]
    fn a_percentage_needs_a_limit() {
        let percent = |used_bytes, limit_bytes| MemoryUse { used_bytes, limit_bytes }.percent();
        assert_eq!((percent(90, 100), percent(899, 1000), percent(5, 0)), (90, 89, 0));
    }
}
