//! Checks of the Redis server, and its clock.

use redis::{InfoDict, Value};

use super::Store;
use super::redis::connection::store_error;
use super::redis::reply::{self, next};
use crate::domain::{Error, Result};

/// Oldest version with the scripts, streams and sharded channels that Chinwag uses.
const OLDEST_VERSION: (u32, u32) = (7, 0);

impl Store {
    /// Checks that the server can keep what Chinwag guarantees.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer; `Internal` with the reason when it is too old or configured to evict keys.
    pub async fn check_server(&self) -> Result<()> {
        let mut connection = self.connection.cold().await?;
        let info: InfoDict = redis::cmd("INFO").query_async(&mut connection).await.map_err(store_error)?;
        // A server that loads its data answers INFO but no other commands.
        if info.get::<u8>("loading") == Some(1) {
            return Err(Error::Unavailable("Redis is loading its data".into()));
        }
        // Valkey keeps `redis_version` at 7.2.4 for such checks.
        let version: String = info.get("redis_version").unwrap_or_default();
        if parse_version(&version) < Some(OLDEST_VERSION) {
            let (major, minor) = OLDEST_VERSION;
            return Err(Error::internal(format!("Redis {version} is too old: {major}.{minor} or newer is needed")));
        }
        let policy: Option<String> = info.get("maxmemory_policy");
        if policy.as_deref().is_some_and(|policy| policy != "noeviction") {
            let policy = policy.unwrap_or_default();
            return Err(Error::internal(format!(
                "Redis may evict messages and accounts: maxmemory-policy is {policy}, must be noeviction"
            )));
        }
        Ok(())
    }

    /// Reads Redis' clock and adjusts the node's to it. Adjusting starts at the connection, and repeats: the machine's
    /// clock drifts, and another server may take over with a clock of its own.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn read_clock(&self) -> Result<()> {
        let mut pipeline = redis::Pipeline::with_capacity(1);
        pipeline.cmd("TIME");
        let asked_ms = self.clock.machine_ms();
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        let answered_ms = self.clock.machine_ms();
        let (secs, micros): (u64, u64) = reply::read(reply)?;
        self.clock.adjust(asked_ms, secs * 1000 + micros / 1000, answered_ms);
        Ok(())
    }

    /// Checks that Redis answers on the connection that requests use.
    pub async fn ping(&self) -> Result<()> {
        let mut pipeline = redis::Pipeline::with_capacity(1);
        pipeline.cmd("PING");
        let replies = self.connection.run(&pipeline).await?;
        match replies.as_slice() {
            [Value::SimpleString(_) | Value::BulkString(_)] => Ok(()),
            other => Err(other.first().map_or_else(|| Error::internal("no reply"), reply::unexpected)),
        }
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("6.2.14") < Some(OLDEST_VERSION));
        assert!(parse_version("7.0.15") >= Some(OLDEST_VERSION));
        assert!(parse_version("10.1.0") >= Some(OLDEST_VERSION));
        assert!(parse_version("odd") < Some(OLDEST_VERSION));
    }
}
