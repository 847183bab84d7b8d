//! The command line: serve, secret, user, openapi, health.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chinwag::app::{self, Node, StartError};
use chinwag::config::Config;
use chinwag::domain::{Error, Kind, Password};
use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Wrong configuration, and names that do not exist.
const EXIT_USAGE: u8 = 2;
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

/// A self-hosted chat server: five chat APIs, one conversation, Redis as the only store.
#[derive(Parser)]
#[command(name = "chinwag", version)]
struct Arguments {
    /// A file of settings; see config/default.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a node (the default).
    Serve,
    /// Prints a fresh signing secret.
    Secret,
    /// Changes an account.
    User {
        #[command(subcommand)]
        change: UserChange,
    },
    /// Prints the OpenAPI document.
    Openapi,
    /// Asks the configured node whether it is ready; exit code 0 when it is.
    Health,
}

#[derive(Subcommand)]
enum UserChange {
    /// Makes a user an administrator.
    Promote { name: String },
    /// Makes an administrator an ordinary user again.
    Demote { name: String },
    /// Sets a password, read from standard input; ends the user's tokens.
    Password { name: String },
    /// Keeps a user out; ends the user's tokens.
    Ban { name: String },
    /// Lifts a ban.
    Unban { name: String },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&error, EXIT_USAGE),
    };
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config).await,
        Command::Secret => print(&chinwag::secrets::new_secret()),
        Command::User { change } => change_user(&config, change).await,
        Command::Openapi => match app::openapi().to_pretty_json() {
            Ok(json) => print(&json),
            Err(error) => fail(&error, 1),
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
        Err(_) => ExitCode::FAILURE, // the reader went away
    }
}

/// As many open files as the system lets this process have: a connection is one or two of them.
fn allow_many_connections() {
    let limit = getrlimit(Resource::RLIMIT_NOFILE);
    if let Err(error) = limit.and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most)) {
        tracing::warn!(%error, "the number of open files stays as it is");
    }
}

async fn serve(config: Config) -> ExitCode {
    if let Err(error) = chinwag::telemetry::init_log(&config.log) {
        return fail(&format!("configuration: log.filter: {error}"), EXIT_USAGE);
    }
    allow_many_connections();
    let is_single = config.is_single_node();
    let data = config.data.dir.clone();
    // Before anything is started, so that no signal finds the default action.
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (mut interrupt, mut terminate) = match signals {
        (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
        (Err(error), _) | (_, Err(error)) => return fail(&error, 1),
    };
    let node = tokio::select! {
        node = Node::start(config) => match node {
            Ok(node) => node,
            Err(StartError::Config(error)) => return fail(&error, EXIT_USAGE),
            Err(error) => return fail(&error, 1),
        },
        _ = interrupt.recv() => return ExitCode::SUCCESS,
        _ = terminate.recv() => return ExitCode::SUCCESS,
    };
    let address = node.address();
    eprintln!("Chinwag listens on http://{address}");
    eprintln!("  dashboard      http://{address}/dashboard (chinwag user promote NAME)");
    eprintln!("  documentation  http://{address}/docs");
    eprintln!("  readiness      http://{address}/health/ready");
    if is_single {
        eprintln!(
            "  single-node mode: a private Redis, its data in {}; set CHINWAG_REDIS__URL for several nodes",
            data.display()
        );
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    node.stop().await;
    ExitCode::SUCCESS
}

async fn change_user(config: &Config, change: UserChange) -> ExitCode {
    let (accounts, redis) = match app::accounts(config).await {
        Ok(opened) => opened,
        Err(StartError::Config(error)) => return fail(&error, EXIT_USAGE),
        Err(error) => return fail(&error, 1),
    };
    let outcome = match &change {
        UserChange::Promote { name } => accounts.promote(name).await,
        UserChange::Demote { name } => accounts.demote(name).await,
        UserChange::Password { name } => match read_password() {
            Ok(password) => accounts.set_password(name, &password).await,
            Err(error) => Err(error),
        },
        UserChange::Ban { name } => accounts.set_banned(name, true).await,
        UserChange::Unban { name } => accounts.set_banned(name, false).await,
    };
    if let Some(redis) = redis {
        redis.stop();
    }
    match outcome {
        Ok(id) => print(&format!("user {id}: done")),
        Err(error) if error.kind() == Kind::NotFound || error.kind() == Kind::BadRequest => fail(&error, EXIT_USAGE),
        Err(error) => fail(&error, 1),
    }
}

/// The first line of standard input, so that a password stands in no process list.
fn read_password() -> Result<Password, Error> {
    eprintln!("New password, then Enter:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Error::internal)?;
    Password::parse(line.trim_end_matches(['\r', '\n']))
}

/// One request by hand: an HTTP client would be the largest part of the binary.
fn health(config: &Config) -> ExitCode {
    let host = match config.server.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let asked = TcpStream::connect((host, config.server.port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
        stream.set_write_timeout(Some(HEALTH_TIMEOUT))?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(1024).read_to_string(&mut answer)?;
        Ok(answer)
    });
    match asked {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => print("ready"),
        Ok(answer) => fail(&answer.lines().next().unwrap_or("no answer"), 1),
        Err(error) => fail(&error, 1),
    }
}
