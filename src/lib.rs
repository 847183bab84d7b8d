//! Chinwag: a self-hosted chat server. Five chat APIs, one conversation, Redis as the only store.
//!
//! The modules form floors. A module imports only from floors below its own, which a test enforces:
//!
//! - floor 0 [`domain`]: pure types and rules of shape; [`metrics`]: counters and gauges; [`websocket`]: frames and
//!   close codes; [`config`]: settings; [`conformance`]: the documents' transcripts, played against any server;
//!   [`spans`]: traces for OpenTelemetry
//! - floor 1 [`store`]: all Redis commands; [`outbound`]: requests to other servers
//! - floor 2 [`fanout`]: delivery; [`service`]: all rules. Neither imports the other
//! - floor 3 [`edge`]: shared HTTP and WebSocket machinery
//! - floor 4 [`dialects`]: the chat APIs; [`site`]: web client, dashboard, documentation, health, files
//! - floor 5 [`node`]: wires the floors, supervises tasks, shuts down; [`cli`]: the command line

pub mod cli;
pub mod config;
pub mod conformance;
pub mod dialects;
pub mod domain;
pub mod edge;
pub mod fanout;
pub mod metrics;
pub mod node;
pub mod outbound;
pub mod service;
pub mod site;
pub mod spans;
pub mod store;
pub mod websocket;
