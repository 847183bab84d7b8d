//! The shapes of load: numbers of rooms and sockets, and when the next message is sent.

/// Rooms with the same number of sockets each, half of them on either node. The first socket of a room sends.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its name on the command line.
    pub word: &'static str,
    pub title: &'static str,
    pub rooms: usize,
    /// Sockets of each room.
    pub sockets: usize,
    pub pace: Pace,
}

#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each loop keeps this number of messages in flight and sends the next when one has reached all sockets of its
    /// room. It takes its share of the rooms in turn.
    Closed { loops: usize, in_flight: usize },
    /// At a fixed rate, whatever arrives.
    Open { per_sec: u32 },
}

impl Shape {
    pub const ALL: [Self; 6] = [
        Self::closed("s1", "1 × 100, 1 under way", (1, 100), (1, 1)),
        Self::closed("s2", "1 × 100, 64 under way", (1, 100), (1, 64)),
        Self::closed("s3", "1 × 1000, 1 under way", (1, 1000), (1, 1)),
        Self::closed("s4", "1 × 1000, 64 under way", (1, 1000), (1, 64)),
        Self::closed("s5", "100 × 10, 10 × 16 under way", (100, 10), (10, 16)),
        Self {
            word: "open",
            title: "1 × 100, 200 a second",
            rooms: 1,
            sockets: 100,
            pace: Pace::Open { per_sec: 200 },
        },
    ];

    const fn closed(
        word: &'static str,
        title: &'static str,
        (rooms, sockets): (usize, usize),
        (loops, in_flight): (usize, usize),
    ) -> Self {
        Self { word, title, rooms, sockets, pace: Pace::Closed { loops, in_flight } }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.word == word)
    }

    /// Loops that share the rooms.
    pub fn loops(&self) -> usize {
        match self.pace {
            Pace::Closed { loops, .. } => loops,
            Pace::Open { .. } => 1,
        }
    }
}
