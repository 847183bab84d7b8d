//! Puts back what was copied.

use redis::Pipeline;

use super::stored_key::{StoredKey, StoredValue};
use crate::domain::{Error, Result};
use crate::store::Store;
use crate::store::redis::keys::KeyKind;
use crate::store::redis::unusable::unusable;

impl Store {
    /// Whether anything is stored that lasts.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn has_keys(&self) -> Result<bool> {
        for server in &mut self.list_connection.cold().await? {
            let mut scan = self.scan();
            while let Some(keys) = scan.step(server).await? {
                if keys.iter().any(|key| self.kind(key).is_some_and(|kind| kind != KeyKind::Passing)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Removes every key.
    ///
    /// # Errors
    /// `Unavailable`: some may be left.
    pub async fn remove_keys(&self) -> Result<()> {
        for server in &mut self.list_connection.cold().await? {
            let mut scan = self.scan();
            while let Some(keys) = scan.step(server).await? {
                let mut pipeline = Pipeline::with_capacity(keys.len());
                for key in keys.iter().filter(|key| self.kind(key).is_some()) {
                    pipeline.cmd("UNLINK").arg(key);
                }
                self.list_connection.run(&pipeline).await?;
            }
        }
        Ok(())
    }

    /// Stores keys in place of what they hold. The hash of a room replaces the whole room, parts of a value add to it.
    ///
    /// # Errors
    /// `Unavailable`, `StorageFull`; `Internal` with one line when Redis cannot read the values.
    pub async fn put_keys(&self, keys: &[StoredKey]) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in keys {
            self.put_key(&mut pipeline, key);
        }
        self.list_connection.run(&pipeline).await.map(drop).map_err(|error| match error {
            Error::Internal(cause) if cause.to_string().contains("DUMP payload version") => {
                unusable("this Redis cannot read what a newer one, or one of another make, has dumped")
            }
            error => error,
        })
    }

    fn put_key(&self, pipeline: &mut Pipeline, stored: &StoredKey) {
        let key = self.keys.named(&stored.name);
        if let Some(KeyKind::Room(room)) = KeyKind::of(&stored.name) {
            pipeline.cmd("UNLINK").arg(self.keys.lasting_of_room(room));
        }
        let (command, pairs) = match &stored.value {
            StoredValue::Dump(value, _) => {
                let until = stored.expires_at_ms.unwrap_or(0);
                pipeline.cmd("RESTORE").arg(&key).arg(until).arg(value).arg("REPLACE").arg("ABSTTL");
                return;
            }
            StoredValue::Fields(pairs) => ("HSET", pairs),
            StoredValue::Scores(pairs) => ("ZADD", pairs),
        };
        pipeline.cmd(command).arg(&key);
        for (first, second) in pairs {
            match stored.value {
                StoredValue::Scores(_) => pipeline.arg(second).arg(first),
                StoredValue::Dump(..) | StoredValue::Fields(_) => pipeline.arg(first).arg(second),
            };
        }
        if let Some(at_ms) = stored.expires_at_ms {
            pipeline.cmd("PEXPIREAT").arg(&key).arg(at_ms);
        }
    }
}
