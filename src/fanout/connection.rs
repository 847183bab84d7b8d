//! A connection as its worker's hub keeps it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio::net::TcpStream;

use super::backlog::{Backlog, Joining, RoomChange};
use super::encode::Encoder;
use super::send_queue::SendQueue;
use crate::domain::{EntryId, Event, RoomId, UserId};
use crate::websocket::{Close, close_frame};

/// Identifies a connection of this worker. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    pub(super) slot: usize,
    pub(super) number: u64,
}

/// What a hub needs to register a connection.
pub struct NewConnection {
    /// The user whose connection it is.
    pub user: UserId,
    /// How the frames of the connection are encoded.
    pub encoder: Encoder,
    /// The address at which it reached the server.
    pub reader_url: Rc<str>,
    /// The socket.
    pub stream: Rc<TcpStream>,
    /// The other side of the registration, asked every second.
    pub peer: Rc<dyn Peer>,
}

/// What a hub asks of the code that opened a connection.
pub trait Peer {
    /// Decides whether the connection goes on. Called every second while it is open, so it must not wait.
    fn check(self: Rc<Self>, now: Instant) -> Verdict;
}

/// What becomes of a connection for the next second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays open.
    Keep,
    /// It stays open and gets a ping.
    Ping,
    /// It is closed.
    Close(Close),
}

/// Cancellation token of a connection: set by the hub, awaited by the session.
#[derive(Clone, Default)]
pub struct Closed(Rc<ClosedState>);

