//! The processes under measurement, each pinned to its core and gone when the run is over, however it ends.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::machine::{LOAD_CORE, SERVER_CORE, cores};

const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Rates that no load here reaches: what the limits cost is measured, not what they refuse.
const NO_RATE: &str = "100000";

/// One Redis, two nodes, one bare server.
pub struct Rig {
    pub redis: Process,
    /// Rate limits off.
    pub node: Process,
    /// Rate limits on, with rates that nobody reaches.
    pub limited_node: Process,
    /// Answers a fixed body.
    pub bare: Process,
    _scratch: Scratch,
}

/// A running child and where it listens.
pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id()
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

impl Rig {
    /// Starts everything and waits until it listens.
    pub fn start() -> Result<Self> {
        pin_this_process()?;
        let scratch = Scratch::make()?;
        let redis = start_redis(&scratch.0)?;
        let node = start_node(&scratch.0, &redis, "node", &[("LIMITS__ENABLED", "false")])?;
        let rates = [
            ("LIMITS__SENDS_PER_SEC", NO_RATE),
            ("LIMITS__SENDS_BURST", NO_RATE),
            ("LIMITS__REQUESTS_PER_SEC", NO_RATE),
            ("LIMITS__REQUESTS_BURST", NO_RATE),
        ];
        let limited_node = start_node(&scratch.0, &redis, "limited-node", &rates)?;
        let port = free_port()?;
        let program = std::env::current_exe()?;
        let bare = launch(&scratch.0, "bare", port, Command::new(program).args(["bare-server", &port.to_string()]))?;
        Ok(Self { redis, node, limited_node, bare, _scratch: scratch })
    }

    /// Address of Redis.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.redis.port)
    }
}

/// Where results go.
pub fn output_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}

/// A folder of this run alone, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Self> {
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

/// As in production (`config/redis.conf`), except that the log is not rewritten meanwhile: a fork in one row and not in
/// another would make them differ.
fn start_redis(dir: &Path) -> Result<Process> {
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]);
    command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"]);
    command.args(["--maxmemory-policy", "noeviction"]);
    launch(dir, "redis", port, &mut command)
}

fn start_node(dir: &Path, redis: &Process, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
    let port = free_port()?;
    let program = std::env::var("CHINWAG_BIN").unwrap_or(env!("CARGO_BIN_EXE_chinwag").to_owned());
    let mut command = Command::new(program);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("CHINWAG_")) {
        command.env_remove(key);
    }
    command.arg("serve").env("CHINWAG_SERVER__PORT", port.to_string());
    command.env("CHINWAG_REDIS__URL", format!("redis://127.0.0.1:{}/0", redis.port));
    command.env("CHINWAG_AUTH__JWT_SECRET", "a secret that only this measurement uses");
    command.env("CHINWAG_AUTH__BCRYPT_COST", "4").env("CHINWAG_SERVER__DRAIN_SECS", "0");
    command.env("CHINWAG_DATA__DIR", dir.join(format!("{name}-data")));
    for (key, value) in settings {
        command.env(format!("CHINWAG_{key}"), value);
    }
    launch(dir, name, port, &mut command)
}

/// Starts a command on the servers' core, to be killed when this process ends, and waits until it listens.
fn launch(dir: &Path, name: &str, port: u16, command: &mut Command) -> Result<Process> {
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
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let has_ended = process.child.try_wait()?.is_some();
        if has_ended || started.elapsed() > START_TIMEOUT {
            let log = std::fs::read_to_string(dir.join(format!("{name}.log")))?;
            return Err(format!("{name} did not start: {log}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(process)
}

fn pin_this_process() -> Result<()> {
    if cores()? == 1 {
        eprintln!("one core only: servers, Redis and the load share it");
        return Ok(());
    }
    let (core, pid) = (LOAD_CORE.to_string(), std::process::id().to_string());
    let output = Command::new("taskset").args(["-a", "-c", "-p", &core, &pid]).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("taskset: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
