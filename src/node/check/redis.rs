//! What a node needs of Redis.

use std::os::unix::net::UnixStream;

use super::{Finding, local, reason};
use crate::config::Config;
use crate::domain::{Clock, Result};
use crate::node::housekeeping::MAX_OFFSET_MS;
use crate::node::memory::FULL_PERCENT;
use crate::node::peers::{self, Difference};
use crate::node::private_redis::{self, PrivateRedis};
use crate::node::{exposure, wiring};
use crate::store::{MemoryUse, NodeMemory, Persistence, Store};

const MIB: u64 = 1024 * 1024;

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let url = match config.has_private_redis() {
        true => match private(config) {
            Ok(url) => url,
            Err(finding) => return vec![finding],
        },
        false => config.redis.url.clone(),
    };
    let store = match open(config, &url).await {
        Ok(store) => store,
        Err(error) => return vec![Finding::wrong("redis", reason(&error))],
    };
    let mut findings = vec![server(&store).await];
    let others = if config.has_private_redis() { Vec::new() } else { other_nodes(&store, config).await };
    findings.extend([
        persistence(store.persistence().await),
        memory(store.memory().await),
        rights(store.missing_rights().await),
        hook_rights(store.missing_hook_rights().await),
        clock(store.clock()),
    ]);
    findings.extend(others);
    findings
}

/// The address of the private Redis, if a node runs it. Otherwise only its program can be checked.
fn private(config: &Config) -> std::result::Result<String, Finding> {
    let dir = &config.data.dir;
    let is_running = |url: &str| {
        let socket = url.strip_prefix("redis+unix://").map(percent_encoding::percent_decode_str);
        socket.is_some_and(|path| UnixStream::connect(path.decode_utf8_lossy().as_ref()).is_ok())
    };
    if dir.is_dir()
        && let Ok(url) = PrivateRedis::url_for(dir)
        && is_running(&url)
    {
        return Ok(url);
    }
    Err(match private_redis::find_binary() {
        Some(binary) => Finding::good("redis", format!("the node starts {} for itself", binary.display())),
        None => Finding::wrong("redis", private_redis::PrivateRedisError::NoBinary.to_string()),
    })
}

/// Opens a store and checks the server behind it: that it answers, takes writes, is new enough and evicts nothing.
async fn open(config: &Config, url: &str) -> Result<Store> {
    let store_config = wiring::store_config_now(config, url).await?;
    let store = Store::new(&store_config, &NodeMemory::new(&store_config, "check", Clock::default()));
    store.check_server().await?;
    store.read_clock().await?;
    Ok(store)
}

async fn server(store: &Store) -> Finding {
    match store.metrics(&[], store.now_ms()).await.map(|reports| reports.server) {
        Ok(server) if server.version.is_empty() => {
            Finding::doubtful("redis", "reachable, but INFO is not permitted: version, policy and memory are not known")
        }
        Ok(server) if !server.shards.is_empty() => {
            let (version, shards) = (server.version, server.shards.len());
            Finding::good("redis", format!("version {version}, {shards} shards that evict nothing"))
        }
        Ok(server) => Finding::good("redis", format!("version {}, a primary that evicts nothing", server.version)),
        Err(error) => Finding::wrong("redis", reason(&error)),
    }
}

fn persistence(found: Persistence) -> Finding {
    match found {
        Persistence::Disk => Finding::good("redis persistence", "keeps its data on disk"),
        Persistence::Memory => Finding::doubtful(
            "redis persistence",
            "keeps nothing on disk (appendonly no, no save): acknowledged messages live in memory only",
        ),
        Persistence::Unknown => {
            Finding::doubtful("redis persistence", "cannot find out whether it keeps its data on disk")
        }
    }
}

fn memory(found: Result<Option<MemoryUse>>) -> Finding {
    match found {
        Ok(Some(MemoryUse { limit_bytes: 0, .. })) => Finding::doubtful("redis memory", exposure::UNLIMITED_MEMORY.1),
        Ok(Some(memory)) => {
            let (used, limit, percent) = (memory.used_bytes / MIB, memory.limit_bytes / MIB, memory.percent());
            let text = format!("{used} of {limit} MiB are used, {percent} percent");
            match percent >= FULL_PERCENT {
                true => Finding::wrong("redis memory", format!("{text}: messages, uploads and rooms are refused")),
                false => Finding::good("redis memory", text),
            }
        }
        Ok(None) => Finding::doubtful("redis memory", "not known, because INFO is not permitted"),
        Err(error) => Finding::wrong("redis memory", reason(&error)),
    }
}

fn rights(missing: Result<Vec<&str>>) -> Finding {
    match missing {
        Ok(missing) if missing.is_empty() => Finding::good("redis rights", "all commands are permitted"),
        Ok(missing) => {
            let missing = missing.join(", ").to_lowercase();
            Finding::wrong("redis rights", format!("not permitted: {missing} (docs/operations.md lists all)"))
        }
        Err(error) => Finding::wrong("redis rights", reason(&error)),
    }
}

fn hook_rights(missing: Result<Vec<&str>>) -> Finding {
    match missing {
        Ok(missing) if missing.is_empty() => Finding::good("redis webhooks", "all commands are permitted"),
        Ok(missing) => {
            let missing = missing.join(", ").to_lowercase();
            let text = format!("not permitted: {missing}: outgoing webhooks deliver nothing (docs/operations.md)");
            Finding::doubtful("redis webhooks", text)
        }
        Err(error) => Finding::wrong("redis webhooks", reason(&error)),
    }
}

fn clock(clock: &Clock) -> Finding {
    let offset_ms = clock.offset_ms();
    match offset_ms.unsigned_abs() < MAX_OFFSET_MS {
        true => Finding::good("redis clock", format!("{offset_ms} ms from that of this machine")),
        false => {
            Finding::doubtful("redis clock", format!("{offset_ms} ms from that of this machine; synchronize them"))
        }
    }
}

/// Whether nodes that run have the same secret and the same place for uploads.
async fn other_nodes(store: &Store, config: &Config) -> Vec<Finding> {
    let (count, differences) = match peers::compare(store, config, &local::uploads_url(config)).await {
        Ok(compared) => compared,
        Err(error) => return vec![Finding::doubtful("other nodes", reason(&error))],
    };
    if count == 0 {
        return vec![Finding::good(
            "other nodes",
            "none runs now: there is nothing to compare secret and uploads with",
        )];
    }
    if differences.is_empty() {
        return vec![Finding::good("other nodes", format!("{count} running, with the same secret and uploads"))];
    }
    let finding = |difference| match difference {
        Difference::Refused(text) => Finding::wrong("other nodes", text),
        Difference::Borne(text) => Finding::doubtful("other nodes", text),
    };
    differences.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::now_ms;
    use crate::node::check::Verdict;

    #[test]
    fn clocks_that_differ_by_seconds_are_doubtful() {
        for (error_ms, verdict) in [(0, Verdict::Good), (1000, Verdict::Good), (-60_000, Verdict::Doubtful)] {
            let machine = Clock::wrong_by(error_ms);
            let (asked_ms, redis_ms) = (machine.machine_ms(), now_ms());
            machine.adjust(asked_ms, redis_ms, asked_ms);
            assert_eq!(clock(&machine).verdict, verdict, "{error_ms}");
        }
    }

    #[test]
    fn memory_is_wrong_from_where_nodes_refuse_messages() {
        let verdict = |used_bytes| memory(Ok(Some(MemoryUse { used_bytes, limit_bytes: 1000 }))).verdict;
        assert_eq!((verdict(899), verdict(900)), (Verdict::Good, Verdict::Wrong));
    }
}
