//! Measures Chinwag from outside: a real Redis, real nodes, HTTP/1.1 over loopback. Run by `scripts/bench`;
//! `docs/performance.md` explains the tables. Timings are shown, never asserted.
//!
//! - [`operation`] what is measured, made of [`requests`]; [`world`] the users and rooms; [`extent`] how much of it
//! - [`raw`] the lower limits: the bare script and the bare server
//! - [`rig`] the servers; [`measure`] the rounds, each a [`round`]; [`report`] the tables; [`profile`] `perf` on one row
//! - [`links`] what TLS and waiting for a replica cost
//! - [`common`] what it shares with the benchmark over WebSockets

#[path = "../common/mod.rs"]
mod common;
mod extent;
mod links;
mod measure;
mod operation;
mod profile;
mod raw;
mod report;
mod requests;
mod rig;
mod round;
mod world;

use common::page::{PERFORMANCE, Place, publish, record};
use common::{Result, arguments, on_one_thread};
use extent::{Extent, FULL, QUICK};
use measure::{Metrics, Subject, whole_lists};
use operation::Operation;
use report::{Growth, Report};
use rig::Rig;
use world::World;

const USAGE: &str = "usage: scripts/bench [quick | record | links [quick | record] | profile ROW]   (ROW: send, history, poll, stats, …)";
const PLACE: Place =
    Place { page: PERFORMANCE, first_line: "<!-- scripts/bench record -->\n", last_line: "<!-- end -->\n" };
const LINKS_PLACE: Place =
    Place { page: PERFORMANCE, first_line: "<!-- scripts/bench links record -->\n", last_line: "<!-- end -->\n" };

fn main() -> Result<()> {
    let arguments = arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bare-server", port] => raw::serve(port.parse()?),
        [] => run(&FULL).map(drop),
        ["quick"] => run(&QUICK).map(drop),
        ["record"] => record(&run(&FULL)?, &PLACE),
        ["links"] => links::run(&FULL).map(drop),
        ["links", "quick"] => links::run(&QUICK).map(drop),
        ["links", "record"] => record(&links::run(&FULL)?, &LINKS_PLACE),
        ["profile", row] => profile::run(Operation::named(row)?),
        _ => Err(USAGE.into()),
    }
}

/// Measures, prints and returns the tables.
fn run(extent: &'static Extent) -> Result<String> {
    let rig = Rig::start()?;
    let text = on_one_thread(measure_all(&rig, extent))?.markdown()?;
    publish(&text, "report.md")?;
    Ok(text)
}

async fn measure_all(rig: &Rig, extent: &'static Extent) -> Result<Report> {
    let mut world = World::make(rig).await?;
    let mut report = Report::new(extent);
    for (index, size) in extent.sizes.iter().enumerate() {
        world.grow_to(*size).await?;
        let is_first = index == 0;
        let (subjects, round) = match is_first {
            true => (Subject::all(), extent.round),
            false => (Operation::GROWTH.map(Subject::Http).to_vec(), extent.growth_round),
        };
        let rows: Vec<Metrics> = measure::rounds(rig, &world, subjects, extent.rounds, round).await?;
        let lists = whole_lists(rig, &world, extent.rounds, extent.growth_round).await?;
        report.growth.push(Growth { size: *size, rows: rows.clone(), lists });
        if is_first {
            report.rows = rows;
        }
    }
    Ok(report)
}
