//! Floor 0: spans of traces, for an OpenTelemetry collector. A trace follows one message: the request that sends it, the
//! script that stores it, and the push to the sockets of each node.
//!
//! Builds without the feature `otel` have the same types and functions without content, so that code which makes spans costs
//! nothing there. What describes a span is in closures, which run for spans that are exported only.
//!
//! Imports nothing. Imported by `store`, `fanout`, `edge` and `node`.

#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod on;

#[cfg(not(feature = "otel"))]
pub use off::{Recording, Span, Spans};
#[cfg(feature = "otel")]
pub use on::{Recording, Span, Spans};
