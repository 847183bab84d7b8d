//! How much is measured.

use std::time::Duration;

pub struct Extent {
    pub rounds: usize,
    pub round: Duration,
    /// Sockets that are opened at once.
    pub storm: usize,
    /// Numbers of idle sockets. The first is none, which the others are compared with.
    pub idle: &'static [usize],
    /// How long idle sockets are watched. All servers ping every 25 seconds, so that twice as long has two pings.
    pub idle_window: Duration,
}

pub const FULL: Extent = Extent {
    rounds: 3,
    round: Duration::from_secs(3),
    storm: 5000,
    idle: &[0, 1000, 10_000],
    idle_window: Duration::from_secs(50),
};

pub const QUICK: Extent = Extent {
    rounds: 1,
    round: Duration::from_secs(1),
    storm: 1000,
    idle: &[0, 1000],
    idle_window: Duration::from_secs(5),
};
