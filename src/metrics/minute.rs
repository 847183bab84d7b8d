//! A minute of a node's metrics, as it is stored: what happened in it, and the state at its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::histogram::Sparse;
use super::{CODES, Count, Totals};

/// The errors and rooms of a minute that are kept, most first.
const KEPT: usize = 20;

/// A minute of a node. What is nothing is left out and reads as nothing, and what a newer node adds is passed over,
/// so that nodes of two versions may run side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<u64>,
    /// Requests by status class.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    requests: Vec<u64>,
    /// Durations of sends.
    #[serde(rename = "s", default, skip_serializing_if = "Sparse::is_empty")]
    pub sends: Sparse,
    /// Delays of deliveries.
    #[serde(rename = "d", default, skip_serializing_if = "Sparse::is_empty")]
    pub delays: Sparse,
    /// Sockets closed by code.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub closes: Vec<(u16, u64)>,
    /// Requests refused or failed: route, status, how many.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<(String, u16, u64)>,
    /// Numbers of the rooms with the most messages, and how many.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<(u32, u64)>,
    /// The state at the end.
    #[serde(rename = "l", default)]
    pub load: Load,
}

/// The state of a node and of what it serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Open sockets by who speaks over them.
    #[serde(rename = "o", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sockets: BTreeMap<String, u64>,
    /// Bytes that wait for sockets.
    #[serde(rename = "q", default)]
    pub queued_bytes: u64,
    /// Resident memory.
    #[serde(rename = "m", default)]
    pub memory_bytes: u64,
    /// Hundredths of a percent of one core.
    #[serde(rename = "p", default)]
    pub cpu_basis_points: u64,
    /// Users online, on all nodes.
    #[serde(rename = "u", default)]
    pub online_users: u64,
    /// Rooms with a message in the last 24 hours.
    #[serde(rename = "a", default)]
    pub active_rooms: u64,
}

impl Totals {
    /// What was counted after `earlier` was read.
    pub fn since(&self, earlier: &Self) -> Minute {
        let difference = |now: &[u64], before: &[u64]| -> Vec<u64> {
            let mut numbers: Vec<u64> = now.iter().zip(before).map(|(now, before)| now.wrapping_sub(*before)).collect();
            let used = numbers.iter().rposition(|number| *number > 0).map_or(0, |last| last + 1);
            numbers.truncate(used);
            numbers
        };
        let closes = CODES.into_iter().zip(difference(&self.closes, &earlier.closes));
        let mut errors: Vec<(String, u16, u64)> = self
            .errors
            .iter()
            .map(|(error, count)| (error, count - earlier.errors.get(error).unwrap_or(&0)))
            .filter(|(_, count)| *count > 0)
            .map(|((route, status), count)| (route.clone(), *status, count))
            .collect();
        errors.sort_unstable_by(|a, b| b.2.cmp(&a.2).then_with(|| a.cmp(b)));
        errors.truncate(KEPT);
        Minute {
            counts: difference(&self.counts, &earlier.counts),
            requests: difference(&self.requests, &earlier.requests),
            sends: self.sends.since(&earlier.sends).sparse(),
            delays: self.delays.since(&earlier.delays).sparse(),
            closes: closes.filter(|(_, count)| *count > 0).collect(),
            errors,
            rooms: Vec::new(),
            load: Load::default(),
        }
    }
}

impl Minute {
    /// A minute that has just begun.
    pub fn begun(load: Load) -> Self {
        Self { load, ..Self::default() }
    }

    /// Reads a stored minute; `None` for what is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The minute as it is stored.
    pub fn print(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts are JSON")
    }

    /// Notes how many messages each room had, as far as there is room for it.
    pub fn set_rooms(&mut self, rooms: impl Iterator<Item = (u32, u64)>) {
        self.rooms = rooms.collect();
        self.rooms.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        self.rooms.truncate(KEPT);
    }

    /// How many of something there were.
    pub fn count(&self, what: Count) -> u64 {
        self.counts.get(what as usize).copied().unwrap_or(0)
    }

    /// Answers of a status class, 1 to 5.
    pub fn requests(&self, class: usize) -> u64 {
        self.requests.get(class.wrapping_sub(1)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Metrics;
    use super::*;

    #[test]
    fn a_minute_holds_what_happened_in_it_and_comes_back_from_its_text() {
        let metrics = Metrics::new(&["site"], &["a"]);
        metrics.count(Count::Uploads);
        let begun = metrics.totals();
        metrics.add(Count::Messages, 7);
        metrics.count_request(0, 404, Duration::from_millis(1));
        metrics.count_error("GET /x".to_owned(), 404);
        metrics.count_delivery(3, Duration::from_millis(2));
        metrics.count_open("a");
        metrics.count_close("a", 1001);
        let mut minute = metrics.totals().since(&begun);
        minute.set_rooms([(3, 1), (2, 9)].into_iter());
        let read = Minute::parse(minute.print().as_bytes()).expect("a minute");
        assert_eq!(read, minute);
        assert_eq!((read.count(Count::Messages), read.count(Count::Uploads), read.requests(4)), (7, 0, 1));
        assert_eq!((read.closes.as_slice(), read.rooms.as_slice()), (&[(1001, 1)][..], &[(2, 9), (3, 1)][..]));
        assert_eq!(read.errors, [("GET /x".to_owned(), 404, 1)]);
    }

    #[test]
    fn a_quiet_minute_is_short_and_a_newer_one_is_read() {
        let metrics = Metrics::new(&[], &[]);
        let quiet = metrics.totals().since(&metrics.totals());
        assert_eq!(quiet.print(), r#"{"l":{"q":0,"m":0,"p":0,"u":0,"a":0}}"#);
        let newer = br#"{"c":[1,2,3,4,5,6,7,8,9,10,11,12],"zz":{"y":1},"d":[[200,5]]}"#;
        let newer = Minute::parse(newer).expect("a minute");
        assert_eq!(newer.count(Count::UploadBytes), 10);
        assert_eq!(Minute::parse(b"nonsense"), None);
    }
}
