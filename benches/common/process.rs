//! The processes under measurement. Each is pinned to a core and is killed when the run ends, however it ends.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Result;
use super::machine::{LOAD_CORE, SERVER_CORE, cores};

pub const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Open files of a process that are not sockets. A node keeps half as many in reserve.
const OTHER_FILES: usize = 500;
pub const START_POLL: Duration = Duration::from_millis(20);

/// A running child process and its port.
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
        // Nothing of its data is kept, so it need not stop in an orderly way.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(drop)) {
            eprintln!("process {} not stopped: {error}", self.child.id());
        }
    }
}

/// The folder of the results.
pub fn output_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}

/// A folder that only this run uses. Removed at its end.
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
        sleep(START_POLL);
    }
    Ok(process)
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Pins the load to its core, and raises the limit of open files for this process and its children.
pub fn prepare_this_process() -> Result<()> {
    raise_open_files()?;
    if cores()? == 1 {
        eprintln!("one core only: servers, Redis and the load share it");
        return Ok(());
    }
    run("taskset", &["-a", "-c", "-p", &LOAD_CORE.to_string(), &std::process::id().to_string()])
}

/// Raises the limit to the kernel's bound, which root may, or else to the hard limit.
fn raise_open_files() -> Result<()> {
    let most = std::fs::read_to_string("/proc/sys/fs/nr_open")?.trim().parse()?;
    if setrlimit(Resource::RLIMIT_NOFILE, most, most).is_err() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

/// Sockets that this process, or one of its children, can have.
pub fn max_sockets() -> Result<usize> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(usize::try_from(hard)?.saturating_sub(OTHER_FILES))
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
