//! One minute of a node's metrics in its stored form: what was counted in it, and the state at its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::histogram::Sparse;
use super::{CODES, Count, Totals};

/// Maximum number of errors, and of rooms, that a minute keeps. The largest counts come first.
const MAX_ENTRIES: usize = 20;

/// One minute of a node. Zero counts are not stored, missing fields read as zero, and unknown fields of a newer node
/// are ignored, so nodes of two versions can run together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// In the order of [`Count`].
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<u64>,
    /// Requests by status class.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    requests: Vec<u64>,
    /// Histogram of send durations.
    #[serde(rename = "s", default, skip_serializing_if = "Sparse::is_empty")]
    pub sends: Sparse,
    /// Histogram of delivery delays.
    #[serde(rename = "d", default, skip_serializing_if = "Sparse::is_empty")]
    pub delays: Sparse,
    /// Closed sockets by close code.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub closes: Vec<(u16, u64)>,
    /// Refused and failed requests: route, status, count.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<(String, u16, u64)>,
    /// Rooms with the most messages: number of the room, count of messages.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<(u32, u64)>,
    /// The state at the end of the minute.
    #[serde(rename = "l", default)]
    pub load: Load,
}

/// The load of a node at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Open sockets by dialect.
    #[serde(rename = "o", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sockets: BTreeMap<String, u64>,
    /// Bytes queued for sockets.
    #[serde(rename = "q", default)]
    pub queued_bytes: u64,
    /// Resident memory, in bytes.
    #[serde(rename = "m", default)]
    pub memory_bytes: u64,
    /// Processor load, in hundredths of a percent of one core.
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
    /// Returns what was counted after `earlier` was read.
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
        errors.truncate(MAX_ENTRIES);
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
    /// Creates a minute in which nothing was counted yet.
    pub fn begun(load: Load) -> Self {
        Self { load, ..Self::default() }
    }

    /// Parses a stored minute; `None` when the text is not one.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Serializes the minute for storage.
    pub fn print(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings serialize to JSON")
    }

    /// Sets the number of messages per room. Only the largest are kept.
    pub fn set_rooms(&mut self, rooms: impl Iterator<Item = (u32, u64)>) {
        self.rooms = rooms.collect();
        self.rooms.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        self.rooms.truncate(MAX_ENTRIES);
    }

    /// Returns the value of a counter.
    pub fn count(&self, what: Count) -> u64 {
        self.counts.get(what as usize).copied().unwrap_or(0)
    }

    /// Returns the number of responses of a status class, 1 to 5.
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
    fn a_minute_holds_only_what_was_counted_in_it_and_survives_storage() {
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
    fn an_empty_minute_is_short_and_one_of_a_newer_node_is_readable() {
        let metrics = Metrics::new(&[], &[]);
        let empty = metrics.totals().since(&metrics.totals());
        assert_eq!(empty.print(), r#"{"l":{"q":0,"m":0,"p":0,"u":0,"a":0}}"#);
        let newer = br#"{"c":[1,2,3,4,5,6,7,8,9,10,11,12],"zz":{"y":1},"d":[[200,5]]}"#;
        let newer = Minute::parse(newer).expect("a minute");
        assert_eq!(newer.count(Count::UploadBytes), 10);
        assert_eq!(Minute::parse(b"nonsense"), None);
    }
}
