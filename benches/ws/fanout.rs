//! The messages in flight: which sockets have received them, and what is sent when one has arrived everywhere.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::net::tcp::OwnedWriteHalf;

use crate::common::Result;
use crate::common::frame::Frame;
use crate::common::reader::write;
use crate::common::stamp::{Stamp, StampCodec};
use crate::shape::{Pace, Shape};
use crate::socket::{keep_alive, refuse_error};
use crate::subject::Subject;
use crate::tally::{Faults, Tally};

/// The state of a round, shared by its sockets.
pub struct Fanout {
    subject: Subject,
    shape: Shape,
    clock: Instant,
    stamps: StampCodec,
    rooms: Vec<Room>,
    /// One for each socket, like `writers`.
    tallies: Vec<Tally>,
    writers: Vec<OwnedWriteHalf>,
    /// Messages sent by each loop.
    turns: Vec<usize>,
    /// Whether a message that has arrived everywhere is followed by another.
    pub is_sending: bool,
    /// Whether deliveries are counted.
    pub is_counting: bool,
    /// From send to delivery, for each delivery that is counted.
    pub latencies_us: Vec<u32>,
}

struct Room {
    number: u64,
    /// The number of the next message.
    next: u64,
    /// The oldest message that has not arrived everywhere, and all later ones.
    in_flight: VecDeque<InFlight>,
}

struct InFlight {
    sent_ns: u64,
    /// Sockets that have not received it.
    left: usize,
}

impl Fanout {
    pub fn new(subject: Subject, shape: Shape, numbers: &[u64], writers: Vec<OwnedWriteHalf>) -> Self {
        let room = |number: &u64| Room { number: *number, next: 0, in_flight: VecDeque::new() };
        Self {
            subject,
            shape,
            clock: Instant::now(),
            stamps: StampCodec::begin(),
            rooms: numbers.iter().map(room).collect(),
            tallies: writers.iter().map(|_| Tally::default()).collect(),
            writers,
            turns: vec![0; shape.loops()],
            is_sending: false,
            is_counting: false,
            latencies_us: Vec::new(),
        }
    }

    /// Forgets all messages so far.
    pub fn begin(&mut self) {
        self.stamps = StampCodec::begin();
        self.tallies.iter_mut().for_each(|tally| *tally = Tally::default());
        for room in &mut self.rooms {
            room.next = 0;
            room.in_flight.clear();
        }
    }

    /// Sends one message to each room.
    pub fn send_to_all(&mut self) -> Result<()> {
        (0..self.rooms.len()).try_for_each(|room| self.send(room))
    }

    /// Sends the first messages of a closed loop.
    pub fn start_loops(&mut self) -> Result<()> {
        let Pace::Closed { loops, in_flight } = self.shape.pace else { return Ok(()) };
        (0..in_flight).try_for_each(|_| (0..loops).try_for_each(|number| self.send_next(number)))
    }

    /// Sends the next message of a loop, to the next of its rooms.
    pub fn send_next(&mut self, number: usize) -> Result<()> {
        let loops = self.turns.len();
        let room = number + self.turns[number] % (self.rooms.len() / loops) * loops;
        self.turns[number] += 1;
        self.send(room)
    }

    fn send(&mut self, index: usize) -> Result<()> {
        let sent_ns = self.now_ns();
        let room = &mut self.rooms[index];
        let content = self.stamps.content(Stamp { seq: room.next, sent_ns });
        room.next += 1;
        room.in_flight.push_back(InFlight { sent_ns, left: self.shape.sockets });
        let sender = &self.writers[index * self.shape.sockets];
        write(sender, &self.subject.message(room.number, &content))
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Handles a frame that a socket received.
    pub fn on_frame(&mut self, socket: usize, frame: &Frame<'_>) -> Result<()> {
        if keep_alive(self.subject, frame, &self.writers[socket])? {
            return Ok(());
        }
        if !self.subject.joins_messages() {
            return self.on_message(socket, frame.payload);
        }
        frame.payload.split(|byte| *byte == b'\n').try_for_each(|line| self.on_message(socket, line))
    }

    fn on_message(&mut self, socket: usize, payload: &[u8]) -> Result<()> {
        let Some(Stamp { seq, sent_ns }) = self.stamps.find(payload)? else { return refuse_error(payload) };
        let index = socket / self.shape.sockets;
        if seq >= self.rooms[index].next {
            return Err(format!("message {seq} was not sent to the room").into());
        }
        let is_first = self.tallies[socket].record(seq)?;
        if !is_first {
            return Ok(());
        }
        if self.is_counting {
            let us = self.now_ns().saturating_sub(sent_ns) / 1000;
            self.latencies_us.push(u32::try_from(us).unwrap_or(u32::MAX));
        }
        match self.rooms[index].record(seq) {
            true => self.on_arrived(index),
            false => Ok(()),
        }
    }

    fn on_arrived(&mut self, room: usize) -> Result<()> {
        match self.shape.pace {
            Pace::Closed { loops, .. } if self.is_sending => self.send_next(room % loops),
            Pace::Closed { .. } | Pace::Open { .. } => Ok(()),
        }
    }

    /// Gives up messages older than `age`, so that a loss does not end a loop.
    pub fn give_up(&mut self, age: Duration) -> Result<()> {
        let since = self.clock.elapsed().saturating_sub(age).as_nanos();
        for index in 0..self.rooms.len() {
            for _ in 0..self.rooms[index].give_up(since) {
                self.on_arrived(index)?;
            }
        }
        Ok(())
    }

    /// Whether no message is in flight.
    pub fn is_quiet(&self) -> bool {
        self.rooms.iter().all(|room| room.in_flight.is_empty())
    }

    /// Describes the deliveries that are missing.
    pub fn missing(&self) -> String {
        let left: usize = self.rooms.iter().flat_map(|room| &room.in_flight).map(|message| message.left).sum();
        format!("{:?}: {left} deliveries of {} are missing", self.subject, self.rooms.len() * self.shape.sockets)
    }

    pub fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        for (socket, tally) in self.tallies.iter().enumerate() {
            tally.add_to(&mut faults, self.rooms[socket / self.shape.sockets].next);
        }
        faults
    }
}

impl Room {
    /// Records a delivery. Returns whether it was the last of its message.
    fn record(&mut self, seq: u64) -> bool {
        let oldest = self.next - self.in_flight.len() as u64;
        let index = seq.checked_sub(oldest).and_then(|index| usize::try_from(index).ok());
        // `None` for a message that was given up.
        let Some(message) = index.and_then(|index| self.in_flight.get_mut(index)) else { return false };
        let was_awaited = message.left > 0;
        message.left = message.left.saturating_sub(1);
        let has_arrived = was_awaited && message.left == 0;
        self.drop_arrived();
        has_arrived
    }

    fn give_up(&mut self, since_ns: u128) -> usize {
        let is_overdue = |message: &&mut InFlight| message.left > 0 && u128::from(message.sent_ns) < since_ns;
        let overdue = self.in_flight.iter_mut().filter(is_overdue).map(|message| message.left = 0).count();
        self.drop_arrived();
        overdue
    }

    fn drop_arrived(&mut self) {
        while self.in_flight.front().is_some_and(|message| message.left == 0) {
            self.in_flight.pop_front();
        }
    }
}
