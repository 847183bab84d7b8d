//! Writes that are acknowledged to clients: messages, deletions, members, rooms, accounts.
//!
//! With `redis.durability = "server"` they take the shared connection like all commands. With `replicas:k` they are
//! collected, for each server that takes writes: see [`GroupCommit`].

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use redis::{Cmd, Pipeline, Value};

use super::cluster::{Cluster, LaneUser, Lanes, SendToShard, Shard, route, route_in_order, slot_of_key};
use super::commit::GroupCommit;
use super::connection::refuse_error;
use super::connections::{Connections, split_script_reply};
use super::deployment::Deployment;
use super::durability::{Durability, ReplicaCounts};
use super::keys::Keys;
use super::scripts::Call;
use crate::domain::Result;

/// Lifetime of what is written to wait for the replicas of a shard.
const BARRIER_SECS: u64 = 10;

/// Runs the writes that are acknowledged to clients.
#[derive(Clone)]
pub(in crate::store) struct Writer {
    direct: Arc<Connections>,
    /// Absent when no replica must have received a write.
    groups: Option<Arc<Groups>>,
}

impl Writer {
    /// A writer that waits for the server alone.
    pub(in crate::store) fn direct(direct: Arc<Connections>) -> Self {
        Self { direct, groups: None }
    }

    /// A writer that waits for replicas as well. `durability` is that of the only server; shards have their own.
    pub(in crate::store) fn gathering(
        direct: Arc<Connections>,
        deployment: &Deployment,
        durability: &Arc<Durability>,
        lanes: &Arc<Lanes<GroupCommit>>,
        keys: &Keys,
    ) -> Self {
        let groups = match deployment.cluster() {
            None => {
                let barrier = keys.publish(&keys.barrier(), "");
                Groups::One(GroupCommit::new(deployment.servers(), durability, None, move || Some(barrier.clone())))
            }
            Some(cluster) => Groups::Cluster(ShardGroups {
                cluster: Arc::clone(cluster),
                keys: keys.clone(),
                groups: LaneUser::new(lanes),
            }),
        };
        Self { direct, groups: Some(Arc::new(groups)) }
    }

    /// Runs a pipeline without scripts and returns each command's reply.
    ///
    /// # Errors
    /// `Unavailable` when Redis does not answer or too few replicas receive the writes (the outcome is then unknown); the
    /// first error reply.
    pub(in crate::store) async fn run(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let Some(groups) = &self.groups else { return self.direct.run(pipeline).await };
        let replies = groups.run(pipeline.cmd_iter().cloned().collect()).await?;
        replies.into_iter().map(refuse_error).collect()
    }

    /// Runs a script and, in the same round trip, commands on keys of other slots. Returns the script's reply and theirs.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_script(&self, call: &Call<'_>, extra: &[Cmd]) -> Result<(Value, Vec<Value>)> {
        self.run_script_after(&[], call, extra).await
    }

    /// The same behind commands that Redis runs before the script, as [`Connections::run_script_after`] does.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_script_after(
        &self,
        before: &[Cmd],
        call: &Call<'_>,
        extra: &[Cmd],
    ) -> Result<(Value, Vec<Value>)> {
        let Some(groups) = &self.groups else { return self.direct.run_script_after(before, call, extra).await };
        let script = [call.by_hash()];
        let replies = groups.run_in_order(&[before, &script, extra]).await?;
        let (reply, rest) = split_script_reply(replies, before.len())?;
        let reply = match reply {
            Some(reply) => reply,
            None => refuse_error(groups.run(vec![call.by_source()]).await?.pop().unwrap_or_default())?,
        };
        Ok((reply, rest))
    }

    /// Whether writes may wait for replicas. What is announced to clients must then be announced afterwards.
    pub(in crate::store) fn waits_for_replicas(&self) -> bool {
        self.groups.is_some()
    }

    /// Measures how many replicas of each server receive a write within half a second, and adjusts how many must. Returns
    /// the least of all servers; `None` without a demand.
    ///
    /// # Errors
    /// `Unavailable` when a server does not answer.
    pub(in crate::store) async fn measure_replicas(&self) -> Result<Option<ReplicaCounts>> {
        let Some(groups) = &self.groups else { return Ok(None) };
        let groups = groups.all()?;
        let measured = join_all(groups.iter().map(|group| group.measure())).await;
        let mut least: Option<ReplicaCounts> = None;
        for counts in measured {
            let counts = counts?;
            let least = least.get_or_insert(counts);
            (least.in_force, least.reached) = (least.in_force.min(counts.in_force), least.reached.min(counts.reached));
        }
        Ok(least)
    }

    /// Waits until replicas have received everything of a key's server that was read so far, of which the newest is of this
    /// time. When they do not, returns the time up to which they had received everything a moment ago.
    pub(in crate::store) async fn received_until(&self, key: &str, newest_ms: u64) -> Option<u64> {
        let group = self.groups.as_ref()?.of_key(key)?;
        let until_ms = group.durability.received_until_ms().filter(|until_ms| *until_ms < newest_ms)?;
        group.run(Vec::new()).await.is_err().then_some(until_ms)
    }
}

/// The groups of a worker: one for each server that takes writes.
enum Groups {
    One(Arc<GroupCommit>),
    Cluster(ShardGroups),
}

impl Groups {
    /// Runs commands in the next batches of the servers that have their keys.
    async fn run(&self, commands: Vec<Cmd>) -> Result<Vec<Value>> {
        match self {
            Self::One(group) => group.run(commands).await,
            Self::Cluster(groups) => route(&groups.cluster, &commands, groups).await,
        }
    }

    /// Runs groups of commands, each behind those before it, and returns all replies.
    async fn run_in_order(&self, stages: &[&[Cmd]]) -> Result<Vec<Value>> {
        match self {
            Self::One(group) => group.run(stages.concat()).await,
            Self::Cluster(groups) => route_in_order(&groups.cluster, stages, groups).await,
        }
    }

    fn all(&self) -> Result<Vec<Arc<GroupCommit>>> {
        match self {
            Self::One(group) => Ok(vec![Arc::clone(group)]),
            Self::Cluster(groups) => {
                groups.cluster.table().shards().iter().map(|shard| groups.of_shard(shard)).collect()
            }
        }
    }

    fn of_key(&self, key: &str) -> Option<Arc<GroupCommit>> {
        match self {
            Self::One(group) => Some(Arc::clone(group)),
            Self::Cluster(groups) => groups.of_shard(groups.cluster.table().owner(slot_of_key(key.as_bytes()))?).ok(),
        }
    }
}

/// The groups of all shards.
struct ShardGroups {
    cluster: Arc<Cluster>,
    keys: Keys,
    groups: LaneUser<GroupCommit>,
}

impl ShardGroups {
    fn of_shard(&self, shard: &Arc<Shard>) -> Result<Arc<GroupCommit>> {
        self.groups.get(&self.cluster.table(), &shard.address, |runtime| {
            let (cluster, keys, address) = (Arc::clone(&self.cluster), self.keys.clone(), shard.address.clone());
            GroupCommit::new(&shard.servers, &shard.durability, runtime, move || {
                let mut barrier = redis::cmd("SET");
                barrier.arg(keys.barrier_key(&cluster.table().tag_of(&address)?)).arg("").arg("EX").arg(BARRIER_SECS);
                Some(barrier)
            })
        })
    }
}

impl SendToShard for ShardGroups {
    fn send(&self, shard: &Arc<Shard>, commands: Vec<Cmd>) -> BoxFuture<'_, Result<Vec<Value>>> {
        let group = self.of_shard(shard);
        async move { group?.run(commands).await }.boxed()
    }
}
