//! Webhooks and the state of their deliveries, all in one slot.

use std::collections::HashMap;

use redis::Pipeline;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::Store;
use super::redis::keys::HookKeys;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{
    Error, HookHealth, HookId, HookOrigin, HookToken, IncomingHook, OutgoingHook, Result, RoomId, UserId,
};

/// Maximum number of hooks of each kind.
const MAX_HOOKS: u64 = 1000;

/// What is stored of a hook, as JSON.
#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    /// Number of the room; none for all rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<u32>,
    /// Of an incoming hook: its name and account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bot: Option<(String, u64)>,
    /// Of an outgoing hook: its address and secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<(String, String)>,
    by: u64,
    at_ms: u64,
}

impl Record {
    fn origin(&self) -> HookOrigin {
        HookOrigin { made_by: UserId(self.by), made_at_ms: self.at_ms }
    }

    fn incoming(self) -> Option<IncomingHook> {
        let (origin, id) = (self.origin(), self.id.parse().ok()?);
        let (name, bot) = self.bot?;
        Some(IncomingHook { id, room: RoomId::new(self.room?)?, name, bot: UserId(bot), origin })
    }

    fn outgoing(self) -> Option<OutgoingHook> {
        let (origin, id) = (self.origin(), self.id.parse().ok()?);
        let (url, secret) = self.to?;
        let room = match self.room {
            Some(number) => Some(RoomId::new(number)?),
            None => None,
        };
        Some(OutgoingHook { id, room, url: url.parse().ok()?, secret: secret.into(), origin })
    }
}

impl Store {
    /// Stores an incoming hook.
    ///
    /// # Errors
    /// `StorageFull` when there are a thousand.
    pub async fn create_incoming_hook(&self, token: &HookToken, hook: &IncomingHook) -> Result<()> {
        let record = Record {
            id: hook.id.to_string(),
            room: Some(hook.room.number()),
            bot: Some((hook.name.clone(), hook.bot.0)),
            to: None,
            by: hook.origin.made_by.0,
            at_ms: hook.origin.made_at_ms,
        };
        self.create_hook(&self.keys.hooks().incoming, &token.digest(), &record).await
    }

    /// Stores an outgoing hook.
    ///
    /// # Errors
    /// `StorageFull` when there are a thousand.
    pub async fn create_outgoing_hook(&self, hook: &OutgoingHook) -> Result<()> {
        let record = Record {
            id: hook.id.to_string(),
            room: hook.room.map(RoomId::number),
            bot: None,
            to: Some((hook.url.as_str().to_owned(), hook.secret.expose_secret().to_owned())),
            by: hook.origin.made_by.0,
            at_ms: hook.origin.made_at_ms,
        };
        self.create_hook(&self.keys.hooks().outgoing, hook.id.as_str(), &record).await
    }

    async fn create_hook(&self, key: &str, field: &str, record: &Record) -> Result<()> {
        let record = serde_json::to_string(record).map_err(Error::internal)?;
        let args = [Arg::Text(field), Arg::Text(&record), Arg::Number(MAX_HOOKS)];
        let call = Call { script: &scripts::CREATE_HOOK, keys: &[key], args: &args };
        match reply::read(self.writer.run_script(&call, &[]).await?.0)? {
            true => Ok(()),
            false => Err(Error::StorageFull),
        }
    }

    /// The hook with this token. Records its use.
    pub async fn use_hook(&self, token: &HookToken) -> Result<Option<IncomingHook>> {
        let HookKeys { incoming, used, .. } = self.keys.hooks();
        let digest = token.digest();
        let call = Call { script: &scripts::USE_APPLICATION, keys: &[&incoming, &used], args: &[Arg::Text(&digest)] };
        let record: Option<String> = reply::read(self.connection.run_script(&call, &[]).await?.0)?;
        let record: Option<Record> =
            record.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
        Ok(record.and_then(Record::incoming))
    }

