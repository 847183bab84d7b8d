//! Sends commands to the shards that have their slots, and again where they have moved to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deadpool_redis::Connection;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, select_ok};
use redis::{Cmd, Pipeline, Value};

use super::redirect::{Address, Redirect};
use super::slots::slot_of_command;
use super::table::{Shard, Table};
use super::topology::Cluster;
use crate::domain::{Error, Kind, Result};
use crate::store::redis::address::RESPONSE_TIMEOUT;
use crate::store::redis::connection::{SharedConnection, refuse_error};
use crate::store::redis::scripts;

/// First pause before commands are sent again whose slot is on its way; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// One connection to each shard.
pub(in crate::store) struct ClusterConnections {
    cluster: Arc<Cluster>,
    response_timeout: Duration,
    connections: Mutex<HashMap<Address, Arc<SharedConnection>>>,
}

impl ClusterConnections {
    pub(in crate::store) fn new(cluster: &Arc<Cluster>, response_timeout: Duration) -> Self {
        Self { cluster: Arc::clone(cluster), response_timeout, connections: Mutex::default() }
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
            let replies = self.connection(shard).exchange(pipeline).await;
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
            async move { connection.exchange(pipeline).await }.boxed()
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
        let opened = join_all(table.shards().iter().map(|shard| async { self.connection(shard).cold().await })).await;
        opened.into_iter().collect()
    }

    fn connection(&self, shard: &Arc<Shard>) -> Arc<SharedConnection> {
        let mut connections = self.connections.lock().expect("no panic while held");
        if let Some(connection) = connections.get(&shard.address) {
            return Arc::clone(connection);
        }
        let table = self.cluster.table();
        connections.retain(|address, _| table.shards().iter().any(|shard| shard.address == *address));
        let connection = Arc::new(SharedConnection::new(&shard.servers, self.response_timeout));
        connections.insert(shard.address.clone(), Arc::clone(&connection));
        connection
    }
}

/// Sends commands to one shard.
pub(in crate::store) trait SendToShard: Sync {
    /// Returns each command's reply, error replies included.
    fn send(&self, shard: &Arc<Shard>, commands: Vec<Cmd>) -> BoxFuture<'_, Result<Vec<Value>>>;
}

impl SendToShard for ClusterConnections {
    fn send(&self, shard: &Arc<Shard>, commands: Vec<Cmd>) -> BoxFuture<'_, Result<Vec<Value>>> {
        let connection = self.connection(shard);
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        async move { connection.exchange(&pipeline).await }.boxed()
    }
}

/// A command that has no reply yet, and where it goes.
#[derive(Clone)]
struct Open {
    index: usize,
    /// The shard that it was sent on to, for once.
    asking: Option<Arc<Shard>>,
}

