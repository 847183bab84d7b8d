//! The processes under measurement, each pinned to its core and gone when the run is over, however it ends.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Result;
use crate::machine::{LOAD_CORE, SERVER_CORE, cores};
use crate::socket::{UPGRADED, upgrade_request};

const START_TIMEOUT: Duration = Duration::from_secs(20);
const START_GLANCE: Duration = Duration::from_millis(20);

/// A running child and where it listens.
pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it takes a WebSocket. Some listen before that.
    pub fn wait_until_it_upgrades(&self, path: &str) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_TIMEOUT {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(START_TIMEOUT))?;
            stream.write_all(upgrade_request(path).as_bytes())?;
            let mut answer = [0; UPGRADED.len()];
            stream.read_exact(&mut answer)?;
            if answer == UPGRADED.as_bytes() {
                return Ok(());
            }
            sleep(START_GLANCE);
        }
        Err(format!("no WebSocket at {path} within {START_TIMEOUT:?}").into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its data is of no use to anyone, so there is nothing to write down first.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(drop)) {
            eprintln!("process {} not stopped: {error}", self.child.id());
        }
    }
}

/// Where results go.
pub fn output_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}

/// A folder of this run alone, removed at its end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn make() -> Result<Self> {
        let path = output_dir().join(format!("run-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} not removed: {error}", self.0.display());
        }
    }
}

/// Starts a command on the servers' core, to be killed when this process ends, and waits until it listens.
pub fn launch(dir: &Path, name: &str, port: u16, command: &mut Command) -> Result<Process> {
    let mut wrapped = Command::new("setpriv");
    wrapped.args(["--pdeathsig", "KILL"]);
    if cores()? > 1 {
        wrapped.args(["taskset", "-c", &SERVER_CORE.to_string()]);
    }
    wrapped.arg(command.get_program()).args(command.get_args()).current_dir(dir);
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(key, value),
            None => wrapped.env_remove(key),
        };
    }
    let log = File::create(dir.join(format!("{name}.log")))?;
    let child = wrapped.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    let mut process = Process { child, port };
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let has_ended = process.child.try_wait()?.is_some();
        if has_ended || started.elapsed() > START_TIMEOUT {
            let log = std::fs::read_to_string(dir.join(format!("{name}.log")))?;
            return Err(format!("{name} did not start: {log}").into());
        }
        sleep(START_GLANCE);
    }
    Ok(process)
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Gives the load a core of its own, and it and its children as many open files as are allowed.
pub fn prepare_this_process() -> Result<()> {
    let pid = std::process::id().to_string();
    let files = max_sockets()?;
    run("prlimit", &["--pid", &pid, &format!("--nofile={files}:")])?;
    if cores()? == 1 {
        eprintln!("one core only: servers, Redis and the load share it");
        return Ok(());
    }
    run("taskset", &["-a", "-c", "-p", &LOAD_CORE.to_string(), &pid])
}

/// Files that a process may have open, at most.
pub fn max_sockets() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    // Max open files            1024                 20000                files
    let line = limits.lines().find(|line| line.starts_with("Max open files")).ok_or("no limit of open files")?;
    let hard = line.split_whitespace().nth(4).ok_or("an odd limit of open files")?;
    Ok(hard.parse()?)
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