    /// All incoming hooks, the oldest first, each with the time of its last use, UTC milliseconds.
    pub async fn incoming_hooks(&self) -> Result<Vec<(IncomingHook, Option<u64>)>> {
        let HookKeys { incoming, used, .. } = self.keys.hooks();
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HGETALL").arg(incoming);
        pipeline.cmd("HGETALL").arg(used);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let stored: HashMap<String, String> = reply::read(next(&mut replies)?)?;
        let used: HashMap<String, u64> = reply::read(next(&mut replies)?)?;
        let read = |(digest, text): (String, String)| Some((read(&text)?.incoming()?, used.get(&digest).copied()));
        let mut hooks: Vec<_> = stored.into_iter().filter_map(read).collect();
        hooks.sort_by_key(|(hook, _)| hook.origin.made_at_ms);
        Ok(hooks)
    }

    /// All outgoing hooks, the oldest first.
    pub async fn outgoing_hooks(&self) -> Result<Vec<OutgoingHook>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGETALL").arg(self.keys.hooks().outgoing);
        let stored: HashMap<String, String> =
            reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let mut hooks: Vec<_> = stored.into_values().filter_map(|text| read(&text)?.outgoing()).collect();
        hooks.sort_by_key(|hook| hook.origin.made_at_ms);
        Ok(hooks)
    }

    /// The state of the deliveries of all outgoing hooks.
    pub async fn hooks_health(&self) -> Result<HashMap<String, HookHealth>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGETALL").arg(self.keys.hooks().health);
        let fields: HashMap<String, String> =
            reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let mut all: HashMap<String, HookHealth> = HashMap::new();
        for (field, value) in fields {
            let Some((hook, what)) = field.split_once(':') else { continue };
            let health = all.entry(hook.to_owned()).or_default();
            match what {
                "ok" => health.delivered_at_ms = value.parse().ok(),
                "since" => health.failing_since_ms = value.parse().ok(),
                "error" => (health.error, health.cause) = read_reason(value),
                "lost" => health.given_up = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        Ok(all)
    }

    /// Removes a hook of either kind, effective on all nodes within seconds.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_hook(&self, id: &HookId) -> Result<()> {
        let HookKeys { incoming, used, outgoing, health } = self.keys.hooks();
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HGETALL").arg(&incoming);
        pipeline.cmd("HDEL").arg(&outgoing).arg(id.as_str());
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let stored: HashMap<String, String> = reply::read(next(&mut replies)?)?;
        let is_removed: bool = reply::read(next(&mut replies)?)?;
        let is_it = |text: &String| read(text).is_some_and(|record| record.id == id.as_str());
        let digest = stored.into_iter().find(|(_, text)| is_it(text)).map(|(digest, _)| digest);
        let mut pipeline = Pipeline::with_capacity(2);
        match (digest, is_removed) {
            (Some(digest), _) => {
                pipeline.cmd("HDEL").arg(&incoming).arg(&digest);
                pipeline.cmd("HDEL").arg(&used).arg(&digest);
            }
            (None, true) => {
                let fields = ["ok", "since", "error", "lost"].map(|what| format!("{id}:{what}"));
                pipeline.cmd("HDEL").arg(&health).arg(&fields);
            }
            (None, false) => return Err(Error::NotFound),
        }
        self.writer.run(&pipeline).await.map(drop)
    }
}

/// Why a delivery failed: what users see and, on a second line, the cause for operators.
fn read_reason(value: String) -> (Option<String>, Option<String>) {
    match value.split_once('\n') {
        Some((error, cause)) => (Some(error.to_owned()), Some(cause.to_owned())),
        None => (Some(value), None),
    }
}

/// A record that cannot be parsed, for example of a later version, is skipped.
fn read(text: &str) -> Option<Record> {
    serde_json::from_str(text).inspect_err(|error| warn!(%error, "a stored webhook cannot be read")).ok()
}
