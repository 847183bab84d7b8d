//! Sends commands to the shards that have their slots, and again where they have moved to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use redis::{Cmd, Value};

use super::redirect::{Address, Redirect};
use super::slots::slot_of_command;
use super::table::{Shard, Table};
use super::topology::Cluster;
use crate::domain::{Error, Kind, Result};
use crate::store::redis::address::RESPONSE_TIMEOUT;
use crate::store::redis::connection::refuse_error;
use crate::store::redis::scripts;

/// First pause before commands are sent again whose slot is being moved; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// Times that commands are sent on at once. Shards that redirect to each other must not cause a busy loop.
const ROUNDS_WITHOUT_PAUSE: u32 = 3;

/// Sends commands to one shard.
pub(in crate::store) trait SendToShard: Sync {
    /// Returns each command's reply, error replies included.
    fn send(&self, shard: &Arc<Shard>, commands: Vec<Cmd>) -> BoxFuture<'_, Result<Vec<Value>>>;
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
/// unknown: a shard that does not answer counts as having answered `CLUSTERDOWN`, as does a slot without an owner.
///
/// # Errors
/// `Unavailable` when there are no shards; `Internal` as `sender`.
pub(in crate::store) async fn route(
    cluster: &Arc<Cluster>,
    commands: &[Cmd],
    sender: &impl SendToShard,
) -> Result<Vec<Value>> {
    let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
    let mut replies = vec![Value::Nil; commands.len()];
    let mut open: Vec<Open> = (0..commands.len()).map(|index| Open { index, asking: None }).collect();
    for rounds in 1.. {
        let (again, must_wait) = send_open(cluster, commands, &open, sender, &mut replies).await?;
        open = again;
        if open.is_empty() {
            break;
        }
        if started.elapsed() + pause > RESPONSE_TIMEOUT {
            for Open { index, .. } in open {
                replies[index] = down("the shards of the cluster do not agree who has a slot")?;
            }
            break;
        }
        if must_wait || rounds > ROUNDS_WITHOUT_PAUSE {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    Ok(replies)
}

/// Sends open commands once and takes their replies. Returns those that are to be sent again, in the order of the caller:
/// commands of one slot that were refused together run in it. Also returns whether that must wait.
async fn send_open(
    cluster: &Arc<Cluster>,
    commands: &[Cmd],
    open: &[Open],
    sender: &impl SendToShard,
    replies: &mut [Value],
) -> Result<(Vec<Open>, bool)> {
    let Groups { of_shards, unowned } = group(&cluster.table(), commands, open)?;
    for (index, slot) in unowned {
        cluster.request_refresh();
        replies[index] = down(&format!("no shard of the cluster has slot {slot}"))?;
    }
    let outcomes = join_all(of_shards.iter().map(|(shard, some)| exchange(shard, commands, some, sender))).await;
    let (mut again, mut must_wait) = (Vec::new(), false);
    for ((shard, some), outcome) in of_shards.iter().zip(outcomes) {
        for (was_open, reply) in some.iter().zip(or_down(cluster, outcome, some.len())?) {
            let next = match Redirect::of(&reply) {
                None => None,
                Some(redirect) => follow(cluster, shard, redirect)?,
            };
            replies[was_open.index] = reply;
            if let Some(next) = next {
                must_wait |= next.must_wait;
                again.push(Open { index: was_open.index, asking: next.asking });
            }
        }
    }
    again.sort_unstable_by_key(|open| open.index);
    Ok((again, must_wait))
}

/// The replies of a shard. One that does not answer counts as having answered `CLUSTERDOWN`, and may have been replaced.
fn or_down(cluster: &Arc<Cluster>, outcome: Result<Vec<Value>>, count: usize) -> Result<Vec<Value>> {
    match outcome {
        Err(error) if error.kind() == Kind::Unavailable => {
            cluster.request_refresh();
            Ok(vec![down(&error.to_string())?; count])
        }
        outcome => outcome,
    }
}

/// Sends groups of commands by [`route`], each when all of the one before it have succeeded: what could not be recorded
/// must not be begun. Returns all replies. Those of the last group may be errors; a script that is not known stops
/// nothing, because the caller runs it again.
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

/// The reply that is assumed for a command that no shard answers.
fn down(reason: &str) -> Result<Value> {
    let line = reason.replace(['\r', '\n'], " ");
    redis::parse_redis_value(format!("-CLUSTERDOWN {line}\r\n").as_bytes()).map_err(Error::internal)
}

/// What a redirect requires.
struct Next {
    asking: Option<Arc<Shard>>,
    must_wait: bool,
}

/// Records a redirect. Returns where the command is sent next; `None` when the error is its reply.
fn follow(cluster: &Arc<Cluster>, shard: &Shard, redirect: Redirect) -> Result<Option<Next>> {
    let named = |(host, port): Address| if host.is_empty() { (shard.address.0.clone(), port) } else { (host, port) };
    Ok(match redirect {
        Redirect::Moved { slot, address } => {
            let address = named(address);
            // A server that redirects to itself, or an outdated shard, must not cause a busy loop.
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

/// Commands by where they go.
#[derive(Default)]
struct Groups {
    of_shards: Vec<(Arc<Shard>, Vec<Open>)>,
    /// Those whose slot has no owner, with it.
    unowned: Vec<(usize, u16)>,
}

impl Groups {
    fn add(&mut self, shard: &Arc<Shard>, command: &Open) {
        match self.of_shards.iter_mut().find(|(other, _)| Arc::ptr_eq(other, shard)) {
            Some((_, some)) => some.push(command.clone()),
            None => self.of_shards.push((Arc::clone(shard), vec![command.clone()])),
        }
    }
}

/// Groups commands by the shards to which they go. Those without a key go where others go, else to a shard that answers.
fn group(table: &Table, commands: &[Cmd], open: &[Open]) -> Result<Groups> {
    let (mut groups, mut keyless) = (Groups::default(), Vec::new());
    for command in open {
        match (&command.asking, slot_of_command(&commands[command.index])) {
            (Some(shard), _) => groups.add(shard, command),
            (None, Some(slot)) => match table.owner(slot) {
                Some(shard) => groups.add(shard, command),
                None => groups.unowned.push((command.index, slot)),
            },
            (None, None) => keyless.push(command),
        }
    }
    if !keyless.is_empty() {
        let shard = match groups.of_shards.first() {
            Some((shard, _)) => Arc::clone(shard),
            None => any_shard(table)?,
        };
        keyless.iter().for_each(|command| groups.add(&shard, command));
        if let Some((_, some)) = groups.of_shards.first_mut() {
            some.sort_unstable_by_key(|open| open.index);
        }
    }
    Ok(groups)
}

/// A shard that answers, as far as it is known.
fn any_shard(table: &Table) -> Result<Arc<Shard>> {
    let usable = table.shards().iter().find(|shard| !shard.servers.condition.is_failing());
    let shard = usable.or(table.shards().first());
    shard.cloned().ok_or_else(|| Error::Unavailable("the cluster has no shards".into()))
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

#[cfg(test)]
mod tests;
