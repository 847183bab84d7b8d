//! Where a message is: what Redis stores of it, and what nodes report to each other over a channel of their own.

use std::fmt;

use redis::Pipeline;
use serde::{Deserialize, Serialize};
use tracing::debug;

use super::amendments::Outlines;
use super::history::read_entry;
use super::messages::Appended;
use super::redis::reply::{self, array, next};
use super::rooms::State;
use super::{Store, record, rooms};
use crate::domain::{EntryId, Error, Message, MessageId, Receipts, Result, RoomHead, RoomId, Seq};
use crate::spans::{Span, Spans};

/// What one node reports to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// A node asks what the others know of a message.
    Asked {
        /// The number of the question.
        question: u64,
        /// The room of the message.
        room: RoomId,
        /// The message.
        seq: Seq,
    },
    /// A node answers.
    Answered {
        /// The number of the question.
        question: u64,
        /// What it knows.
        trace: NodeTrace,
    },
    /// A message belongs to a trace that OpenTelemetry samples.
    Traced {
        /// The message.
        message: MessageId,
        /// The span of the script that stored it, as a `traceparent` header has it.
        parent: String,
    },
}

/// What a node knows of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeTrace {
    /// Id of the node.
    pub node: String,
    /// Whether it follows the room: it has sockets of members, or clients poll the room.
    pub is_following: bool,
    /// Whether the message has arrived there. Unknown, and therefore false, when it does not follow the room.
    pub has_arrived: bool,
    /// Sockets that are subscribed to the room now.
    pub sockets: u64,
    /// How it was pushed, as far as the node has a record.
    pub push: Option<SocketPush>,
}

/// How a message was pushed to sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketPush {
    /// When it was queued for the last of them, UTC milliseconds.
    pub at_ms: u64,
    /// Sockets for which it was queued.
    pub sockets: u32,
    /// Sockets that were behind, and catch up on it later.
    pub behind: u32,
}

impl NodeTrace {
    /// Adds what a worker of the node knows: the sockets that are subscribed now, and how it pushed the message.
    pub fn add(&mut self, sockets: u64, push: Option<SocketPush>) {
        self.sockets += sockets;
        self.push = match (self.push, push) {
            (Some(one), Some(other)) => Some(SocketPush {
                at_ms: one.at_ms.max(other.at_ms),
                sockets: one.sockets + other.sockets,
                behind: one.behind + other.behind,
            }),
            (one, other) => one.or(other),
        };
    }
}

impl fmt::Display for NodeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked { question, room, seq } => write!(f, "trace? {question} {} {}", room.number(), seq.0),
            Self::Answered { question, trace } => {
                let trace = serde_json::to_string(trace).map_err(|_| fmt::Error)?;
                write!(f, "trace! {question} {trace}")
            }
            Self::Traced { message: MessageId { room, entry }, parent } => {
                write!(f, "traced {} {} {} {parent}", entry.seq.0, entry.at_ms, room.number())
            }
        }
    }
}

impl NodeEvent {
    /// Parses the report of a node. `None` for what this version does not know.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (verb, rest) = text.split_once(' ')?;
        let (number, rest) = rest.split_once(' ')?;
        let question = number.parse().ok()?;
        match verb {
            "trace?" => {
                let (room, seq) = rest.split_once(' ')?;
                Some(Self::Asked { question, room: RoomId::new(room.parse().ok()?)?, seq: Seq(seq.parse().ok()?) })
            }
            "trace!" => Some(Self::Answered { question, trace: serde_json::from_str(rest).ok()? }),
            "traced" => {
                let mut words = rest.splitn(3, ' ');
                let at_ms = words.next()?.parse().ok()?;
                let (room, entry) = (RoomId::new(words.next()?.parse().ok()?)?, EntryId { seq: Seq(question), at_ms });
                Some(Self::Traced { message: MessageId { room, entry }, parent: words.next()?.to_owned() })
            }
            _ => None,
        }
    }
}

/// What Redis has of a message.
#[derive(Clone, Debug)]
pub struct StoredTrace {
    /// The message, deleted or not.
    pub message: Message,
    /// Its room.
    pub head: RoomHead,
    /// Whether it was announced to the nodes: where replicas must receive it first, that is later than storing.
    pub is_announced: bool,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// The receipts of the room; empty where none are kept.
    pub receipts: Receipts,
}

