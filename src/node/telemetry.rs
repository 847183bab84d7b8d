//! Logging. It is the only global state, so several nodes fit in one process.

use std::io::IsTerminal;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogConfig, LogFormat};

/// Whether the log is for people; otherwise every line is JSON.
pub fn is_for_people(config: &LogConfig) -> bool {
    match config.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    }
}

/// Checks the filter of the log.
///
/// # Errors
/// It does not parse.
pub fn check_filter(config: &LogConfig) -> Result<(), ParseError> {
    EnvFilter::try_new(&config.filter).map(drop)
}

/// What is logged by this process.
static FILTER: LazyLock<Arc<ArcSwap<EnvFilter>>> =
    LazyLock::new(|| Arc::new(ArcSwap::from_pointee(EnvFilter::default())));

/// Initialises logging to standard error for the whole process.
///
/// # Errors
/// The filter does not parse.
pub fn init_log(config: &LogConfig) -> Result<(), ParseError> {
    set_filter(config)?;
    // The reader of the log may have ended. A line that cannot be written must not end the node, and a panic would.
    let lines = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let log = tracing_subscriber::registry().with(Filter(Arc::clone(&FILTER)));
    // Tests call this more than once per process.
    let outcome = match is_for_people(config) {
        true => log.with(lines.with_target(false)).try_init(),
        false => log.with(lines.json().flatten_event(true)).try_init(),
    };
    outcome.unwrap_or_else(|error| tracing::debug!(%error, "logging is already initialised"));
    Ok(())
}

/// Replaces the filter of the log.
///
/// # Errors
/// It does not parse; the one before stays.
pub fn set_filter(config: &LogConfig) -> Result<(), ParseError> {
    // A connection becomes a WebSocket by a response body that fails (`edge::socket::hand_over`). The dispatcher would
    // log each of them as an error.
    let filter = EnvFilter::try_new(format!("{},actix_http::h1::dispatcher=off", config.filter))?;
    FILTER.store(Arc::new(filter));
    tracing::callsite::rebuild_interest_cache();
    Ok(())
}

/// A filter that may be replaced. The library's own takes a lock for every line and span.
struct Filter(Arc<ArcSwap<EnvFilter>>);

impl<S: Subscriber> Layer<S> for Filter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        Layer::<S>::register_callsite(&**self.0.load(), metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        Layer::<S>::enabled(&**self.0.load(), metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&**self.0.load())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Layer::<S>::on_new_span(&**self.0.load(), attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Layer::<S>::on_record(&**self.0.load(), id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Layer::<S>::on_enter(&**self.0.load(), id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Layer::<S>::on_exit(&**self.0.load(), id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Layer::<S>::on_close(&**self.0.load(), id, context);
    }
}
