//! What the user of Redis may not do, for checks before a node needs it.

use redis::{Pipeline, Value};

use super::Store;
use crate::domain::Result;

/// The commands that the store and its scripts run on keys. `K` stands for a key that they may change: what does not fit
/// its type fails, which is no matter here.
const COMMANDS: [&str; 41] = [
    "SET K 1 PX 1000",
    "GET K",
    "EXISTS K",
    "PTTL K",
    "INCR K",
    "INCRBY K 1",
    "DECR K",
    "RENAME K K",
    "HSET K f v",
    "HSETNX K f v",
    "HGET K f",
    "HMGET K f",
    "HGETALL K",
    "HKEYS K",
    "HLEN K",
    "HDEL K f",
    "HEXISTS K f",
    "HINCRBY K f 1",
    "ZADD K 1 m",
    "ZREM K m",
    "ZRANGE K 0 0",
    "ZRANGEBYSCORE K 0 0",
    "ZSCORE K m",
    "ZMSCORE K m",
    "ZCARD K",
    "ZCOUNT K 0 0",
    "ZREMRANGEBYSCORE K 0 0",
    "SADD K m",
    "SREM K m",
    "SISMEMBER K m",
    "SMEMBERS K",
    "XADD K * f v",
    "XRANGE K - +",
    "XREVRANGE K + -",
    "XTRIM K MAXLEN 0",
    "EVAL return(1) 1 K",
    "EVALSHA 0000000000000000000000000000000000000000 1 K",
    "PEXPIRE K 1000",
    "EXPIRE K 1",
    "DEL K",
    "UNLINK K",
];

/// Those that deliver to webhooks besides.
const HOOK_COMMANDS: [&str; 9] = [
    "XGROUP CREATE K g $",
    "XGROUP DELCONSUMER K g c",
    "XGROUP DESTROY K g",
    "XINFO GROUPS K",
    "XINFO CONSUMERS K g",
    "XREADGROUP GROUP g c COUNT 1 STREAMS K >",
    "XPENDING K g",
    "XCLAIM K g c 0 0-1",
    "XACK K g 0-1",
];

impl Store {
    /// Runs each command of the store once, on a key of its own that is removed again, and returns the names of those that
    /// the user of Redis may not run.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn missing_rights(&self) -> Result<Vec<&'static str>> {
        Ok(self.denied(&COMMANDS).await?.into_iter().map(name_of).collect())
    }

    /// The same for the commands that deliver to webhooks, with the names of subcommands.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn missing_hook_rights(&self) -> Result<Vec<&'static str>> {
        Ok(self.denied(&HOOK_COMMANDS).await?.into_iter().map(name_of).collect())
    }

    async fn denied(&self, commands: &[&'static str]) -> Result<Vec<&'static str>> {
        let key = self.keys.probe_key("check", None);
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            let mut words = command.split(' ');
            pipeline.cmd(words.next().unwrap_or_default());
            for word in words {
                pipeline.arg(if word == "K" { &key } else { word });
            }
        }
        let replies = self.connection.exchange(&pipeline).await?;
        let is_denied = |reply: &Value| matches!(reply, Value::ServerError(error) if error.code() == "NOPERM");
        Ok(commands.iter().zip(&replies).filter(|(_, reply)| is_denied(reply)).map(|(command, _)| *command).collect())
    }
}

/// The name of a command, with that of its subcommand if it has one.
fn name_of(command: &'static str) -> &'static str {
    let has_subcommands = ["XGROUP ", "XINFO "].iter().any(|name| command.starts_with(name));
    let end = command.match_indices(' ').nth(has_subcommands.into()).map_or(command.len(), |(at, _)| at);
    &command[..end]
}
