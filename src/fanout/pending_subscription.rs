//! Subscriptions in progress: following the room and checking whether the user is a member.

use std::time::Duration;

use futures_util::future::join_all;

use super::connection::ConnectionId;
use super::hub::Hub;
use crate::domain::{Kind, Result, RoomHead, RoomId, UserId};

/// A connection is refused when rooms that it follows at once are not followed by then; another node may do better.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_millis(1500);

/// Waits until the events of these rooms arrive. Returns the rooms that exist, because a list may name others, and those
/// whose events did not arrive in time.
pub(super) async fn follow_all(pending: &[PendingSubscription]) -> (Result<Vec<RoomHead>>, Vec<RoomId>) {
    let until = tokio::time::Instant::now() + SUBSCRIBE_TIMEOUT;
    let following = pending.iter().map(|pending| tokio::time::timeout_at(until, pending.follow()));
    let (mut followed, mut late) = (Vec::with_capacity(pending.len()), Vec::new());
    for (pending, outcome) in pending.iter().zip(join_all(following).await) {
        match outcome {
            Ok(Err(error)) if error.kind() == Kind::NotFound => {}
            Ok(outcome) => followed.push(outcome),
            Err(_) => late.push(pending.room),
        }
    }
    (followed.into_iter().collect(), late)
}

/// A room to which a connection is about to be subscribed. The room is followed for as long as this lives, even if the
/// connection ends first.
pub(super) struct PendingSubscription {
    hub: Hub,
    room: RoomId,
}

impl PendingSubscription {
    pub(super) fn new(hub: &Hub, room: RoomId) -> Self {
        *hub.0.borrow_mut().pending.entry(room).or_default() += 1;
        Self { hub: hub.clone(), room }
    }

    async fn follow(&self) -> Result<RoomHead> {
        let (followed_rooms, worker) = {
            let state = self.hub.0.borrow();
            (state.followed_rooms.clone(), state.worker)
        };
        followed_rooms.follow(self.room, worker).await
    }

    /// Asks the room, once its events arrive, whether it has a connection's user as a member, and since when. `None` when
    /// the connection is no longer about to be subscribed.
    pub(super) async fn ask_membership(
        &self,
        id: ConnectionId,
        user: UserId,
    ) -> Option<Result<Option<(RoomHead, u64)>>> {
        let store = {
            let mut state = self.hub.0.borrow_mut();
            state.connection(id)?.joining(self.room)?.is_outdated = false;
            state.store.clone()
        };
        let head = match self.follow().await {
            Ok(head) => head,
            Err(error) if error.kind() == Kind::NotFound => return Some(Ok(None)),
            Err(error) => return Some(Err(error)),
        };
        let joined_at_ms = store.joined_at_ms(self.room, user).await;
        Some(joined_at_ms.map(|joined_at_ms| joined_at_ms.map(|at_ms| (head, at_ms))))
    }
}

impl Drop for PendingSubscription {
    fn drop(&mut self) {
        self.hub.0.borrow_mut().end_pending(self.room);
    }
}
