//! Metrics over time, computed from the minutes that nodes stored. Does not read: [`super::dashboard`] passes the
//! minutes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::quantiles::Quantiles;
use super::range::Range;
use super::slow_routes::{SlowRoute, slowest};
use super::sum::Sum;
use crate::domain::RoomId;
use crate::metrics::{COUNTS, Count, Load, Minute};
use crate::store::{ROUTES_MINUTES, StoredHour, StoredMinute, StoredRoutes};

/// Maximum number of errors and rooms in a series.
const MAX_ERRORS: usize = 20;
const MAX_ROOMS: usize = 10;

/// A selection of minutes.
pub(super) struct View<'a> {
    pub(super) now_ms: u64,
    pub(super) range: Range,
    /// One node; all nodes when absent.
    pub(super) node: Option<&'a str>,
    pub(super) socket_dialects: &'a [&'static str],
    /// The stored minutes, hour by hour.
    pub(super) hours: &'a [Arc<StoredHour>],
    /// The nodes that are alive.
    pub(super) living: Vec<String>,
}

/// One value per step; `None` where no node reported or nothing was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Values {
    /// Whole numbers.
    Numbers(Vec<Option<u64>>),
    /// Measures.
    Measures(Vec<Option<f64>>),
}

/// The metrics of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The values of each step.
    pub steps: Steps,
    /// Refused and failed requests, most frequent first.
    pub errors: Vec<RouteErrors>,
    /// Closed sockets by close code, most frequent first.
    pub closes: Vec<Closes>,
    /// The slowest routes.
    pub slow_routes: Vec<SlowRoute>,
    /// The rooms with the most messages. Each node reports its twenty busiest rooms of a minute.
    pub rooms: Vec<(RoomId, u64)>,
    /// The current values.
    pub latest: Latest,
}

/// Values over time, by name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Steps {
    /// The start of each step, UTC milliseconds.
    pub at_ms: Vec<u64>,
    /// A value for each step.
    #[serde(flatten)]
    pub columns: BTreeMap<String, Values>,
}

/// Requests of a route that were refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteErrors {
    /// Method and pattern.
    pub route: String,
    /// The HTTP status.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// Sockets closed with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Closes {
    /// The close code.
    pub code: u16,
    /// How many.
    pub count: u64,
}

/// Values of the last full minute and the current one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Latest {
    /// Messages a minute.
    pub messages_per_min: f64,
    /// Deliveries a second.
    pub deliveries_per_sec: f64,
    /// Durations of sends.
    pub send_ms: Quantiles,
    /// Delays of deliveries.
    pub delivery_ms: Quantiles,
    /// Open sockets of the nodes that are alive, by dialect.
    pub sockets: BTreeMap<&'static str, u64>,
}

impl<'a> View<'a> {
    fn minutes(&self) -> impl Iterator<Item = &'a StoredMinute> + use<'a> {
        self.hours.iter().flat_map(|hour| hour.minutes.iter())
    }

