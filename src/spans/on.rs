//! Builds with OpenTelemetry. Each node has its own provider; a thread of the library's exports what its bounded queue holds,
//! and what finds no place there is dropped.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::Either;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, info, warn};

/// Path of the collector for traces, behind the configured address.
const TRACES_PATH: &str = "/v1/traces";
/// Name of the header, and of its only part that is used.
const TRACEPARENT: &str = "traceparent";
/// How often spans are exported, unless so many wait that it happens at once.
const EXPORT_EVERY: Duration = Duration::from_secs(1);
/// How long the last export may take.
const LAST_EXPORT: Duration = Duration::from_secs(2);
/// Pushes that may wait to be recorded. Those beyond have no span.
const MAX_RECORDINGS: usize = 512;

/// The spans of a node; none without a collector. Clones share its exporter.
#[derive(Clone, Default)]
pub struct Spans(Option<Arc<Exporting>>);

struct Exporting {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    recordings: Arc<Semaphore>,
}

/// A span, which ends when this is dropped. Empty if it is not exported.
pub struct Span(Option<Context>);

/// Permission to record a push.
pub type Recording = OwnedSemaphorePermit;

impl Spans {
    /// Starts exporting to the collector at an address, if there is one. The collector need not be there.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn start(endpoint: &str, sample_share: f64, service: &str, node: &str) -> Result<Self, String> {
        if endpoint.is_empty() {
            return Ok(Self(None));
        }
        let endpoint = [endpoint.trim_end_matches('/'), TRACES_PATH].concat();
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint).build();
        let exporter =
            Exporter { inner: exporter.map_err(|error| error.to_string())?, is_failing: AtomicBool::new(false) };
        let config = BatchConfigBuilder::default().with_scheduled_delay(EXPORT_EVERY).build();
        let resource = Resource::builder().with_service_name(service.to_owned()).with_attributes([
            KeyValue::new("service.instance.id", node.to_owned()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ]);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(config).build())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(sample_share))))
            .with_resource(resource.build())
            .build();
        let (tracer, recordings) = (provider.tracer("chinwag"), Arc::new(Semaphore::new(MAX_RECORDINGS)));
        Ok(Self(Some(Arc::new(Exporting { provider, tracer, recordings }))))
    }

    /// Begins the span of a request. It continues the trace of the caller, who then decides whether it is sampled.
    pub fn request<'a>(&self, traceparent: impl FnOnce() -> Option<&'a str>) -> Span {
        let Some(exporting) = &self.0 else { return Span(None) };
        let parent = traceparent().map(remote).unwrap_or_default();
        let builder = exporting.tracer.span_builder("request").with_kind(SpanKind::Server);
        Span::of(parent.with_span(exporting.tracer.build_with_context(builder, &parent)))
    }

    /// Begins a span below the one around the caller. Without such a span, or if it is not exported, there is none.
    pub fn child(&self, name: &'static str) -> Span {
        let Some(exporting) = &self.0 else { return Span(None) };
        let Span(Some(parent)) = Span::of(Context::current()) else { return Span(None) };
        let builder = exporting.tracer.span_builder(name).with_kind(SpanKind::Client);
        Span::of(parent.with_span(exporting.tracer.build_with_context(builder, &parent)))
    }

    /// Asks to record a push. `None` without a collector, and while too many wait.
    pub fn recording(&self) -> Option<Recording> {
        Arc::clone(&self.0.as_ref()?.recordings).try_acquire_owned().ok()
    }

    /// Records a span of another node's trace that began and ended at these times, UTC milliseconds of this machine.
    pub fn past(&self, name: &'static str, parent: &str, [from, until]: [u64; 2], describe: impl FnOnce(&Span)) {
        let Some(exporting) = &self.0 else { return };
        let (parent, at) = (remote(parent), |ms| UNIX_EPOCH + Duration::from_millis(ms));
        if !parent.span().span_context().is_sampled() {
            return;
        }
        let builder = exporting.tracer.span_builder(name).with_kind(SpanKind::Consumer).with_start_time(at(from));
        let span = Span::of(parent.with_span(exporting.tracer.build_with_context(builder, &parent)));
        describe(&span);
        span.end_at(at(until.max(from)));
    }

    /// Exports what is left, for up to two seconds.
    pub async fn stop(self) {
        let Some(exporting) = self.0 else { return };
        let stopping = tokio::task::spawn_blocking(move || exporting.provider.shutdown_with_timeout(LAST_EXPORT));
        if !matches!(stopping.await, Ok(Ok(()))) {
            debug!("could not export the last spans");
        }
    }
}

