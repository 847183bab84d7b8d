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
use crate::domain::{Error, HookHealth, HookOrigin, HookToken, IncomingHook, OutgoingHook, Result, RoomId, UserId};

/// Maximum number of hooks of each kind; the command line makes more.
const MAX_HOOKS: u64 = 1000;
/// Most hooks of one room.
const MAX_OF_ROOM: u64 = 10;
/// Most hooks that one user has made.
const MAX_OF_MAKER: u64 = 50;

/// What is stored of a hook, as JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    /// Number of the room; none for all rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) room: Option<u32>,
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

    pub(super) fn incoming(self) -> Option<IncomingHook> {
        let (origin, id) = (self.origin(), self.id.parse().ok()?);
        let (name, bot) = self.bot?;
        Some(IncomingHook { id, room: RoomId::new(self.room?)?, name, bot: UserId(bot), origin })
    }

    pub(super) fn outgoing(self) -> Option<OutgoingHook> {
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
    /// `StorageFull` when the room, the maker or the server has as many as are possible.
    pub async fn create_incoming_hook(&self, token: &HookToken, hook: &IncomingHook) -> Result<()> {
        let record = Record {
            id: hook.id.to_string(),
            room: Some(hook.room.number()),
            bot: Some((hook.name.clone(), hook.bot.0)),
            to: None,
            by: hook.origin.made_by.0,
            at_ms: hook.origin.made_at_ms,
        };
        let digest = token.digest();
        self.create_hook(&self.keys.hooks().incoming, &digest, &record).await
    }

    /// Stores an outgoing hook.
    ///
    /// # Errors
    /// As [`Self::create_incoming_hook`].
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
        let HookKeys { makers, version, .. } = self.keys.hooks();
        let room = record.room.and_then(RoomId::new);
        let digest = if record.bot.is_some() { field } else { "" };
        let is_bound = record.by != UserId::SERVER.0;
        let most = |most: u64| Arg::Number(if is_bound { most } else { 0 });
        let (text, new_version) = (serde_json::to_string(record).map_err(Error::internal)?, new_version());
        let call = Call {
            script: &scripts::CREATE_HOOK,
            keys: &[key, &self.keys.hooks_of(room), &makers, &version],
            args: &[
                Arg::Text(field),
                Arg::Text(&text),
                Arg::Text(&record.id),
                Arg::Text(digest),
                Arg::Number(record.by),
                Arg::Text(&new_version),
                most(MAX_HOOKS),
                Arg::Number(room.map_or(0, |_| MAX_OF_ROOM)),
                most(MAX_OF_MAKER),
            ],
        };
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
        let mut replies = self.run_sized(&pipeline, usize::MAX).await?.into_iter();
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
            reply::read(next(&mut self.run_sized(&pipeline, usize::MAX).await?.into_iter())?)?;
        let mut hooks: Vec<_> = stored.into_values().filter_map(|text| read(&text)?.outgoing()).collect();
        hooks.sort_by_key(|hook| hook.origin.made_at_ms);
        Ok(hooks)
    }

    /// The state of the deliveries of all outgoing hooks.
    pub async fn hooks_health(&self) -> Result<HashMap<String, HookHealth>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGETALL").arg(self.keys.hooks().health);
        let fields: HashMap<String, String> =
            reply::read(next(&mut self.run_sized(&pipeline, usize::MAX).await?.into_iter())?)?;
        let mut values: HashMap<&str, Vec<(&str, String)>> = HashMap::new();
        for (field, value) in &fields {
            let Some((hook, what)) = field.split_once(':') else { continue };
            values.entry(hook).or_default().push((what, value.clone()));
        }
        Ok(values.into_iter().map(|(hook, values)| (hook.to_owned(), health_of(values))).collect())
    }
}

/// Reads what `HookKeys` describes of a hook's health.
pub(super) fn health_of<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> HookHealth {
    let mut health = HookHealth::default();
    for (what, value) in values {
        match what {
            "ok" => health.delivered_at_ms = value.parse().ok(),
            "since" => health.failing_since_ms = value.parse().ok(),
            "error" => (health.error, health.cause) = read_reason(value),
            "lost" => health.given_up = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    health
}

/// Why a delivery failed: what users see and, on a second line, the cause for operators.
fn read_reason(value: String) -> (Option<String>, Option<String>) {
    match value.split_once('\n') {
        Some((error, cause)) => (Some(error.to_owned()), Some(cause.to_owned())),
        None => (Some(value), None),
    }
}

/// A record that cannot be parsed, for example of a later version, is skipped.
pub(super) fn read(text: &str) -> Option<Record> {
    serde_json::from_str(text).inspect_err(|error| warn!(%error, "a stored webhook cannot be read")).ok()
}

/// A new version of all hooks. No number that counts up: a failover may lose the last ones.
pub(super) fn new_version() -> String {
    format!("{:x}", fastrand::u64(..))
}
