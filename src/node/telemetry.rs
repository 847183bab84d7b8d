//! The log: the only state that is global, so several nodes fit in one process.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::{LogConfig, LogFormat};

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
