//! Answers other nodes where this one has delivered a message, and exports that if the message is traced.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::followed_rooms::FollowedRooms;
use super::hub::HubState;
use super::pushes::TraceQuestion;
use super::worker_queue::WorkerEvent;
use crate::domain::{MessageId, RoomId, Seq};
use crate::store::{NodeTrace, SocketPush};

/// How long the workers of a node may take to answer. The node that asks waits for a second.
const WORKERS_ANSWER: Duration = Duration::from_millis(800);
/// Pauses before this node looks whether a traced message was pushed. In a cluster the note about it may come first, and a
/// room that is being read needs a moment.
const ARRIVING: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];

impl HubState {
    /// Answers what this worker knows of a message.
    pub(super) fn answer(&self, question: &TraceQuestion) {
        let sockets = self.rooms.get(&question.room).map_or(0, |room| room.connections.len() as u64);
        // There is room for the answer of each worker; one that is late is ignored.
        question.answers.try_send((sockets, self.pushes.find(question.room, question.seq))).ok();
    }
}

impl FollowedRooms {
    /// Tells a node that asked what this one knows of a message.
    pub(super) async fn answer_trace(self, question: u64, room: RoomId, seq: Seq) {
        let trace = self.trace(room, seq).await;
        if let Err(error) = self.0.store.answer_node(question, trace).await {
            debug!(room.id = %room, %error, "could not answer another node's question about a message");
        }
    }

    /// Records a span of the push of a traced message to this node's sockets, once it was pushed.
    pub(super) fn record_push(&self, message: MessageId, parent: String) {
        let Some(recording) = self.0.store.spans().recording() else { return };
        let rooms = self.clone();
        tokio::spawn(async move {
            let _recording = recording;
            if let Some(push) = rooms.push_of(message).await {
                rooms.record_span(message, &parent, push);
            }
        });
    }

    /// How a message was pushed, as soon as it was; `None` if it is not.
    async fn push_of(&self, MessageId { room, entry }: MessageId) -> Option<SocketPush> {
        for pause in ARRIVING {
            tokio::time::sleep(pause).await;
            let standing = self.standing(room, entry.seq);
            if !standing.is_following {
                return None;
            }
            // A worker may be too late to answer.
            if standing.has_arrived
                && let Some(push) = self.trace(room, entry.seq).await.push
            {
                return Some(push);
            }
        }
        None
    }

    fn record_span(&self, MessageId { room, entry }: MessageId, parent: &str, push: SocketPush) {
        let offset_ms = self.0.store.clock().offset_ms();
        // Redis stamps messages, and the other spans have the time of this machine.
        let times = [entry.at_ms, push.at_ms].map(|at_ms| at_ms.saturating_add_signed(-offset_ms));
        self.0.store.spans().past("push", parent, times, |span| {
            span.set("room.id", room);
            span.set("message.id", entry);
            span.set("sockets", push.sockets);
            span.set("sockets.behind", push.behind);
        });
    }

    async fn trace(&self, room: RoomId, seq: Seq) -> NodeTrace {
        let mut trace = self.standing(room, seq);
        let deadline = Instant::now() + WORKERS_ANSWER;
        let mut answers = self.ask_workers(|answers| WorkerEvent::Trace(TraceQuestion { room, seq, answers }));
        while let Ok(Some((sockets, push))) = timeout_at(deadline, answers.recv()).await {
            trace.add(sockets, push);
        }
        trace
    }
}
