//! Durations of requests by route: by its method and pattern, of which there are as many as the server has routes.

use std::sync::{OnceLock, RwLock};
use std::time::Duration;

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

use super::histogram::{Distribution, Histogram, Sparse};

/// The methods that are timed.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Maximum number of routes that are stored for a time. The slowest come first.
const MAX_STORED: usize = 40;

/// The durations of each method of a route.
type Durations = [OnceLock<Box<Histogram>>; METHODS.len()];

/// Durations of requests by route. Once each route was requested, locks are for reading only.
#[derive(Default)]
pub(super) struct RouteTimes(RwLock<HashMap<Box<str>, Durations>>);

impl RouteTimes {
    pub(super) fn record(&self, method: &str, pattern: &str, duration: Duration) {
        let Some(method) = METHODS.iter().position(|name| *name == method) else { return };
        let record = |durations: &Durations| durations[method].get_or_init(Box::default).record(duration, 1);
        if let Some(durations) = self.0.read().expect("no panic while held").get(pattern) {
            return record(durations);
        }
        record(self.0.write().expect("no panic while held").entry(pattern.into()).or_default());
    }

    pub(super) fn read(&self) -> RouteTotals {
        let routes = self.0.read().expect("no panic while held");
        let read = routes.iter().flat_map(|(pattern, durations)| {
            let timed = METHODS.iter().zip(durations);
            timed.filter_map(move |(method, times)| Some((format!("{method} {pattern}"), times.get()?.read())))
        });
        RouteTotals(read.collect())
    }
}

/// The durations of all requests so far, by route.
#[derive(Clone, Default)]
pub struct RouteTotals(HashMap<String, Distribution>);

impl RouteTotals {
    /// Returns the durations of the requests after `earlier` was read, of the slowest routes.
    pub fn since(&self, earlier: &Self) -> Routes {
        let routes = self.0.iter().map(|(route, durations)| match earlier.0.get(route) {
            Some(before) => (route, durations.since(before)),
            None => (route, durations.clone()),
        });
        let mut routes: Vec<(&String, Distribution, f64)> = routes
            .filter_map(|(route, durations)| durations.quantile_ms(0.99).map(|ms| (route, durations, ms)))
            .collect();
        routes.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(b.0)));
        routes.truncate(MAX_STORED);
        Routes(routes.into_iter().map(|(route, durations, _)| (route.clone(), durations.sparse())).collect())
    }
}

/// Durations of requests by route, in their stored form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Routes(pub Vec<(String, Sparse)>);

impl Routes {
    /// Parses stored routes; `None` when the text is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Serializes the routes for storage.
    pub fn print(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings serialize to JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_routes_since_a_reading_are_stored() {
        let times = RouteTimes::default();
        times.record("GET", "/a", Duration::from_millis(900));
        let before = times.read();
        times.record("GET", "/a", Duration::from_millis(1));
        times.record("POST", "/a", Duration::from_millis(50));
        times.record("BREW", "/a", Duration::from_secs(9));
        for number in 0..MAX_STORED {
            times.record("PUT", &format!("/{number}"), Duration::from_millis(20));
        }
        let routes = times.read().since(&before);
        assert_eq!(Routes::parse(routes.print().as_bytes()).as_ref(), Some(&routes));
        let names: Vec<&str> = routes.0.iter().map(|(route, _)| route.as_str()).collect();
        assert_eq!((names.len(), names[0], names[1]), (MAX_STORED, "POST /a", "PUT /0"));
        assert!(!names.contains(&"GET /a"), "the slow one was before");
        assert_eq!(times.read().since(&times.read()), Routes::default());
        assert_eq!(Routes::parse(b"{}"), None);
    }
}
