//! Lanes of requests over HTTP: each asks again and again, at most once in a while, and waits for each answer.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Flood;
use super::client::{Client, address};
use super::requests::{KINDS, Kind, Step};
use crate::common::Result;

/// How long a lane waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts all lanes of an account.
pub fn start(flood: &Rc<Flood>, account: usize, tasks: &mut JoinSet<()>) {
    for kind in KINDS.iter().filter(|kind| flood.has(kind.name)) {
        for lane in 0..kind.lanes {
            tasks.spawn_local(run(Rc::clone(flood), kind, account, lane));
        }
    }
}

async fn run(flood: Rc<Flood>, kind: &'static Kind, account: usize, lane: usize) {
    let mut clock = interval(Duration::from_millis(kind.every_ms));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut client = None;
    for number in (lane..).step_by(kind.lanes) {
        clock.tick().await;
        let request = (kind.request)(&Step { world: &flood.world, account, number });
        // Guesses and registrations come from another address each time.
        let from = address(account, if kind.changes_address { number } else { lane });
        let outcome = timeout(PATIENCE, ask(&mut client, from, flood.world.port, &request)).await;
        let outcome = match outcome {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => short(&error.to_string()),
            Err(_) => "no answer in 10 s".to_owned(),
        };
        let goes_on = client.as_ref().is_some_and(|client| client.is_open) && !kind.changes_address;
        if !goes_on || !outcome.starts_with(|c: char| c.is_ascii_digit()) {
            client = None;
        }
        flood.note(kind.name, outcome);
    }
}

async fn ask(client: &mut Option<Client>, from: std::net::Ipv4Addr, port: u16, request: &[u8]) -> Result<u16> {
    let client = match client {
        Some(client) => client,
        None => client.insert(Client::open(from, port).await?),
    };
    client.ask(request).await
}

/// An error without what differs from one to the next.
pub fn short(error: &str) -> String {
    error.split(" (os error").next().unwrap_or(error).to_lowercase()
}
