//! How much is measured.

use std::time::Duration;

pub struct Extent {
    pub rounds: usize,
    /// Duration of a round in the first table.
    pub round: Duration,
    /// Duration of a round in the tables of growth.
    pub growth_round: Duration,
    /// Numbers of users, rooms and messages. The first table is measured at the first of them.
    pub sizes: &'static [u64],
}

pub const FULL: Extent = Extent {
    rounds: 3,
    round: Duration::from_secs(3),
    growth_round: Duration::from_millis(1500),
    sizes: &[100, 10_000, 100_000],
};

pub const QUICK: Extent = Extent {
    rounds: 1,
    round: Duration::from_secs(1),
    growth_round: Duration::from_millis(500),
    sizes: &[100, 10_000],
};
