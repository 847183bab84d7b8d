//! `chinwag hook`: webhooks.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::administer::administer;
use super::{print, print_lines};
use crate::config::Config;
use crate::domain::{Error, HookHealth, Result, RoomId, UserName, utc_seconds};
use crate::node;
use crate::service::{Hooks, ListedHook, Operator, shown_secret};

/// The state of a webhook whose maker may have none in its room any more.
const PAUSED: &str = "paused";

#[derive(Subcommand)]
pub(super) enum HookCommand {
    /// Creates a webhook and prints its id and its secret URL or signing secret, which cannot be shown again.
    Create(NewHook),
    /// Lists webhooks: id, kind, room, creation, last use, state, name or URL, latest error.
    List,
    /// Revokes a webhook. Nodes stop sending to it within seconds.
    Revoke {
        /// Its id.
        id: String,
    },
}

#[derive(Args)]
pub(super) struct NewHook {
    /// Creates an incoming webhook, whose messages appear under this name.
    #[arg(long, required_unless_present = "url", requires = "room")]
    name: Option<String>,
    /// Creates an outgoing webhook, which sends messages to this URL.
    #[arg(long, conflicts_with = "name")]
    url: Option<String>,
    /// Number or id of the room; without it, an outgoing webhook is for all groups and public rooms.
    #[arg(long)]
    room: Option<String>,
}

pub(super) async fn run(config: &Config, command: HookCommand) -> ExitCode {
    let outcome = administer(node::hooks(config), async |hooks: &Hooks| match command {
        HookCommand::Create(new) => create(hooks, new, &config.server.public_url).await.map(|made| print(&made)),
        HookCommand::List => {
            let lines: Vec<String> =
                hooks.list_with_pauses(&Operator::CommandLine, None).await?.iter().map(line).collect();
            Ok(print_lines(&lines))
        }
        HookCommand::Revoke { id } => {
            hooks.remove(&Operator::CommandLine, None, &id.parse()?).await?;
            Ok(print(&format!("{id}: revoked")))
        }
    });
    outcome.await.unwrap_or_else(|failure| failure)
}

async fn create(hooks: &Hooks, new: NewHook, base_url: &str) -> Result<String> {
    let operator = &Operator::CommandLine;
    let room = new.room.as_deref().map(room_of).transpose()?;
    if let (Some(name), Some(room)) = (&new.name, room) {
        let (token, hook) = hooks.create_incoming(operator, room, &UserName::parse(name)?).await?;
        let base_url = base_url.trim_end_matches('/');
        return Ok(format!("{}\t{base_url}/api/v1/hooks/{}", hook.id, token.expose()));
    }
    let hook = hooks.create_outgoing(operator, room, new.url.as_deref().unwrap_or_default()).await?;
    Ok(format!("{}\t{}", hook.id, shown_secret(&hook)))
}

fn room_of(text: &str) -> Result<RoomId> {
    let number = text.parse().ok().and_then(RoomId::new);
    number.or_else(|| text.parse().ok()).ok_or(Error::RoomNotFound)
}

fn line((hook, is_paused): &(ListedHook, bool)) -> String {
    let time = |ms: Option<u64>| ms.map_or("never".to_owned(), utc_seconds);
    match hook {
        ListedHook::Incoming(hook, used_at_ms) => {
            let (created, used) = (utc_seconds(hook.origin.made_at_ms), time(*used_at_ms));
            let state = if *is_paused { PAUSED } else { "ok" };
            format!("{}\tincoming\t{}\t{created}\t{used}\t{state}\t{}\t", hook.id, hook.room, hook.name)
        }
        ListedHook::Outgoing(hook, health) => {
            let room = hook.room.map_or("all".to_owned(), |room| room.to_string());
            let (created, used) = (utc_seconds(hook.origin.made_at_ms), time(health.delivered_at_ms));
            let state = if *is_paused { PAUSED.to_owned() } else { state(health) };
            let error = error(health);
            format!("{}\toutgoing\t{room}\t{created}\t{used}\t{state}\t{}\t{error}", hook.id, hook.url.as_str())
        }
    }
}

fn error(health: &HookHealth) -> String {
    let error = health.error.clone().unwrap_or_default();
    health.cause.as_ref().map_or_else(|| error.clone(), |cause| format!("{error} ({cause})"))
}

fn state(health: &HookHealth) -> String {
    let lost = if health.given_up > 0 { format!(", {} given up", health.given_up) } else { String::new() };
    match health.failing_since_ms {
        None => format!("ok{lost}"),
        Some(since_ms) => format!("failing since {}{lost}", utc_seconds(since_ms)),
    }
}
