//! The queues between the followed rooms, which are the node's, and the hubs, which are the workers'.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::connection::ConnectionId;
use super::pushes::TraceQuestion;
use crate::domain::{RoomEvent, RoomId};
use crate::store::UserEvent;

/// Events that may wait for a worker. Beyond that its connections are closed, and their clients resume.
const QUEUED_EVENTS: usize = 65_536;

/// What a worker's hub receives.
#[derive(Clone, Debug)]
pub(super) enum WorkerEvent {
    /// Something happened in a room.
    Room(Arc<RoomEvent>),
    /// One connection is to receive a message again.
    Resend(ConnectionId, Arc<RoomEvent>),
    /// Messages that a room's connections miss are no longer stored.
    Gap(RoomId),
    /// Something happened to a user.
    User(Arc<UserEvent>),
    /// Events of users may have been lost.
    Reconnected,
    /// Another node asks where a message is.
    Trace(TraceQuestion),
}

/// State that a worker and the rest of the node share besides events.
#[derive(Debug, Default)]
pub(super) struct WorkerHealth {
    /// Set when an event found no room in the queue.
    pub(super) is_overrun: AtomicBool,
    /// Set while the worker's loop has panicked and is not running again.
    pub(super) is_down: AtomicBool,
}

/// The receiving end of a worker's queue.
pub(super) struct WorkerQueue {
    /// The number of the worker.
    pub(super) worker: usize,
    pub(super) events: mpsc::Receiver<WorkerEvent>,
    pub(super) health: Arc<WorkerHealth>,
}

/// The sending ends of all workers' queues.
#[derive(Default)]
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    events: mpsc::Sender<WorkerEvent>,
    health: Arc<WorkerHealth>,
}

impl Workers {
    /// Adds a worker, in the place of one whose thread has ended if there is one.
    pub(super) fn add(&mut self) -> WorkerQueue {
        let (sender, events) = mpsc::channel(QUEUED_EVENTS);
        let health = Arc::new(WorkerHealth::default());
        let added = Worker { events: sender, health: Arc::clone(&health) };
        let worker = match self.0.iter().position(|worker| worker.events.is_closed()) {
            Some(ended) => {
                self.0[ended] = added;
                ended
            }
            None => {
                self.0.push(added);
                self.0.len() - 1
            }
        };
        WorkerQueue { worker, events, health }
    }

    /// Whether all workers take events.
    pub(super) fn are_up(&self) -> bool {
        self.0.iter().all(|worker| !worker.events.is_closed() && !worker.health.is_down.load(Ordering::Acquire))
    }

    /// Queues an event for a worker. One whose queue is full is overrun; one whose thread has ended has no connections
    /// any more, so there is nothing to do for it.
    pub(super) fn send(&self, worker: usize, event: WorkerEvent) {
        let Some(worker) = self.0.get(worker) else { return };
        match worker.events.try_send(event) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => worker.health.is_overrun.store(true, Ordering::Release),
        }
    }

    /// The number of workers.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Queues an event for all workers.
    pub(super) fn send_to_all(&self, event: &WorkerEvent) {
        (0..self.0.len()).for_each(|worker| self.send(worker, event.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_told_apart_from_a_closed_one() {
        let mut workers = Workers::default();
        let queue = workers.add();
        for _ in 0..QUEUED_EVENTS {
            workers.send(0, WorkerEvent::Reconnected);
        }
        assert!(!queue.health.is_overrun.load(Ordering::Acquire));
        workers.send(0, WorkerEvent::Reconnected);
        assert!(queue.health.is_overrun.load(Ordering::Acquire) && workers.are_up());

        let health = Arc::clone(&queue.health);
        drop(queue);
        health.is_overrun.store(false, Ordering::Release);
        workers.send(0, WorkerEvent::Reconnected);
        assert!(!health.is_overrun.load(Ordering::Acquire) && !workers.are_up());
    }

    #[test]
    fn a_new_worker_takes_the_place_of_one_that_ended() {
        let mut workers = Workers::default();
        let (first, second) = (workers.add(), workers.add());
        drop(first);
        assert_eq!((workers.add().worker, second.worker), (0, 1));
    }

    #[test]
    fn a_worker_that_is_down_makes_the_node_unready() {
        let mut workers = Workers::default();
        let queue = workers.add();
        queue.health.is_down.store(true, Ordering::Release);
        assert!(!workers.are_up());
        queue.health.is_down.store(false, Ordering::Release);
        assert!(workers.are_up());
    }
}
