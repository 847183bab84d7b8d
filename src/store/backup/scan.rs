//! Passes over all keys of a server.

use std::collections::BTreeSet;

use deadpool_redis::Connection;

use crate::domain::Result;
use crate::store::Store;
use crate::store::redis::connection::store_error;
use crate::store::redis::keys::KeyKind;

/// Number of keys that Redis scans in one step.
const SCANNED_AT_ONCE: usize = 1000;

/// A pass over the keys of one server.
pub(super) struct Scan {
    pattern: String,
    cursor: Option<u64>,
}

impl Scan {
    /// The next keys that match, perhaps none, perhaps some of before; `None` at the end.
    pub(super) async fn step(&mut self, server: &mut Connection) -> Result<Option<Vec<String>>> {
        let Some(cursor) = self.cursor else { return Ok(None) };
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(SCANNED_AT_ONCE);
        let (cursor, keys): (u64, Vec<Vec<u8>>) = scan.query_async(server).await.map_err(store_error)?;
        self.cursor = Some(cursor).filter(|cursor| *cursor != 0);
        // Redis may name a key twice; ours are texts.
        let keys: BTreeSet<String> = keys.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect();
        Ok(Some(keys.into_iter().collect()))
    }
}

impl Store {
    /// Begins a pass.
    pub(super) fn scan(&self) -> Scan {
        Scan { pattern: self.keys.pattern(), cursor: Some(0) }
    }

    /// The kind of a key; `None` for one of somebody else.
    pub(super) fn kind(&self, key: &str) -> Option<KeyKind> {
        KeyKind::of(self.keys.name_of(key)?)
    }
}
