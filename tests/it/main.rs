//! Everything that needs a running node: one binary, real Redis, several nodes in one process.

mod accounts;
mod bad_input;
mod budgets;
mod conversations;
mod floors;
mod http;
mod javascript;
mod kinds;
mod matrix;
mod members;
mod messages;
mod outages;
mod presence;
mod process;
mod profiles;
mod receipt_budgets;
mod receipts;
mod rooms;
mod samples;
mod socket;
mod sockets;
mod speakers;
mod strangers;
mod support;
mod uploads;
mod wire;
