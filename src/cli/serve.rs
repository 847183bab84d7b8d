//! `chinwag serve`: runs a node until a signal stops it.

use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{EXIT_FAILURE, EXIT_USAGE, fail, fail_to_start};
use crate::config::Config;
use crate::node::{self, Node};

/// Raises the limit of open files to its hard limit: each connection takes one or two.
fn raise_open_file_limit() {
    let limit = getrlimit(Resource::RLIMIT_NOFILE);
    if let Err(error) = limit.and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard)) {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
}

/// The signals that stop a node.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

pub(super) async fn run(config: Config) -> ExitCode {
    if let Err(error) = node::telemetry::init_log(&config.log) {
        return fail(&format!("configuration: log.filter: {error}"), EXIT_USAGE);
    }
    raise_open_file_limit();
    let private_redis_dir = config.has_private_redis().then(|| config.data.dir.clone());
    // Installed first: until then a signal kills the process without a clean stop.
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => return fail(&error, EXIT_FAILURE),
    };
    let node = tokio::select! {
        node = Node::start(config) => match node {
            Ok(node) => node,
            Err(error) => return fail_to_start(&error),
        },
        () = signals.next() => return ExitCode::SUCCESS,
    };
    let address = node.address();
    eprintln!("Chinwag listens on http://{address}");
    eprintln!("  dashboard      http://{address}/dashboard (chinwag user promote NAME)");
    eprintln!("  documentation  http://{address}/docs");
    eprintln!("  readiness      http://{address}/health/ready");
    if let Some(address) = node.metrics_address() {
        eprintln!("  metrics        http://{address}/metrics");
    }
    if let Some(dir) = private_redis_dir {
        eprintln!("  private Redis with data in {}; set CHINWAG_REDIS__URL to run several nodes", dir.display());
    }
    run_until(node, signals.next()).await
}

/// Runs a node until `stop` resolves. When one of the node's tasks ends by itself, stops the node and returns a
/// failure.
pub async fn run_until(mut node: Node, stop: impl Future<Output = ()>) -> ExitCode {
    let ended = tokio::select! {
        ended = node.wait() => Some(ended),
        () = stop => None,
    };
    node.stop().await;
    match ended {
        Some(ended) => fail(&ended, EXIT_FAILURE),
        None => ExitCode::SUCCESS,
    }
}
