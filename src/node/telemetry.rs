//! Logging. It is the only global state, so several nodes fit in one process.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

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
pub fn check_filter(config: &LogConfig) -> Result<(), tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(&config.filter).map(drop)
}

/// Initialises logging to standard error for the whole process.
///
/// # Errors
/// The filter does not parse.
pub fn init_log(config: &LogConfig) -> Result<(), tracing_subscriber::filter::ParseError> {
    // A connection becomes a WebSocket by a response body that fails (`edge::socket::hand_over`). The dispatcher would
    // log each of them as an error.
    let directives = format!("{},actix_http::h1::dispatcher=off", config.filter);
    let filter = EnvFilter::try_new(directives)?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_span_events(FmtSpan::NONE).with_writer(std::io::stderr);
    // Tests call this more than once per process.
    let outcome = match is_for_people(config) {
        true => builder.with_target(false).try_init(),
        false => builder.json().flatten_event(true).try_init(),
    };
    outcome.unwrap_or_else(|error| tracing::debug!(%error, "logging is already initialised"));
    Ok(())
}
