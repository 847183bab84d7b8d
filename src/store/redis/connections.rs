//! The connections of a store: one to the server that takes writes, or one to each shard of a cluster.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::Connection;
use redis::{Cmd, Pipeline, Value};

use super::cluster::{ClusterConnections, LaneThread, Lanes};
use super::commit::GroupCommit;
use super::connection::{SharedConnection, refuse_error};
use super::deployment::Deployment;
use super::scripts::{self, Call};
use crate::domain::{Kind, Result};

/// What the connections of a node's workers to the shards of a cluster share. Each worker has some of every kind.
#[derive(Clone)]
pub(in crate::store) struct NodeLanes {
    pub(in crate::store) commands: Arc<Lanes<SharedConnection>>,
    /// Those for long lists, which must not delay commands.
    pub(in crate::store) lists: Arc<Lanes<SharedConnection>>,
    /// Those for writes that wait for replicas, which block them.
    pub(in crate::store) writes: Arc<Lanes<GroupCommit>>,
}

impl Default for NodeLanes {
    fn default() -> Self {
        let thread = Arc::<LaneThread>::default();
        Self {
            commands: Lanes::new(&thread, usize::MAX),
            lists: Lanes::new(&thread, 1),
            writes: Lanes::new(&thread, 1),
        }
    }
}

/// Runs commands where their keys are.
///
/// What takes one round trip with one server takes one to each shard concerned, all at the same time. Commands on keys of
/// different slots have no order then, unless it is said that they have.
pub(in crate::store) enum Connections {
    One(Box<SharedConnection>),
    Cluster(ClusterConnections),
}

impl Connections {
    /// Creates the connections. They connect at first use, on the runtime of that call unless workers share them.
    pub(in crate::store) fn new(
        deployment: &Deployment,
        response_timeout: Duration,
        lanes: &Arc<Lanes<SharedConnection>>,
    ) -> Self {
        match deployment.cluster() {
            Some(cluster) => Self::Cluster(ClusterConnections::new(cluster, response_timeout, lanes)),
            None => Self::One(Box::new(SharedConnection::new(deployment.servers(), response_timeout))),
        }
    }

    /// Opens a separate connection to each server, for rare or blocking commands.
    ///
    /// # Errors
    /// `Unavailable`; `Internal` with the reason when Redis cannot be used as it is configured.
    pub(in crate::store) async fn cold(&self) -> Result<Vec<Connection>> {
        match self {
            Self::One(connection) => Ok(vec![connection.cold().await?]),
            Self::Cluster(connections) => connections.cold().await,
        }
    }

    /// Runs commands without keys on each server. Returns the replies of those that answer, error replies included, with
    /// their names; the only server has none.
    ///
    /// # Errors
    /// `Unavailable` when none answers.
    pub(in crate::store) async fn run_everywhere(&self, pipeline: &Pipeline) -> Result<Vec<(String, Vec<Value>)>> {
        match self {
            Self::One(connection) => Ok(vec![(String::new(), connection.exchange(pipeline).await?)]),
            Self::Cluster(connections) => connections.run_everywhere(pipeline).await,
        }
    }

    /// Runs commands without keys on whichever server answers first.
    ///
    /// # Errors
    /// `Unavailable` when none answers.
    pub(in crate::store) async fn run_anywhere(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        match self {
            Self::One(_) => self.run(pipeline).await,
            Self::Cluster(connections) => connections.run_anywhere(pipeline).await,
        }
    }