impl Span {
    fn of(context: Context) -> Self {
        Self(context.span().span_context().is_sampled().then_some(context))
    }

    /// The future as what happens within the span.
    pub fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        match &self.0 {
            Some(context) => Either::Left(future.with_context(context.clone())),
            None => Either::Right(future),
        }
    }

    /// Describes the span, if it is exported.
    pub fn if_sampled(&self, describe: impl FnOnce(&Self)) {
        if self.0.is_some() {
            describe(self);
        }
    }

    /// Replaces its name.
    pub fn rename(&self, name: String) {
        self.0.iter().for_each(|context| context.span().update_name(name.clone()));
    }

    /// Adds an attribute.
    pub fn set(&self, attribute: &'static str, value: impl Display) {
        self.0.iter().for_each(|context| context.span().set_attribute(KeyValue::new(attribute, value.to_string())));
    }

    /// Marks what it is about as failed.
    pub fn fail(&self) {
        self.0.iter().for_each(|context| context.span().set_status(Status::error("")));
    }

    /// How others name it as the parent of a span; empty if it is not exported.
    pub fn traceparent(&self) -> String {
        let Some(context) = &self.0 else { return String::new() };
        let (span, flags) = (context.span().span_context().clone(), context.span().span_context().trace_flags());
        format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), flags)
    }

    fn end_at(&self, at: SystemTime) {
        self.0.iter().for_each(|context| context.span().end_with_timestamp(at));
    }
}

/// The span of a header as a parent; a context without a span if it is none.
fn remote(traceparent: &str) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &Header(traceparent))
}

struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// The library's exporter, which says once that the collector takes nothing, and once that it does again.
#[derive(Debug)]
struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    is_failing: AtomicBool,
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let outcome = self.inner.export(batch).await;
        let has_failed = self.is_failing.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Err(error) if !has_failed => {
                warn!(%error, "could not export spans, they are dropped until the collector is back")
            }
            Ok(()) if has_failed => info!("the collector takes spans again"),
            Ok(()) | Err(_) => {}
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// Nothing listens there, and nothing waits for it: these are never dropped.
    static NONE: LazyLock<Spans> = LazyLock::new(|| spans(0.0));
    static ALL: LazyLock<Spans> = LazyLock::new(|| spans(1.0));

    fn spans(sample_share: f64) -> Spans {
        Spans::start("http://127.0.0.1:9", sample_share, "test", "node").expect("an address")
    }

    #[test]
    fn the_caller_decides_whether_a_request_is_sampled_and_the_share_about_others() {
        let unsampled = PARENT.replace("-01", "-00");
        for (spans, header, is_sampled) in [
            (&NONE, None, false),
            (&ALL, None, true),
            (&NONE, Some(PARENT), true),
            (&ALL, Some(unsampled.as_str()), false),
            (&ALL, Some("no parent"), true),
        ] {
            let span = spans.request(|| header);
            assert_eq!(span.0.is_some(), is_sampled, "{header:?}");
            let is_continued = span.traceparent().contains("0af7651916cd43dd8448eb211c80319c");
            assert_eq!(is_continued, header == Some(PARENT), "{header:?}");
        }
        assert!(Spans::default().request(|| Some(PARENT)).0.is_none());
    }

    #[tokio::test]
    async fn a_child_belongs_to_the_span_around_it() {
        assert!(ALL.child("alone").0.is_none());
        let request = ALL.request(|| Some(PARENT));
        let child = request.around(async { ALL.child("child").traceparent() }).await;
        assert_eq!(child[..36], PARENT[..36]);
        assert_ne!(child, request.traceparent());
        let unsampled = NONE.request(|| None);
        assert_eq!(unsampled.around(async { NONE.child("child").traceparent() }).await, "");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(Spans::start("http://a b", 1.0, "test", "node").is_err());
    }
}