    /// The durations of requests in the range, from the full ten minutes on.
    fn routes(&self) -> impl Iterator<Item = &'a StoredRoutes> {
        let first = self.range.first_minute(self.now_ms) / ROUTES_MINUTES;
        let all = self.hours.iter().flat_map(|hour| hour.routes.iter());
        all.filter(move |stored| stored.slot >= first && self.node.is_none_or(|node| node == stored.node))
    }

    /// The minutes of the last hour.
    pub(super) fn last_hour(&self) -> impl Iterator<Item = &'a StoredMinute> {
        let first = Range::Hour.first_minute(self.now_ms);
        self.minutes().filter(move |stored| stored.minute >= first)
    }

    fn is_in_view(&self, stored: &StoredMinute) -> bool {
        self.node.is_none_or(|node| node == stored.node)
    }

    /// Aggregates the minutes into steps.
    pub(super) fn to_series(&self) -> Series {
        let (steps, minutes) = self.range.steps();
        let first = self.range.first_minute(self.now_ms);
        let in_range = |stored: &&'a StoredMinute| (first..first + steps * minutes).contains(&stored.minute);
        let mut all: Vec<Sum<'_>> = (0..steps).map(|_| Sum::default()).collect();
        let mut seen: Vec<Sum<'_>> = (0..steps).map(|_| Sum::default()).collect();
        let (mut errors, mut closes, mut rooms) = (HashMap::new(), HashMap::new(), HashMap::new());
        for stored in self.minutes().filter(in_range) {
            let step = usize::try_from((stored.minute - first) / minutes).expect("at most 144");
            // Columns that cover all nodes use their states only.
            all[step].add_load(stored);
            for (room, count) in &stored.metrics.rooms {
                *rooms.entry(*room).or_insert(0) += count;
            }
            if self.is_in_view(stored) {
                seen[step].add(stored);
                add_lists(&stored.metrics, &mut errors, &mut closes);
            }
        }
        let (rooms, errors) = (most(rooms, MAX_ROOMS).into_iter(), most(errors, MAX_ERRORS).into_iter());
        Series {
            steps: Steps {
                at_ms: (0..steps).map(|step| (first + step * minutes) * 60_000).collect(),
                columns: self.columns(&seen, &all),
            },
            errors: errors
                .map(|((route, status), count)| RouteErrors { route: route.to_owned(), status, count })
                .collect(),
            closes: most(closes, usize::MAX).into_iter().map(|(code, count)| Closes { code, count }).collect(),
            rooms: rooms.filter_map(|(number, count)| Some((RoomId::new(number)?, count))).collect(),
            slow_routes: slowest(self.routes()),
            latest: self.latest(),
        }
    }

    fn columns(&self, seen: &[Sum<'_>], all: &[Sum<'_>]) -> BTreeMap<String, Values> {
        let mut columns = BTreeMap::new();
        let mut put = |name: &str, steps: &[Sum<'_>], value: &dyn Fn(&Sum<'_>) -> Option<u64>| {
            columns.insert(name.to_owned(), Values::Numbers(steps.iter().map(value).collect()));
        };
        put("online_users", all, &|sum| sum.common(|load| load.online_users));
        put("active_rooms", all, &|sum| sum.common(|load| load.active_rooms));
        for (count, name, ..) in COUNTS {
            put(name, seen, &|sum| sum.number(sum.count(count)));
        }
        put("sockets_closed", seen, &|sum| sum.number(sum.closed));
        put("http_requests", seen, &|sum| sum.number(sum.requests));
        put("http_errors_4xx", seen, &|sum| sum.number(sum.errors[0]));
        put("http_errors_5xx", seen, &|sum| sum.number(sum.errors[1]));
        put("memory_bytes", seen, &|sum| sum.load(|load| load.memory_bytes));
        put("queued_bytes", seen, &|sum| sum.load(|load| load.queued_bytes));
        for dialect in self.socket_dialects {
            let open = |load: &Load| load.sockets.get(*dialect).copied().unwrap_or(0);
            put(&format!("sockets_{dialect}"), seen, &|sum| sum.load(open));
        }
        let mut measure = |name: &str, value: &dyn Fn(&Sum<'_>) -> Option<f64>| {
            columns.insert(name.to_owned(), Values::Measures(seen.iter().map(value).collect()));
        };
        measure("cpu_percent", &|sum| sum.load(|load| load.cpu_basis_points).map(|points| points as f64 / 100.0));
        measure("send_p50_ms", &|sum| Quantiles::from(&sum.sends).p50);
        measure("send_p99_ms", &|sum| Quantiles::from(&sum.sends).p99);
        measure("delivery_p50_ms", &|sum| Quantiles::from(&sum.delays).p50);
        measure("delivery_p99_ms", &|sum| Quantiles::from(&sum.delays).p99);
        columns
    }

    fn latest(&self) -> Latest {
        let first = (self.now_ms / 60_000).saturating_sub(1);
        let secs = (self.now_ms.saturating_sub(first * 60_000)) as f64 / 1000.0;
        let mut sum = Sum::default();
        let recent = self.minutes().filter(|stored| stored.minute >= first && self.is_in_view(stored));
        recent.for_each(|stored| sum.add(stored));
        let a_second = |count: Count| (sum.count(count) as f64 / secs * 100.0).round() / 100.0;
        let mut sockets: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, (_, load)) in sum.loads.iter().filter(|(node, _)| self.living.iter().any(|id| id == *node)) {
            load.sockets.iter().for_each(|(dialect, open)| *sockets.entry(dialect).or_default() += open);
        }
        Latest {
            messages_per_min: (sum.count(Count::Messages) as f64 * 60.0 / secs * 100.0).round() / 100.0,
            deliveries_per_sec: a_second(Count::Deliveries),
            send_ms: Quantiles::from(&sum.sends),
            delivery_ms: Quantiles::from(&sum.delays),
            sockets: self.socket_dialects.iter().map(|name| (*name, sockets.get(name).copied().unwrap_or(0))).collect(),
        }
    }
}

fn add_lists<'a>(metrics: &'a Minute, errors: &mut HashMap<(&'a str, u16), u64>, closes: &mut HashMap<u16, u64>) {
    for (route, status, count) in &metrics.errors {
        *errors.entry((route.as_str(), *status)).or_insert(0) += count;
    }
    for (code, count) in &metrics.closes {
        *closes.entry(*code).or_insert(0) += count;
    }
}

