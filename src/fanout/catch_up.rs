//! Catching up: connections with a backlog (slow, resuming, or of a new member) are read to from the stream, a page at a
//! time whenever their queue is empty. They receive events again once nothing is missing.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::task::spawn_local;
use tracing::{debug, error};

use super::backlog::{Backlog, ResumeReplies};
use super::connection::ConnectionId;
use super::hub::{Hub, HubState};
use super::receipts::Delivered;
use super::round::Claimant;
use crate::domain::{
    Amendment, EntryId, Event, Kind, Limit, Message, Rewind, RoomEvent, RoomId, Seq, Tail, TailQuery, UserId,
};
use crate::metrics::Count;
use crate::websocket::{Close, text_frame};

/// Messages read at first, of which a queue takes nearly all even if they have the maximum length; and the maximum.
const FIRST_PAGE: usize = 16;
const LONGEST_PAGE: usize = 64;
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Users whose rooms are read at once after events may have been lost.
const REFRESHED_AT_ONCE: usize = 64;

/// A page to be read for a connection.
#[derive(Clone, Copy)]
struct Reading {
    room: RoomId,
    /// The message behind which it begins.
    after: EntryId,
    /// Whether that is a resume token of the client.
    is_token: bool,
    /// The last message that the worker had delivered in the room before the reading.
    newest: EntryId,
}

impl Hub {
    /// Makes a connection resume a room behind the message that it has seen last: the missed messages follow, then a
    /// reply. Events of the room wait meanwhile. Returns `false` when the connection is not subscribed to the room.
    pub fn resume(&self, id: ConnectionId, room: RoomId, after: EntryId, replies: ResumeReplies) -> bool {
        {
            let mut state = self.0.borrow_mut();
            let Some(connection) = state.connection(id).filter(|connection| connection.rooms.contains(&room)) else {
                return false;
            };
            connection.backlogs.retain(|backlog| backlog.room != room);
            connection.backlogs.push(Backlog::resuming(room, after, replies));
            if !std::mem::replace(&mut connection.has_resumed, true) {
                state.metrics.count(Count::Resumed);
            }
        }
        self.catch_up(id);
        true
    }

    /// Starts catching up a connection with a backlog, unless that is under way or its queue is not empty yet.
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
        let hub = self.clone();
        spawn_local(async move {
            if AssertUnwindSafe(send_backlogs(&hub, id)).catch_unwind().await.is_err() {
                error!("catching up a connection panicked, it is closed with 1011");
                hub.0.borrow().metrics.count(Count::WorkerPanics);
                hub.close(id, &Close::INTERNAL);
            }
        });
    }
}

