//! `perf` on the node and on Redis while one row runs: what the time goes into.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::load::{Load, drive};
use crate::rig::{Process, Rig, output_dir};
use crate::work::Operation;
use crate::world::World;
use crate::{Result, on_one_thread};

const SIZE: u64 = 100;
const RECORD_SECS: u64 = 5;
/// Samples a second; odd, so as not to fall into step with timers.
const FREQUENCY: &str = "1997";
/// Functions below this share are not listed.
const LEAST_ALONE: &str = "0.7";
const LEAST_IN_ALL: &str = "1.5";
const LINE_WIDTH: usize = 150;

/// Prints where the time of one row goes, function by function.
pub fn run(operation: Operation) -> Result<()> {
    let rig = Rig::start()?;
    let node = if operation.is_limited() { &rig.limited_node } else { &rig.node };
    on_one_thread(record(&rig, node, operation))?;
    for name in ["node", "redis"] {
        let title = format!("{} of {name}", operation.word());
        print(&format!("{title}: functions alone"), name, &["--no-children", "--percent-limit", LEAST_ALONE])?;
        print(&format!("{title}: with what they call"), name, &["--children", "--percent-limit", LEAST_IN_ALL])?;
        println!("\n(callers: perf report --stdio --no-inline -i {})", data(name));
    }
    Ok(())
}

fn print(title: &str, name: &str, options: &[&str]) -> Result<()> {
    println!("\n# {title}");
    let mut report = Command::new("perf");
    report.args(["report", "--stdio", "--no-inline", "-g", "none", "--sort", "symbol", "-i", &data(name)]);
    let text = String::from_utf8_lossy(&report.args(options).stderr(Stdio::null()).output()?.stdout).into_owned();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        // Where a library has no symbols, perf adds columns of dashes.
        println!("{}", line.chars().take(LINE_WIDTH).collect::<String>().trim_end_matches([' ', '-']));
    }
    Ok(())
}

async fn record(rig: &Rig, node: &Process, operation: Operation) -> Result<()> {
    let mut world = World::make(rig).await?;
    world.grow_to(SIZE).await?;
    let requests = operation.requests(&world).await?;
    let duration = Duration::from_secs(RECORD_SECS + 2);
    let load = Load { port: node.port, requests, status: operation.status(), duration };
    let mut recorders = Vec::new();
    let outcome = drive(load, || {
        let is_start = recorders.is_empty();
        if is_start {
            recorders.push(perf(node, "node")?);
            recorders.push(perf(&rig.redis, "redis")?);
        }
        Ok(())
    })
    .await?;
    for mut recorder in recorders {
        recorder.wait()?;
    }
    eprintln!("{:.0} requests a second while profiled", outcome.count as f64 / outcome.elapsed.as_secs_f64());
    Ok(())
}

fn perf(process: &Process, name: &str) -> Result<std::process::Child> {
    let (pid, secs) = (process.pid().to_string(), RECORD_SECS.to_string());
    let mut command = Command::new("perf");
    command.args(["record", "-e", "cpu-clock", "-F", FREQUENCY, "--call-graph", "dwarf,8192", "-o", &data(name)]);
    command.args(["-p", &pid, "--", "sleep", &secs]);
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

fn data(name: &str) -> String {
    output_dir().join(format!("perf-{name}.data")).display().to_string()
}