/// Sends commands to the owners of their slots, by `sender`, until each has a reply. Those that were refused because their
/// slot has moved are sent again within the response timeout: they have not run. Nothing is sent again whose outcome is
/// unknown: a shard that does not answer counts as having answered `CLUSTERDOWN`.
///
/// # Errors
/// `Unavailable` when a slot has no owner; `Internal` as `sender`.
pub(in crate::store) async fn route(
    cluster: &Arc<Cluster>,
    commands: &[Cmd],
    sender: &impl SendToShard,
) -> Result<Vec<Value>> {
    let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
    let mut replies = vec![Value::Nil; commands.len()];
    let mut open: Vec<Open> = (0..commands.len()).map(|index| Open { index, asking: None }).collect();
    loop {
        let groups = group(&cluster.table(), commands, &open).inspect_err(|_| cluster.request_refresh())?;
        let outcomes = join_all(groups.iter().map(|(shard, some)| exchange(shard, commands, some, sender))).await;
        open.clear();
        let mut must_wait = false;
        for ((shard, some), outcome) in groups.iter().zip(outcomes) {
            let outcome = match outcome {
                Err(error) if error.kind() == Kind::Unavailable => {
                    // It may have been replaced.
                    cluster.request_refresh();
                    vec![away(&error)?; some.len()]
                }
                outcome => outcome?,
            };
            for (was_open, reply) in some.iter().zip(outcome) {
                let asking = match Redirect::of(&reply) {
                    None => None,
                    Some(redirect) => follow(cluster, shard, redirect)?,
                };
                replies[was_open.index] = reply;
                if let Some(next) = asking {
                    must_wait |= next.must_wait;
                    open.push(Open { index: was_open.index, asking: next.asking });
                }
            }
        }
        if open.is_empty() || started.elapsed() + pause > RESPONSE_TIMEOUT {
            return Ok(replies);
        }
        if must_wait {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // In the order of the caller: commands of one slot that were refused together run in it.
        open.sort_unstable_by_key(|open| open.index);
    }
}

/// Sends groups of commands by [`route`], each when all of the one before it have succeeded: what could not be noted must not
/// be begun. Returns all replies. Those of the last group may be errors; a script that is not known stops nothing, because
/// the caller runs it again.
///
/// # Errors
/// As [`route`]; the first error reply of a group that another one follows.
pub(in crate::store) async fn route_in_order(
    cluster: &Arc<Cluster>,
    groups: &[&[Cmd]],
    sender: &impl SendToShard,
) -> Result<Vec<Value>> {
    let mut replies: Vec<Value> = Vec::new();
    for group in groups.iter().filter(|group| !group.is_empty()) {
        let refusal = replies.iter().find(|it| matches!(it, Value::ServerError(error) if !scripts::is_missing(error)));
        refusal.cloned().map(refuse_error).transpose()?;
        replies.extend(route(cluster, group, sender).await?);
    }
    Ok(replies)
}

/// What a shard that does not answer counts as having answered.
fn away(error: &Error) -> Result<Value> {
    let line = error.to_string().replace(['\r', '\n'], " ");
    redis::parse_redis_value(format!("-CLUSTERDOWN {line}\r\n").as_bytes()).map_err(Error::internal)
}

/// What a redirect asks for.
struct Next {
    asking: Option<Arc<Shard>>,
    must_wait: bool,
}

/// Takes note of a redirect. Returns how the command goes on; `None` when its refusal is the answer.
fn follow(cluster: &Arc<Cluster>, shard: &Shard, redirect: Redirect) -> Result<Option<Next>> {
    let named = |(host, port): Address| if host.is_empty() { (shard.address.0.clone(), port) } else { (host, port) };
    Ok(match redirect {
        Redirect::Moved { slot, address } => {
            let address = named(address);
            // A server that names itself, or a shard that is out of date, must not make this spin.
            let must_wait = address == shard.address;
            cluster.note_moved(slot, &address)?;
            cluster.request_refresh();
            Some(Next { asking: None, must_wait })
        }
        Redirect::Ask { address } => Some(Next { asking: Some(cluster.shard(&named(address))?), must_wait: false }),
        Redirect::TryAgain => Some(Next { asking: None, must_wait: true }),
        Redirect::Down => {
            cluster.request_refresh();
            None
        }
    })
}

/// Groups commands by the shards to which they go. Those without a key go where others go, else to the first shard.
fn group(table: &Table, commands: &[Cmd], open: &[Open]) -> Result<Vec<(Arc<Shard>, Vec<Open>)>> {
    let mut groups: Vec<(Arc<Shard>, Vec<Open>)> = Vec::new();
    let mut keyless = Vec::new();
    for command in open {
        let shard = match (&command.asking, slot_of_command(&commands[command.index])) {
            (Some(shard), _) => shard,
            (None, Some(slot)) => table
                .owner(slot)
                .ok_or_else(|| Error::Unavailable(format!("no shard of the cluster has slot {slot}").into()))?,
            (None, None) => {
                keyless.push(command.clone());
                continue;
            }
        };
        match groups.iter_mut().find(|(other, _)| Arc::ptr_eq(other, shard)) {
            Some((_, some)) => some.push(command.clone()),
            None => groups.push((Arc::clone(shard), vec![command.clone()])),
        }
    }
    if !keyless.is_empty() {
        if groups.is_empty() {
            let usable = table.shards().iter().find(|shard| !shard.servers.is_failing());
            let shard = usable.or(table.shards().first());
            groups.push((
                shard.cloned().ok_or_else(|| Error::Unavailable("the cluster has no shards".into()))?,
                Vec::new(),
            ));
        }
        let some = &mut groups[0].1;
        some.extend(keyless);
        some.sort_unstable_by_key(|open| open.index);
    }
    Ok(groups)
}

/// Sends a group to its shard. A command that was sent on is announced to it: it does not own the slot yet.
async fn exchange(
    shard: &Arc<Shard>,
    commands: &[Cmd],
    some: &[Open],
    sender: &impl SendToShard,
) -> Result<Vec<Value>> {
    let mut sent = Vec::with_capacity(some.len());
    for open in some {
        if open.asking.is_some() {
            sent.push(redis::cmd("ASKING"));
        }
        sent.push(commands[open.index].clone());
    }
    let mut replies = sender.send(shard, sent).await?.into_iter();
    let mut kept = Vec::with_capacity(some.len());
    for open in some {
        if open.asking.is_some() {
            replies.next();
        }
        kept.push(replies.next().ok_or_else(|| Error::internal("a shard sent too few replies"))?);
    }
    Ok(kept)
}
