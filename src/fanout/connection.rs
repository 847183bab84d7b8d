//! A connection's place in its worker's hub.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio::net::TcpStream;

use super::frame::{Encoder, close_frame};
use super::send_queue::SendQueue;
use crate::domain::{EntryId, Event, RoomId, Seq, UserId};

/// A connection of this worker. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    pub(super) slot: usize,
    pub(super) number: u64,
}

/// A connection that is about to be made.
pub struct NewConnection {
    /// Whose it is.
    pub user: UserId,
    /// How it wants its frames.
    pub encoder: Encoder,
    /// The connection.
    pub stream: Rc<TcpStream>,
}

/// When a connection is to end; shared with its conversation, which waits for it.
#[derive(Clone, Default)]
pub struct Closed(Rc<ClosedState>);

#[derive(Default)]
struct ClosedState {
    has_ended: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Closed {
    /// Ends the connection.
    pub(super) fn end(&self) {
        self.0.has_ended.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }

    /// Waits for the end.
    pub async fn wait(&self) {
        poll_fn(|cx| {
            if self.0.has_ended.get() {
                return Poll::Ready(());
            }
            *self.0.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// What a client is told about its resumption of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeReplies {
    /// Behind the last of what it missed; nothing when `None`.
    pub complete: Option<String>,
    /// When something is gone.
    pub lost: String,
}

/// A room in which a connection is behind.
pub(super) struct Backlog {
    pub(super) room: RoomId,
    /// The last message that it has.
    pub(super) after: EntryId,
    /// Messages before this time are none of its business, UTC milliseconds.
    pub(super) since_ms: u64,
    /// Whether everything up to `after` was read; newer ones come as events.
    pub(super) is_caught_up: bool,
    /// For a resumption: `after` came from the client and must be found.
    pub(super) is_token: bool,
    pub(super) resume_replies: Option<ResumeReplies>,
    /// What was deleted since reading began: a page that was read before still has it.
    pub(super) deleted: Vec<Seq>,
}

impl Backlog {
    /// Behind this seq, which the node itself names.
    pub(super) fn behind(room: RoomId, seq: Seq) -> Self {
        // No entry at that seq can be later than this: none is taken for one that stands in its place.
        let after = EntryId { seq, at_ms: u64::MAX };
        Self {
            room,
            after,
            since_ms: 0,
            is_caught_up: false,
            is_token: false,
            resume_replies: None,
            deleted: Vec::new(),
        }
    }
}

/// A change of membership that came while a connection's rooms were being read.
#[derive(Clone, Copy)]
pub(super) enum RoomChange {
    /// A member from this message on, as far as messages are of this time (UTC milliseconds) or later.
    Joined(RoomId, Seq, u64),
    /// No member any more.
    Left(RoomId),
}

/// A connection.
pub(super) struct Connection {
    pub(super) number: u64,
    pub(super) user: UserId,
    pub(super) encoder: Encoder,
    pub(super) send_queue: SendQueue,
    pub(super) rooms: Vec<RoomId>,
    /// Rooms that it is about to look at, unless its user leaves them before.
    pub(super) joining: Vec<RoomId>,
    pub(super) backlogs: Vec<Backlog>,
    pub(super) is_catching_up: bool,
    pub(super) lagging_since: Option<Instant>,
    /// Present until the rooms are known.
    pub(super) changes: Option<Vec<RoomChange>>,
    pub(super) closed: Closed,
    /// Since when a close frame waits for the end.
    pub(super) closing_since: Option<Instant>,
    /// The code that says why it ends.
    pub(super) ended_with: Option<u16>,
    /// Whether it became a WebSocket: others are not counted.
    pub(super) was_open: bool,
    pub(super) has_resumed: bool,
}

impl Connection {
    pub(super) fn new(number: u64, new: NewConnection) -> Self {
        Self {
            number,
            user: new.user,
            encoder: new.encoder,
            send_queue: SendQueue::new(new.stream),
            rooms: Vec::new(),
            joining: Vec::new(),
            backlogs: Vec::new(),
            is_catching_up: false,
            lagging_since: None,
            changes: Some(Vec::new()),
            closed: Closed::default(),
            closing_since: None,
            ended_with: None,
            was_open: false,
            has_resumed: false,
        }
    }

    /// Whether it was about to look at a room; it is not any more.
    pub(super) fn cancel_joining(&mut self, room: RoomId) -> bool {
        let index = self.joining.iter().position(|other| *other == room);
        index.map(|index| self.joining.swap_remove(index)).is_some()
    }

    /// Whether an event of a room must not be handed on now: the connection is behind there, or has it already.
    pub(super) fn skips(&mut self, room: RoomId, what: &Event) -> bool {
        let Some(index) = self.backlogs.iter().position(|backlog| backlog.room == room) else { return false };
        let backlog = &mut self.backlogs[index];
        match what {
            Event::Deleted(deletion) => {
                if !backlog.is_caught_up {
                    backlog.deleted.push(deletion.id.seq);
                }
                return false;
            }
            Event::Message(message) if backlog.is_caught_up => {
                let entry = message.id.entry;
                if entry.seq <= backlog.after.seq && entry.at_ms <= backlog.after.at_ms {
                    return true;
                }
            }
            _ if backlog.is_caught_up => return false,
            _ => return true,
        }
        self.backlogs.swap_remove(index);
        false
    }

    /// Whether a message will still be read to the connection.
    pub(super) fn is_behind(&self, room: RoomId, what: &Event) -> bool {
        let Event::Message(message) = what else { return false };
        let seq = message.id.entry.seq;
        self.backlogs.iter().any(|backlog| backlog.room == room && !backlog.is_caught_up && backlog.after.seq < seq)
    }

    /// Notes that a message found no room in the queue. Returns whether it is the first of late.
    pub(super) fn fall_behind(&mut self, room: RoomId, message: EntryId) -> bool {
        let is_first = self.lagging_since.is_none();
        self.lagging_since.get_or_insert_with(Instant::now);
        // The one before it is not later.
        let after = EntryId { seq: Seq(message.seq.0.saturating_sub(1)), ..message };
        self.backlogs.push(Backlog { after, ..Backlog::behind(room, after.seq) });
        is_first
    }

    /// Closes with a code, behind what is queued.
    pub(super) fn close(&mut self, code: u16, reason: &str) {
        if self.closing_since.is_none() {
            self.ended_with.get_or_insert(code);
            self.closing_since = Some(Instant::now());
            self.backlogs.clear();
            self.send_queue.force(close_frame(code, reason));
        }
    }
}
