//! Flushes queues inline; a task is spawned only when a socket would block.

use std::rc::Rc;

use tokio::task::spawn_local;

use super::connection::ConnectionId;
use super::hub::Hub;
use super::send_queue::Flushed;

impl Hub {
    /// Writes what is queued for one connection, and for all others with something new.
    pub(super) fn flush_one(&self, id: ConnectionId) {
        if self.0.borrow_mut().connection(id).is_some() {
            self.0.borrow_mut().dirty.push(id.slot);
            self.flush();
        }
    }

    /// Writes what is queued for all connections with something new.
    pub(super) fn flush(&self) {
        let mut blocked = Vec::new();
        let mut behind = Vec::new();
        {
            let state = &mut *self.0.borrow_mut();
            for slot in state.dirty.drain(..) {
                let Some(connection) = state.connections.get_mut(slot) else { continue };
                let id = ConnectionId { slot, number: connection.number };
                match connection.send_queue.flush(&mut state.scratch) {
                    Ok(Flushed::All) if connection.closing_since.is_some() => connection.closed.set(),
                    Ok(Flushed::All) if !connection.backlogs.is_empty() => behind.push(id),
                    Ok(Flushed::All) => {}
                    Ok(Flushed::Blocked) if connection.send_queue.is_open && !connection.send_queue.is_waiting => {
                        connection.send_queue.is_waiting = true;
                        blocked.push(id);
                    }
                    Ok(Flushed::Blocked) => {}
                    // A broken socket counts as writable forever, so nothing may wait for it.
                    Err(_) => {
                        connection.send_queue.give_up();
                        connection.closed.set();
                    }
                }
            }
        }
        for id in blocked {
            spawn_local(flush_when_writable(self.clone(), id));
        }
        for id in behind {
            self.catch_up(id);
        }
    }
}

/// Writes whenever the socket takes more, until nothing is queued.
async fn flush_when_writable(hub: Hub, id: ConnectionId) {
    let stream = hub.0.borrow_mut().connection(id).map(|connection| Rc::clone(connection.send_queue.stream()));
    let Some(stream) = stream else { return };
    while stream.writable().await.is_ok() {
        hub.flush_one(id);
        let mut state = hub.0.borrow_mut();
        let Some(connection) = state.connection(id) else { return };
        if !connection.send_queue.needs_flush() {
            connection.send_queue.is_waiting = false;
            return;
        }
    }
}
