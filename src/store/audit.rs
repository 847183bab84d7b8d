//! The audit log: streams of the latest actions, from which no node removes single entries. Administrators and
//! applications have one each, which are read as one.

use std::cmp::Reverse;
use std::collections::HashMap;

use redis::{Pipeline, Value};

use super::Store;
use super::redis::reply::{self, array, next, text};
use crate::domain::{AuditEntry, AuditLog, AuditTarget, EntryId, Error, Limit, Result, UserId, UserRef};

/// Maximum number of entries of a stream that are kept.
const MAX_ENTRIES: u64 = 10_000;
/// How long entries are kept, milliseconds: 90 days.
const KEPT_MS: u64 = 90 * 24 * 60 * 60 * 1000;

impl Store {
    /// Adds an entry. Its id and time are given by Redis.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_act(&self, entry: &AuditEntry, log: AuditLog) -> Result<()> {
        let key = self.keys.audit(log);
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("XADD").arg(&key).arg("MAXLEN").arg("=").arg(MAX_ENTRIES).arg("*");
        pipeline.arg("act").arg(&entry.act).arg("address").arg(&entry.address);
        if let Some(actor) = &entry.actor {
            pipeline.arg("actor").arg(actor.id.0).arg("actor_name").arg(&actor.name);
        }
        if let Some(target) = &entry.target {
            pipeline.arg("target").arg(&target.kind).arg("target_id").arg(target.id);
            pipeline.arg("target_name").arg(&target.name);
        }
        if !entry.reason.is_empty() {
            pipeline.arg("reason").arg(&entry.reason);
        }
        pipeline.cmd("XTRIM").arg(&key).arg("MINID").arg("=").arg(self.now_ms().saturating_sub(KEPT_MS));
        pipeline.cmd("PEXPIRE").arg(&key).arg(KEPT_MS);
        self.writer.run(&pipeline).await?;
        Ok(())
    }

    /// The latest entries before an entry, newest first. There may be one more than `limit`: two with the same id, of which
    /// the next page would have neither.
    pub async fn audit_log(&self, before: Option<EntryId>, limit: Limit) -> Result<Vec<AuditEntry>> {
        // Redis takes no range that ends before its first possible id.
        if before == Some(EntryId::START) {
            return Ok(Vec::new());
        }
        let end = before.map_or("+".to_owned(), |id| format!("({id}"));
        let oldest_ms = self.now_ms().saturating_sub(KEPT_MS);
        let mut pipeline = Pipeline::with_capacity(2);
        for log in [AuditLog::Administrators, AuditLog::Applications] {
            pipeline.cmd("XREVRANGE").arg(self.keys.audit(log)).arg(&end).arg(oldest_ms).arg("COUNT").arg(limit.get());
        }
        let mut entries = Vec::new();
        for reply in self.connection.run(&pipeline).await? {
            for entry in array(reply)? {
                entries.push(read_entry(entry)?);
            }
        }
        entries.sort_by_key(|entry| Reverse(EntryId::parse(&entry.id).map(|id| (id.seq, id.at_ms))));
        let is_cut_between_equals = entries.get(limit.get()).is_some_and(|it| it.id == entries[limit.get() - 1].id);
        entries.truncate(limit.get() + usize::from(is_cut_between_equals));
        Ok(entries)
    }
}

fn read_entry(entry: Value) -> Result<AuditEntry> {
    let mut items = array(entry)?.into_iter();
    let id = text(&next(&mut items)?)?.to_owned();
    let fields: Vec<String> = reply::read(next(&mut items)?)?;
    let mut fields: HashMap<&str, &str> =
        fields.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let mut take = |name: &str| fields.remove(name).unwrap_or_default().to_owned();
    let at_ms = id.split('-').next().and_then(|ms| ms.parse().ok());
    Ok(AuditEntry {
        at_ms: at_ms.ok_or_else(|| Error::internal("an entry of the audit log has no time"))?,
        actor: take("actor").parse().ok().map(|id| UserRef { id: UserId(id), name: take("actor_name") }),
        address: take("address"),
        act: take("act"),
        reason: take("reason"),
        target: take("target_id").parse().ok().map(|id| AuditTarget {
            kind: take("target"),
            id,
            name: take("target_name"),
        }),
        id,
    })
}
