//! `chinwag serve`: runs a node until a signal stops it.

use std::process::ExitCode;
use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::{EXIT_FAILURE, EXIT_USAGE, exit_code, fail};
use crate::config::Config;
use crate::node::{Node, Reloader, ServiceManager, telemetry};

/// Raises the limit of open files to its hard limit: each connection takes one or two.
fn raise_open_file_limit() {
    let limit = getrlimit(Resource::RLIMIT_NOFILE);
    if let Err(error) = limit.and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard)) {
        warn!(%error, "could not raise the limit of open files");
    }
}

/// The signals to a node.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    reloader: Reloader,
    service_manager: Option<Arc<ServiceManager>>,
}

impl Signals {
    fn listen(reloader: Reloader) -> std::io::Result<Self> {
        Ok(Self {
            reloader,
            service_manager: ServiceManager::of_this_process(),
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal that stops the node. A hangup makes it read its settings again.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => self.reload(),
            }
        }
    }

    fn reload(&mut self) {
        match &self.service_manager {
            Some(manager) => manager.during_reload(|| self.reloader.reload()),
            None => self.reloader.reload(),
        }
    }
}

pub(super) async fn run(config: Config, reloader: Reloader) -> ExitCode {
    if let Err(error) = telemetry::init_log(&config.log) {
        return fail(&format!("configuration: log.filter: {error}"), EXIT_USAGE);
    }
    let is_for_people = telemetry::is_for_people(&config.log);
    raise_open_file_limit();
    let has_private_redis = config.has_private_redis();
    let data_dir = config.data.dir.clone();
    // Installed first: until then a signal kills the process without a clean stop.
    let mut signals = match Signals::listen(reloader) {
        Ok(signals) => signals,
        Err(error) => return end(&error, EXIT_FAILURE, is_for_people),
    };
    let mut node = tokio::select! {
        node = Node::start(config) => match node {
            Ok(node) => node,
            Err(error) => return end(&error, exit_code(&error), is_for_people),
        },
        () = signals.stop() => return ExitCode::SUCCESS,
    };
    if is_for_people {
        greet(&node);
        if has_private_redis {
            let dir = data_dir.display();
            eprintln!("  private Redis with data in {dir}; set CHINWAG_REDIS__URL to run several nodes");
        }
    } else if has_private_redis {
        info!(folder = %data_dir.display(), "private Redis; set CHINWAG_REDIS__URL to run several nodes");
    }
    signals.reloader.apply_to(node.settings());
    if let Some(manager) = &signals.service_manager {
        node.report_to(Arc::clone(manager));
    }
    run_until(node, signals.stop(), is_for_people).await
}

/// Tells a person at a terminal where the node is. In a log for programs, `node started` does.
fn greet(node: &Node) {
    let address = node.address();
    eprintln!("Chinwag listens on http://{address}");
    eprintln!("  dashboard      http://{address}/dashboard (chinwag user promote NAME)");
    eprintln!("  documentation  http://{address}/docs");
    eprintln!("  readiness      http://{address}/health/ready");
    if let Some(address) = node.metrics_address() {
        eprintln!("  metrics        http://{address}/metrics");
    }
}

/// Logs why the process ends, in the format of the log.
fn end(reason: &dyn std::fmt::Display, code: u8, is_for_people: bool) -> ExitCode {
    if is_for_people {
        return fail(reason, code);
    }
    error!("{reason}");
    ExitCode::from(code)
}

/// Runs a node until `stop` resolves. When one of the node's tasks ends by itself, stops the node, says so, for people or
/// for programs, and returns a failure.
pub async fn run_until(mut node: Node, stop: impl Future<Output = ()>, is_for_people: bool) -> ExitCode {
    let ended = tokio::select! {
        ended = node.wait() => Some(ended),
        () = stop => None,
    };
    node.stop().await;
    ended.map_or(ExitCode::SUCCESS, |ended| end(&ended, EXIT_FAILURE, is_for_people))
}
