//! `perf` on a node and on Redis while one shape runs: what the time goes into.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::drive::drive;
use crate::process::{Process, Scratch, output_dir, prepare_this_process};
use crate::shape::Shape;
use crate::site::Site;
use crate::subject::Subject;
use crate::world::World;
use crate::{Result, on_one_thread};

const RECORD_SECS: u64 = 5;
/// Samples a second; odd, so as not to fall into step with timers.
const FREQUENCY: &str = "1997";
/// Functions below this share are not listed.
const LEAST_ALONE: &str = "0.7";
const LEAST_IN_ALL: &str = "1.5";
const LINE_WIDTH: usize = 150;

/// Prints where the time of one shape goes, function by function.
pub fn run(shape: &Shape, subject: Subject) -> Result<()> {
    prepare_this_process()?;
    let scratch = Scratch::make()?;
    let names = on_one_thread(record(Site::start(subject, &scratch.0)?, shape))?;
    for name in names {
        let title = format!("{}: {name} of {}", shape.title, subject.title());
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

/// Names of the processes that were recorded.
async fn record(site: Site, shape: &Shape) -> Result<Vec<&'static str>> {
    let world = World::make(site, shape.rooms * shape.sockets).await?;
    let duration = Duration::from_secs(RECORD_SECS + 2);
    let processes: Vec<_> =
        [("node", world.site.nodes.first()), ("redis", world.site.redis.as_ref())].into_iter().collect();
    let mut recorders = Vec::new();
    let outcome = drive(&world, shape, duration, || {
        let is_start = recorders.is_empty();
        for (name, process) in processes.iter().filter(|_| is_start) {
            recorders.extend(process.map(|process| perf(process, name)).transpose()?);
        }
        Ok(())
    })
    .await?;
    for recorder in &mut recorders {
        recorder.wait()?;
    }
    eprintln!("{:.0} deliveries a second while profiled", outcome.count as f64 / outcome.elapsed.as_secs_f64());
    Ok(processes.iter().filter(|(_, process)| process.is_some()).map(|(name, _)| *name).collect())
}

fn perf(process: &Process, name: &str) -> Result<Child> {
    let (pid, secs) = (process.pid().to_string(), RECORD_SECS.to_string());
    let mut command = Command::new("perf");
    command.args(["record", "-e", "cpu-clock", "-F", FREQUENCY, "--call-graph", "dwarf,8192", "-o", &data(name)]);
    command.args(["-p", &pid, "--", "sleep", &secs]);
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

fn data(name: &str) -> String {
    output_dir().join(format!("perf-ws-{name}.data")).display().to_string()
}
