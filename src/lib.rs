//! Chinwag: a self-hosted chat server. Five chat APIs, one conversation, Redis as the only store.
//!
//! The modules are floors; imports go down only, and a test fails on an upward one:
//!
//! - floor 0 [`domain`]: pure types and rules of shape; [`metrics`]: what a node counts
//! - floor 1 [`store`]: the only Redis commands
//! - floor 2 [`fanout`]: delivery; [`service`]: every rule. The two do not know each other
//! - floor 3 [`edge`]: shared HTTP machinery
//! - floor 4 [`dialects`]: the chat APIs; [`site`]: documentation, dashboard, health, files
//!
//! [`app`] wires them; [`config`], [`secrets`], [`telemetry`] and [`embedded`] stand beside the floors.

pub mod app;
pub mod config;
pub mod dialects;
pub mod domain;
pub mod edge;
pub mod embedded;
pub mod fanout;
mod listener;
pub mod metrics;
mod reporting;
pub mod secrets;
pub mod service;
pub mod site;
pub mod store;
pub mod telemetry;
mod upkeep;
