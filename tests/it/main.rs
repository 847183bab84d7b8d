//! Everything that needs a running node: one binary, real Redis, several nodes in one process.

mod accounts;
mod bad_frames;
mod bad_input;
mod budgets;
mod floors;
mod http;
mod javascript;
mod messages;
mod outages;
mod presence;
mod process;
mod profiles;
mod raw_socket;
mod rooms;
mod samples;
mod slow;
mod socket;
mod sockets;
mod stop;
mod support;
mod uploads;
mod wire;
