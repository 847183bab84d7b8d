//! Everything that needs a running node: one binary, real Redis, several nodes in one process.

mod accounts;
mod bad_input;
mod budgets;
mod faults;
mod floors;
mod http;
mod javascript;
mod messages;
mod outages;
mod presence;
mod process;
mod profiles;
mod rooms;
mod samples;
mod socket;
mod sockets;
mod support;
mod uploads;
mod wire;
