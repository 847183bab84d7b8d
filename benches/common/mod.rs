//! What the benchmarks and the flood share.
//!
//! - [`process`] starts servers and prepares this process; [`servers`] the commands of Redis and of a node
//! - [`client`] an HTTP/1.1 client; [`api`] and [`people`] users and rooms; [`load`] requests, again and again; [`parallel`] work, some at
//!   a time
//! - [`socket`] a WebSocket, its [`reader`] and [`frame`]s, and [`stamp`]s in messages
//! - [`machine`] CPU time, memory and the description of the machine; [`cpu`] who spent how much
//! - [`statistics`] medians and percentiles; [`table`] Markdown; [`page`] where the tables go; [`profile`] `perf`

#![allow(dead_code, reason = "none of them needs everything")]

pub mod api;
pub mod client;
pub mod cpu;
pub mod frame;
pub mod load;
pub mod machine;
pub mod page;
pub mod parallel;
pub mod people;
pub mod process;
pub mod profile;
pub mod reader;
pub mod servers;
pub mod socket;
pub mod stamp;
pub mod statistics;
pub mod table;

/// Any error ends the run.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs `work` on one thread, which makes all the load and starts every process: processes are killed when the thread
/// that forked them ends.
pub fn on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// The arguments of the command line, without the one that `cargo bench` adds.
pub fn arguments() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| argument != "--bench").collect()
}
