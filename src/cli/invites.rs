//! `chinwag invite`: creates an invite to register.

use std::process::ExitCode;

use clap::{Args, value_parser};

use super::administer::administer;
use super::print;
use crate::config::Config;
use crate::domain::{InviteTerms, utc_seconds};
use crate::node;
use crate::service::{Administration, Operator};

#[derive(Args)]
pub(super) struct InviteArguments {
    /// Number of accounts that can be registered with it, at most 1000.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=1000))]
    uses: u32,
    /// Number of days for which it is valid, at most 365.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = value_parser!(u32).range(1..=365))]
    days: u32,
}

pub(super) async fn run(config: &Config, arguments: &InviteArguments) -> ExitCode {
    let inviting = async |administration: &Administration| {
        let terms = InviteTerms::new(arguments.uses, arguments.days)?;
        administration.invite(&Operator::CommandLine, terms).await
    };
    match administer(node::administration(config), inviting).await {
        Ok(invite) => {
            let uses = if invite.uses == 1 { "once".to_owned() } else { format!("{} times", invite.uses) };
            eprintln!("May be used {uses} until {}:", utc_seconds(invite.expires_at_ms));
            print(&invite.link(config.server.public_url.trim_end_matches('/')))
        }
        Err(failure) => failure,
    }
}
