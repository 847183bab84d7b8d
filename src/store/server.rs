//! Checks of the Redis server, and its clock.

use deadpool_redis::Connection;
use redis::Value;
use tracing::warn;

use super::Store;
use super::redis::check::{Checked, check};
use super::redis::cluster::Table;
use super::redis::connection::store_error;
use super::redis::durability::ReplicaCounts;
use super::redis::reply::{self, next};
use crate::domain::{Error, Result, RoomId, UserId};

impl Store {
    /// Checks that the server can keep what Chinwag guarantees.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer or takes no writes; `Internal` with the reason when it cannot be used as it is
    /// configured.
    pub async fn check_server(&self) -> Result<()> {
        let is_cluster = self.deployment.cluster().is_some();
        let mut connections = self.connection.cold().await?;
        for connection in &mut connections {
            if let Checked::Primary(None) = check(connection, is_cluster).await? {
                warn!("Redis does not permit INFO: version and eviction policy are not checked");
            }
        }
        // A missing right to a channel would show as events that do not arrive.
        match self.deployment.cluster() {
            Some(cluster) => self.check_channels_of(&cluster.table(), &mut connections).await,
            None => self.check_channels(&mut connections).await,
        }
    }

    async fn check_channels(&self, connections: &mut [Connection]) -> Result<()> {
        let probe = self.keys.probe("start", None);
        if let Some(connection) = connections.first_mut() {
            for channel in [&self.keys.room(RoomId::GLOBAL).live, &self.keys.users_live(UserId(0)), &probe] {
                connection.subscribe(channel).await.map_err(store_error)?;
            }
        }
        let mut pipeline = redis::Pipeline::with_capacity(1);
        pipeline.add_command(self.keys.publish(&probe, ""));
        self.connection.run(&pipeline).await.map(drop)
    }

    /// The same for each shard, whose users have rights of their own. Some rights are needed only when slots move.
    async fn check_channels_of(&self, table: &Table, connections: &mut [Connection]) -> Result<()> {
        for (shard, connection) in table.shards().iter().zip(connections) {
            let Some(tag) = table.tag_of(&shard.address) else { continue };
            let channel = self.keys.probe("start", Some(&tag));
            let on_channel = |verb| redis::cmd(verb).arg(&channel).to_owned();
            let publish = self.keys.publish(&channel, "");
            for command in [publish, redis::cmd("ASKING"), on_channel("SSUBSCRIBE"), on_channel("SUNSUBSCRIBE")] {
                command.exec_async(connection).await.map_err(|error| match error.code() {
                    // Its slot has moved since the table was read.
                    Some("MOVED") => Error::Unavailable(error.into()),
                    _ => store_error(error),
                })?;
            }
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

    /// Checks that Redis, or a shard, answers on the connection that requests use.
    pub async fn ping(&self) -> Result<()> {
        let mut pipeline = redis::Pipeline::with_capacity(1);
        pipeline.cmd("PING");
        match self.connection.run_anywhere(&pipeline).await?.as_slice() {
            [Value::SimpleString(_) | Value::BulkString(_)] => Ok(()),
            other => Err(other.first().map_or_else(|| Error::internal("no reply"), reply::unexpected)),
        }
    }

    /// Measures how many replicas receive writes, and adjusts how many must. `None` when none must.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn check_replicas(&self) -> Result<Option<ReplicaCounts>> {
        self.writer.measure_replicas().await
    }
}
