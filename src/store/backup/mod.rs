//! Copies all permanent data while nodes run, and restores it.
//!
//! A room is read at one moment, by a script. Rooms are not read at the moment of each other or of what refers to them,
//! so the order matters: rooms; then the records of changes in progress; then users; then the indexes. A membership
//! that is in the copy of its room is thereby in that of the user's list, or recorded to be finished by the next node,
//! and whoever sent a copied message has a copied account with its name.

mod restore;
mod scan;
mod stored_key;

pub use stored_key::{Pairs, StoredKey, StoredValue};

use deadpool_redis::Connection;
use redis::{Pipeline, Value};

use super::Store;
use super::redis::connection::store_error;
use super::redis::keys::KeyKind;
use super::redis::reply::{self, array, is_absent, next, text, unexpected};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Error, Result};

/// Rooms and other keys that are read at once. A room may have megabytes.
const ROOMS_AT_ONCE: usize = 4;
const KEYS_AT_ONCE: usize = 64;
/// Entries from which a hash or a sorted set is read in parts, as the members of a very large room are.
const LARGE: u64 = 20_000;
const ENTRIES_AT_ONCE: usize = 1000;

/// The kinds of keys in the order in which they are copied.
const PASSES: [fn(KeyKind) -> bool; 4] = [
    |kind| matches!(kind, KeyKind::Room(_)),
    |kind| kind == KeyKind::Notes,
    |kind| kind == KeyKind::User,
    |kind| kind == KeyKind::Index,
];

impl Store {
    /// Passes on all permanent data, key by key. What was acknowledged before is in it; of what is written meanwhile,
    /// some may be.
    ///
    /// # Errors
    /// `Unavailable` when Redis does not answer, or was replaced or changed its slots meanwhile: start again. Those of
    /// `take`.
    pub async fn copy_keys<E: From<Error>>(
        &self,
        mut take: impl FnMut(StoredKey) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut servers = self.list_connection.cold().await?;
        let (owners, breaks) = (self.owners(&mut servers).await?, self.breaks());
        for is_wanted in PASSES {
            for server in &mut servers {
                let mut scan = self.scan();
                while let Some(keys) = scan.step(server).await? {
                    let of_pass = keys.into_iter().filter(|key| self.kind(key).is_some_and(is_wanted));
                    self.copy_some(of_pass.collect(), &mut take).await?;
                }
            }
        }
        if self.owners(&mut servers).await? != owners || self.breaks() != breaks {
            return Err(Error::Unavailable("Redis changed while it was read; try again".into()).into());
        }
        Ok(())
    }

    /// Who has which slots. While slots move, a scan may miss keys on their way.
    async fn owners(&self, servers: &mut [Connection]) -> Result<Vec<String>> {
        let mut owners = Vec::with_capacity(servers.len());
        for server in servers {
            if !self.has_shards() {
                // Fails when the connection, and with it the scan, ended.
                redis::cmd("PING").exec_async(server).await.map_err(store_error)?;
                continue;
            }
            let nodes: String = redis::cmd("CLUSTER").arg("NODES").query_async(server).await.map_err(store_error)?;
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap_or_default();
            let words: Vec<&str> = own.split(' ').collect();
            let slots = words.get(8..).unwrap_or_default();
            if slots.iter().any(|range| range.starts_with('[')) {
                return Err(Error::Unavailable("slots of the cluster are moving; try again when they have".into()));
            }
            owners.push(format!("{} {}", words[0], slots.join(" ")));
        }
        Ok(owners)
    }

    /// Copies these keys, and the rooms to which they belong.
    async fn copy_some<E: From<Error>>(
        &self,
        keys: Vec<String>,
        take: &mut impl FnMut(StoredKey) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let (rooms, others): (Vec<_>, Vec<_>) =
            keys.into_iter().map(|key| self.with_its_room(key)).partition(|keys: &Vec<String>| keys.len() > 1);
        for some in rooms.chunks(ROOMS_AT_ONCE).chain(others.chunks(KEYS_AT_ONCE)) {
            let mut large = Vec::new();
            for found in self.read_keys(some).await? {
                match found {
                    Found::Whole(key) => take(key)?,
                    Found::Large(key) => large.push(key),
                }
            }
            for key in large {
                self.copy_parts(&key, take).await?;
            }
        }
        Ok(())
    }

    /// The keys that are read at one moment.
    fn with_its_room(&self, key: String) -> Vec<String> {
        match self.kind(&key) {
            Some(KeyKind::Room(room)) => self.keys.lasting_of_room(room),
            Some(KeyKind::OfRoom | KeyKind::Notes | KeyKind::User | KeyKind::Index | KeyKind::Passing) | None => {
                vec![key]
            }
        }
    }

    async fn read_keys(&self, groups: &[Vec<String>]) -> Result<Vec<Found>> {
        let mut pipeline = Pipeline::with_capacity(groups.len());
        for group in groups {
            let keys: Vec<&str> = group.iter().map(String::as_str).collect();
            let call = Call { script: &scripts::READ_KEYS, keys: &keys, args: &[Arg::Number(LARGE)] };
            pipeline.add_command(call.by_hash());
        }
        let mut found = Vec::new();
        for (group, replies) in groups.iter().zip(self.list_connection.run(&pipeline).await?) {
            for (key, reply) in group.iter().zip(array(replies)?) {
                if !is_absent(&reply) {
                    found.push(self.read_found(key, reply)?);
                }
            }
        }
        Ok(found)
    }

    fn read_found(&self, key: &str, reply: Value) -> Result<Found> {
        let name = self.keys.name_of(key).unwrap_or_default().to_owned();
        let mut items = array(reply)?.into_iter();
        let expires_at_ms = u64::try_from(reply::read::<i64>(next(&mut items)?)?).ok();
        let is_hash = match text(&next(&mut items)?)? {
            "dump" => {
                let value = StoredValue::Dump(bytes(next(&mut items)?)?, reply::read(next(&mut items)?)?);
                return Ok(Found::Whole(StoredKey { name, expires_at_ms, value }));
            }
            kind => kind == "hash",
        };
        Ok(Found::Large(LargeKey { key: key.to_owned(), name, expires_at_ms, is_hash }))
    }

    async fn copy_parts<E: From<Error>>(
        &self,
        large: &LargeKey,
        take: &mut impl FnMut(StoredKey) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut cursor = "0".to_owned();
        loop {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd(if large.is_hash { "HSCAN" } else { "ZSCAN" }).arg(&large.key).arg(&cursor);
            pipeline.arg("COUNT").arg(ENTRIES_AT_ONCE);
            let mut step = array(next(&mut self.list_connection.run(&pipeline).await?.into_iter())?)?.into_iter();
            cursor = text(&next(&mut step)?)?.to_owned();
            let entries = array(next(&mut step)?)?.into_iter().map(bytes).collect::<Result<Vec<_>>>()?;
            let pairs: Pairs = entries.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
            if !pairs.is_empty() {
                let value = if large.is_hash { StoredValue::Fields(pairs) } else { StoredValue::Scores(pairs) };
                take(StoredKey { name: large.name.clone(), expires_at_ms: large.expires_at_ms, value })?;
            }
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}

/// What was found of a key.
enum Found {
    Whole(StoredKey),
    Large(LargeKey),
}

/// A key that is read in parts.
struct LargeKey {
    key: String,
    name: String,
    expires_at_ms: Option<u64>,
    is_hash: bool,
}

fn bytes(value: Value) -> Result<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        other => Err(unexpected(&other)),
    }
}
