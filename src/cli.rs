//! The command line: serve, secret, user, restored, openapi, health.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::domain::{Error, Kind, Password};
use crate::node::{self, Node, StartError};
use crate::service::{Accounts, Restored};

/// Exit code for an invalid setting or argument, and for a user that does not exist.
const EXIT_USAGE: u8 = 2;
/// Exit code for all other errors.
const EXIT_FAILURE: u8 = 1;
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

/// A self-hosted chat server: five chat APIs, one conversation, Redis as the only store.
#[derive(Parser)]
#[command(name = "chinwag", version)]
struct Arguments {
    /// Configuration file; config/default.toml documents the settings.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a node (the default).
    Serve,
    /// Prints a new signing secret.
    Secret,
    /// Changes an account.
    User {
        #[command(subcommand)]
        change: UserChange,
    },
    /// After a backup of Redis was restored: skips the numbers that were given since, and ends all tokens.
    Restored,
    /// Prints the OpenAPI document.
    Openapi,
    /// Checks whether the node on this machine is ready; exits with 0 if it is.
    Health,
}

#[derive(Subcommand)]
enum UserChange {
    /// Makes a user an administrator.
    Promote { name: String },
    /// Makes an administrator an ordinary user again.
    Demote { name: String },
    /// Sets a password from standard input and revokes the user's tokens.
    Password { name: String },
    /// Bans a user and revokes the user's tokens.
    Ban { name: String },
    /// Lifts a ban.
    Unban { name: String },
}

/// Parses the arguments and runs the command.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // Files of this process are for its owner only: the data folder may lie where other users look in.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&error, EXIT_USAGE),
    };
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config).await,
        Command::Secret => print(&node::new_secret()),
        Command::User { change } => change_user(&config, change).await,
        Command::Restored => restored(&config).await,
        Command::Openapi => match node::openapi().to_pretty_json() {
            Ok(json) => print(&json),
            Err(error) => fail(&error, EXIT_FAILURE),
        },
        Command::Health => health(&config),
    }
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("chinwag: {error}");
    ExitCode::from(code)
}

fn print(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE, // standard output is closed
    }
}

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

async fn serve(config: Config) -> ExitCode {
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

fn fail_to_start(error: &StartError) -> ExitCode {
    match error {
        StartError::Config(_) | StartError::Redis(_) | StartError::Differs(_) => fail(error, EXIT_USAGE),
        error => fail(error, EXIT_FAILURE),
    }
}

async fn change_user(config: &Config, change: UserChange) -> ExitCode {
    let outcome = administer(config, async |accounts| match &change {
        UserChange::Promote { name } => accounts.promote(name).await,
        UserChange::Demote { name } => accounts.demote(name).await,
        UserChange::Password { name } => accounts.set_password(name, &read_password()?).await,
        UserChange::Ban { name } => accounts.set_banned(name, true).await,
        UserChange::Unban { name } => accounts.set_banned(name, false).await,
    });
    match outcome.await {
        Ok(id) => print(&format!("user {id}: done")),
        Err(failure) => failure,
    }
}

async fn restored(config: &Config) -> ExitCode {
    match administer(config, Accounts::restored).await {
        Ok(Restored { last_user, last_room }) => {
            print(&format!("all tokens end; new users have numbers above {last_user}, new rooms above {last_room}"))
        }
        Err(failure) => failure,
    }
}

/// Runs an action on the accounts. Prints why it failed.
async fn administer<T>(config: &Config, act: impl AsyncFnOnce(&Accounts) -> Result<T, Error>) -> Result<T, ExitCode> {
    let (accounts, redis) = node::accounts(config).await.map_err(|error| fail_to_start(&error))?;
    let outcome = act(&accounts).await;
    if let Some(redis) = redis {
        redis.stop();
    }
    outcome.map_err(|error| match error.kind() {
        Kind::NotFound | Kind::BadRequest => fail(&error, EXIT_USAGE),
        _ => fail(&error, EXIT_FAILURE),
    })
}

/// Reads a password from the first line of standard input, so that it does not appear in the process list.
fn read_password() -> Result<Password, Error> {
    eprintln!("New password, then Enter:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Error::internal)?;
    Password::parse(line.trim_end_matches(['\r', '\n']))
}

/// Requests `/health/ready` from the node on this machine. Written by hand, because no other part of the binary needs
/// an HTTP client.
fn health(config: &Config) -> ExitCode {
    let host = match config.server.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let response = TcpStream::connect((host, config.server.port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
        stream.set_write_timeout(Some(HEALTH_TIMEOUT))?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut response = String::new();
        stream.take(1024).read_to_string(&mut response)?;
        Ok(response)
    });
    match response {
        Ok(response) if response.starts_with("HTTP/1.1 200 ") => print("ready"),
        Ok(response) => fail(&response.lines().next().unwrap_or("the response is empty"), EXIT_FAILURE),
        Err(error) => fail(&error, EXIT_FAILURE),
    }
}
