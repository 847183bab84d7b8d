//! The messages under way: who has heard which, and what is sent when one has arrived everywhere.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::net::tcp::OwnedWriteHalf;

use crate::Result;
use crate::frame::Frame;
use crate::mark::{Mark, Marker};
use crate::shape::{Pace, Shape};
use crate::socket::{complaint, keep_alive, write};
use crate::subject::Subject;
use crate::tally::{Ear, Faults};

/// Shared by the sockets of a round.
pub struct FollowedRooms {
    subject: Subject,
    shape: Shape,
    clock: Instant,
    marker: Marker,
    rooms: Vec<Room>,
    /// Of each socket, like `writers`.
    ears: Vec<Ear>,
    writers: Vec<OwnedWriteHalf>,
    /// Messages sent by each loop.
    turns: Vec<usize>,
    /// Whether a message that has arrived is followed by another.
    pub is_going_on: bool,
    /// Whether deliveries are counted.
    pub is_counting: bool,
    /// Of each delivery counted.
    pub latencies_us: Vec<u32>,
}

struct Room {
    number: u64,
    /// Seq of the next message.
    next: u64,
    /// The oldest that has not arrived everywhere, and those behind it.
    under_way: VecDeque<UnderWay>,
}

struct UnderWay {
    sent_ns: u64,
    /// Sockets that have not heard it.
    left: usize,
}

impl FollowedRooms {
    pub fn new(subject: Subject, shape: Shape, numbers: &[u64], writers: Vec<OwnedWriteHalf>) -> Self {
        let room = |number: &u64| Room { number: *number, next: 0, under_way: VecDeque::new() };
        Self {
            subject,
            shape,
            clock: Instant::now(),
            marker: Marker::begin(),
            rooms: numbers.iter().map(room).collect(),
            ears: writers.iter().map(|_| Ear::default()).collect(),
            writers,
            turns: vec![0; shape.loops()],
            is_going_on: false,
            is_counting: false,
            latencies_us: Vec::new(),
        }
    }

    /// Forgets everything said so far.
    pub fn begin(&mut self) {
        self.marker = Marker::begin();
        self.ears.iter_mut().for_each(|ear| *ear = Ear::default());
        for room in &mut self.rooms {
            room.next = 0;
            room.under_way.clear();
        }
    }

    /// Sends one message to each room.
    pub fn send_to_all(&mut self) -> Result<()> {
        (0..self.rooms.len()).try_for_each(|room| self.send(room))
    }

    /// Sends what a closed loop begins with.
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
        let content = self.marker.content(Mark { seq: room.next, sent_ns });
        room.next += 1;
        room.under_way.push_back(UnderWay { sent_ns, left: self.shape.sockets });
        let sender = &self.writers[index * self.shape.sockets];
        write(sender, &self.subject.message(room.number, &content))
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes in what a socket received.
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
        let Some(Mark { seq, sent_ns }) = self.marker.find(payload)? else { return complaint(payload) };
        let index = socket / self.shape.sockets;
        if seq >= self.rooms[index].next {
            return Err(format!("message {seq} was not sent to the room").into());
        }
        let is_first = self.ears[socket].hear(seq)?;
        if !is_first {
            return Ok(());
        }
        if self.is_counting {
            let us = self.now_ns().saturating_sub(sent_ns) / 1000;
            self.latencies_us.push(u32::try_from(us).unwrap_or(u32::MAX));
        }
        match self.rooms[index].heard(seq) {
            true => self.on_arrived(index),
            false => Ok(()),
        }
    }

    fn on_arrived(&mut self, room: usize) -> Result<()> {
        match self.shape.pace {
            Pace::Closed { loops, .. } if self.is_going_on => self.send_next(room % loops),
            Pace::Closed { .. } | Pace::Open { .. } => Ok(()),
        }
    }

    /// Waits no longer for messages of that age, so that a loss does not end the loop.
    pub fn give_up(&mut self, age: Duration) -> Result<()> {
        let since = self.clock.elapsed().saturating_sub(age).as_nanos();
        for index in 0..self.rooms.len() {
            for _ in 0..self.rooms[index].give_up(since) {
                self.on_arrived(index)?;
            }
        }
        Ok(())
    }

    /// Whether nothing is under way.
    pub fn is_quiet(&self) -> bool {
        self.rooms.iter().all(|room| room.under_way.is_empty())
    }

    /// What is under way, in words.
    pub fn delays(&self) -> String {
        let left: usize = self.rooms.iter().flat_map(|room| &room.under_way).map(|message| message.left).sum();
        format!("{:?}: {left} deliveries of {} are missing", self.subject, self.rooms.len() * self.shape.sockets)
    }

    pub fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        for (socket, ear) in self.ears.iter().enumerate() {
            ear.add_to(&mut faults, self.rooms[socket / self.shape.sockets].next);
        }
        faults
    }
}

impl Room {
    /// Notes a delivery. Whether it was the last of its message.
    fn heard(&mut self, seq: u64) -> bool {
        let oldest = self.next - self.under_way.len() as u64;
        let place = seq.checked_sub(oldest).and_then(|place| usize::try_from(place).ok());
        // None: it had been given up.
        let Some(message) = place.and_then(|place| self.under_way.get_mut(place)) else { return false };
        let was_awaited = message.left > 0;
        message.left = message.left.saturating_sub(1);
        let has_arrived = was_awaited && message.left == 0;
        self.drop_arrived();
        has_arrived
    }

    fn give_up(&mut self, since_ns: u128) -> usize {
        let is_overdue = |message: &&mut UnderWay| message.left > 0 && u128::from(message.sent_ns) < since_ns;
        let overdue = self.under_way.iter_mut().filter(is_overdue).map(|message| message.left = 0).count();
        self.drop_arrived();
        overdue
    }

    fn drop_arrived(&mut self) {
        while self.under_way.front().is_some_and(|message| message.left == 0) {
            self.under_way.pop_front();
        }
    }
}
