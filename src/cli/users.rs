//! Commands that change accounts.

use std::io::BufRead;
use std::process::ExitCode;

use clap::Subcommand;

use super::{EXIT_FAILURE, EXIT_USAGE, fail, fail_to_start, print};
use crate::config::Config;
use crate::domain::{Error, Kind, Password};
use crate::node;
use crate::service::{Accounts, Restored};

#[derive(Subcommand)]
pub(super) enum UserChange {
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

pub(super) async fn change(config: &Config, change: UserChange) -> ExitCode {
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

pub(super) async fn restored(config: &Config) -> ExitCode {
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
