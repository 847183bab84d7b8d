//! Connections that are behind: slow ones, resuming ones, and those of new members. They are read to from the
//! stream, a page at a time, whenever their queue is empty, and join the others once nothing is missing.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::spawn_local;
use tracing::debug;

use super::connection::{Backlog, ConnectionId, ResumeReplies};
use super::frame::text_frame;
use super::receipts::Delivered;
use super::worker::{Hub, HubState, TOO_SLOW, TRY_AGAIN_LATER};
use crate::domain::{EntryId, Event, Kind, Limit, Message, RoomEvent, RoomId, Seq, Tail, now_ms};
use crate::metrics::Count;

/// Messages read at once.
const PAGE: Limit = Limit::of(64);
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Users whose rooms are read at once after events may have been missed.
const REFRESHED_AT_ONCE: usize = 64;
/// A membership that is found then may be this old: older messages are not pushed.
const REFRESH_WINDOW_MS: u64 = 60_000;

/// What is read for a connection: the room, behind which message, and the last that was handed on before.
type Reading = (RoomId, EntryId, EntryId);

impl Hub {
    /// Makes a connection resume a room behind the message that it has last seen: what it missed follows, then a
    /// notice. Events of the room wait meanwhile. `false` when it does not look at that room.
    pub fn resume(&self, id: ConnectionId, room: RoomId, after: EntryId, resume_replies: ResumeReplies) -> bool {
        {
            let mut state = self.0.borrow_mut();
            let Some(connection) = state.connection(id).filter(|connection| connection.rooms.contains(&room)) else {
                return false;
            };
            connection.backlogs.retain(|backlog| backlog.room != room);
            let resume_replies = Some(resume_replies);
            connection.backlogs.push(Backlog {
                after,
                is_token: true,
                resume_replies,
                ..Backlog::behind(room, after.seq)
            });
            if !std::mem::replace(&mut connection.has_resumed, true) {
                state.metrics.count(Count::Resumed);
            }
        }
        self.catch_up(id);
        true
    }

    /// Begins to read to a connection that is behind, unless that is under way or its queue is not empty yet.
    pub(super) fn catch_up(&self, id: ConnectionId) {
        if let Some(connection) = self.0.borrow_mut().connection(id) {
            let is_due = connection.send_queue.is_open
                && connection.send_queue.is_empty()
                && !connection.is_catching_up
                && connection.backlogs.iter().any(|backlog| !backlog.is_caught_up);
            if !is_due {
                return;
            }
            connection.is_catching_up = true;
        }
        spawn_local(read_on(self.clone(), id));
    }
}

