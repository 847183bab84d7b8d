//! How much is measured.

use std::time::Duration;

/// Sockets that come back at once, at most.
const STORM: usize = 10_000;

pub struct Extent {
    pub rounds: usize,
    /// How long an operation is measured in a round.
    pub window: Duration,
    /// Numbers of nodes and of Redis masters.
    pub nodes: Vec<usize>,
    pub masters: Vec<usize>,
    pub users_per_node: usize,
    /// Numbers of idle sockets. The first is none, which the others are compared with.
    pub idle: Vec<usize>,
    /// How long idle sockets are watched: two pings of each.
    pub idle_window: Duration,
    /// Sockets that come back at once.
    pub storm: usize,
    /// Sockets in one room.
    pub rooms: Vec<usize>,
    /// Messages to each of these rooms.
    pub messages: usize,
}

impl Extent {
    pub fn full() -> Self {
        Self {
            rounds: 3,
            window: Duration::from_secs(3),
            nodes: vec![1, 2, 4],
            masters: vec![1, 3],
            users_per_node: 500,
            idle: vec![0, 1000, 10_000, 100_000],
            idle_window: Duration::from_secs(50),
            storm: STORM,
            rooms: vec![200, 2000, 20_000],
            messages: 50,
        }
    }

    pub fn quick() -> Self {
        Self {
            rounds: 1,
            window: Duration::from_secs(1),
            nodes: vec![1, 2],
            masters: vec![1, 3],
            users_per_node: 100,
            idle: vec![0, 1000],
            idle_window: Duration::from_secs(5),
            storm: 500,
            rooms: vec![200],
            messages: 10,
        }
    }

    /// The same with this number of idle sockets, or of sockets in a room.
    pub fn with_sockets(mut self, sockets: usize) -> Self {
        (self.idle, self.storm, self.rooms) = (vec![0, sockets], STORM.min(sockets), vec![sockets]);
        self
    }
}
