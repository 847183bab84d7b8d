//! The slowest routes, by the durations that nodes stored.

use std::collections::HashMap;

use serde::Serialize;

use super::quantiles::Quantiles;
use crate::metrics::Distribution;
use crate::store::StoredRoutes;

/// Maximum number of routes in the table.
const MAX_ROUTES: usize = 10;

/// A route and how long its requests took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowRoute {
    /// Method and pattern.
    pub route: String,
    /// Requests.
    pub count: u64,
    /// How long they took.
    #[serde(flatten)]
    pub ms: Quantiles,
}

/// The routes whose slowest requests took longest.
pub(super) fn slowest<'a>(stored: impl Iterator<Item = &'a StoredRoutes>) -> Vec<SlowRoute> {
    let mut sums: HashMap<&str, Distribution> = HashMap::new();
    for (route, durations) in stored.flat_map(|stored| &stored.routes.0) {
        sums.entry(route).or_default().add(durations);
    }
    let mut routes: Vec<SlowRoute> = sums
        .into_iter()
        .map(|(route, sum)| SlowRoute { route: route.to_owned(), count: sum.total(), ms: Quantiles::from(&sum) })
        .collect();
    let slowest_first = |a: &SlowRoute, b: &SlowRoute| {
        let p99 = |route: &SlowRoute| route.ms.p99.unwrap_or(0.0);
        p99(b).total_cmp(&p99(a)).then_with(|| a.route.cmp(&b.route))
    };
    routes.sort_unstable_by(slowest_first);
    routes.truncate(MAX_ROUTES);
    routes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn the_routes_of_nodes_add_up_and_the_slowest_come_first() {
        let stored = |ms: u64| {
            let metrics = Metrics::new(&[], &[]);
            for number in 0..MAX_ROUTES as u64 {
                metrics.time_route("GET", &format!("/{number}"), Duration::from_millis(1 << number));
            }
            metrics.time_route("PUT", "/x", Duration::from_millis(ms));
            StoredRoutes { slot: 1, node: "a".to_owned(), routes: metrics.routes().since(&Default::default()) }
        };
        let both = [stored(3), stored(800)];
        let slowest = slowest(both.iter());
        assert_eq!((slowest.len(), slowest[0].route.as_str(), slowest[0].count), (MAX_ROUTES, "PUT /x", 2));
        assert!(slowest[0].ms.p50.is_some_and(|ms| ms < 5.0) && slowest[0].ms.p99.is_some_and(|ms| ms > 600.0));
        assert_eq!(slowest[1].route, "GET /9");
    }
}
