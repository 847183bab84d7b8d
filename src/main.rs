//! The binary. All code is in the library: see [`chinwag::cli`].

use std::process::ExitCode;

use nix::sys::prctl::set_thp_disable;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator spreads its pages thinly over a large range. Huge pages would back each of them with two megabytes,
    // most of which stay empty: a node would take nearly twice as much memory. A Redis that the node starts does without
    // them as well, as its makers advise.
    if let Err(error) = set_thp_disable(true) {
        eprintln!("chinwag: transparent huge pages stay on, so memory is used less well: {error}");
    }
    run()
}

#[tokio::main]
async fn run() -> ExitCode {
    chinwag::cli::run().await
}
