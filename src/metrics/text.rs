//! Metrics in Prometheus' text format, version 0.0.4.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{CLASSES, CODES, COUNTS, Distribution, GAUGES, Metrics, Shard};

/// A metric of each shard: its name, its help text, and its value, if there is one.
type ShardGauge = (&'static str, &'static str, fn(&Shard) -> Option<u64>);

const SHARD_GAUGES: [ShardGauge; 8] = [
    ("chinwag_redis_shard_up", "1 while the shard answers", |shard| Some(shard.is_up.into())),
    ("chinwag_redis_shard_slots", "Slots of the shard", |shard| Some(shard.slots)),
    ("chinwag_redis_shard_memory_bytes", "Memory that the shard uses", |shard| if_up(shard, shard.memory_bytes)),
    ("chinwag_redis_shard_memory_limit_bytes", "Memory that the shard may use; 0 without a limit", |shard| {
        if_up(shard, shard.memory_limit_bytes)
    }),
    ("chinwag_redis_shard_commands_per_second", "Recent commands of the shard", |shard| {
        if_up(shard, shard.commands_per_sec)
    }),
    ("chinwag_redis_shard_clients", "Connections of the shard", |shard| if_up(shard, shard.clients)),
    ("chinwag_redis_shard_replicas", "Replicas that are connected to the shard", |shard| if_up(shard, shard.replicas)),
    ("chinwag_redis_shard_replica_lag_bytes", "What the slowest replica of the shard has not confirmed yet", |shard| {
        shard.lag_bytes
    }),
];

/// A shard that does not answer has no values, rather than zeros.
fn if_up(shard: &Shard, value: u64) -> Option<u64> {
    shard.is_up.then_some(value)
}

