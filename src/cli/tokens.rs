//! `chinwag token`: tokens of applications.

use std::process::ExitCode;

use clap::Subcommand;

use super::administer::administer;
use super::{print, print_lines};
use crate::config::Config;
use crate::domain::{Result, Scope, StoredApplication, UserName, utc_seconds};
use crate::node;
use crate::service::{Applications, Operator};

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Creates a token and prints it. It cannot be shown again.
    Create {
        /// Name of the application and of the account that it acts as.
        name: String,
        /// A permission of the application; repeat it for several.
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope)]
        scopes: Vec<Scope>,
    },
    /// Lists tokens: name, number of the account, creation, last use, scopes.
    List,
    /// Revokes a token, effective immediately.
    Revoke { name: String },
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::of(word).ok_or_else(|| format!("must be one of {}", Scope::ALL.map(Scope::word).join(", ")))
}

pub(super) async fn run(config: &Config, command: TokenCommand) -> ExitCode {
    let operator = &Operator::CommandLine;
    let outcome = administer(node::applications(config), async |it: &Applications| match command {
        TokenCommand::Create { name, scopes } => {
            let token = it.create(operator, &UserName::parse(&name)?, scopes).await?;
            Ok(print(token.expose()))
        }
        TokenCommand::List => {
            let lines: Vec<String> = it.list(operator).await?.iter().map(line).collect();
            Ok(print_lines(&lines))
        }
        TokenCommand::Revoke { name } => {
            it.revoke(operator, &name).await?;
            Ok(print(&format!("{name}: revoked")))
        }
    });
    outcome.await.unwrap_or_else(|failure| failure)
}

fn line((stored, used_at_ms): &(StoredApplication, Option<u64>)) -> String {
    let scopes: Vec<&str> = stored.scopes.iter().map(|scope| scope.word()).collect();
    let used = used_at_ms.map_or("never".to_owned(), utc_seconds);
    let created = utc_seconds(stored.created_at_ms);
    format!("{}\t{}\t{created}\t{used}\t{}", stored.name, stored.bot, scopes.join(" "))
}
