//! Memory of the Redis server.

use redis::{InfoDict, Pipeline};

use super::Store;
use super::redis::connection::refuse_error;
use super::redis::reply::{self, next};
use crate::domain::Result;

/// Memory that the server uses and may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// Bytes in use, as the server counts them against its limit.
    pub used_bytes: u64,
    /// The limit, `maxmemory`; 0 for none.
    pub limit_bytes: u64,
}

impl MemoryUse {
    /// Percentage of the limit in use; 0 without a limit.
    pub fn percent(&self) -> u64 {
        self.used_bytes.saturating_mul(100).checked_div(self.limit_bytes).unwrap_or(0)
    }
}

impl Store {
    /// Reads how much memory the server uses, of a cluster the fullest shard; `None` when it does not permit `INFO`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn memory(&self) -> Result<Option<MemoryUse>> {
        if !self.deployment.permits_info() {
            return Ok(None);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("INFO").arg("memory");
        let mut fullest: Option<MemoryUse> = None;
        for (_, replies) in self.connection.run_everywhere(&pipeline).await? {
            let info: InfoDict = reply::read(refuse_error(next(&mut replies.into_iter())?)?)?;
            let number = |name: &str| info.get::<u64>(name).unwrap_or(0);
            // The buffers of replicas and of the append-only file do not count.
            let used_bytes = number("used_memory").saturating_sub(number("mem_not_counted_for_evict"));
            let found = MemoryUse { used_bytes, limit_bytes: number("maxmemory") };
            fullest = fullest.into_iter().chain([found]).max_by_key(MemoryUse::percent);
        }
        Ok(fullest)
    }
}
