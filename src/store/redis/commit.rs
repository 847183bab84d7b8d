//! Group commit to one server: waiting writes are sent as one pipeline that ends with `WAIT k`, over a connection of
//! its own, which `WAIT` blocks; the next batch is collected meanwhile. A write that too few replicas receive in time
//! is `Unavailable`: it may be stored or get lost, and only a retry that succeeds tells the client that it is safe.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::{Cmd, Pipeline, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::address::RESPONSE_TIMEOUT;
use super::connection::{SharedConnection, refuse_error};
use super::durability::{Durability, ReplicaCounts};
use super::reply;
use super::servers::Servers;
use crate::domain::{Error, Result};

/// Time in which replicas must receive a batch.
const WAIT_MS: u64 = 500;
/// Longest time that a write waits for its turn and its replicas: a request answers 503 within two seconds.
const COMMIT_TIMEOUT: Duration = Duration::from_millis(1800);
/// Maximum number of writes that wait for their turn.
const MAX_WAITING: usize = 4096;

/// Number of commands that [`GroupCommit::add_wait`] adds.
const WAITING: usize = 2;

/// Collects the writes of one worker, or of several, into batches.
pub(in crate::store) struct GroupCommit {
    connection: SharedConnection,
    /// The runtime that takes batches from the queue. `None`: that of whoever writes.
    runtime: Option<Handle>,
    pub(super) durability: Arc<Durability>,
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
    pub(super) fn new(
        servers: &Arc<Servers>,
        durability: &Arc<Durability>,
        runtime: Option<Handle>,
        barrier: impl Fn() -> Option<Cmd> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            connection: SharedConnection::new(servers, RESPONSE_TIMEOUT).driven_by(runtime.clone()),
            runtime,
            durability: Arc::clone(durability),
            barrier: Box::new(barrier),
            queue: Mutex::default(),
        })
    }

    /// Measures how many replicas receive a write within half a second, and adjusts how many must.
    pub(super) async fn measure(&self) -> Result<ReplicaCounts> {
        let (reached, asked_ms) = self.count_replicas().await.inspect_err(|_| self.durability.not_measured())?;
        let counts = self.durability.measured(reached, Instant::now());
        if counts.reached >= counts.in_force {
            self.durability.received(asked_ms);
        }
        Ok(counts)
    }

    /// How many replicas receive a write, at most the number required, and the time of Redis before that write, UTC
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
    pub(super) async fn run(self: &Arc<Self>, commands: Vec<Cmd>) -> Result<Vec<Value>> {
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
            let serving = Arc::clone(self).serve();
            match &self.runtime {
                Some(runtime) => runtime.spawn(serving),
                None => tokio::spawn(serving),
            };
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
        // A caller may have been dropped; its write is done all the same.
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
