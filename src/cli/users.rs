//! Commands that list, create and change accounts.

use std::io::BufRead;
use std::process::ExitCode;

use clap::Subcommand;

use super::administer::administer;
use super::{print, print_lines};
use crate::config::Config;
use crate::domain::{
    Account, Email, Error, Limit, NewAccount, Password, Reason, Role, Session, UserId, UserName, utc_seconds,
};
use crate::node;
use crate::service::{Administration, Operator, Restored};

const ACCOUNTS_AT_ONCE: Limit = Limit::of(500);

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Creates an account with a password from standard input, even if registration is closed.
    Add {
        name: String,
        /// E-mail address of the account.
        #[arg(long)]
        email: Option<String>,
    },
    /// Lists accounts, or those whose name begins with START: number, name, state, time of creation, e-mail address.
    List { start: Option<String> },
    /// Deletes an account. Its messages stay, under a placeholder name.
    Remove { name: String },
    /// Revokes all tokens of a user.
    Logout { name: String },
    /// Lists a user's logins of the last 30 days: time, whether the token is valid, address, user agent.
    Sessions { name: String },
    /// Makes a user an administrator.
    Promote { name: String },
    /// Makes an administrator an ordinary user again.
    Demote { name: String },
    /// Sets a password from standard input and revokes the user's tokens.
    Password { name: String },
    /// Bans a user and revokes the user's tokens.
    Ban {
        name: String,
        /// Reason, shown in the audit log and in the list of users.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Lifts a ban.
    Unban { name: String },
}

pub(super) async fn run(config: &Config, command: UserCommand) -> ExitCode {
    let operator = &Operator::CommandLine;
    let outcome = administer(node::administration(config), async |it| match command {
        UserCommand::List { start } => list(it, start.as_deref().unwrap_or_default()).await,
        UserCommand::Sessions { name } => sessions(it, &name).await,
        UserCommand::Add { name, email } => add(it, &name, email.as_deref()).await.map(done),
        UserCommand::Remove { name } => change(it, &name, async |user| it.delete(operator, user).await).await,
        UserCommand::Logout { name } => change(it, &name, async |user| it.end_sessions(operator, user).await).await,
        UserCommand::Promote { name } => {
            change(it, &name, async |user| it.set_role(operator, user, Role::Admin).await).await
        }
        UserCommand::Demote { name } => {
            change(it, &name, async |user| it.set_role(operator, user, Role::User).await).await
        }
        UserCommand::Password { name } => {
            change(it, &name, async |user| it.set_password(operator, user, &read_password()?).await).await
        }
        UserCommand::Ban { name, reason } => {
            change(it, &name, async |user| it.ban(operator, user, Reason::parse(&reason)?).await).await
        }
        UserCommand::Unban { name } => change(it, &name, async |user| it.unban(operator, user).await).await,
    });
    outcome.await.unwrap_or_else(|failure| failure)
}

/// Changes the account with this name.
async fn change(
    administration: &Administration,
    name: &str,
    act: impl AsyncFnOnce(UserId) -> Result<(), Error>,
) -> Result<ExitCode, Error> {
    let user = administration.accounts().named(name).await?;
    act(user).await?;
    Ok(done(user))
}

fn done(user: UserId) -> ExitCode {
    print(&format!("user {user}: done"))
}

async fn add(administration: &Administration, name: &str, email: Option<&str>) -> Result<UserId, Error> {
    let (name, email) = (UserName::parse(name)?, email.map(Email::parse).transpose()?);
    let password = read_password()?;
    let new = NewAccount { name, email, phone: String::new(), invite: None, origin: None };
    administration.add(&Operator::CommandLine, &new, Some(&password)).await.map(|account| account.id)
}

async fn list(administration: &Administration, start: &str) -> Result<ExitCode, Error> {
    let mut after = None;
    loop {
        let (page, next) =
            administration.users(&Operator::CommandLine, start, after.as_deref(), ACCOUNTS_AT_ONCE).await?;
        let printed = print_lines(&page.iter().map(line).collect::<Vec<_>>());
        if printed != ExitCode::SUCCESS || next.is_none() {
            return Ok(printed);
        }
        after = next;
    }
}

fn line(account: &Account) -> String {
    let state = match (account.is_banned, account.role) {
        (true, _) => "banned",
        (false, Role::Admin) => "admin",
        (false, Role::User) => "user",
    };
    let created = utc_seconds(account.created_at_ms);
    format!("{}\t{}\t{state}\t{created}\t{}", account.id, account.name, account.email).trim_end().to_owned()
}

async fn sessions(administration: &Administration, name: &str) -> Result<ExitCode, Error> {
    let user = administration.accounts().named(name).await?;
    let sessions = administration.sessions(&Operator::CommandLine, user).await?;
    let line = |session: &Session| {
        let state = if session.is_active { "valid" } else { "ended" };
        format!("{}\t{state}\t{}\t{}", utc_seconds(session.at_ms), session.ip, session.user_agent)
    };
    Ok(print_lines(&sessions.iter().map(line).collect::<Vec<_>>()))
}

pub(super) async fn restored(config: &Config) -> ExitCode {
    let restoring = async |administration: &Administration| administration.restored(&Operator::CommandLine).await;
    match administer(node::administration(config), restoring).await {
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
