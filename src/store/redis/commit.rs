//! Writes that are acknowledged to clients: messages, deletions, members, rooms, accounts.
//!
//! With `redis.durability = "server"` they take the shared connection like all commands. With `replicas:k` they are
//! gathered: what waits goes out as one pipeline that ends with `WAIT k`, over a connection of its own, which `WAIT`
//! blocks; meanwhile the next batch gathers. A write that too few replicas receive in time is `Unavailable`: it may be
//! stored or get lost, and only a retry that succeeds tells the client that it is safe.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};
use tokio::sync::oneshot;

use super::connection::{SharedConnection, refuse_error, split_script_reply};
use super::durability::Durability;
use super::reply;
use super::scripts::Call;
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
    direct: Arc<SharedConnection>,
    /// Absent when no replica must have received a write.
    group: Option<Arc<GroupCommit>>,
}

impl Writer {
    /// A writer that waits for the server alone.
    pub(in crate::store) fn direct(direct: Arc<SharedConnection>) -> Self {
        Self { direct, group: None }
    }

    /// A writer that waits for replicas as well.
    pub(in crate::store) fn gathering(direct: Arc<SharedConnection>, group: GroupCommit) -> Self {
        Self { direct, group: Some(Arc::new(group)) }
    }

    /// Runs a pipeline without scripts and returns each command's reply.
    ///
    /// # Errors
    /// `Unavailable` when Redis does not answer or too few replicas receive the writes (the outcome is then unknown); the
    /// first error reply.
    pub(in crate::store) async fn run(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let Some(group) = &self.group else { return self.direct.run(pipeline).await };
        let replies = group.run(pipeline.cmd_iter().cloned().collect()).await?;
        replies.into_iter().map(refuse_error).collect()
    }

    /// Runs a script and, in the same round trip, commands on keys of other slots. Returns the script's reply and theirs.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_script(&self, call: &Call<'_>, extra: &[Cmd]) -> Result<(Value, Vec<Value>)> {
        self.run_script_after(&[], call, extra).await
    }

    /// The same behind commands that Redis runs before the script, as [`SharedConnection::run_script_after`] does.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_script_after(
        &self,
        before: &[Cmd],
        call: &Call<'_>,
        extra: &[Cmd],
    ) -> Result<(Value, Vec<Value>)> {
        let Some(group) = &self.group else { return self.direct.run_script_after(before, call, extra).await };
        let script = [call.by_hash()];
        let commands = [before, script.as_slice(), extra].concat();
        let (reply, rest) = split_script_reply(group.run(commands).await?, before.len())?;
        let reply = match reply {
            Some(reply) => reply,
            None => refuse_error(group.run(vec![call.by_source()]).await?.pop().unwrap_or_default())?,
        };
        Ok((reply, rest))
    }

    /// Whether writes may wait for replicas. What is announced to clients must then be announced afterwards.
    pub(in crate::store) fn waits_for_replicas(&self) -> bool {
        self.group.is_some()
    }

    /// How many replicas receive a write within half a second, at most the number wanted, and the time of Redis before that
    /// write, UTC milliseconds. `None` without a demand.
    ///
    /// # Errors
    /// `Unavailable` when Redis does not answer.
    pub(in crate::store) async fn count_replicas(&self) -> Result<Option<(u8, u64)>> {
        let Some(group) = &self.group else { return Ok(None) };
        let mut pipeline = Pipeline::with_capacity(1 + WAITING);
        pipeline.cmd("TIME");
        group.add_wait(&mut pipeline, group.durability.wanted());
        let mut replies = group.connection.exchange(&pipeline).await?;
        let reached = take_reached(&mut replies)?;
        let (secs, micros): (u64, u64) = reply::read(refuse_error(replies.pop().unwrap_or_default())?)?;
        Ok(Some((reached, secs * 1000 + micros / 1000)))
    }

    /// Waits until replicas have received everything that was read so far, of which the newest is of this time. When they
    /// do not, returns the time up to which they had received everything a moment ago.
    pub(in crate::store) async fn received_until(&self, newest_ms: u64) -> Option<u64> {
        let group = self.group.as_ref()?;
        let until_ms = group.durability.received_until_ms().filter(|until_ms| *until_ms < newest_ms)?;
        group.run(Vec::new()).await.is_err().then_some(until_ms)
    }
}

/// Number of commands that [`GroupCommit::add_wait`] adds.
const WAITING: usize = 2;

/// Gathers the writes of one worker into batches.
pub(in crate::store) struct GroupCommit {
    connection: SharedConnection,
    durability: Arc<Durability>,
    /// The channel of [`Keys::barrier`](super::keys::Keys::barrier).
    barrier: String,
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
    pub(in crate::store) fn new(connection: SharedConnection, durability: Arc<Durability>, barrier: String) -> Self {
        Self { connection, durability, barrier, queue: Mutex::default() }
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
        self.add_wait(&mut pipeline, demanded);
        let mut replies = self.connection.exchange(&pipeline).await?;
        let reached = take_reached(&mut replies)?;
        if reached < demanded {
            return Err(Error::Unavailable(format!("{reached} of {demanded} replicas received it in time").into()));
        }
        Ok(replies)
    }

    /// Adds what waits for replicas. `WAIT` covers what its connection wrote, since Redis 7.2 not what it read: a retry is
    /// answered with what another connection wrote, so a write of its own comes first.
    fn add_wait(&self, pipeline: &mut Pipeline, replicas: u8) {
        pipeline.cmd("PUBLISH").arg(&self.barrier).arg("");
        pipeline.cmd("WAIT").arg(replicas).arg(WAIT_MS);
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
