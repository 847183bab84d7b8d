//! What recently happened to nodes and to Redis, for the dashboard. Written only when something happens; every node may
//! record the same one, which is then stored once.

use redis::Pipeline;
use serde::Serialize;

use super::Store;
use super::redis::reply;
use crate::domain::Result;

/// Maximum number of incidents that are kept.
const MAX_KEPT: isize = 500;
/// How long incidents are kept, milliseconds: a week.
const KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Maximum number of incidents that are read.
pub(super) const MAX_READ: isize = 50;
/// Nodes notice the same failover within this time.
const SAME_MS: u64 = 60_000;

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// A node started.
    Started,
    /// A node took its leave.
    Left,
    /// A node ended without taking its leave.
    Lost,
    /// Another server of Redis took over.
    Failover,
    /// A node refused something because of a rate limit.
    Limited,
    /// What takes memory of Redis is refused.
    MemoryFull,
}

const KINDS: [(IncidentKind, &str); 6] = [
    (IncidentKind::Started, "started"),
    (IncidentKind::Left, "left"),
    (IncidentKind::Lost, "lost"),
    (IncidentKind::Failover, "failover"),
    (IncidentKind::Limited, "limited"),
    (IncidentKind::MemoryFull, "memory_full"),
];

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// When, UTC milliseconds.
    pub at_ms: u64,
    /// What.
    pub kind: IncidentKind,
    /// To which node; the address of the server for a failover; empty for all of Redis.
    pub subject: String,
    /// Distinguishes it from later incidents of the same subject; 0 for a node, which starts and ends once.
    #[serde(skip)]
    pub turn: u64,
}

impl Incident {
    /// The text under which it is stored, the same on all nodes.
    fn print(&self) -> String {
        let word = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, word)| word);
        format!("{word} {} {}", self.turn, self.subject)
    }

    fn parse(text: &str, at_ms: u64) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let word = words.next()?;
        let (kind, _) = KINDS.iter().find(|(_, name)| *name == word)?;
        let turn = words.next()?.parse().ok()?;
        Some(Self { at_ms, kind: *kind, subject: words.next()?.to_owned(), turn })
    }
}

impl Store {
    /// Records incidents that are not recorded yet.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn note_incidents(&self, incidents: &[Incident]) -> Result<()> {
        let key = self.keys.incidents();
        let mut pipeline = Pipeline::with_capacity(4);
        pipeline.cmd("ZADD").arg(&key).arg("NX");
        for incident in incidents {
            pipeline.arg(incident.at_ms).arg(incident.print());
        }
        pipeline.cmd("ZREMRANGEBYSCORE").arg(&key).arg("-inf").arg(self.now_ms().saturating_sub(KEPT_MS));
        pipeline.cmd("PEXPIRE").arg(&key).arg(KEPT_MS);
        pipeline.cmd("ZRANGE").arg(&key).arg(0).arg(-MAX_KEPT - 1);
        let excess = self.connection.run(&pipeline).await?.pop();
        let excess: Vec<String> = excess.map(reply::read).transpose()?.unwrap_or_default();
        if excess.is_empty() {
            return Ok(());
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZREM").arg(&key).arg(excess);
        self.connection.run(&pipeline).await.map(drop)
    }
}

/// Reads incidents, newest first. Skips what a newer node recorded.
pub(super) fn read_incidents(noted: Vec<(String, f64)>) -> Vec<Incident> {
    let mut read: Vec<Incident> = Vec::with_capacity(noted.len());
    for (text, at_ms) in noted {
        let Some(incident) = Incident::parse(&text, at_ms as u64) else { continue };
        let is_same = |later: &&mut Incident| {
            let is_close = later.at_ms.saturating_sub(incident.at_ms) < SAME_MS;
            later.kind == IncidentKind::Failover && later.subject == incident.subject && is_close
        };
        match read.iter_mut().find(is_same).filter(|_| incident.kind == IncidentKind::Failover) {
            Some(later) => *later = incident,
            None => read.push(incident),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_round_trip_and_one_failover_is_shown_once() {
        let incident = |kind, at_ms, turn, subject: &str| Incident { at_ms, kind, subject: subject.to_owned(), turn };
        let all: Vec<Incident> = KINDS.iter().map(|(kind, _)| incident(*kind, 7, 3, "a b")).collect();
        let stored = |incident: &Incident| (incident.print(), incident.at_ms as f64);
        assert_eq!(read_incidents(all.iter().map(stored).collect()), all);
        let two =
            [incident(IncidentKind::Failover, 60_010, 1, "a:1"), incident(IncidentKind::Failover, 59_990, 0, "a:1")];
        assert_eq!(read_incidents(two.iter().map(stored).collect()), two[1..]);
        let apart = [incident(IncidentKind::Failover, 200_000, 3, "a:1"), two[0].clone()];
        assert_eq!(read_incidents(apart.iter().map(stored).collect()), apart);
        assert_eq!(read_incidents(vec![("moved 0 x".to_owned(), 1.0), ("left".to_owned(), 1.0)]), []);
    }
}
