//! Writes that are acknowledged to clients: messages, deletions, members, rooms, accounts.
//!
//! With `redis.durability = "server"` they take the shared connection like all commands. With `replicas:k` they are
//! gathered: what waits goes out as one pipeline that ends with `WAIT k`, over a connection of its own, which `WAIT`
//! blocks; meanwhile the next batch gathers. A write that too few replicas receive in time is `Unavailable`: it may be
//! stored or get lost, and only a retry that succeeds tells the client that it is safe.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use redis::{Cmd, Pipeline, Value};
use tokio::sync::oneshot;

use super::address::RESPONSE_TIMEOUT;
use super::cluster::{Address, Cluster, SendToShard, Shard, route, slot_of_key};
use super::connection::{SharedConnection, refuse_error};
use super::connections::{Connections, split_script_reply};
use super::deployment::Deployment;
use super::durability::{Durability, ReplicaCounts};
use super::keys::Keys;
use super::reply;
use super::scripts::Call;
use super::servers::Servers;
use crate::domain::{Error, Result};

/// Time in which replicas must receive a batch.
const WAIT_MS: u64 = 500;
/// Longest time that a write waits for its turn and its replicas: a request answers 503 within two seconds.
const COMMIT_TIMEOUT: Duration = Duration::from_millis(1800);
/// Maximum number of writes that wait for their turn.
const MAX_WAITING: usize = 4096;

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
        keys: &Keys,
    ) -> Self {
        let groups = match deployment.cluster() {
            None => {
                let barrier = keys.publish(&keys.barrier(), "");
                Groups::One(GroupCommit::new(deployment.servers(), durability, move || Some(barrier.clone())))
            }
            Some(cluster) => {
                Groups::Cluster { cluster: Arc::clone(cluster), keys: keys.clone(), groups: Mutex::default() }
            }
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
        let measured = join_all(groups.all().iter().map(|group| group.measure())).await;
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
    Cluster { cluster: Arc<Cluster>, keys: Keys, groups: Mutex<HashMap<Address, Arc<GroupCommit>>> },
}

impl Groups {
    /// Runs commands in the next batches of the servers that have their keys.
    async fn run(&self, commands: Vec<Cmd>) -> Result<Vec<Value>> {
        match self {
            Self::One(group) => group.run(commands).await,
            Self::Cluster { cluster, .. } => route(cluster, &commands, self).await,
        }
    }

    /// Runs groups of commands, each when those before it have run, and returns all replies.
    async fn run_in_order(&self, stages: &[&[Cmd]]) -> Result<Vec<Value>> {
        if let Self::One(group) = self {
            return group.run(stages.concat()).await;
        }
        let mut replies = Vec::new();
        for stage in stages.iter().filter(|stage| !stage.is_empty()) {
            replies.extend(self.run(stage.to_vec()).await?);
        }
        Ok(replies)
    }

    fn all(&self) -> Vec<Arc<GroupCommit>> {
        match self {
            Self::One(group) => vec![Arc::clone(group)],
            Self::Cluster { cluster, .. } => {
                cluster.table().shards().iter().map(|shard| self.of_shard(shard)).collect()
            }
        }
    }

    fn of_key(&self, key: &str) -> Option<Arc<GroupCommit>> {
        match self {
            Self::One(group) => Some(Arc::clone(group)),
            Self::Cluster { cluster, .. } => {
                cluster.table().owner(slot_of_key(key.as_bytes())).map(|shard| self.of_shard(shard))
            }
        }
    }

    fn of_shard(&self, shard: &Arc<Shard>) -> Arc<GroupCommit> {
        let Self::Cluster { cluster, keys, groups } = self else { unreachable!("only a cluster has shards") };
        let mut groups = groups.lock().expect("no panic while held");
        if let Some(group) = groups.get(&shard.address) {
            return Arc::clone(group);
        }
        let table = cluster.table();
        groups.retain(|address, _| table.shards().iter().any(|shard| shard.address == *address));
        let (cluster, keys, address) = (Arc::clone(cluster), keys.clone(), shard.address.clone());
        let group = GroupCommit::new(&shard.servers, &shard.durability, move || {
            let mut barrier = redis::cmd("SET");
            barrier.arg(keys.barrier_key(&cluster.table().tag_of(&address)?)).arg("").arg("EX").arg(BARRIER_SECS);
            Some(barrier)
        });
        groups.insert(shard.address.clone(), Arc::clone(&group));
        group
    }
}

impl SendToShard for Groups {
    fn send(&self, shard: &Arc<Shard>, commands: Vec<Cmd>) -> BoxFuture<'_, Result<Vec<Value>>> {
        let group = self.of_shard(shard);
        async move { group.run(commands).await }.boxed()
    }
}

/// Number of commands that [`GroupCommit::add_wait`] adds.
const WAITING: usize = 2;
/// Lifetime of what is written to wait for the replicas of a shard.
const BARRIER_SECS: u64 = 10;

/// Gathers the writes of one worker into batches.
pub(in crate::store) struct GroupCommit {
    connection: SharedConnection,
    durability: Arc<Durability>,
    /// Makes a write that stores nothing of value; `None` for a shard that has lost all of its slots.
    barrier: Box<dyn Fn() -> Option<Cmd> + Send + Sync>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Write>,
    /// Whether a task takes batches from the queue.
    is_served: bool,
}

