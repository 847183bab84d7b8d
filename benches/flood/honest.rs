//! The honest users: how long their messages take, over HTTP and over a WebSocket of document 000.
//!
//! In each pair one writes by the clock, and both listen. Times count from the moment of writing; how late the clock itself
//! was is measured as well, because then the machine was busy, not the server.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{Instant, interval_at, sleep};

use crate::common::Result;
use crate::common::api::{JSON, request};
use crate::common::client::Connection;
use crate::common::frame::{Frame, TEXT, from_client};
use crate::common::reader::{Reader, write};
use crate::common::socket::{Socket, answer_control};
use crate::common::stamp::{Stamp, StampCodec};
use crate::world::{PAIRS, Pair, Room, World};

/// Between two messages of a user to a room. Both rooms together stay below the limits.
const EVERY: Duration = Duration::from_millis(250);
/// A message that has not arrived after this time is lost.
const GIVE_UP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// From the request to its answer.
    HttpAnswered,
    /// From the request to the push to the other user.
    HttpHeard,
    /// From the frame to the push to its sender.
    SocketEchoed,
    /// From the frame to the push to the other user.
    SocketHeard,
    /// By how much a timer was late.
    Late,
}

impl Series {
    pub const ALL: [Self; 5] = [Self::HttpAnswered, Self::HttpHeard, Self::SocketEchoed, Self::SocketHeard, Self::Late];
}

/// One phase's times, sorted, and what went wrong.
#[derive(Default)]
pub struct Times {
    us: [Vec<u32>; Series::ALL.len()],
    /// Answers and pushes that should come.
    expected: usize,
    /// Sends that were answered with an error.
    pub refused: usize,
    /// Pushes and answers that did not come.
    pub lost: usize,
}

impl Times {
    pub fn of(&self, series: Series) -> &[u32] {
        &self.us[series as usize]
    }

    fn add(&mut self, series: Series, time: Duration) {
        self.us[series as usize].push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    fn note_refusal(&mut self) {
        self.refused += 1;
        self.expected = self.expected.saturating_sub(2);
    }

    /// How many answers and pushes have not come.
    fn missing(&self) -> usize {
        let all = Series::ALL.iter().filter(|series| **series != Series::Late);
        self.expected.saturating_sub(all.map(|series| self.of(*series).len()).sum())
    }
}

/// What the tasks share.
struct Shared {
    started: Instant,
    times: RefCell<Times>,
    failure: RefCell<Option<String>>,
}

/// All honest users, connected.
pub struct Honest {
    port: u16,
    shared: Rc<Shared>,
    users: Vec<Rc<User>>,
}

/// A pair of users.
struct User {
    token: String,
    http_room: Room,
    socket_room: Room,
    /// Of the one who writes.
    socket: OwnedWriteHalf,
    /// Tell apart what was sent over HTTP and over the socket.
    over_http: RefCell<StampCodec>,
    over_socket: RefCell<StampCodec>,
    seq: Cell<u64>,
}

impl Honest {
    pub async fn connect(world: &World) -> Result<Self> {
        let (times, failure) = (RefCell::default(), RefCell::default());
        let shared = Rc::new(Shared { started: Instant::now(), times, failure });
        let mut users = Vec::with_capacity(PAIRS);
        for pair in &world.pairs {
            users.push(User::connect(world.port, pair, &shared).await?);
        }
        Ok(Self { port: world.port, shared, users })
    }

    /// Writes for this long, waits for what is under way, and returns the times.
    pub async fn measure(&self, duration: Duration) -> Result<Times> {
        self.shared.times.take();
        let begin = Instant::now();
        let end = begin + duration;
        let mut tasks = JoinSet::new();
        for (number, user) in self.users.iter().enumerate() {
            // Evenly spread.
            let at = |place: usize| begin + EVERY.mul_f64(place as f64 / (2 * PAIRS) as f64);
            let http = Rc::clone(user).write_over_http(self.port, Rc::clone(&self.shared), at(2 * number), end);
            tasks.spawn_local(http);
            let socket = Rc::clone(user).write_over_socket(Rc::clone(&self.shared), at(2 * number + 1), end);
            tasks.spawn_local(socket);
        }
        while let Some(ended) = tasks.join_next().await {
            ended?;
            self.check()?;
        }
        let waited = Instant::now();
        while self.shared.times.borrow().missing() > 0 && waited.elapsed() < GIVE_UP {
            sleep(POLL).await;
        }
        self.check()?;
        let mut times = self.shared.times.take();
        times.us.iter_mut().for_each(|us| us.sort_unstable());
        times.lost = times.missing();
        Ok(times)
    }

    fn check(&self) -> Result<()> {
        match self.shared.failure.borrow().as_ref() {
            Some(failure) => Err(failure.as_str().into()),
            None => Ok(()),
        }
    }
}

impl Shared {
    fn fail(&self, error: impl std::fmt::Display) {
        self.failure.borrow_mut().get_or_insert(error.to_string());
    }

    /// A stamp of this moment.
    fn stamp(&self, seq: u64) -> Stamp {
        Stamp { seq, sent_ns: u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX) }
    }

    fn add(&self, series: Series, time: Duration) {
        self.times.borrow_mut().add(series, time);
    }

