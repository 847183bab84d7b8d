//! Detects the events that the dashboard lists: node started, stopped or lost, failover, rate limit hit, memory nearly
//! full.

use std::collections::HashSet;

use tracing::debug;

use crate::metrics::{Count, Gauge, Metrics};
use crate::store::{Incident, IncidentKind, LostNode, Store};

/// Refusals by rate limits are recorded at most once in this time, in milliseconds.
const LIMITED_EVERY_MS: u64 = 10 * 60 * 1000;
/// Failovers to the same server within this time count as one, in milliseconds.
const FAILOVER_EVERY_MS: u64 = 60_000;
/// Maximum number of incidents that wait to be stored.
const MAX_WAITING: usize = 50;

/// Detects and stores the incidents of a node.
pub(super) struct Incidents {
    node: String,
    /// The servers that take writes.
    primaries: Vec<String>,
    /// Refusals by rate limits so far.
    refused: u64,
    is_full: bool,
    /// The nodes that were lost at the last check.
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

    /// Checks everything that this node knows without a request.
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

    /// Records nodes as lost only if they were lost at the previous check, too: after an outage of Redis, all seem lost
    /// until they report.
    pub(super) fn note_lost(&mut self, lost: Vec<LostNode>) {
        let before = std::mem::take(&mut self.lost);
        for LostNode { id, seen_ms } in lost {
            if before.contains(&id) {
                self.add(IncidentKind::Lost, seen_ms, 0, id.clone());
            }
            self.lost.insert(id);
        }
    }

    /// Records that the node stops.
    pub(super) fn note_leaving(&mut self, at_ms: u64) {
        self.add(IncidentKind::Left, at_ms, 0, self.node.clone());
    }

    /// Stores the incidents. Those that cannot be stored are kept for the next time.
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
