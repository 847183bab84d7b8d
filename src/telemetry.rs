//! Logs and metrics. No node-wide state is global but the log itself, so several nodes fit in one process.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::{LogConfig, LogFormat};

/// Upper bounds of the request duration's buckets, seconds.
const DURATION_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Sends the log to standard error, for the whole process.
///
/// # Errors
/// The filter is not understood.
pub fn init_log(config: &LogConfig) -> Result<(), tracing_subscriber::filter::ParseError> {
    // Its complaint about an answer that fails is how a connection becomes a WebSocket (`edge::session`).
    let hand_over = format!("{},actix_http::h1::dispatcher=off", config.filter);
    let filter = EnvFilter::try_new(hand_over)?;
    let is_human = match config.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_span_events(FmtSpan::NONE).with_writer(std::io::stderr);
    // A second call (tests) finds the log in place, which is fine.
    let outcome = match is_human {
        true => builder.with_target(false).try_init(),
        false => builder.json().flatten_event(true).try_init(),
    };
    outcome.unwrap_or_else(|error| tracing::debug!(%error, "log is set up already"));
    Ok(())
}

/// The figures of one node. Handles are kept, so that counting costs an atomic addition.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    /// `[dialect][status class]`
    requests: Arc<[[Counter; 5]]>,
    /// `[dialect]`
    durations: Arc<[Histogram]>,
    delivery_up: Gauge,
    open_sockets: Gauge,
}

impl Metrics {
    /// Figures for these dialects.
    pub fn new(dialects: &[&'static str]) -> Self {
        let name = "chinwag_http_request_duration_seconds";
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &DURATION_BUCKETS);
        let recorder = builder.expect("the buckets are not empty").build_recorder();
        recorder.describe_counter("chinwag_http_requests_total".into(), None, "Requests answered".into());
        recorder.describe_histogram(name.into(), None, "Time from the request's head to the answer's".into());
        recorder.describe_gauge("chinwag_delivery_up".into(), None, "1 while events of other nodes arrive".into());
        recorder.describe_gauge("chinwag_open_sockets".into(), None, "Open WebSockets of this node".into());
        let requests = dialects.iter().map(|dialect| {
            CLASSES.map(|class| {
                let labels = vec![Label::new("dialect", *dialect), Label::new("status", class)];
                recorder.register_counter(&Key::from_parts("chinwag_http_requests_total", labels), &METADATA)
            })
        });
        let durations = dialects.iter().map(|dialect| {
            let labels = vec![Label::new("dialect", *dialect)];
            recorder.register_histogram(&Key::from_parts(name, labels), &METADATA)
        });
        Self {
            requests: requests.collect(),
            durations: durations.collect(),
            delivery_up: recorder.register_gauge(&Key::from_name("chinwag_delivery_up"), &METADATA),
            open_sockets: recorder.register_gauge(&Key::from_name("chinwag_open_sockets"), &METADATA),
            handle: recorder.handle(),
        }
    }

    /// Counts an answered request.
    pub fn count_request(&self, dialect: usize, status: u16, duration: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        if let Some(counter) = self.requests.get(dialect).and_then(|classes| classes.get(class)) {
            counter.increment(1);
        }
        if let Some(histogram) = self.durations.get(dialect) {
            histogram.record(duration.as_secs_f64());
        }
    }

    /// Notes whether events arrive.
    pub fn set_delivery_up(&self, is_up: bool) {
        self.delivery_up.set(if is_up { 1.0 } else { 0.0 });
    }

    /// Notes how many WebSockets are open.
    pub fn set_open_sockets(&self, count: u32) {
        self.open_sockets.set(f64::from(count));
    }

    /// Folds what was recorded; every few seconds, so that memory stays bounded.
    pub fn fold(&self) {
        self.handle.run_upkeep();
    }

    /// All figures in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}
