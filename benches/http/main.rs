//! Measures Chinwag from outside: a real Redis, real nodes, HTTP/1.1 over loopback. Run by `scripts/bench`;
//! `docs/performance.md` says how to read what it prints. Timings are shown, never asserted.
//!
//! - [`load`] the closed loop of 32 connections; [`raw`] the limits: the bare script and the bare server
//! - [`work`] what is measured; [`world`] the users and rooms that it is measured on
//! - [`rig`] the processes; [`machine`] their CPU time; [`report`] the tables; [`profile`] `perf` on one row

mod load;
mod machine;
mod measure;
mod profile;
mod raw;
mod report;
mod rig;
mod work;
mod world;

use std::time::Duration;

use measure::{Metrics, Subject, whole_lists};
use report::{Growth, Report};
use rig::Rig;
use work::Operation;
use world::World;

/// Whatever goes wrong ends the run.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How much is measured.
struct Extent {
    rounds: usize,
    /// One round of a row of the first table.
    round: Duration,
    /// One round of a row of the tables of growth.
    growth_round: Duration,
    /// Users, rooms and messages, each; the first table is made at the first.
    sizes: &'static [u64],
}

const FULL: Extent = Extent {
    rounds: 3,
    round: Duration::from_secs(3),
    growth_round: Duration::from_millis(1500),
    sizes: &[100, 10_000, 100_000],
};

const QUICK: Extent = Extent {
    rounds: 1,
    round: Duration::from_secs(1),
    growth_round: Duration::from_millis(500),
    sizes: &[100, 10_000],
};

const USAGE: &str = "usage: scripts/bench [quick | record | profile ROW]   (ROW: send, history, poll, stats, …)";
/// The page that keeps the metrics, and the lines between which it does.
const PAGE: &str = "docs/performance.md";
const FIRST_LINE: &str = "<!-- scripts/bench record -->\n";
const LAST_LINE: &str = "<!-- end -->\n";

fn main() -> Result<()> {
    // `cargo bench` adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bare-server", port] => raw::serve(port.parse()?),
        [] => run(&FULL).map(drop),
        ["quick"] => run(&QUICK).map(drop),
        ["record"] => record(&run(&FULL)?),
        ["profile", row] => profile::run(Operation::named(row)?),
        _ => Err(USAGE.into()),
    }
}

/// One thread makes all the load, and starts every process: they die with the thread that forked them.
fn on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// Measures, prints and returns the tables.
fn run(extent: &'static Extent) -> Result<String> {
    let rig = Rig::start()?;
    let report = on_one_thread(measure_all(&rig, extent))?;
    let text = report.markdown(&rig)?;
    println!("{text}");
    let path = rig::output_dir().join("report.md");
    std::fs::write(&path, &text)?;
    eprintln!("written to {}", path.display());
    Ok(text)
}

/// Puts the tables into the page about performance, in place of those that it has.
fn record(tables: &str) -> Result<()> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(FIRST_LINE).ok_or("the page has no place for figures")?;
    let (_, after) = rest.split_once(LAST_LINE).ok_or("the place for figures has no end")?;
    std::fs::write(path, format!("{before}{FIRST_LINE}{tables}{LAST_LINE}{after}"))?;
    Ok(())
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
