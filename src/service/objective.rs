//! The objective of deliveries: nearly all of them within a quarter of a second.

use std::collections::HashMap;

use serde::Serialize;

use crate::store::{StoredHour, StoredMinute};

/// Delay within which deliveries are in time.
const WITHIN_MS: u64 = 250;
/// The share of deliveries that are to be in time, percent.
const TARGET_PERCENT: f64 = 99.9;

/// How far the objective is met.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Objective {
    /// Delay within which deliveries are in time.
    pub within_ms: u64,
    /// The share of deliveries that are to be in time.
    pub target_percent: f64,
    /// In the last hour.
    pub last_hour: Fulfilment,
    /// In the last 24 hours, from the full hour on.
    pub last_day: Fulfilment,
}

/// How far the objective was met in a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Fulfilment {
    /// Deliveries, counted once per socket.
    pub deliveries: u64,
    /// The share that was in time; `None` without deliveries.
    pub percent: Option<f64>,
    /// How fast the share that may be late is used up: at 1 the objective is just met.
    pub burn_rate: Option<f64>,
}

/// Deliveries of one node, and those in time. The latter are a fraction where the limit lies within a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct InTime {
    all: u64,
    in_time: f64,
}

impl InTime {
    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.in_time += other.in_time;
    }

    fn fulfilment(self) -> Fulfilment {
        if self.all == 0 {
            return Fulfilment::default();
        }
        let late = (1.0 - self.in_time / self.all as f64).max(0.0);
        let rounded = |number: f64, by: f64| (number * by).round() / by;
        Fulfilment {
            deliveries: self.all,
            // Never rounded up to a whole that it is not.
            percent: Some(((1.0 - late) * 100_000.0 + 1e-6).floor() / 1000.0),
            burn_rate: Some(rounded(late / (1.0 - TARGET_PERCENT / 100.0), 100.0)),
        }
    }
}

/// The deliveries of an hour by node.
pub(super) type HourInTime = HashMap<String, InTime>;

/// Adds up an hour.
pub(super) fn of_hour(hour: &StoredHour) -> HourInTime {
    let mut nodes = HourInTime::new();
    for stored in &hour.minutes {
        nodes.entry(stored.node.clone()).or_default().add(of_minute(stored));
    }
    nodes
}

fn of_minute(stored: &StoredMinute) -> InTime {
    let (in_time, all) = stored.metrics.delays.within_ms(WITHIN_MS);
    InTime { all, in_time }
}

/// The objective over all nodes or one, from the minutes of the last hour and the hours of the last day.
pub(super) fn objective<'a>(
    node: Option<&str>,
    last_hour: impl Iterator<Item = &'a StoredMinute>,
    last_day: impl Iterator<Item = &'a HourInTime>,
) -> Objective {
    let is_in_view = |id: &str| node.is_none_or(|node| node == id);
    let (mut hour, mut day) = (InTime::default(), InTime::default());
    last_hour.filter(|stored| is_in_view(&stored.node)).for_each(|stored| hour.add(of_minute(stored)));
    last_day.flatten().filter(|(id, _)| is_in_view(id)).for_each(|(_, in_time)| day.add(*in_time));
    Objective {
        within_ms: WITHIN_MS,
        target_percent: TARGET_PERCENT,
        last_hour: hour.fulfilment(),
        last_day: day.fulfilment(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Metrics;

    fn minute(node: &str, deliveries: &[(u64, u64)]) -> StoredMinute {
        let metrics = Metrics::new(&[], &[]);
        let begun = metrics.totals();
        deliveries.iter().for_each(|(number, ms)| metrics.count_delivery(*number, Duration::from_millis(*ms)));
        StoredMinute { minute: 7, node: node.to_owned(), metrics: metrics.totals().since(&begun) }
    }

    #[test]
    fn late_deliveries_use_up_what_may_be_late() {
        let minutes = vec![minute("a", &[(1996, 3), (4, 900)]), minute("b", &[(2000, 3)])];
        let hour = StoredHour { minutes, routes: Vec::new() };
        let sums = of_hour(&hour);
        let of = |node| objective(node, hour.minutes.iter(), [&sums, &sums].into_iter());
        let all = of(None);
        assert_eq!((all.within_ms, all.target_percent), (250, 99.9));
        let met = Fulfilment { deliveries: 4000, percent: Some(99.9), burn_rate: Some(1.0) };
        assert_eq!((all.last_hour, all.last_day), (met, Fulfilment { deliveries: 8000, ..met }));
        let missed = Fulfilment { deliveries: 2000, percent: Some(99.8), burn_rate: Some(2.0) };
        assert_eq!(of(Some("a")).last_hour, missed);
        let kept = Fulfilment { deliveries: 2000, percent: Some(100.0), burn_rate: Some(0.0) };
        assert_eq!(of(Some("b")).last_hour, kept);
        assert_eq!(of(Some("c")).last_day, Fulfilment::default(), "nothing measured is not a success");
    }
}
