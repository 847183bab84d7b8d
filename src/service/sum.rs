//! The sum of several minutes of metrics.

use std::collections::HashMap;

use crate::metrics::{COUNTS, Count, Distribution, Load};
use crate::store::StoredMinute;

/// The sum of several minutes of several nodes.
#[derive(Default)]
pub(super) struct Sum<'a> {
    counts: [u64; COUNTS.len()],
    pub(super) requests: u64,
    /// 4xx and 5xx.
    pub(super) errors: [u64; 2],
    pub(super) closed: u64,
    pub(super) sends: Distribution,
    pub(super) delays: Distribution,
    /// Node → its last minute and its state at the end of that minute.
    pub(super) loads: HashMap<&'a str, (u64, &'a Load)>,
}

impl<'a> Sum<'a> {
    pub(super) fn add(&mut self, stored: &'a StoredMinute) {
        let metrics = &stored.metrics;
        for (count, ..) in COUNTS {
            self.counts[count as usize] += metrics.count(count);
        }
        self.requests += (1..=5).map(|class| metrics.requests(class)).sum::<u64>();
        self.errors[0] += metrics.requests(4);
        self.errors[1] += metrics.requests(5);
        self.closed += metrics.closes.iter().map(|(_, count)| count).sum::<u64>();
        self.sends.add(&metrics.sends);
        self.delays.add(&metrics.delays);
        self.add_load(stored);
    }

    pub(super) fn add_load(&mut self, stored: &'a StoredMinute) {
        let last = self.loads.entry(&stored.node).or_insert((stored.minute, &stored.metrics.load));
        if stored.minute >= last.0 {
            *last = (stored.minute, &stored.metrics.load);
        }
    }

    /// The states of the nodes that reported in the last minute or the one before: in a minute that has just begun some
    /// have not reported yet.
    fn last_loads(&self) -> impl Iterator<Item = &'a Load> {
        let last = self.loads.values().map(|(minute, _)| *minute).max().unwrap_or(0);
        self.loads.values().filter(move |(minute, _)| minute + 1 >= last).map(|(_, load)| *load)
    }

    pub(super) fn load(&self, part: impl Fn(&Load) -> u64) -> Option<u64> {
        (!self.loads.is_empty()).then(|| self.last_loads().map(part).sum())
    }

    /// A state that is the same on all nodes.
    pub(super) fn common(&self, part: impl Fn(&Load) -> u64) -> Option<u64> {
        self.last_loads().map(part).max()
    }

    pub(super) fn number(&self, number: u64) -> Option<u64> {
        (!self.loads.is_empty()).then_some(number)
    }

    /// The value of a counter.
    pub(super) fn count(&self, what: Count) -> u64 {
        self.counts[what as usize]
    }
}
