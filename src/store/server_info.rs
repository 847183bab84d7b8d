//! The state of Redis as operators see it: of one server, or of all shards and each.

use std::collections::HashMap;

use redis::{InfoDict, Pipeline, Value};
use serde::Serialize;

use super::Store;
use super::redis::connection::refuse_error;
use super::redis::reply::{self, next};
use crate::domain::Result;
use crate::metrics::Shard;

/// The sections of `INFO` that the state is read from.
pub(super) const SECTIONS: [&str; 5] = ["server", "clients", "memory", "stats", "replication"];

/// State of the Redis server, or of all shards together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServerInfo {
    /// `master` or `slave`.
    pub role: String,
    /// Its version.
    pub version: String,
    /// Memory in use.
    pub memory_bytes: u64,
    /// Memory limit; 0 for none.
    pub memory_limit_bytes: u64,
    /// Connections.
    pub clients: u64,
    /// Recent commands per second.
    pub commands_per_sec: u64,
    /// Seconds since its start; of shards, since that of the latest.
    pub uptime_secs: u64,
    /// The shards of a cluster, in the order of their slots; none for a single server.
    pub shards: Vec<Shard>,
}

impl ServerInfo {
    /// Reads the state of the only server from its `INFO`.
    pub(super) fn of_server(info: Value) -> Result<Self> {
        Ok(Self { shards: Vec::new(), ..Self::of_cluster(vec![read(info)?]) })
    }

    /// Adds up the shards that answer.
    pub(super) fn of_cluster(shards: Vec<Shard>) -> Self {
        let up = || shards.iter().filter(|shard| shard.is_up);
        let sum = |of: fn(&Shard) -> u64| up().map(of).sum::<u64>();
        let first = |of: fn(&Shard) -> &String| up().map(of).next().cloned().unwrap_or_default();
        let is_limited = up().all(|shard| shard.memory_limit_bytes > 0);
        Self {
            role: first(|shard| &shard.role),
            version: first(|shard| &shard.version),
            memory_bytes: sum(|shard| shard.memory_bytes),
            memory_limit_bytes: if is_limited { sum(|shard| shard.memory_limit_bytes) } else { 0 },
            clients: sum(|shard| shard.clients),
            commands_per_sec: sum(|shard| shard.commands_per_sec),
            uptime_secs: up().map(|shard| shard.uptime_secs).min().unwrap_or(0),
            shards,
        }
    }
}

impl Store {
    /// The addresses of the servers that take writes, as far as connections have found them.
    pub fn primaries(&self) -> Vec<String> {
        self.deployment.primaries()
    }

    /// Reads the state of the shards of a cluster, in the order of their slots. There are none of a single server, nor where
    /// `INFO` is not permitted.
    ///
    /// # Errors
    /// `Unavailable` when no shard answers.
    pub async fn shards(&self) -> Result<Vec<Shard>> {
        let Some(cluster) = self.deployment.cluster().filter(|_| self.deployment.permits_info()) else {
            return Ok(Vec::new());
        };
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("INFO").arg(&SECTIONS);
        let answers = self.list_connection.run_everywhere(&pipeline).await?.into_iter();
        // A server that refuses, because it is loading its data, counts as unavailable, too.
        let state = |replies: Vec<Value>| read(refuse_error(next(&mut replies.into_iter())?)?);
        let mut states: HashMap<String, Shard> =
            answers.filter_map(|(name, replies)| Some((name, state(replies).ok()?))).collect();
        let table = cluster.table();
        let shards = table.shards().iter().map(|shard| {
            let state = states.remove(&shard.name()).unwrap_or_default();
            Shard { address: shard.name(), slots: table.slot_count(&shard.address) as u64, ..state }
        });
        Ok(shards.filter(|shard| shard.slots > 0).collect())
    }
}

/// Reads what `INFO` says of a server.
fn read(info: Value) -> Result<Shard> {
    let info: InfoDict = reply::read(info)?;
    let number = |name: &str| info.get::<u64>(name).unwrap_or(0);
    let text = |name: &str| info.get::<String>(name).unwrap_or_default();
    let replicas = number("connected_slaves");
    let confirmed = (0..replicas).filter_map(|index| confirmed(&text(&format!("slave{index}")))).min();
    Ok(Shard {
        address: String::new(),
        is_up: true,
        role: text("role"),
        // Valkey keeps `redis_version` at the version that it is compatible with.
        version: info.get::<String>("valkey_version").unwrap_or_else(|| text("redis_version")),
        slots: 0,
        memory_bytes: number("used_memory"),
        memory_limit_bytes: number("maxmemory"),
        clients: number("connected_clients"),
        commands_per_sec: number("instantaneous_ops_per_sec"),
        replicas,
        lag_bytes: confirmed.map(|offset| number("master_repl_offset").saturating_sub(offset)),
        uptime_secs: number("uptime_in_seconds"),
    })
}

/// How far a replica has confirmed, of the line of one that has copied everything.
fn confirmed(line: &str) -> Option<u64> {
    let field = |name: &str| line.split(',').find_map(|field| field.split_once('=').filter(|(key, _)| *key == name));
    let (_, state) = field("state")?;
    let (_, offset) = field("offset").filter(|_| state == "online")?;
    offset.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(text: &str) -> Shard {
        read(Value::BulkString(text.as_bytes().to_vec())).expect("a state")
    }

    #[test]
    fn the_slowest_replica_that_has_copied_everything_is_behind() {
        let shard = info(
            "role:master\r\nconnected_slaves:3\r\nmaster_repl_offset:1000\r\n\
             slave0:ip=127.0.0.1,port=1,state=online,offset=990,lag=0\r\n\
             slave1:ip=127.0.0.1,port=2,state=online,offset=400,lag=1\r\n\
             slave2:ip=127.0.0.1,port=3,state=send_bulk,offset=0,lag=0\r\n",
        );
        assert_eq!((shard.replicas, shard.lag_bytes, shard.role.as_str()), (3, Some(600), "master"));
        let alone = info("role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:1000\r\n");
        assert_eq!((alone.replicas, alone.lag_bytes), (0, None));
    }

    #[test]
    fn shards_add_up_and_those_that_are_away_do_not_count() {
        let shard = |memory_bytes, memory_limit_bytes, uptime_secs| Shard {
            is_up: true,
            version: "7.2".into(),
            memory_bytes,
            memory_limit_bytes,
            commands_per_sec: 3,
            uptime_secs,
            ..Shard::default()
        };
        let away = Shard { slots: 9, ..Shard::default() };
        let sum = ServerInfo::of_cluster(vec![away.clone(), shard(5, 10, 100), shard(6, 20, 70)]);
        assert_eq!((sum.memory_bytes, sum.memory_limit_bytes, sum.commands_per_sec), (11, 30, 6));
        assert_eq!((sum.uptime_secs, sum.version.as_str(), sum.shards.len()), (70, "7.2", 3));
        // One without a limit may take everything.
        assert_eq!(ServerInfo::of_cluster(vec![shard(5, 10, 1), shard(5, 0, 1)]).memory_limit_bytes, 0);
        assert_eq!(ServerInfo::of_cluster(vec![away]).memory_limit_bytes, 0);
    }
}
