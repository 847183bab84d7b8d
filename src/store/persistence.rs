//! Whether Redis keeps its data on disk.

use std::collections::HashMap;

use deadpool_redis::Connection;
use redis::{InfoDict, RedisResult};

use super::Store;

/// Where Redis keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// In an append-only file or in snapshots.
    Disk,
    /// In memory only.
    Memory,
    /// Unknown: the commands are not permitted.
    Unknown,
}

impl Store {
    /// Asks the server where it keeps its data. The answer is advice: no error keeps a node from starting.
    pub async fn persistence(&self) -> Persistence {
        let Ok(connections) = self.connection.cold().await else { return Persistence::Unknown };
        let mut found = Persistence::Disk;
        for mut connection in connections {
            // The shard that keeps least says what may be lost.
            match ask(&mut connection).await.unwrap_or(Persistence::Unknown) {
                Persistence::Disk => {}
                Persistence::Memory => return Persistence::Memory,
                Persistence::Unknown => found = Persistence::Unknown,
            }
        }
        found
    }
}

async fn ask(connection: &mut Connection) -> RedisResult<Persistence> {
    let info: InfoDict = redis::cmd("INFO").arg("persistence").query_async(connection).await?;
    if info.get::<u8>("aof_enabled") == Some(1) {
        return Ok(Persistence::Disk);
    }
    // Only the configuration shows whether snapshots are taken. Services that manage Redis may hide it.
    let config: HashMap<String, String> = redis::cmd("CONFIG").arg("GET").arg("save").query_async(connection).await?;
    Ok(match config.get("save") {
        Some(save) if save.is_empty() => Persistence::Memory,
        Some(_) => Persistence::Disk,
        None => Persistence::Unknown,
    })
}
