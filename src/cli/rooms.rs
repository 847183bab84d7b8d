//! `chinwag room` and `chinwag audit`.

use std::process::ExitCode;

use clap::Subcommand;

use super::administer::administer;
use super::{EXIT_USAGE, fail, print_lines};
use crate::config::Config;
use crate::domain::{AuditEntry, AuditFilter, Limit, Result, RoomId, RoomKind, RoomSummary, utc_millis};
use crate::node;
use crate::service::{Administration, Operator};

const AT_ONCE: Limit = Limit::of(500);

#[derive(Subcommand)]
pub(super) enum RoomAct {
    /// Lists groups and public rooms: number, id, kind, members, name.
    List,
    /// Deletes a group or public room with its messages.
    Delete {
        /// Its number or id, as shown by `room list`.
        room: String,
    },
}

/// Lists or removes rooms.
pub(super) async fn run(config: &Config, act: RoomAct) -> ExitCode {
    let outcome = match act {
        RoomAct::List => administer(node::administration(config), list).await,
        RoomAct::Delete { room } => {
            let number = room.parse().ok().and_then(RoomId::new);
            let Some(room) = number.or_else(|| room.parse().ok()) else {
                return fail(&format!("{room} is neither the number nor the id of a room"), EXIT_USAGE);
            };
            administer(node::room_removals(config), async |removals| {
                removals.remove_any(room, &Operator::CommandLine).await?;
                Ok(vec![format!("{room}: removed")])
            })
            .await
        }
    };
    outcome.map_or_else(|failure| failure, |lines| print_lines(&lines))
}

/// Prints the latest entries of the audit log.
pub(super) async fn audit(config: &Config, limit: usize) -> ExitCode {
    let outcome = administer(node::administration(config), async |administration| {
        let limit = Limit::parse(&limit.to_string(), usize::MAX)?;
        administration.audit_log(&Operator::CommandLine, &AuditFilter::default(), None, limit).await
    });
    match outcome.await {
        Ok((entries, _)) => print_lines(&entries.iter().map(entry_line).collect::<Vec<_>>()),
        Err(failure) => failure,
    }
}

async fn list(administration: &Administration) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let (rooms, next) = administration.rooms(&Operator::CommandLine, "", after, AT_ONCE).await?;
        lines.extend(rooms.iter().map(room_line));
        if next.is_none() {
            return Ok(lines);
        }
        after = next;
    }
}

fn room_line(room: &RoomSummary) -> String {
    let kind = match room.kind {
        RoomKind::Public => "public",
        RoomKind::Group => "group",
        RoomKind::Direct => "direct",
    };
    format!("{}\t{}\t{kind}\t{}\t{}", room.id.number(), room.id, room.members, room.name)
}

fn entry_line(entry: &AuditEntry) -> String {
    let at = utc_millis(entry.at_ms);
    let actor =
        entry.actor.as_ref().map_or("command line".to_owned(), |actor| format!("{} ({})", actor.name, actor.id));
    let target = entry.target.as_ref().map(|it| format!("{} {} ({})", it.kind, it.name, it.id)).unwrap_or_default();
    let address = if entry.address.is_empty() { "-" } else { &entry.address };
    let reason = if entry.reason.is_empty() { String::new() } else { format!("\t{}", entry.reason) };
    format!("{at}\t{actor}\t{address}\t{}\t{target}{reason}", entry.act)
}
