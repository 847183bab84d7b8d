//! Commands that list, create and change accounts.

use std::io::BufRead;
use std::process::ExitCode;

use clap::Subcommand;

use super::administer::administer;
use super::print;
use crate::config::Config;
use crate::domain::{Account, Email, Error, NewAccount, Password, Role, UserName};
use crate::service::{Accounts, Restored};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Creates an account with a password from standard input, whoever may register.
    Add {
        name: String,
        /// Its e-mail address.
        #[arg(long)]
        email: Option<String>,
    },
    /// Lists the accounts, or those whose name begins with a text: number, name, state, time of creation, e-mail address.
    List { start: Option<String> },
    /// Deletes an account. Its messages stay, under the name of deleted users.
    Remove { name: String },
    /// Ends all tokens of a user.
    Logout { name: String },
    /// Lists a user's log-ins of the last 30 days: time, whether the token is valid, address, user agent.
    Sessions { name: String },
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

pub(super) async fn run(config: &Config, command: UserCommand) -> ExitCode {
    let outcome = administer(config, async |accounts| {
        let user = match &command {
            UserCommand::List { start } => return list(accounts, start.as_deref().unwrap_or_default()).await,
            UserCommand::Sessions { name } => return sessions(accounts, name).await,
            UserCommand::Add { name, email } => add(accounts, name, email.as_deref()).await,
            UserCommand::Remove { name } => accounts.remove(name).await,
            UserCommand::Logout { name } => accounts.log_out_named(name).await,
            UserCommand::Promote { name } => accounts.promote(name).await,
            UserCommand::Demote { name } => accounts.demote(name).await,
            UserCommand::Password { name } => accounts.set_password(name, &read_password()?).await,
            UserCommand::Ban { name } => accounts.set_banned(name, true).await,
            UserCommand::Unban { name } => accounts.set_banned(name, false).await,
        }?;
        Ok(print(&format!("user {user}: done")))
    });
    outcome.await.unwrap_or_else(|failure| failure)
}

async fn add(accounts: &Accounts, name: &str, email: Option<&str>) -> Result<crate::domain::UserId, Error> {
    let (name, email) = (UserName::parse(name)?, email.map(Email::parse).transpose()?);
    let password = read_password()?;
    let new = NewAccount { name, email, phone: String::new(), invite: None };
    Ok(accounts.add(&new, &password).await?.id)
}

async fn list(accounts: &Accounts, start: &str) -> Result<ExitCode, Error> {
    let mut after = None;
    loop {
        let (page, next) = accounts.page(start, after.as_deref()).await?;
        if !page.is_empty() {
            let lines: Vec<String> = page.iter().map(line).collect();
            let printed = print(&lines.join("\n"));
            if printed != ExitCode::SUCCESS {
                return Ok(printed);
            }
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn line(account: &Account) -> String {
    let state = match (account.is_banned, account.role) {
        (true, _) => "banned",
        (false, Role::Admin) => "admin",
        (false, Role::User) => "user",
    };
    let created = time(account.created_at_ms);
    format!("{}\t{}\t{state}\t{created}\t{}", account.id, account.name, account.email).trim_end().to_owned()
}

async fn sessions(accounts: &Accounts, name: &str) -> Result<ExitCode, Error> {
    let sessions = accounts.sessions_of(name).await?;
    let line = |session: &crate::domain::Session| {
        let state = if session.is_active { "valid" } else { "ended" };
        format!("{}\t{state}\t{}\t{}", time(session.at_ms), session.ip, session.user_agent)
    };
    let lines: Vec<String> = sessions.iter().map(line).collect();
    Ok(if lines.is_empty() { ExitCode::SUCCESS } else { print(&lines.join("\n")) })
}

/// A time in UTC, to the second.
pub(super) fn time(at_ms: u64) -> String {
    let seconds = i64::try_from(at_ms / 1000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

pub(super) async fn restored(config: &Config) -> ExitCode {
    match administer(config, Accounts::restored).await {
        Ok(Restored { last_user, last_room }) => {
            print(&format!("all tokens end; new users have numbers above {last_user}, new rooms above {last_room}"))
        }
        Err(failure) => failure,
    }
}

/// Reads a password from the first line of standard input, so that it does not appear in the process list.
fn read_password() -> Result<Password, Error> {
    eprintln!("New password, then Enter:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Error::internal)?;
    Password::parse(line.trim_end_matches(['\r', '\n']))
}