const CLASS_NAMES: [&str; CLASSES] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Metrics {
    /// Renders all metrics for `/metrics`.
    pub fn render(&self) -> String {
        let mut text = Text(String::with_capacity(16 * 1024));
        text.head("chinwag_build_info", "gauge", "Version of the node");
        text.line("chinwag_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        self.render_requests(&mut text);
        for ((_, _, name, help), number) in COUNTS.iter().zip(&self.counts) {
            text.head(name, "counter", help);
            text.line(name, &[], read(number));
        }
        self.render_sockets(&mut text);
        for (name, help, histogram) in [
            (
                "chinwag_send_duration_seconds",
                "Duration of sends, from the call of the service to its return",
                &self.sends,
            ),
            (
                "chinwag_delivery_delay_seconds",
                "Time between storing a message and queueing it for a socket",
                &self.delays,
            ),
        ] {
            text.head(name, "histogram", help);
            text.histogram(name, None, &histogram.read());
        }
        for ((_, name, unit, help), value) in GAUGES.iter().zip(&self.gauges) {
            text.head(name, if name.ends_with("_total") { "counter" } else { "gauge" }, help);
            text.line(name, &[], read(value) / unit);
        }
        self.render_shards(&mut text);
        text.0
    }

    fn render_shards(&self, text: &mut Text) {
        let shards = self.shards.lock().expect("no panic while held").clone();
        if shards.is_empty() {
            return;
        }
        for (name, help, value) in SHARD_GAUGES {
            text.head(name, "gauge", help);
            for shard in &shards {
                if let Some(value) = value(shard) {
                    text.line(name, &[("shard", &shard.address)], value as f64);
                }
            }
        }
    }

    fn render_requests(&self, text: &mut Text) {
        let name = "chinwag_http_requests_total";
        text.head(name, "counter", "Answered requests");
        for (owner, classes) in self.owners.iter().zip(&self.requests) {
            for (class, number) in CLASS_NAMES.iter().zip(classes) {
                text.line(name, &[("dialect", owner), ("status", class)], read(number));
            }
        }
        let name = "chinwag_http_request_duration_seconds";
        text.head(name, "histogram", "Time between the head of a request and the head of its response");
        for (owner, durations) in self.owners.iter().zip(&self.durations) {
            text.histogram(name, Some(("dialect", owner)), &durations.read());
        }
        let name = "chinwag_http_errors_total";
        text.head(name, "counter", "Refused and failed requests, by route");
        let errors = self.errors.lock().expect("no panic while held").clone();
        let mut errors: Vec<_> = errors.into_iter().collect();
        errors.sort_unstable();
        for ((route, status), count) in errors {
            text.line(name, &[("route", &route), ("status", &status.to_string())], count as f64);
        }
    }

    fn render_sockets(&self, text: &mut Text) {
        let name = "chinwag_open_sockets";
        text.head(name, "gauge", "Open WebSockets");
        for (dialect, open) in self.sockets() {
            text.line(name, &[("dialect", dialect)], open as f64);
        }
        let name = "chinwag_sockets_closed_total";
        text.head(name, "counter", "Closed WebSockets, by close code");
        for (code, number) in CODES.iter().zip(&self.closes) {
            text.line(name, &[("code", &code.to_string())], read(number));
        }
    }
}

fn read(number: &AtomicU64) -> f64 {
    number.load(Ordering::Relaxed) as f64
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.put(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            let separator = if index == 0 { '{' } else { ',' };
            let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            self.put(format_args!("{separator}{label}=\"{value}\""));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        self.put(format_args!("{end} {value}\n"));
    }

    fn histogram(&mut self, name: &str, label: Option<(&str, &str)>, durations: &Distribution) {
        let (buckets, total) = (format!("{name}_bucket"), durations.total() as f64);
        let bucket = |bound: &str, text: &mut Self, number: f64| {
            let bound = ("le", bound);
            match label {
                Some(label) => text.line(&buckets, &[label, bound], number),
                None => text.line(&buckets, &[bound], number),
            }
        };
        for (bound, number) in durations.cumulative() {
            bucket(&bound.to_string(), self, number as f64);
        }
        bucket("+Inf", self, total);
        self.line(&format!("{name}_sum"), label.as_slice(), durations.sum_secs());
        self.line(&format!("{name}_count"), label.as_slice(), total);
    }

    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        self.0.write_fmt(arguments).expect("writing to a String does not fail");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn metrics_have_the_text_format_of_prometheus() {
        let metrics = Metrics::new(&["site"], &["a"]);
        metrics.count_request(0, 404, Duration::from_millis(3));
        metrics.count_error("GET /\"x\"".to_owned(), 404);
        metrics.count_open("a");
        let text = metrics.render();
        for line in [
            r#"chinwag_http_requests_total{dialect="site",status="4xx"} 1"#,
            r#"chinwag_http_errors_total{route="GET /\"x\"",status="404"} 1"#,
            r#"chinwag_http_request_duration_seconds_bucket{dialect="site",le="0.002048"} 0"#,
            r#"chinwag_http_request_duration_seconds_bucket{dialect="site",le="0.004096"} 1"#,
            r#"chinwag_http_request_duration_seconds_bucket{dialect="site",le="+Inf"} 1"#,
            r#"chinwag_http_request_duration_seconds_sum{dialect="site"} 0.003"#,
            r#"chinwag_open_sockets{dialect="a"} 1"#,
            "chinwag_send_duration_seconds_count 0",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }

    #[test]
    fn shards_have_lines_and_one_that_is_away_has_no_values() {
        let metrics = Metrics::new(&[], &[]);
        assert!(!metrics.render().contains("shard"), "a single server has none");
        let shard = |address: &str, is_up| Shard { address: address.into(), is_up, slots: 8192, ..Shard::default() };
        let up = Shard { memory_bytes: 5, replicas: 1, lag_bytes: Some(14), ..shard("a:1", true) };
        metrics.set_shards(vec![up, shard("b:2", false)]);
        let text = metrics.render();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("chinwag_redis_shard")).collect();
        assert_eq!(
            lines,
            [
                r#"chinwag_redis_shard_up{shard="a:1"} 1"#,
                r#"chinwag_redis_shard_up{shard="b:2"} 0"#,
                r#"chinwag_redis_shard_slots{shard="a:1"} 8192"#,
                r#"chinwag_redis_shard_slots{shard="b:2"} 8192"#,
                r#"chinwag_redis_shard_memory_bytes{shard="a:1"} 5"#,
                r#"chinwag_redis_shard_memory_limit_bytes{shard="a:1"} 0"#,
                r#"chinwag_redis_shard_commands_per_second{shard="a:1"} 0"#,
                r#"chinwag_redis_shard_clients{shard="a:1"} 0"#,
                r#"chinwag_redis_shard_replicas{shard="a:1"} 1"#,
                r#"chinwag_redis_shard_replica_lag_bytes{shard="a:1"} 14"#,
            ]
        );
    }
}