#[derive(Default)]
struct ClosedState {
    is_set: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Closed {
    /// Tells the session to end.
    pub(super) fn set(&self) {
        self.0.is_set.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }

    /// Waits until the connection is closed. Only one task may wait.
    pub async fn wait(&self) {
        poll_fn(|cx| {
            if self.0.is_set.get() {
                return Poll::Ready(());
            }
            *self.0.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// A registered connection.
pub(super) struct Connection {
    pub(super) number: u64,
    pub(super) user: UserId,
    pub(super) encoder: Encoder,
    pub(super) reader_url: Rc<str>,
    pub(super) peer: Rc<dyn Peer>,
    pub(super) send_queue: SendQueue,
    /// Rooms to which it is subscribed.
    pub(super) rooms: Vec<RoomId>,
    /// Rooms to which it will be subscribed if its user is a member.
    pub(super) joining: Vec<Joining>,
    pub(super) backlogs: Vec<Backlog>,
    pub(super) is_catching_up: bool,
    pub(super) lagging_since: Option<Instant>,
    /// Changes of membership that came while the user's rooms were being read; `None` once they are known.
    pub(super) changes: Option<Vec<RoomChange>>,
    pub(super) closed: Closed,
    /// When the close frame was queued.
    pub(super) closing_since: Option<Instant>,
    /// The code under which the end of the connection is counted.
    pub(super) close_code: Option<u16>,
    /// Whether the handshake was completed; other connections are not counted.
    pub(super) was_open: bool,
    pub(super) has_resumed: bool,
}

impl Connection {
    pub(super) fn new(number: u64, new: NewConnection) -> Self {
        Self {
            number,
            user: new.user,
            encoder: new.encoder,
            reader_url: new.reader_url,
            peer: new.peer,
            send_queue: SendQueue::new(new.stream),
            rooms: Vec::new(),
            joining: Vec::new(),
            backlogs: Vec::new(),
            is_catching_up: false,
            lagging_since: None,
            changes: Some(Vec::new()),
            closed: Closed::default(),
            closing_since: None,
            close_code: None,
            was_open: false,
            has_resumed: false,
        }
    }

    /// The room to which the connection is about to be subscribed.
    pub(super) fn joining(&mut self, room: RoomId) -> Option<&mut Joining> {
        self.joining.iter_mut().find(|joining| joining.backlog.room == room)
    }

    /// Ends joining a room. `None` when it has begun again meanwhile, or was not under way.
    pub(super) fn end_joining(&mut self, room: RoomId) -> Option<Backlog> {
        let is_current = |joining: &Joining| joining.backlog.room == room && !joining.is_outdated;
        let index = self.joining.iter().position(is_current)?;
        Some(self.joining.swap_remove(index).backlog)
    }

    /// Removes a room, of which `last` was queued last. Returns what the connection misses from then on.
    pub(super) fn leave(&mut self, room: RoomId, last: EntryId) -> Backlog {
        self.rooms.retain(|other| *other != room);
        let index = self.backlogs.iter().position(|backlog| backlog.room == room);
        match index.map(|index| self.backlogs.swap_remove(index)) {
            Some(backlog) if !backlog.is_caught_up => backlog,
            Some(backlog) if backlog.after.seq > last.seq => Backlog::of_returning(room, backlog.after),
            Some(_) | None => Backlog::of_returning(room, last),
        }
    }

    /// Whether an event must not be queued now: the connection has a backlog in that room, or has the message already.
    pub(super) fn skips(&mut self, room: RoomId, what: &Event) -> bool {
        let Some(index) = self.backlogs.iter().position(|backlog| backlog.room == room) else { return false };
        let backlog = &mut self.backlogs[index];
        match what {
            Event::Amended(amendment) => {
                if !backlog.is_caught_up {
                    backlog.amendments.push(amendment.clone());
                }
                return false;
            }
            // The log does not have it.
            Event::RoomChanged { .. } | Event::RoomRemoved(_) => return false,
            // A client that resumes learns from its token whether it has lost something.
            Event::Rewound(_) => return backlog.is_token,
            Event::Message(message) if backlog.is_caught_up => {
                if backlog.has(message.id.entry) {
                    return true;
                }
            }
            _ if backlog.is_caught_up => return false,
            _ => return true,
        }
        self.backlogs.swap_remove(index);
        false
    }

    /// Whether catching up will still bring this message to the connection. It will also if the connection is about to be
    /// subscribed to the room: the earlier messages that it lacks come with it.
    pub(super) fn is_behind(&self, room: RoomId, what: &Event) -> bool {
        let Event::Message(message) = what else { return false };
        let seq = message.id.entry.seq;
        let joining = self.joining.iter().map(|joining| &joining.backlog);
        let is_to_come = |it: &Backlog| it.room == room && !it.is_caught_up && it.after.seq < seq;
        self.backlogs.iter().chain(joining).any(is_to_come)
    }

    /// Whether the connection has a backlog in a room, caught up or not.
    pub(super) fn has_backlog(&self, room: RoomId) -> bool {
        self.backlogs.iter().any(|backlog| backlog.room == room)
    }

    /// Starts a backlog with a message that found no room in the queue. Returns whether the connection was not
    /// lagging before.
    pub(super) fn fall_behind(&mut self, room: RoomId, message: EntryId) -> bool {
        let is_first = self.lagging_since.is_none();
        self.lagging_since.get_or_insert_with(Instant::now);
        self.backlogs.push(Backlog::before(room, message));
        is_first
    }

    /// Queues a close frame behind what is queued. A connection that is closing already keeps its first code.
    pub(super) fn close(&mut self, close: &Close) {
        if self.closing_since.is_none() {
            self.close_code.get_or_insert(close.code);
            self.closing_since = Some(Instant::now());
            self.backlogs.clear();
            self.send_queue.force(close_frame(close));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::{Message, Seq};
    use crate::fanout::encode::FrameKey;

    struct Anyone;

    impl Peer for Anyone {
        fn check(self: Rc<Self>, _: Instant) -> Verdict {
            Verdict::Keep
        }
    }

    async fn connection() -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let key = FrameKey { dialect: "none", is_extended: false };
        let encoder = Encoder { key, encode: |_, _| None, encode_own: |_, _| None };
        let (reader_url, stream, peer) = (Rc::default(), Rc::new(stream), Rc::new(Anyone));
        Connection::new(1, NewConnection { user: UserId(1), encoder, reader_url, stream, peer })
    }

    #[tokio::test]
    async fn a_message_is_to_come_whether_its_room_is_being_caught_up_or_joined() {
        let room = RoomId::GLOBAL;
        let behind = |seq: u64| Backlog::behind(room, Seq(seq));
        let message = |seq: u64| Event::Message(Box::new(Message::sample(1, seq, 10)));
        let mut connection = connection().await;
        assert!(!connection.is_behind(room, &message(6)), "nothing is missing");
        connection.backlogs.push(behind(5));
        assert!(connection.is_behind(room, &message(6)) && !connection.is_behind(room, &message(5)));
        let backlog = connection.backlogs.pop().expect("pushed");
        connection.joining.push(Joining { backlog, is_outdated: false });
        assert!(connection.is_behind(room, &message(6)) && !connection.is_behind(room, &message(5)));
        assert!(connection.end_joining(room).is_some() && !connection.is_behind(room, &message(6)));
    }
}
