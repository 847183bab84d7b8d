//! Floods a node from five accounts and measures what an honest user notices of it: a real node with default limits, a
//! real Redis. Run by `scripts/soak flood`; `docs/performance.md` explains the tables. Fails when honest messages become too
//! slow or are lost, or when memory grows beyond its bounds.
//!
//! - [`world`] users and rooms; [`honest`] the users who are measured; [`memory`] of the servers; [`report`] the tables
//! - [`attack`] the flood, in a process of its own
//! - [`common`] what it shares with the benchmarks

mod attack;
#[path = "../common/mod.rs"]
mod common;
mod honest;
mod memory;
mod report;
mod world;

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;

use common::page::{PERFORMANCE, Place, publish, record};
use common::process::{Process, Scratch, free_port, launch, prepare_this_process};
use common::servers::{node_command, start_redis};
use common::{Result, arguments, on_one_thread};
use honest::Honest;
use memory::Watch;
use report::Report;
use world::World;

const USAGE: &str = "usage: scripts/soak flood [record] [SECONDS [KIND]]";
const PLACE: Place =
    Place { page: PERFORMANCE, first_line: "<!-- scripts/soak flood record -->\n", last_line: "<!-- end flood -->\n" };
const DEFAULT_SECS: u64 = 30;
/// A part of the name of each kind of abuse.
const ANY: &str = "";
/// As by default: the other measurements have a lower one.
const COST: (&str, &str) = ("AUTH__BCRYPT_COST", "10");
/// Lines of the node's log that are shown.
const SHOWN_LINES: usize = 5;
/// How long after the flood memory is looked at once more.
const AFTERWARDS: Duration = Duration::from_secs(30);
/// What the node does right after its start is over.
const SETTLING: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let arguments = arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["attack", world, secs, kind] => attack::run(Path::new(world), Duration::from_secs(secs.parse()?), kind),
        [] => run(DEFAULT_SECS, ANY).map(drop),
        ["record"] => record(&run(DEFAULT_SECS, ANY)?, &PLACE),
        ["record", secs] => record(&run(secs.parse().map_err(|_| USAGE)?, ANY)?, &PLACE),
        [secs] => run(secs.parse().map_err(|_| USAGE)?, ANY).map(drop),
        [secs, kind] => run(secs.parse().map_err(|_| USAGE)?, kind).map(drop),
        _ => Err(USAGE.into()),
    }
}

/// Measures and prints. Fails after printing when a bound is broken. Returns the tables.
fn run(secs: u64, kind: &str) -> Result<String> {
    prepare_this_process()?;
    let scratch = Scratch::make()?;
    let outcome = on_one_thread(measure(&scratch.0, Duration::from_secs(secs), kind));
    let log = std::fs::read_to_string(scratch.0.join("node.log")).unwrap_or_default();
    log.lines().rev().take(SHOWN_LINES).for_each(|line| eprintln!("node: {line}"));
    let report = outcome?;
    let text = report.markdown()?;
    publish(&text, "flood.md")?;
    report.check()?;
    Ok(text)
}

async fn measure(dir: &Path, duration: Duration, kind: &str) -> Result<Report> {
    let redis = start_redis(dir, "redis", &["--maxmemory", "4gb"])?;
    let mut world = {
        // Without limits the rooms are filled at once.
        let node = start_node(dir, &redis, "preparation", &[("LIMITS__ENABLED", "false"), COST])?;
        World::make(node.port).await?
    };
    let node = start_node(dir, &redis, "node", &[COST])?;
    eprintln!("node {} at port {}, Redis at port {}", node.pid(), node.port, redis.port);
    world.port = node.port;
    let honest = Honest::connect(&world).await?;
    sleep(SETTLING).await;
    eprintln!("{duration:?} of quiet");
    let quiet = honest.measure(duration).await?;
    let watch = Watch::begin(node.pid(), redis.pid(), redis.port)?;
    eprintln!("{duration:?} of flood");
    let mut attack = start_attack(dir, &world, duration, kind)?;
    let flooded = honest.measure(duration).await?;
    let is_well = attack.wait()?.success();
    let answers = attack::Answers::read(&dir.join("attack.json"));
    let answers = answers.map_err(|error| format!("the flood failed ({is_well}): {error}"))?;
    eprintln!("{AFTERWARDS:?} of rest");
    sleep(AFTERWARDS).await;
    Ok(Report { duration, quiet, flooded, answers, memory: watch.end()? })
}

fn start_node(dir: &Path, redis: &Process, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
    let port = free_port()?;
    launch(dir, name, port, &mut node_command(&dir.join("data"), port, redis.port, settings))
}

/// Starts the flood with what is left of the load's core (`SCHED_IDLE`): it never delays those who are measured.
fn start_attack(dir: &Path, world: &World, duration: Duration, kind: &str) -> Result<Child> {
    let file = dir.join("world.json");
    std::fs::write(&file, serde_json::to_vec(world)?)?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "chrt", "--idle", "0"]).arg(std::env::current_exe()?);
    command.arg("attack").arg(file).arg(duration.as_secs().to_string()).arg(kind).stdin(Stdio::null());
    Ok(command.stdout(File::create(dir.join("attack.json"))?).spawn()?)
}
