//! Writing what is queued, by whoever queued it; only a full socket is waited for.

use std::rc::Rc;

use tokio::task::spawn_local;

use super::hub::Hub;
use super::outbox::Flushed;
use super::seat::SeatId;

impl Hub {
    /// Writes what is queued for a connection.
    pub(super) fn flush_seat(&self, id: SeatId) {
        if self.0.borrow_mut().seat(id).is_some() {
            self.0.borrow_mut().dirty.push(id.slot);
            self.flush();
        }
    }

    /// Writes what is queued for all that have something new.
    pub(super) fn flush(&self) {
        let mut blocked = Vec::new();
        let mut behind = Vec::new();
        {
            let inner = &mut *self.0.borrow_mut();
            for slot in inner.dirty.drain(..) {
                let Some(seat) = inner.seats.get_mut(slot) else { continue };
                let id = SeatId { slot, number: seat.number };
                match seat.outbox.flush(&mut inner.scratch) {
                    Ok(Flushed::All) if seat.closing_since.is_some() => seat.ending.end(),
                    Ok(Flushed::All) if !seat.missing.is_empty() => behind.push(id),
                    Ok(Flushed::All) => {}
                    Ok(Flushed::Blocked) if seat.outbox.is_open && !seat.outbox.is_waiting => {
                        seat.outbox.is_waiting = true;
                        blocked.push(id);
                    }
                    Ok(Flushed::Blocked) => {}
                    // The connection is gone. Its socket stays writable from now on, for ever.
                    Err(_) => {
                        seat.outbox.give_up();
                        seat.ending.end();
                    }
                }
            }
        }
        for id in blocked {
            spawn_local(wait_for_room(self.clone(), id));
        }
        for id in behind {
            self.catch_up(id);
        }
    }
}

/// Writes on whenever a socket takes more, until nothing is left.
async fn wait_for_room(hub: Hub, id: SeatId) {
    let Some(stream) = hub.0.borrow_mut().seat(id).map(|seat| Rc::clone(seat.outbox.stream())) else { return };
    while stream.writable().await.is_ok() {
        hub.flush_seat(id);
        let mut inner = hub.0.borrow_mut();
        let Some(seat) = inner.seat(id) else { return };
        if !seat.outbox.wants_room() {
            seat.outbox.is_waiting = false;
            return;
        }
    }
}
