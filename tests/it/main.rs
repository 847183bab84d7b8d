//! Everything that needs a running node: one binary, real Redis, several nodes in one process.

mod accounts;
mod floors;
mod rooms;
mod support;