async fn read_on(hub: Hub, id: ConnectionId) {
    loop {
        let next = hub.0.borrow_mut().next_backlog(id);
        let Some((room, after, newest)) = next else { return };
        let store = hub.0.borrow().store.clone();
        match store.tail(room, after, PAGE).await {
            Ok(tail) => {
                let delivered = hub.0.borrow_mut().take_page(id, (room, after, newest), &tail);
                hub.flush_one(id);
                if let Some(delivered) = delivered {
                    spawn_local(delivered.note());
                }
            }
            Err(error) if error.kind() == Kind::NotFound => hub.0.borrow_mut().give_up(id, room),
            Err(error) => {
                debug!(room.id = %room, %error, "missed messages not read, trying again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Reads the rooms of all users of the worker again, until it has them: events of users may have been missed.
pub(super) async fn refresh(hub: Hub) {
    let since_ms = now_ms().saturating_sub(REFRESH_WINDOW_MS);
    let mut users = hub.users();
    loop {
        let mut unread = Vec::new();
        for users in users.chunks(REFRESHED_AT_ONCE) {
            // What changes during the reading may be newer than what is read.
            let before: Vec<_> = users.iter().map(|user| hub.subscriptions_of(*user)).collect();
            let store = hub.0.borrow().store.clone();
            let lists = join_all(users.iter().map(|user| store.rooms_of(*user))).await;
            for ((user, before), list) in users.iter().zip(before).zip(lists) {
                match list {
                    Ok(list) => {
                        let rooms: Vec<RoomId> = list.iter().map(|entry| entry.room).collect();
                        hub.compare(&before, &rooms, since_ms);
                    }
                    Err(error) => {
                        debug!(user.id = %user, %error, "rooms not read again, trying again");
                        unread.push(*user);
                    }
                }
            }
        }
        if unread.is_empty() {
            return;
        }
        users = unread;
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

impl HubState {
    /// What to read next for a connection whose queue is empty; otherwise reading ends for now.
    fn next_backlog(&mut self, id: ConnectionId) -> Option<Reading> {
        let connection = self.connection(id)?;
        let next = connection.backlogs.iter().find(|backlog| !backlog.is_caught_up && connection.send_queue.is_empty());
        let next = next.map(|backlog| (backlog.room, backlog.after));
        connection.is_catching_up = next.is_some();
        let (room, after) = next?;
        let newest = self.rooms.get(&room).map_or(EntryId { seq: Seq(0), at_ms: 0 }, |room| room.last);
        Some((room, after, newest))
    }

    /// Queues a page for a connection that is behind. Returns what it has received by it.
    fn take_page(&mut self, id: ConnectionId, (room, after, newest_before): Reading, tail: &Tail) -> Option<Delivered> {
        let newest = self.rooms.get(&room)?.last;
        let connection = self.connection(id)?;
        let index = connection.backlogs.iter().position(|backlog| backlog.room == room && backlog.after == after)?;
        let mut backlog = connection.backlogs.swap_remove(index);
        let user = connection.user;
        if backlog.is_token && !tail.is_complete {
            // Something is gone: the client is told, and goes on from here.
            self.tell(id, backlog.resume_replies.take().map(|resume_replies| resume_replies.lost));
            // The later one, not the higher: a room that lost its latest messages gives their seqs again.
            backlog.after = [tail.watermark.last, newest].into_iter().max_by_key(|it| (it.at_ms, it.seq))?;
            backlog.is_caught_up = true;
            self.connection(id)?.backlogs.push(backlog);
            return None;
        }
        // Who was let in late by a reading of memberships does not expect older messages.
        let expects_all = backlog.since_ms == 0;
        if !backlog.is_token && expects_all && !tail.is_gapless {
            self.close_behind(id);
            return None;
        }
        if backlog.is_token {
            backlog.is_token = false;
            self.tell_deletions(id, tail, after);
        }
        let (pushed, is_all_pushed) = self.push_page(id, &mut backlog, tail);
        if is_all_pushed {
            backlog.after = tail.watermark.last;
        }
        // Events that came during the reading were skipped: whatever they told must be read as well.
        let is_newest = newest == newest_before || newest.seq <= backlog.after.seq;
        if is_all_pushed && !tail.has_more && is_newest {
            backlog.is_caught_up = true;
            self.tell(id, backlog.resume_replies.take().and_then(|resume_replies| resume_replies.complete));
        }
        let store = self.store.clone();
        let connection = self.connection(id)?;
        connection.backlogs.push(backlog);
        if connection.backlogs.iter().all(|backlog| backlog.is_caught_up) {
            connection.lagging_since = None;
        }
        let pushed = pushed.filter(|_| room != RoomId::GLOBAL)?;
        Some(Delivered::of_one(store, room, pushed, user))
    }

    /// Queues a page's messages as far as there is room. Returns the first and the last, and whether that were all.
    fn push_page(&mut self, id: ConnectionId, backlog: &mut Backlog, tail: &Tail) -> (Option<(Seq, Seq)>, bool) {
        let mut pushed = None;
        for message in &tail.messages {
            let entry = message.id.entry;
            if entry.at_ms < backlog.since_ms || backlog.deleted.contains(&entry.seq) {
                continue;
            }
            if !self.push_message(id, tail, message) {
                return (pushed, false);
            }
            backlog.after = entry;
            pushed = Some((pushed.map_or(entry.seq, |(first, _)| first), entry.seq));
        }
        (pushed, true)
    }

    fn push_message(&mut self, id: ConnectionId, tail: &Tail, message: &Message) -> bool {
        let event = RoomEvent { room: tail.head, what: Event::Message(Box::new(message.clone())) };
        self.push_event(id, &event)
    }

    /// Queues an event for one connection. `false` when there is no room for it.
    fn push_event(&mut self, id: ConnectionId, event: &RoomEvent) -> bool {
        let Some(connection) = self.connections.get(id.slot).filter(|connection| connection.number == id.number) else {
            return true;
        };
        let Some(frame) = self.print(connection, event) else { return true };
        let is_queued = self.connection(id).is_none_or(|connection| connection.send_queue.push(frame));
        if is_queued && matches!(event.what, Event::Message(_)) {
            // Without a delay: for how long a connection was away says nothing about the node.
            self.metrics.count(Count::Deliveries);
        }
        is_queued
    }

    /// Tells a resuming connection what was deleted of what it has.
    fn tell_deletions(&mut self, id: ConnectionId, tail: &Tail, after: EntryId) {
        for (deletion, at_ms) in &tail.deletions {
            if *at_ms >= after.at_ms && deletion.id.seq <= after.seq {
                self.push_event(id, &RoomEvent { room: tail.head, what: Event::Deleted(*deletion) });
            }
        }
    }

    fn tell(&mut self, id: ConnectionId, text: Option<String>) {
        if let (Some(connection), Some(text)) = (self.connection(id), text) {
            connection.send_queue.force(text_frame(&[&text]));
        }
    }

    /// What a connection misses is no longer kept: it may come back and read anew.
    fn close_behind(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connection(id) {
            connection.close(TRY_AGAIN_LATER, TOO_SLOW);
            self.metrics.count(Count::ClosedSlow);
        }
    }

    /// The room is gone.
    fn give_up(&mut self, id: ConnectionId, room: RoomId) {
        if let Some(connection) = self.connection(id) {
            connection.backlogs.retain(|backlog| backlog.room != room);
        }
    }
}
