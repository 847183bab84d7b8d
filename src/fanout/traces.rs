//! Answers other nodes where this one has delivered a message.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::followed_rooms::FollowedRooms;
use super::hub::HubState;
use super::pushes::TraceQuestion;
use super::worker_queue::WorkerEvent;
use crate::domain::{RoomId, Seq};
use crate::store::NodeTrace;

/// How long the workers of a node may take to answer. The node that asks waits for a second.
const WORKERS_ANSWER: Duration = Duration::from_millis(800);

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