    /// The time since a stamp.
    fn arrived(&self, series: Series, stamp: Stamp) {
        self.add(series, self.started.elapsed().saturating_sub(Duration::from_nanos(stamp.sent_ns)));
    }
}

impl User {
    async fn connect(port: u16, pair: &Pair, shared: &Rc<Shared>) -> Result<Rc<Self>> {
        let path = |token: &str| format!("/ws?token={token}");
        let of_writer = Socket::open(port, &path(&pair.writer.token)).await?;
        let of_reader = Socket::open(port, &path(&pair.reader.token)).await?;
        let user = Rc::new(Self {
            token: pair.writer.token.clone(),
            http_room: pair.http_room.clone(),
            socket_room: pair.socket_room.clone(),
            socket: of_writer.writer,
            over_http: RefCell::new(StampCodec::begin()),
            over_socket: RefCell::new(StampCodec::begin()),
            seq: Cell::default(),
        });
        spawn_local(Rc::clone(&user).listen(of_writer.reader, None, Rc::clone(shared)));
        spawn_local(Rc::clone(&user).listen(of_reader.reader, Some(of_reader.writer), Rc::clone(shared)));
        Ok(user)
    }

    /// Notes what arrives. `other` is the socket of the one who does not write.
    async fn listen(self: Rc<Self>, mut reader: Reader, other: Option<OwnedWriteHalf>, shared: Rc<Shared>) {
        let (socket, is_writer) = (other.as_ref().unwrap_or(&self.socket), other.is_none());
        let outcome = loop {
            if let Err(error) = reader.read(|frame| self.note(frame, socket, is_writer, &shared)).await {
                break error;
            }
        };
        shared.fail(format!("an honest socket: {outcome}"));
    }

    fn note(&self, frame: &Frame<'_>, socket: &OwnedWriteHalf, is_writer: bool, shared: &Shared) -> Result<()> {
        if frame.opcode != TEXT {
            return answer_control(frame, socket);
        }
        if frame.payload.starts_with(br#"{"type":"error""#) {
            eprintln!("{}", String::from_utf8_lossy(frame.payload));
            shared.times.borrow_mut().note_refusal();
            return Ok(());
        }
        if let Some(stamp) = self.over_socket.borrow_mut().find(frame.payload)? {
            shared.arrived(if is_writer { Series::SocketEchoed } else { Series::SocketHeard }, stamp);
        } else if let Some(stamp) = self.over_http.borrow_mut().find(frame.payload)?.filter(|_| !is_writer) {
            shared.arrived(Series::HttpHeard, stamp);
        }
        Ok(())
    }

    fn next_stamp(&self, shared: &Shared) -> Stamp {
        let seq = self.seq.get();
        self.seq.set(seq + 1);
        shared.stamp(seq)
    }

    async fn write_over_http(self: Rc<Self>, port: u16, shared: Rc<Shared>, begin: Instant, end: Instant) {
        if let Err(error) = self.post_until(port, &shared, begin, end).await {
            shared.fail(format!("an honest request: {error}"));
        }
    }

    async fn post_until(&self, port: u16, shared: &Shared, begin: Instant, end: Instant) -> Result<()> {
        let mut connection = Connection::open(port).await?;
        let mut clock = interval_at(begin, EVERY);
        let path = format!("/api/chat/send?room_id={}", self.http_room.id);
        let mut last_ended = begin;
        loop {
            let due = clock.tick().await;
            if due >= end {
                return Ok(());
            }
            if last_ended <= due {
                shared.add(Series::Late, due.elapsed());
            }
            let stamp = self.next_stamp(shared);
            let body = json!({ "content": self.over_http.borrow().content(stamp), "message_type": "text" }).to_string();
            let request = request("POST", &path, &self.token, JSON, &body);
            shared.times.borrow_mut().expected += 2;
            // A message that had to wait for the one before it counts from when it was due.
            let began = if last_ended <= due { Instant::now() } else { due };
            let outcome = connection.exchange(&request).await.and_then(|response| response.expect(200).map(drop));
            last_ended = Instant::now();
            match outcome {
                Ok(()) => shared.add(Series::HttpAnswered, last_ended - began),
                Err(error) => {
                    eprintln!(
                        "after {:?}: {}",
                        last_ended - began,
                        error.to_string().lines().next().unwrap_or_default()
                    );
                    shared.times.borrow_mut().note_refusal();
                    connection = Connection::open(port).await?;
                }
            }
        }
    }

    async fn write_over_socket(self: Rc<Self>, shared: Rc<Shared>, begin: Instant, end: Instant) {
        let mut clock = interval_at(begin, EVERY);
        loop {
            let due = clock.tick().await;
            if due >= end {
                return;
            }
            shared.add(Series::Late, due.elapsed());
            let content = self.over_socket.borrow().content(self.next_stamp(&shared));
            let payload = json!({ "room_id": self.socket_room.number, "content": content });
            let frame = json!({ "type": "send_message", "payload": payload }).to_string();
            shared.times.borrow_mut().expected += 2;
            if let Err(error) = write(&self.socket, &from_client(TEXT, frame.as_bytes())) {
                return shared.fail(error);
            }
        }
    }
}