    /// Runs two pipelines one behind the other: no command of the second runs before all of the first have. Returns the
    /// replies of both.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_in_order(&self, first: Pipeline, second: &Pipeline) -> Result<Vec<Value>> {
        match self {
            Self::One(_) => self.run(&joined(first, second)).await,
            Self::Cluster(_) => {
                let mut replies = self.run(&first).await?;
                replies.extend(self.run(second).await?);
                Ok(replies)
            }
        }
    }

    /// The same with `None` for the replies of shards that are unavailable.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_in_order_partly(
        &self,
        first: Pipeline,
        second: &Pipeline,
    ) -> Result<Vec<Option<Value>>> {
        match self {
            Self::One(_) => self.run_partly(&joined(first, second)).await,
            Self::Cluster(_) => {
                let mut replies = self.run_partly(&first).await?;
                replies.extend(self.run_partly(second).await?);
                Ok(replies)
            }
        }
    }

    /// Runs a pipeline in one round trip and returns each command's reply. If it has scripts, all of it must be idempotent:
    /// when Redis does not know them, they are loaded and the pipeline runs again.
    ///
    /// # Errors
    /// `Unavailable` when Redis does not answer (the outcome is then unknown); the first error reply.
    pub(in crate::store) async fn run(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        self.run_with_scripts(pipeline).await?.into_iter().map(refuse_error).collect()
    }

    /// The same with `None` for the replies of shards that are unavailable.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_partly(&self, pipeline: &Pipeline) -> Result<Vec<Option<Value>>> {
        if let Self::One(_) = self {
            return Ok(self.run(pipeline).await?.into_iter().map(Some).collect());
        }
        let unless_away = |reply| match refuse_error(reply) {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if error.kind() == Kind::Unavailable => Ok(None),
            Err(error) => Err(error),
        };
        self.run_with_scripts(pipeline).await?.into_iter().map(unless_away).collect()
    }

    /// Runs a pipeline, and again when a server did not know its scripts. Returns error replies, too.
    async fn run_with_scripts(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let replies = self.exchange(pipeline).await?;
        let has_forgotten =
            replies.iter().any(|reply| matches!(reply, Value::ServerError(e) if scripts::is_missing(e)));
        if !has_forgotten {
            return Ok(replies);
        }
        self.run_everywhere(&scripts::load_all()).await?;
        self.exchange(pipeline).await
    }

    /// Runs a script and, in the same round trip, commands on keys of other slots. Returns the script's reply and theirs.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_script(&self, call: &Call<'_>, extra: &[Cmd]) -> Result<(Value, Vec<Value>)> {
        self.run_script_after(&[], call, extra).await
    }

    /// The same behind commands that Redis runs before the script. When the connection breaks, Redis may have run none,
    /// some or all of the commands, but always a beginning of them.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(in crate::store) async fn run_script_after(
        &self,
        before: &[Cmd],
        call: &Call<'_>,
        extra: &[Cmd],
    ) -> Result<(Value, Vec<Value>)> {
        let script = call.by_hash();
        let replies = match self {
            Self::One(connection) => {
                let mut pipeline = Pipeline::with_capacity(before.len() + 1 + extra.len());
                before.iter().for_each(|command| {
                    pipeline.add_command(command.clone());
                });
                pipeline.add_command(script);
                extra.iter().for_each(|command| {
                    pipeline.add_command(command.clone());
                });
                connection.exchange(&pipeline).await?
            }
            Self::Cluster(connections) => connections.exchange_in_order(&[before, &[script], extra]).await?,
        };
        let (reply, rest) = split_script_reply(replies, before.len())?;
        let reply = match reply {
            Some(reply) => reply,
            None => self.reload_and_run(call).await?,
        };
        Ok((reply, rest))
    }

    /// Sends the source of a script that Redis does not know, after a restart or `SCRIPT FLUSH`. This loads it.
    async fn reload_and_run(&self, call: &Call<'_>) -> Result<Value> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(call.by_source());
        refuse_error(self.exchange(&pipeline).await?.pop().unwrap_or_default())
    }

    /// Runs a pipeline in one round trip and returns each command's reply, error replies included.
    pub(in crate::store) async fn exchange(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        match self {
            Self::One(connection) => connection.exchange(pipeline).await,
            Self::Cluster(connections) => connections.exchange(pipeline.cmd_iter().cloned().collect()).await,
        }
    }
}

/// One pipeline of the commands of two.
fn joined(mut first: Pipeline, second: &Pipeline) -> Pipeline {
    second.cmd_iter().for_each(|command| {
        first.add_command(command.clone());
    });
    first
}

/// Splits the replies to `before` commands, a script and the commands after it. Returns those of the script and of what
/// follows it. `None` stands for a script that Redis does not know.
pub(super) fn split_script_reply(mut replies: Vec<Value>, before: usize) -> Result<(Option<Value>, Vec<Value>)> {
    let rest = replies.split_off(replies.len().min(before + 1));
    let script = replies.pop().unwrap_or_default();
    for reply in replies {
        refuse_error(reply)?;
    }
    match script {
        Value::ServerError(error) if scripts::is_missing(&error) => Ok((None, rest)),
        reply => Ok((Some(refuse_error(reply)?), rest)),
    }
}
