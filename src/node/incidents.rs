//! Notices what operators want to see on the dashboard's line of events: node started, left, lost, failover, limit hit.

use std::collections::HashSet;

use tracing::debug;

use crate::metrics::{Count, Gauge, Metrics};
use crate::store::{Incident, IncidentKind, LostNode, Store};

/// Refusals by rate limits are noted once in this time, milliseconds.
const LIMITED_EVERY_MS: u64 = 10 * 60 * 1000;
/// Failovers to one server within this time are the same, milliseconds.
const FAILOVER_EVERY_MS: u64 = 60_000;
/// Most incidents that wait for Redis.
const MAX_WAITING: usize = 50;

/// What a node has noticed.
pub(super) struct Incidents {
    node: String,
    /// The servers that take writes.
    primaries: Vec<String>,
    /// Refusals by rate limits so far.
    refused: u64,
    is_full: bool,
    /// The nodes that were lost when that was last looked at.
    lost: HashSet<String>,
    /// What is not stored yet.
    waiting: Vec<Incident>,
}

impl Incidents {
    /// Begins with the start of a node.
    pub(super) fn of_start(node: &str, started_ms: u64, store: &Store, metrics: &Metrics) -> Self {
        let mut incidents = Self {
            node: node.to_owned(),
            primaries: store.primaries(),
            refused: metrics.count_of(Count::RateLimited),
            is_full: false,
            lost: HashSet::new(),
            waiting: Vec::new(),
        };
        incidents.add(IncidentKind::Started, started_ms, 0, node.to_owned());
        incidents
    }

    fn add(&mut self, kind: IncidentKind, at_ms: u64, turn: u64, subject: String) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push(Incident { at_ms, kind, subject, turn });
        }
    }

    /// Looks at what this node knows without asking.
    pub(super) fn look(&mut self, store: &Store, metrics: &Metrics) {
        let now_ms = store.now_ms();
        let primaries = store.primaries();
        if primaries != self.primaries {
            let new: Vec<String> = primaries.iter().filter(|it| !self.primaries.contains(it)).cloned().collect();
            new.into_iter().for_each(|it| self.add(IncidentKind::Failover, now_ms, now_ms / FAILOVER_EVERY_MS, it));
            self.primaries = primaries;
        }
        let refused = metrics.count_of(Count::RateLimited);
        if refused > self.refused {
            self.add(IncidentKind::Limited, now_ms, now_ms / LIMITED_EVERY_MS, self.node.clone());
            self.refused = refused;
        }
        let is_full = metrics.get(Gauge::RedisFull) > 0;
        if is_full && !self.is_full {
            self.add(IncidentKind::MemoryFull, now_ms, now_ms / LIMITED_EVERY_MS, String::new());
        }
        self.is_full = is_full;
    }

    /// Notes nodes as lost that were so before, too: after an outage of Redis all seem lost until they report.
    pub(super) fn note_lost(&mut self, lost: Vec<LostNode>) {
        let before = std::mem::take(&mut self.lost);
        for LostNode { id, seen_ms } in lost {
            if before.contains(&id) {
                self.add(IncidentKind::Lost, seen_ms, 0, id.clone());
            }
            self.lost.insert(id);
        }
    }

    /// Notes that the node takes its leave.
    pub(super) fn note_leaving(&mut self, at_ms: u64) {
        self.add(IncidentKind::Left, at_ms, 0, self.node.clone());
    }

    /// Stores what was noticed. What cannot be stored waits for the next time.
    pub(super) async fn write(&mut self, store: &Store) {
        if self.waiting.is_empty() {
            return;
        }
        match store.note_incidents(&self.waiting).await {
            Ok(()) => self.waiting.clear(),
            Err(error) => debug!(%error, "could not store an event"),
        }
    }
}