/// Commands of one caller, which wait for their turn.
struct Write {
    commands: Vec<Cmd>,
    replies: oneshot::Sender<Result<Vec<Value>>>,
}

impl GroupCommit {
    fn new(
        servers: &Arc<Servers>,
        durability: &Arc<Durability>,
        barrier: impl Fn() -> Option<Cmd> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            connection: SharedConnection::new(servers, RESPONSE_TIMEOUT),
            durability: Arc::clone(durability),
            barrier: Box::new(barrier),
            queue: Mutex::default(),
        })
    }

    /// Measures how many replicas receive a write within half a second, and adjusts how many must.
    async fn measure(&self) -> Result<ReplicaCounts> {
        let (reached, asked_ms) = self.count_replicas().await.inspect_err(|_| self.durability.not_measured())?;
        let counts = self.durability.measured(reached, Instant::now());
        if counts.reached >= counts.in_force {
            self.durability.received(asked_ms);
        }
        Ok(counts)
    }

    /// How many replicas receive a write, at most the number wanted, and the time of Redis before that write, UTC
    /// milliseconds.
    async fn count_replicas(&self) -> Result<(u8, u64)> {
        let mut pipeline = Pipeline::with_capacity(1 + WAITING);
        pipeline.cmd("TIME");
        self.add_wait(&mut pipeline, self.durability.wanted())?;
        let mut replies = self.connection.exchange(&pipeline).await?;
        let reached = take_reached(&mut replies)?;
        let (secs, micros): (u64, u64) = reply::read(refuse_error(replies.pop().unwrap_or_default())?)?;
        Ok((reached, secs * 1000 + micros / 1000))
    }

    /// Runs commands in the next batch. They run even if the caller is dropped meanwhile.
    async fn run(self: &Arc<Self>, commands: Vec<Cmd>) -> Result<Vec<Value>> {
        let (sender, replies) = oneshot::channel();
        self.enqueue(Write { commands, replies: sender })?;
        match tokio::time::timeout(COMMIT_TIMEOUT, replies).await {
            Ok(Ok(replies)) => replies,
            Ok(Err(_)) => Err(Error::Unavailable("the node is stopping".into())),
            Err(_) => Err(Error::Unavailable("neither Redis nor its replicas answered in time".into())),
        }
    }

    fn enqueue(self: &Arc<Self>, write: Write) -> Result<()> {
        let mut queue = self.queue.lock().expect("no panic while held");
        if queue.waiting.len() >= MAX_WAITING {
            return Err(Error::Unavailable("too many writes wait for replicas".into()));
        }
        queue.waiting.push(write);
        if !queue.is_served {
            queue.is_served = true;
            tokio::spawn(Arc::clone(self).serve());
        }
        Ok(())
    }

    async fn serve(self: Arc<Self>) {
        while let Some(batch) = self.next_batch() {
            self.commit(batch).await;
        }
    }

    fn next_batch(&self) -> Option<Vec<Write>> {
        let mut queue = self.queue.lock().expect("no panic while held");
        queue.is_served = !queue.waiting.is_empty();
        queue.is_served.then(|| std::mem::take(&mut queue.waiting))
    }

    async fn commit(&self, batch: Vec<Write>) {
        let mut pipeline = Pipeline::with_capacity(batch.len() * 2 + WAITING);
        let mut callers = Vec::with_capacity(batch.len());
        for Write { commands, replies } in batch {
            callers.push((commands.len(), replies));
            for command in commands {
                pipeline.add_command(command);
            }
        }
        // A caller may be gone; its write is done all the same.
        match self.exchange(pipeline).await {
            Ok(replies) => {
                let mut replies = replies.into_iter();
                for (count, caller) in callers {
                    drop(caller.send(Ok(replies.by_ref().take(count).collect())));
                }
            }
            Err(error) => {
                for (_, caller) in callers {
                    drop(caller.send(Err(Error::Unavailable(error.to_string().into()))));
                }
            }
        }
    }

    async fn exchange(&self, mut pipeline: Pipeline) -> Result<Vec<Value>> {
        let demanded = self.durability.in_force();
        if demanded == 0 {
            return self.connection.exchange(&pipeline).await;
        }
        self.add_wait(&mut pipeline, demanded)?;
        let mut replies = self.connection.exchange(&pipeline).await?;
        let reached = take_reached(&mut replies)?;
        if reached < demanded {
            return Err(Error::Unavailable(format!("{reached} of {demanded} replicas received it in time").into()));
        }
        Ok(replies)
    }

    /// Adds what waits for replicas. `WAIT` covers what its connection wrote, since Redis 7.2 not what it read: a retry is
    /// answered with what another connection wrote, so a write of its own comes first.
    fn add_wait(&self, pipeline: &mut Pipeline, replicas: u8) -> Result<()> {
        let barrier = (self.barrier)().ok_or_else(|| Error::Unavailable("the shard has no slots any more".into()))?;
        pipeline.add_command(barrier);
        pipeline.cmd("WAIT").arg(replicas).arg(WAIT_MS);
        Ok(())
    }
}

/// Takes the replies to [`GroupCommit::add_wait`] from the end of a pipeline's: the number of replicas.
fn take_reached(replies: &mut Vec<Value>) -> Result<u8> {
    let mut reached = Value::Nil;
    for reply in replies.split_off(replies.len().saturating_sub(WAITING)) {
        reached = refuse_error(reply)?;
    }
    reply::read(reached)
}