async fn send_backlogs(hub: &Hub, id: ConnectionId) {
    let Some(user) = hub.0.borrow_mut().connection(id).map(|connection| connection.user) else { return };
    let turns = hub.turns();
    let mut limit = FIRST_PAGE;
    loop {
        let turn = turns.take(Claimant::User(user)).await;
        let next = hub.0.borrow_mut().next_reading(id);
        let Some(reading @ Reading { room, after, is_token, .. }) = next else { return };
        let (store, followed_rooms) = {
            let state = hub.0.borrow();
            (state.store.clone(), state.followed_rooms.clone())
        };
        // Amendments of what a connection has received from this node were events.
        let amended_since_ms = if is_token { after.at_ms } else { u64::MAX };
        let query =
            TailQuery { room, known: &[after], limit: Limit::of(limit), amended_since_ms, marks_since_ms: None };
        match store.tail(query).await {
            Ok(mut tail) => {
                if let Some(seen) = followed_rooms.last_seen(room).filter(|_| store.waits_for_replicas()) {
                    end_at(seen, after, &mut tail);
                }
                let delivered = hub.0.borrow_mut().queue_page(id, reading, &tail);
                hub.flush_one(id);
                limit = (2 * limit).min(LONGEST_PAGE);
                if let Some(delivered) = delivered {
                    spawn_local(delivered.record());
                }
            }
            Err(error) if error.kind() == Kind::NotFound => hub.0.borrow_mut().drop_backlog(id, room),
            Err(error) => {
                drop(turn);
                debug!(room.id = %room, %error, "could not read missed messages, trying again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Ends a page, which begins behind `after`, where the node's own view of the room ends. What follows was not
/// announced: replicas may lack it, and if they do not, it arrives as events. A client may have more than this node has
/// seen, from a node that received it sooner; the page is then empty, because a client whose position went back would
/// receive messages again.
fn end_at(seen: EntryId, after: EntryId, tail: &mut Tail) {
    let is_ahead = after.seq > seen.seq && tail.rewound_to.is_none();
    let end = if is_ahead { after } else { seen };
    if tail.watermark.last.seq > end.seq {
        tail.messages.retain(|message| message.id.entry.seq <= end.seq);
        (tail.watermark.last, tail.has_more) = (end, false);
    }
}

/// Reads the rooms of all users of the worker again, until it has them all, and then their presence: events about
/// memberships and presence may have been lost.
pub(super) async fn refresh(hub: Hub) {
    let mut users = hub.users();
    while !users.is_empty() {
        let mut unread = Vec::new();
        for some in users.chunks(REFRESHED_AT_ONCE) {
            unread.extend(refresh_users(&hub, some).await);
        }
        users = unread;
        if !users.is_empty() {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
    hub.refresh_presence().await;
}

/// Returns the users whose rooms could not be read.
async fn refresh_users(hub: &Hub, users: &[UserId]) -> Vec<UserId> {
    let before: Vec<_> = users.iter().map(|user| hub.subscriptions_of(*user)).collect();
    let store = hub.0.borrow().store.clone();
    let lists = join_all(users.iter().map(|user| store.rooms_of(*user))).await;
    let mut unread = Vec::new();
    for ((user, before), list) in users.iter().zip(before).zip(lists) {
        match list {
            Ok(list) => {
                let rooms: Vec<RoomId> = list.iter().map(|entry| entry.room).collect();
                hub.reconcile(&before, &rooms);
            }
            Err(error) => {
                debug!(user.id = %user, %error, "could not read a user's rooms, trying again");
                unread.push(*user);
            }
        }
    }
    unread
}

impl HubState {
    /// The page to read next for a connection. `None` ends catching up for now: nothing is missing, or the queue is not
    /// empty.
    fn next_reading(&mut self, id: ConnectionId) -> Option<Reading> {
        let connection = self.connection(id)?;
        let is_ready = connection.send_queue.is_empty();
        let next = connection.backlogs.iter().find(|backlog| !backlog.is_caught_up && is_ready);
        let next = next.map(|backlog| (backlog.room, backlog.after, backlog.is_token));
        connection.is_catching_up = next.is_some();
        let (room, after, is_token) = next?;
        let newest = self.rooms.get(&room).map_or(EntryId::START, |room| room.last);
        Some(Reading { room, after, is_token, newest })
    }

    /// Queues a page for a connection. Returns what was delivered by it.
    fn queue_page(
        &mut self,
        id: ConnectionId,
        Reading { room, after, newest: newest_before, .. }: Reading,
        tail: &Tail,
    ) -> Option<Delivered> {
        let newest = self.rooms.get(&room)?.last;
        let connection = self.connection(id)?;
        let index = connection.backlogs.iter().position(|backlog| backlog.room == room && backlog.after == after)?;
        let mut backlog = connection.backlogs.swap_remove(index);
        let user = connection.user;
        let is_lost = backlog.is_token && (!tail.is_complete || !self.queue_amendments(id, tail, after));
        if is_lost {
            // As below, events that arrived during the reading were skipped.
            let is_newest = newest == newest_before || newest.seq <= tail.watermark.last.seq;
            self.reply_lost(id, backlog, tail, is_newest);
            return None;
        }
        if !backlog.is_token && backlog.is_all_due && !tail.is_gapless {
            self.close_slow(id);
            return None;
        }
        backlog.is_token = false;
        let (queued, is_all_queued) = self.queue_messages(id, &mut backlog, tail);
        if is_all_queued {
            backlog.after = tail.watermark.last;
        }
        // Events that arrived during the reading were skipped, so what they brought must be read as well.
        let is_newest = newest == newest_before || newest.seq <= backlog.after.seq;
        if is_all_queued && !tail.has_more && is_newest {
            backlog.is_caught_up = true;
            self.queue_text(id, backlog.resume_replies.take().and_then(|replies| replies.complete));
        }
        let store = self.store.clone();
        let connection = self.connection(id)?;
        connection.backlogs.push(backlog);
        if connection.backlogs.iter().all(|backlog| backlog.is_caught_up) {
            connection.lagging_since = None;
        }
        let queued = queued.filter(|_| room != RoomId::GLOBAL)?;
        Some(Delivered::to_one(store, room, queued, user))
    }

    /// Messages behind a resume token are no longer stored, or more has changed before it than a queue holds: says so,
    /// and continues from the present.
    fn reply_lost(&mut self, id: ConnectionId, mut backlog: Backlog, tail: &Tail, is_newest: bool) {
        self.queue_text(id, backlog.resume_replies.take().map(|replies| replies.lost));
        backlog.after = tail.watermark.last;
        backlog.is_caught_up = is_newest;
        backlog.is_token = false;
        if let Some(connection) = self.connection(id) {
            connection.backlogs.push(backlog);
        }
    }

    /// Lets everything continue behind what Redis kept of a room.
    pub(super) fn rewind(&mut self, id: RoomId, rewind: &Rewind) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let kept = rewind.kept;
        room.last = kept;
        // Nobody has received the messages that get the seqs of the lost ones.
        let unrecorded = room.unrecorded.filter(|(first, _)| *first <= kept.seq);
        room.unrecorded = unrecorded.map(|(first, last)| (first, last.min(kept.seq)));
        for slot in &room.connections {
            if let Some(connection) = self.connections.get_mut(*slot) {
                connection.backlogs.retain_mut(|backlog| backlog.room != id || backlog.rewind(rewind));
            }
        }
    }

    /// Queues a page's messages as far as there is room. Returns the first and last, and whether all were queued.
    fn queue_messages(&mut self, id: ConnectionId, backlog: &mut Backlog, tail: &Tail) -> (Option<(Seq, Seq)>, bool) {
        let mut queued = None;
        for message in &tail.messages {
            let entry = message.id.entry;
            if entry.at_ms < backlog.since_ms {
                continue;
            }
            let Some(message) = backlog.amendments.apply(message.clone()) else { continue };
            if !self.queue_message(id, tail, message) {
                return (queued, false);
            }
            backlog.after = entry;
            queued = Some((queued.map_or(entry.seq, |(first, _)| first), entry.seq));
        }
        (queued, true)
    }

    fn queue_message(&mut self, id: ConnectionId, tail: &Tail, message: Message) -> bool {
        let event = RoomEvent { room: tail.head, what: Event::Message(Box::new(message)) };
        self.queue_event(id, &event)
    }

    /// Queues an event for one connection. Returns `false` when there is no room for it.
    fn queue_event(&mut self, id: ConnectionId, event: &RoomEvent) -> bool {
        let connection = self.connections.get(id.slot).filter(|connection| connection.number == id.number);
        let Some(frame) = connection.and_then(|connection| self.encode_for(connection, event)) else { return true };
        let is_queued = self.connection(id).is_none_or(|connection| connection.send_queue.push(frame));
        if is_queued && matches!(event.what, Event::Message(_)) {
            // Without a delay: the time that a client was away is not the node's.
            self.metrics.count(Count::Deliveries);
        }
        is_queued
    }

    /// Queues the amendments that a resuming client has missed of the messages that it has. Returns `false` when there is
    /// no room for all of them.
    fn queue_amendments(&mut self, id: ConnectionId, tail: &Tail, after: EntryId) -> bool {
        let is_missed = |amendment: &&Amendment| {
            amendment.id.seq <= after.seq && amendment.at_ms.is_none_or(|at_ms| at_ms >= after.at_ms)
        };
        let mut missed = tail.amendments.iter().filter(is_missed);
        missed.all(|it| self.queue_event(id, &RoomEvent { room: tail.head, what: Event::Amended(it.clone()) }))
    }

    fn queue_text(&mut self, id: ConnectionId, text: Option<String>) {
        if let (Some(connection), Some(text)) = (self.connection(id), text) {
            connection.send_queue.force(text_frame(&[&text]));
        }
    }

    /// Closes a connection whose missing messages are no longer stored: the client reconnects and reads them again.
    fn close_slow(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connection(id) {
            connection.close(&Close::TOO_SLOW);
            self.metrics.count(Count::ClosedSlow);
        }
    }

    /// Drops the backlog of a room that no longer exists.
    fn drop_backlog(&mut self, id: ConnectionId, room: RoomId) {
        if let Some(connection) = self.connection(id) {
            connection.backlogs.retain(|backlog| backlog.room != room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RoomHead, RoomKind, Watermark};

    fn entry(seq: u64) -> EntryId {
        EntryId { seq: Seq(seq), at_ms: 10 }
    }

    /// What follows a message in a room whose last message is the ninth.
    fn tail_after(after: u64) -> Tail {
        let messages: Vec<Message> = (after + 1..=9).map(|seq| Message::sample(1, seq, 10)).collect();
        Tail {
            head: RoomHead { id: RoomId::GLOBAL, kind: RoomKind::Public, pair: None },
            watermark: Watermark { last: entry(9), revision: 0 },
            is_complete: true,
            is_gapless: true,
            has_more: false,
            rewound_to: None,
            entries: messages.iter().map(|message| message.id.entry).collect(),
            messages,
            amendments: Vec::new(),
            read_marks: Vec::new(),
        }
    }

    #[test]
    fn a_page_ends_where_the_view_of_the_node_ends_and_never_before_it_begins() {
        for (seen, after, end) in [
            (7, entry(5), 7),
            (9, entry(5), 9),
            (12, entry(5), 9),
            (5, entry(5), 5),
            (4, entry(5), 5),
            (4, entry(9), 9),
            // A new member, who is named the first message by its seq alone.
            (4, EntryId::at(Seq(6)), 6),
            (4, EntryId::START, 4),
        ] {
            let mut tail = tail_after(after.seq.0);
            end_at(entry(seen), after, &mut tail);
            assert_eq!(tail.watermark.last.seq, Seq(end), "{seen} {after}");
            let seqs: Vec<u64> = tail.messages.iter().map(|message| message.id.entry.seq.0).collect();
            assert_eq!(seqs, (after.seq.0 + 1..=end).collect::<Vec<_>>(), "{seen} {after}");
        }
    }

    #[test]
    fn a_client_whose_message_was_lost_continues_from_the_view_of_the_node() {
        let mut tail = Tail { rewound_to: Some(entry(4)), ..tail_after(4) };
        end_at(entry(6), entry(8), &mut tail);
        assert_eq!(tail.watermark.last, entry(6));
    }
}
