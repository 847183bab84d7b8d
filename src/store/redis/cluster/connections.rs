//! The connections to the shards, over which commands are routed.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::Connection;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, select_ok};
use redis::{Cmd, Pipeline, Value};

use super::lanes::{LaneUser, Lanes};
use super::route::{SendToShard, route, route_in_order};
use super::table::Shard;
use super::topology::Cluster;
use crate::domain::{Error, Result};
use crate::store::redis::connection::SharedConnection;

/// One connection to each shard, which may be shared with other workers.
pub(in crate::store) struct ClusterConnections {
    cluster: Arc<Cluster>,
    response_timeout: Duration,
    connections: LaneUser<SharedConnection>,
}

impl ClusterConnections {
    pub(in crate::store) fn new(
        cluster: &Arc<Cluster>,
        response_timeout: Duration,
        lanes: &Arc<Lanes<SharedConnection>>,
    ) -> Self {
        Self { cluster: Arc::clone(cluster), response_timeout, connections: LaneUser::new(lanes) }
    }

    /// Runs commands, each where its key is, and returns each one's reply, error replies included.
    ///
    /// # Errors
    /// As [`route`].
    pub(in crate::store) async fn exchange(&self, commands: Vec<Cmd>) -> Result<Vec<Value>> {
        route(&self.cluster, &commands, self).await
    }

    /// Runs groups of commands, each when all of the one before it have succeeded, and returns all replies.
    ///
    /// # Errors
    /// As [`route_in_order`].
    pub(in crate::store) async fn exchange_in_order(&self, groups: &[&[Cmd]]) -> Result<Vec<Value>> {
        route_in_order(&self.cluster, groups, self).await
    }

    /// Runs commands without keys on every shard. Returns the replies of the shards that answer, with their names.
    ///
    /// # Errors
    /// `Unavailable` when none answers.
    pub(in crate::store) async fn run_everywhere(&self, pipeline: &Pipeline) -> Result<Vec<(String, Vec<Value>)>> {
        let table = self.cluster.table();
        let all = join_all(table.shards().iter().map(|shard| async {
            let replies = self.connection(shard)?.exchange(pipeline).await;
            replies.map(|replies| (shard.name(), replies))
        }))
        .await;
        if all.iter().any(Result::is_err) {
            self.cluster.request_refresh();
        }
        let mut failure = Error::Unavailable("the cluster has no shards".into());
        let mut answers = Vec::with_capacity(all.len());
        for answer in all {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(error) => failure = error,
            }
        }
        if answers.is_empty() { Err(failure) } else { Ok(answers) }
    }

    /// Runs commands without keys on whichever shard answers first.
    ///
    /// # Errors
    /// `Unavailable` when none answers.
    pub(in crate::store) async fn run_anywhere(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let table = self.cluster.table();
        let asking = table.shards().iter().map(|shard| {
            let connection = self.connection(shard);
            async move { connection?.exchange(pipeline).await }.boxed()
        });
        let asking: Vec<_> = asking.collect();
        if asking.is_empty() {
            return Err(Error::Unavailable("the cluster has no shards".into()));
        }
        let (replies, _) = select_ok(asking).await?;
        Ok(replies)
    }

    /// Opens a separate connection to every shard.
    ///
    /// # Errors
    /// As [`SharedConnection::cold`], of any shard.
    pub(in crate::store) async fn cold(&self) -> Result<Vec<Connection>> {
        let table = self.cluster.table();
        let opened = join_all(table.shards().iter().map(|shard| async { self.connection(shard)?.cold().await })).await;
        opened.into_iter().collect()
    }

    fn connection(&self, shard: &Arc<Shard>) -> Result<Arc<SharedConnection>> {
        self.connections.get(&self.cluster.table(), &shard.address, |runtime| {
            Arc::new(SharedConnection::new(&shard.servers, self.response_timeout).driven_by(runtime))
        })
    }
}

impl SendToShard for ClusterConnections {
    fn send(&self, shard: &Arc<Shard>, commands: Vec<Cmd>) -> BoxFuture<'_, Result<Vec<Value>>> {
        let connection = self.connection(shard);
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        async move { connection?.exchange(&pipeline).await }.boxed()
    }
}
