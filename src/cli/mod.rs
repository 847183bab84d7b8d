//! The command line. Each command of more than a line has its own file.

mod administer;
mod backups;
mod check;
mod conformance;
mod dev;
mod health;
mod hooks;
mod invites;
mod rooms;
mod serve;
mod tokens;
mod users;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use nix::sys::stat::{Mode, umask};

pub use serve::run_until;

use crate::config::Config;
use crate::node::{self, Reloader, StartError};
use backups::{BackupArguments, RestoreArguments};
use conformance::ConformanceArguments;
use dev::DevArguments;
use hooks::HookCommand;
use invites::InviteArguments;
use rooms::RoomAct;
use tokens::TokenCommand;
use users::UserCommand;

/// Exit code for an invalid setting or argument, and for a user that does not exist.
const EXIT_USAGE: u8 = 2;
/// Exit code for all other errors.
const EXIT_FAILURE: u8 = 1;

/// A self-hosted chat server: five chat APIs in one binary, with Redis as its only store.
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
    #[command(flatten)]
    Configured(Configured),
    /// Checks the configuration and what a node needs, one line per result; exits with 0 if nothing failed.
    Check,
    /// Tests whether a server behaves as an API specification says, one line per step; exits with 0 if it does.
    Conformance(ConformanceArguments),
    /// Prints a new signing secret.
    Secret,
    /// Prints a new key for push notifications (push.key).
    PushKey,
    /// Prints the OpenAPI document.
    Openapi,
    /// Prints the manual page of the command line.
    Man {
        /// Writes a page for each command to this folder instead.
        folder: Option<PathBuf>,
    },
    /// Prints a script that completes commands in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Commands that need a valid configuration.
#[derive(Subcommand)]
enum Configured {
    /// Runs a node (the default).
    Serve,
    /// Runs a temporary node for tests of other programs, in memory, with given users and rooms, and fault injection.
    Dev(DevArguments),
    /// Lists, creates and changes accounts.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Creates an invite to register and prints its link.
    Invite(InviteArguments),
    /// Lists or deletes rooms.
    Room {
        #[command(subcommand)]
        act: RoomAct,
    },
    /// Creates, lists and revokes the tokens of applications.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Creates, lists and revokes webhooks.
    Hook {
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Prints the audit log of administrators and applications, newest entries first.
    Audit {
        /// Maximum number of entries.
        #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
    },
    /// Backs up all data, uploads included, to a file, while nodes run.
    Backup(BackupArguments),
    /// Restores a backup. Stop all nodes first.
    Restore(RestoreArguments),
    /// For use after Redis was restored by other means: skips ids assigned since the backup, and revokes all tokens.
    Restored,
    /// Checks whether the node on this machine is ready; exits with 0 if it is.
    Health,
}

/// Parses the arguments and runs the command.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // Files of this process are for its owner only: the data folder may be where other users have access.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let file = arguments.config.as_deref();
    match arguments.command.unwrap_or(Command::Configured(Configured::Serve)) {
        Command::Configured(command) => run_configured(command, file).await,
        Command::Check => check::run(Config::load(file)).await,
        Command::Conformance(arguments) => conformance::run(arguments).await,
        Command::Secret => print(&node::new_secret()),
        Command::PushKey => print(&node::new_push_key()),
        Command::Openapi => match node::openapi().to_pretty_json() {
            Ok(json) => print(&json),
            Err(error) => fail(&error, EXIT_FAILURE),
        },
        Command::Man { folder } => manual(folder.as_deref()),
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: clap_complete::Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "chinwag", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}

fn manual(folder: Option<&Path>) -> ExitCode {
    let command = Arguments::command();
    let mut page = Vec::new();
    let written = match folder {
        Some(folder) => clap_mangen::generate_to(command, folder),
        None => clap_mangen::Man::new(command).render(&mut page),
    };
    match written {
        Ok(()) if folder.is_some() => ExitCode::SUCCESS,
        Ok(()) => print(String::from_utf8_lossy(&page).trim_end()),
        Err(error) => fail(&error, EXIT_FAILURE),
    }
}

async fn run_configured(command: Configured, file: Option<&Path>) -> ExitCode {
    let (config, values) = match Config::load_values(file) {
        Ok(loaded) => loaded,
        Err(error) => return fail(&error, EXIT_USAGE),
    };
    match command {
        Configured::Serve => serve::run(config, Reloader::new(file.map(Path::to_owned), values)).await,
        Configured::Dev(arguments) => dev::run(config, arguments).await,
        Configured::User { command } => users::run(&config, command).await,
        Configured::Invite(arguments) => invites::run(&config, &arguments).await,
        Configured::Room { act } => rooms::run(&config, act).await,
        Configured::Token { command } => tokens::run(&config, command).await,
        Configured::Hook { command } => hooks::run(&config, command).await,
        Configured::Audit { limit } => rooms::audit(&config, limit.into()).await,
        Configured::Backup(arguments) => backups::back_up(&config, &arguments).await,
        Configured::Restore(arguments) => backups::restore(&config, &arguments).await,
        Configured::Restored => users::restored(&config).await,
        Configured::Health => health::run(&config),
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

/// Prints lines, if there are any.
fn print_lines(lines: &[String]) -> ExitCode {
    if lines.is_empty() { ExitCode::SUCCESS } else { print(&lines.join("\n")) }
}

fn fail_to_start(error: &StartError) -> ExitCode {
    fail(error, exit_code(error))
}

/// The exit code for an error that keeps a node or a command from starting.
fn exit_code(error: &StartError) -> u8 {
    match error {
        StartError::Config(_) | StartError::Redis(_) | StartError::Differs(_) | StartError::NoData(_) => EXIT_USAGE,
        StartError::PrivateRedis(_) | StartError::Folder(_) | StartError::Node(_) | StartError::Io { .. } => {
            EXIT_FAILURE
        }
    }
}
