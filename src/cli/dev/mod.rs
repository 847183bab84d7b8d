//! `chinwag dev`: a temporary node for the tests of other projects. Nothing is left when it ends.

mod seeds;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::{EXIT_FAILURE, EXIT_USAGE, exit_code, fail, health, print, run_until};
use crate::config::Config;
use crate::dialects;
use crate::edge::FAULTS_PATH;
use crate::node::{Node, ScratchFolder, telemetry};
use seeds::{Plan, SeedError, SeedRoom, SeedUser, SeededRoom, SeededUser};

/// The lowest cost of bcrypt: tests log in often, and have nothing to protect.
const BCRYPT_COST: u32 = 4;
/// Worker threads unless configured. One would hide bugs that two show, and more take longer to start.
const WORKERS: usize = 2;
/// Time for delayed requests when the node stops.
const SHUTDOWN_SECS: u64 = 1;
const POLL: Duration = Duration::from_millis(10);

#[derive(Args)]
pub(super) struct DevArguments {
    /// An account; without a password, one is generated. Repeat it for several.
    #[arg(long = "user", value_name = "NAME[:PASSWORD]")]
    users: Vec<SeedUser>,
    /// An administrator's account.
    #[arg(long = "admin", value_name = "NAME[:PASSWORD]")]
    admins: Vec<SeedUser>,
    /// A public room with these members. Its owner is the first member, or else the first user.
    #[arg(long = "room", value_name = "NAME[:MEMBER,…]", value_parser = SeedRoom::public)]
    rooms: Vec<SeedRoom>,
    /// A group with its owner and other members.
    #[arg(long = "group", value_name = "NAME:OWNER[,MEMBER…]", value_parser = SeedRoom::group)]
    groups: Vec<SeedRoom>,
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Enables the rate limits, which are off by default.
    #[arg(long)]
    limits: bool,
    /// Also ends when standard input is closed, so that no node outlives a test that crashed.
    #[arg(long)]
    until_stdin_closes: bool,
}

/// What a test needs to know of the node, printed in one line.
#[derive(Serialize)]
struct Started {
    url: String,
    /// Addresses of the WebSockets by dialect.
    sockets: BTreeMap<&'static str, String>,
    /// Where faults are set.
    faults: String,
    users: Vec<SeededUser>,
    rooms: Vec<SeededRoom>,
}

/// Runs a node until a signal ends it, or the end of standard input.
pub(super) async fn run(config: Config, arguments: DevArguments) -> ExitCode {
    if let Err(error) = telemetry::init_log(&config.log) {
        return fail(&format!("configuration: log.filter: {error}"), EXIT_USAGE);
    }
    // Installed first: until then a signal kills the process, and leaves the folder.
    let ends = match Ends::listen(arguments.until_stdin_closes) {
        Ok(ends) => ends,
        Err(error) => return fail(&error, EXIT_FAILURE),
    };
    let folder = match ScratchFolder::create() {
        Ok(folder) => folder,
        Err(error) => return fail(&error, EXIT_FAILURE),
    };
    run_in(&folder, config, arguments, ends).await
}

async fn run_in(folder: &ScratchFolder, config: Config, arguments: DevArguments, mut ends: Ends) -> ExitCode {
    let config = for_tests(config, folder, &arguments);
    let is_for_people = telemetry::is_for_people(&config.log);
    let node = tokio::select! {
        node = Node::start_for_tests(config.clone()) => match node {
            Ok(node) => node,
            Err(error) => return fail(&error, exit_code(&error)),
        },
        () = ends.wait() => return ExitCode::SUCCESS,
    };
    let plan =
        Plan { users: arguments.users, admins: arguments.admins, rooms: arguments.rooms, groups: arguments.groups };
    let started = tokio::select! {
        started = begin(&node, &config, plan) => started,
        () = ends.wait() => {
            node.stop().await;
            return ExitCode::SUCCESS;
        }
    };
    let failure = match started {
        Ok(started) => {
            let printed = print(&serde_json::to_string(&started).expect("texts and numbers"));
            (printed != ExitCode::SUCCESS).then_some(printed) // nobody reads it
        }
        Err(error) => Some(fail(&error, EXIT_USAGE)),
    };
    if let Some(failure) = failure {
        node.stop().await;
        return failure;
    }
    run_until(node, ends.wait(), is_for_people).await
}

/// The settings with those changed that would make the node last, slow, or part of something else.
fn for_tests(mut config: Config, folder: &ScratchFolder, arguments: &DevArguments) -> Config {
    let defaults = Config::defaults();
    config.redis = defaults.redis;
    config.data.dir = folder.path().to_owned();
    config.uploads.url = String::new();
    config.uploads.reserve_bytes = 0;
    config.auth.bcrypt_cost = BCRYPT_COST;
    config.limits.enabled = arguments.limits;
    let server = &mut config.server;
    (server.host, server.port) = (arguments.host.clone(), arguments.port);
    (server.public_url, server.metrics_address) = (String::new(), String::new());
    server.shutdown_secs = SHUTDOWN_SECS;
    if server.workers == 0 {
        server.workers = WORKERS;
    }
    config
}

/// Makes accounts and rooms, and waits until the node is ready.
async fn begin(node: &Node, config: &Config, plan: Plan) -> Result<Started, SeedError> {
    // Limits are for those who come afterwards.
    let mut unlimited = config.limits.clone();
    unlimited.enabled = false;
    node.settings().set_limits(&unlimited);
    let (users, rooms) = seeds::make(node.services(), plan).await?;
    node.settings().set_limits(&config.limits);
    while !is_ready(node.address()).await {
        tokio::time::sleep(POLL).await;
    }
    let address = reached_at(node.address());
    let sockets = dialects::ALL.iter().flat_map(|dialect| (dialect.sockets)(config));
    Ok(Started {
        url: format!("http://{address}"),
        sockets: sockets.map(|it| (it.codec.name, format!("ws://{address}{}", it.path))).collect(),
        faults: format!("http://{address}{FAULTS_PATH}"),
        users,
        rooms,
    })
}

async fn is_ready(address: SocketAddr) -> bool {
    let asked = tokio::task::spawn_blocking(move || health::ask(reached_at(address))).await;
    matches!(asked, Ok(Ok(response)) if health::is_ready(&response))
}

/// The address at which programs on this machine reach one that listens on this address.
fn reached_at(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// What ends the node.
struct Ends {
    signals: [Signal; 3],
    input: Option<oneshot::Receiver<()>>,
}

impl Ends {
    fn listen(until_stdin_closes: bool) -> std::io::Result<Self> {
        Ok(Self {
            signals: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ],
            input: until_stdin_closes.then(end_of_input),
        })
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        let input = async {
            match &mut self.input {
                Some(input) => drop(input.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            () = input => {}
        }
    }
}

/// Reads standard input to its end, in a thread that the end of the process need not wait for.
fn end_of_input() -> oneshot::Receiver<()> {
    let (open, end) = oneshot::channel();
    std::thread::spawn(move || {
        // What is in it does not matter, and input that cannot be read has ended.
        drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
        drop(open);
    });
    end
}