/// The `limit` entries with the highest counts, highest first.
fn most<K: Ord>(counts: HashMap<K, u64>, limit: usize) -> Vec<(K, u64)> {
    let mut counts: Vec<(K, u64)> = counts.into_iter().collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(limit);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metrics, Totals};
    use std::time::Duration;

    /// 2025-11-22 05:20:30, in the middle of a minute.
    const NOW_MS: u64 = 1_763_788_830_000;
    const NOW: u64 = NOW_MS / 60_000;

    /// A minute with `messages` stored messages and `sockets` open sockets at its end.
    fn minute(node: &str, minute: u64, messages: u64, sockets: u64) -> StoredMinute {
        let metrics = Metrics::new(&["site"], &["a"]);
        let begun: Totals = metrics.totals();
        metrics.add(Count::Messages, messages);
        metrics.count_send(Duration::from_millis(messages));
        metrics.count_error("GET /x".to_owned(), 404);
        metrics.count_close("a", 1001);
        let mut minute_of = metrics.totals().since(&begun);
        minute_of.set_rooms([(7, messages)].into_iter());
        let sockets = [("a".to_owned(), sockets)].into();
        minute_of.load = Load { sockets, online_users: messages, cpu_basis_points: 150, ..Load::default() };
        StoredMinute { minute, node: node.to_owned(), metrics: minute_of }
    }

    fn hour(minutes: impl Iterator<Item = StoredMinute>) -> Arc<StoredHour> {
        Arc::new(StoredHour { minutes: minutes.collect(), routes: Vec::new() })
    }

    fn view<'a>(range: Range, node: Option<&'a str>, hours: &'a [Arc<StoredHour>]) -> View<'a> {
        View { now_ms: NOW_MS, range, node, socket_dialects: &["a", "b"], hours, living: vec!["n1".to_owned()] }
    }

    fn numbers(series: &Series, name: &str) -> Vec<Option<u64>> {
        match series.steps.columns.get(name) {
            Some(Values::Numbers(numbers)) => numbers.clone(),
            other => panic!("{name} is {other:?}"),
        }
    }

    #[test]
    fn nodes_add_up_and_one_can_be_looked_at_alone() {
        let minutes = [minute("n1", NOW, 3, 5), minute("n2", NOW, 4, 6), minute("n1", NOW - 2, 1, 9)];
        let minutes = minutes.map(|minute| hour([minute].into_iter()));
        let all = view(Range::Hour, None, &minutes).to_series();
        assert_eq!((all.steps.at_ms.len(), all.steps.at_ms[59]), (60, NOW * 60_000));
        assert_eq!(numbers(&all, "messages")[57..], [Some(1), None, Some(7)]);
        assert_eq!(numbers(&all, "sockets_a")[57..], [Some(9), None, Some(11)]);
        assert_eq!(numbers(&all, "sockets_b")[59], Some(0));
        assert_eq!(numbers(&all, "online_users")[59], Some(4));
        assert_eq!(all.errors, [RouteErrors { route: "GET /x".to_owned(), status: 404, count: 3 }]);
        assert_eq!(all.closes, [Closes { code: 1001, count: 3 }]);
        assert_eq!(all.rooms, [(RoomId::new(7).expect("not zero"), 8)]);
        // The sockets of a node that is gone do not count.
        assert_eq!(all.latest.sockets, [("a", 5), ("b", 0)].into());
        // Seven messages in the last ninety seconds.
        assert_eq!(all.latest.messages_per_min, 4.67);

        let one = view(Range::Hour, Some("n2"), &minutes).to_series();
        assert_eq!(numbers(&one, "messages")[57..], [None, None, Some(4)]);
        assert_eq!(numbers(&one, "online_users")[57..], [Some(1), None, Some(4)]);
        assert_eq!((one.closes.as_slice(), one.rooms.len()), (&[Closes { code: 1001, count: 1 }][..], 1));
    }

    #[test]
    fn longer_ranges_have_longer_steps() {
        let minutes = [hour((0..30).map(|back| minute("n1", NOW - back, 2, back)))];
        let day = view(Range::Day, None, &minutes).to_series();
        // A step begins at 05:20 and has one minute so far; the two before it have ten each.
        let (messages, sockets) = (numbers(&day, "messages"), numbers(&day, "sockets_a"));
        assert_eq!((messages.len(), &messages[140..]), (144, &[Some(18), Some(20), Some(20), Some(2)][..]));
        // A state is that of the step's last minute, or of the minute before for nodes that have not reported yet.
        assert_eq!(sockets[140..], [Some(21), Some(11), Some(1), Some(0)]);
        assert_eq!(day.steps.at_ms[143] / 60_000, NOW / 10 * 10);
        let six = view(Range::SixHours, None, &minutes).to_series();
        assert_eq!((six.steps.at_ms.len(), numbers(&six, "messages")[70..].to_vec()), (72, vec![Some(10), Some(2)]));
        assert_eq!(Range::parse("6h").map(Range::step_secs), Some(300));
        assert_eq!(Range::parse("7h"), None);
    }

    #[test]
    fn nothing_measured_is_not_zero() {
        let series = view(Range::Hour, None, &[]).to_series();
        assert!(series.steps.columns.iter().all(|(name, values)| match values {
            Values::Numbers(numbers) => numbers.iter().all(Option::is_none),
            Values::Measures(measures) => measures.iter().all(Option::is_none) && name != "messages",
        }));
        assert_eq!(series.latest.send_ms, Quantiles::default());
    }
}
