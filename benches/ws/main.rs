//! Measures fan-out over WebSockets from outside: two real nodes and a real Redis, compared with a server that only
//! writes ready frames and with other servers under the same load. Run by `scripts/bench ws`; `docs/performance.md`
//! explains the tables. Timings are shown, never asserted.
//!
//! - [`extent`] how much is measured; [`shape`] the loads; [`drive`] one round; [`fanout`] the messages in flight;
//!   [`idle`] sockets without messages
//! - [`subject`] the servers to compare and their protocols; [`servers`] their processes; [`raw`] the lower limit;
//!   [`world`] users and rooms
//! - [`socket`] the clients; [`tally`] losses, duplicates, order
//! - [`measure`] the rounds; [`report`] the tables; [`profile`] `perf` on one shape
//! - [`common`] what it shares with the benchmark over HTTP

#[path = "../common/mod.rs"]
mod common;
mod drive;
mod extent;
mod fanout;
mod idle;
mod measure;
mod profile;
mod raw;
mod report;
mod servers;
mod shape;
mod socket;
mod subject;
mod tally;
mod world;

use common::page::{PERFORMANCE, Place, publish, record};
use common::process::{Scratch, prepare_this_process};
use common::{Result, arguments, on_one_thread};
use extent::{Extent, FULL, QUICK};
use report::Report;
use servers::{Servers, peers_dir};
use shape::Shape;
use subject::Subject;
use world::World;

const USAGE: &str = "usage: scripts/bench ws [[quick] [SERVER …] | record | profile SHAPE [SERVER]]   \
                     (SHAPE: s1 … s5, open; SERVER: raw, chinwag, socket.io, centrifugo, nchan)";
const PLACE: Place =
    Place { page: PERFORMANCE, first_line: "<!-- scripts/bench ws record -->\n", last_line: "<!-- end ws -->\n" };

fn main() -> Result<()> {
    let arguments = arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bare-server", port] => raw::serve(port.parse()?),
        ["record"] => record(&run(&FULL, &Subject::ALL)?, &PLACE),
        ["quick"] => run(&QUICK, &[Subject::Raw, Subject::Chinwag]).map(drop),
        ["quick", servers @ ..] => run(&QUICK, &subjects(servers)?).map(drop),
        ["profile", shape] => profile::run(&Shape::named(shape).ok_or(USAGE)?, Subject::Chinwag),
        ["profile", shape, server] => {
            profile::run(&Shape::named(shape).ok_or(USAGE)?, Subject::named(server).ok_or(USAGE)?)
        }
        [] => run(&FULL, &Subject::ALL).map(drop),
        servers => run(&FULL, &subjects(servers)?).map(drop),
    }
}

fn subjects(words: &[&str]) -> Result<Vec<Subject>> {
    words.iter().map(|word| Ok(Subject::named(word).ok_or(USAGE)?)).collect()
}

/// Measures, prints and returns the tables.
fn run(extent: &Extent, subjects: &[Subject]) -> Result<String> {
    prepare_this_process()?;
    let scratch = Scratch::make()?;
    let peers = peers_dir();
    let (present, absent): (Vec<Subject>, Vec<Subject>) =
        subjects.iter().partition(|subject| subject.is_installed(&peers));
    let text = on_one_thread(measure_all(&scratch, extent, &present, absent))?.markdown(extent)?;
    publish(&text, "ws.md")?;
    Ok(text)
}

async fn measure_all(scratch: &Scratch, extent: &Extent, subjects: &[Subject], absent: Vec<Subject>) -> Result<Report> {
    let idle_sizes = idle::possible(extent.idle)?;
    let sockets = idle_sizes.iter().copied().fold(extent.storm, usize::max);
    let mut worlds = Vec::new();
    for subject in subjects {
        worlds.push(World::make(Servers::start(*subject, &scratch.0)?, sockets).await?);
    }
    let rows = measure::rounds(&worlds, extent.rounds, extent.round).await?;
    let storms = idle::storms(&worlds, extent.storm, extent.rounds).await?;
    let mut idle = Vec::new();
    for sockets in idle_sizes {
        idle.extend(idle::idle(&mut worlds, sockets, extent.idle_window).await?);
    }
    Ok(Report { rows, storms, idle, absent })
}