impl Store {
    /// Reads what Redis has of a message, in one round trip. Does not check access.
    ///
    /// # Errors
    /// `MessageNotFound`, also for a message that was trimmed or has expired.
    pub async fn stored_trace(&self, room: RoomId, seq: Seq) -> Result<StoredTrace> {
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(6);
        rooms::read_state(&mut pipeline, &keys.room);
        pipeline.cmd("XRANGE").arg(&keys.log).arg(seq.0).arg(seq.0);
        pipeline.cmd("HGETALL").arg(&keys.amendments);
        self.read_receipts(&mut pipeline, &keys);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let State { head, watermark, announced, bots } =
            State::read(room, next(&mut replies)?)?.ok_or(Error::MessageNotFound)?;
        let entry = array(next(&mut replies)?)?.into_iter().next().ok_or(Error::MessageNotFound)?;
        let (entry, record) = read_entry(&entry)?;
        if entry.at_ms < self.oldest_ms() {
            return Err(Error::MessageNotFound);
        }
        let is_deleted = Outlines::read(&next(&mut replies)?, watermark.revision)?.is_deleted(seq);
        let mut message = [record::decode(room, entry, record)?];
        self.deleted_users.rename_in(&mut message);
        let [message] = message;
        let receipts = self.receipts(room, &bots, &mut replies)?;
        let is_announced = announced.is_none_or(|announced| announced >= seq);
        Ok(StoredTrace { message, head, is_announced, is_deleted, receipts })
    }

    /// The ids of the nodes that report.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn running_nodes(&self) -> Result<Vec<String>> {
        Ok(self.reporting_nodes().await?.0.into_iter().map(|row| row.id).collect())
    }

    /// Asks all nodes, including this one, what they know about a message.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ask_nodes(&self, question: u64, MessageId { room, entry }: MessageId) -> Result<()> {
        self.tell_nodes(&NodeEvent::Asked { question, room, seq: entry.seq }).await
    }

    /// Answers the question of a node.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn answer_node(&self, question: u64, trace: NodeTrace) -> Result<()> {
        let trace = NodeTrace { node: self.node.to_string(), ..trace };
        self.tell_nodes(&NodeEvent::Answered { question, trace }).await
    }

    /// The spans of the node.
    pub fn spans(&self) -> &Spans {
        &self.spans
    }

    /// Ends the span of the script that stored a message, and tells all nodes to record how they push the message, without
    /// waiting. Does nothing of it for a span that is not exported.
    pub(super) fn end_span(&self, span: Span, Appended { message, is_replay, .. }: &Appended) {
        span.if_sampled(|span| {
            span.set("db.system.name", "redis");
            span.set("room.id", message.id.room);
            span.set("message.id", message.id.entry);
            // Nothing is pushed again.
            if *is_replay {
                return;
            }
            let (store, event) = (self.clone(), NodeEvent::Traced { message: message.id, parent: span.traceparent() });
            tokio::spawn(async move {
                if let Err(error) = store.tell_nodes(&event).await {
                    debug!(%error, "could not tell the nodes that a message is traced");
                }
            });
        });
    }

    async fn tell_nodes(&self, event: &NodeEvent) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(self.keys.publish(&self.keys.nodes_live(), &event.to_string()));
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        reply::read::<u64>(reply).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_tell_round_trips_and_what_newer_ones_tell_is_ignored() {
        let push = SocketPush { at_ms: 9, sockets: 2, behind: 1 };
        let trace =
            NodeTrace { node: "0a".into(), is_following: true, has_arrived: true, sockets: 3, push: Some(push) };
        for event in [
            NodeEvent::Asked { question: u64::MAX, room: RoomId::GLOBAL, seq: Seq(7) },
            NodeEvent::Answered { question: 1, trace: trace.clone() },
            NodeEvent::Answered { question: 1, trace: NodeTrace { push: None, ..trace } },
            NodeEvent::Traced {
                message: MessageId { room: RoomId::GLOBAL, entry: EntryId { seq: Seq(7), at_ms: 9 } },
                parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
            },
        ] {
            assert_eq!(NodeEvent::parse(&event.to_string()), Some(event));
        }
        for text in ["", "trace? 1 0 7", "trace? 1 7", "trace! 1 x", "traced 7 9 1", "else 1 2 3"] {
            assert_eq!(NodeEvent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_node_adds_up_what_its_workers_know() {
        let mut trace = NodeTrace::default();
        trace.add(2, None);
        trace.add(1, Some(SocketPush { at_ms: 5, sockets: 1, behind: 0 }));
        trace.add(0, Some(SocketPush { at_ms: 4, sockets: 2, behind: 1 }));
        assert_eq!((trace.sockets, trace.push), (3, Some(SocketPush { at_ms: 5, sockets: 3, behind: 1 })));
    }
}
