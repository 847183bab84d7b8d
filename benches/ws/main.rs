//! Measures fan-out over WebSockets from outside: two real nodes and a real Redis, beside the same load on a server that
//! only writes ready frames and on other servers. Run by `scripts/bench ws`; `docs/performance.md` says how to read
//! what it prints. Timings are shown, never asserted.
//!
//! - [`shape`] the loads; [`drive`] one round; [`fanout`] the messages under way; [`idle`] sockets without any
//! - [`subject`] what is compared and how it is spoken to; [`raw`] the limit; [`world`] users and rooms
//! - [`socket`] the client; [`frame`] its frames; [`mark`] what messages say; [`tally`] losses, duplicates, order
//! - [`site`] the servers; [`process`] starting them; [`measure`] CPU time; [`report`] the tables; [`profile`] `perf`

mod drive;
mod fanout;
mod frame;
// Its closed loop is not used here.
#[allow(dead_code)]
#[path = "../http/load.rs"]
mod http;
mod idle;
#[path = "../http/machine.rs"]
mod machine;
mod mark;
mod measure;
mod process;
mod profile;
mod raw;
mod report;
mod shape;
mod site;
mod socket;
mod subject;
mod table;
mod tally;
mod world;

use std::time::Duration;

use process::{Scratch, output_dir, prepare_this_process};
use report::Report;
use shape::Shape;
use site::{Site, peers_dir};
use subject::Subject;
use world::World;

/// Whatever goes wrong ends the run.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How much is measured.
struct Extent {
    rounds: usize,
    round: Duration,
    storm: usize,
    /// Sockets on which nothing is said; begins with none, which is what the others are compared with.
    idle: &'static [usize],
    /// As long as it is watched what these cost. All servers ping every 25 seconds: twice that holds two pings.
    idle_window: Duration,
}

const FULL: Extent = Extent {
    rounds: 3,
    round: Duration::from_secs(3),
    storm: 5000,
    idle: &[0, 1000, 10_000],
    idle_window: Duration::from_secs(50),
};

const QUICK: Extent = Extent {
    rounds: 1,
    round: Duration::from_secs(1),
    storm: 1000,
    idle: &[0, 1000],
    idle_window: Duration::from_secs(5),
};

const USAGE: &str = "usage: scripts/bench ws [[quick] [SERVER …] | record | profile SHAPE [SERVER]]   \
                     (SHAPE: s1 … s5, open; SERVER: raw, chinwag, socket.io, centrifugo, nchan)";
/// The page that keeps the metrics, and the lines between which it does.
const PAGE: &str = "docs/performance.md";
const FIRST_LINE: &str = "<!-- scripts/bench ws record -->\n";
const LAST_LINE: &str = "<!-- end ws -->\n";

fn main() -> Result<()> {
    // `cargo bench` adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bare-server", port] => raw::serve(port.parse()?),
        ["record"] => record(&run(&FULL, &Subject::ALL)?),
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

/// One thread makes all the load, and starts every process: they die with the thread that forked them.
fn on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// Measures, prints and returns the tables.
fn run(extent: &Extent, subjects: &[Subject]) -> Result<String> {
    prepare_this_process()?;
    let scratch = Scratch::make()?;
    let peers = peers_dir();
    let (present, absent): (Vec<Subject>, Vec<Subject>) =
        subjects.iter().partition(|subject| subject.is_installed(&peers));
    let text = on_one_thread(measure_all(&scratch, extent, &present, absent))?.markdown(extent)?;
    println!("{text}");
    let path = output_dir().join("ws.md");
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

async fn measure_all(scratch: &Scratch, extent: &Extent, subjects: &[Subject], absent: Vec<Subject>) -> Result<Report> {
    let idle_sizes = idle::possible(extent.idle)?;
    let sockets = idle_sizes.iter().copied().fold(extent.storm, usize::max);
    let mut worlds = Vec::new();
    for subject in subjects {
        worlds.push(World::make(Site::start(*subject, &scratch.0)?, sockets).await?);
    }
    let rows = measure::rounds(&worlds, extent.rounds, extent.round).await?;
    let storms = idle::storms(&worlds, extent.storm, extent.rounds).await?;
    let mut idle = Vec::new();
    for sockets in idle_sizes {
        idle.extend(idle::idle(&mut worlds, sockets, extent.idle_window).await?);
    }
    Ok(Report { rows, storms, idle, absent })
}
