//! `perf` on running processes.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Result;
use super::process::{Process, output_dir};

/// How long a recording takes.
const RECORD_SECS: u64 = 5;
/// How long the load runs while it is recorded.
pub const LOAD_DURATION: Duration = Duration::from_secs(RECORD_SECS + 2);
/// Samples a second; odd, so that they do not fall into step with timers.
const FREQUENCY: &str = "1997";
/// Functions below this share are not listed.
const LEAST_ALONE: &str = "0.7";
const LEAST_IN_ALL: &str = "1.5";
const LINE_WIDTH: usize = 150;

/// A recording of one process, in a file of its own.
pub struct Recording {
    /// What the process is: `node`, `redis`.
    name: &'static str,
    file: String,
    perf: Child,
}

impl Recording {
    /// Starts to record a process. `prefix` tells apart the files of different benchmarks.
    pub fn start(process: &Process, name: &'static str, prefix: &str) -> Result<Self> {
        let file = output_dir().join(format!("{prefix}-{name}.data")).display().to_string();
        let (pid, secs) = (process.pid().to_string(), RECORD_SECS.to_string());
        let mut command = Command::new("perf");
        command.args(["record", "-e", "cpu-clock", "-F", FREQUENCY, "--call-graph", "dwarf,8192", "-o", &file]);
        command.args(["-p", &pid, "--", "sleep", &secs]);
        let perf = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { name, file, perf })
    }

    /// Waits for the end of the recording and prints where the time of `what` went, function by function.
    pub fn print(mut self, what: &str) -> Result<()> {
        self.perf.wait()?;
        let title = format!("{} of {what}", self.name);
        self.print_report(&format!("{title}: functions alone"), &["--no-children", "--percent-limit", LEAST_ALONE])?;
        self.print_report(&format!("{title}: with callees"), &["--children", "--percent-limit", LEAST_IN_ALL])?;
        println!("\n(callers: perf report --stdio --no-inline -i {})", self.file);
        Ok(())
    }

    fn print_report(&self, title: &str, options: &[&str]) -> Result<()> {
        println!("\n# {title}");
        let mut report = Command::new("perf");
        report.args(["report", "--stdio", "--no-inline", "-g", "none", "--sort", "symbol", "-i", &self.file]);
        let output = report.args(options).stderr(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            // Where a library has no symbols, perf adds columns of dashes.
            println!("{}", line.chars().take(LINE_WIDTH).collect::<String>().trim_end_matches([' ', '-']));
        }
        Ok(())
    }
}
