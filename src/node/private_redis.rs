//! The private Redis of a node without a configured one: a child process on a unix socket in the data folder.
//!
//! It ends with its parent and is restarted with backoff when it ends by itself. It inherits a lock on the folder, which
//! keeps two of them from writing the same data.

use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, getpid, getppid};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::data_folder::{self, FolderError};
use super::folder_lock::{FolderLock, LockError};
use super::memory::private_maxmemory;
use super::{redis_log, service_manager};
use crate::config::{Fsync, RedisConfig};
use crate::domain::hex;

const BINARIES: [&str; 2] = ["redis-server", "valkey-server"];
/// Longest path of the socket; Linux allows 107 bytes.
const MAX_SOCKET_PATH: usize = 100;
const WATCH_EVERY: Duration = Duration::from_millis(50);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// Uptime after which a child counts as healthy, and the backoff starts from the beginning.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);
/// Children that may end one after the other before a start is given up: the next one would end as well.
const MAX_FAILURES: u32 = 3;
const LOG: &str = "redis.log";
/// Time to persist all data before the child is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// Reasons why the private Redis cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum PrivateRedisError {
    /// No server binary is installed.
    #[error("neither redis-server nor valkey-server is on PATH; install one or set redis.url")]
    NoBinary,
    /// Another Chinwag, or the Redis of one, uses the folder.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The data folder is not usable.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The server ends by itself again and again.
    #[error("the private Redis does not start: {0} ({log})", log = .1.display())]
    Failing(String, PathBuf),
}

/// A running private Redis. Stop it with [`PrivateRedis::stop`]; dropping it stops it as well.
pub struct PrivateRedis {
    url: String,
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
    log: PathBuf,
    /// Why it does not start.
    failure: watch::Receiver<Option<String>>,
}

impl PrivateRedis {
    /// Starts a Redis that keeps its data in `dir`. Waits up to `patience` for another Chinwag that uses the folder, and
    /// longer for the Redis of one that was killed.
    ///
    /// # Errors
    /// No binary is installed, or the folder is in use or not usable.
    pub async fn start(dir: &Path, config: &RedisConfig, patience: Duration) -> Result<Self, PrivateRedisError> {
        Self::launch(dir, config, patience, Some(config.fsync)).await
    }

    /// Starts a Redis that keeps its data in memory alone, with its socket in `dir`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_in_memory(dir: &Path, config: &RedisConfig) -> Result<Self, PrivateRedisError> {
        Self::launch(dir, config, Duration::ZERO, None).await
    }

    async fn launch(
        dir: &Path,
        config: &RedisConfig,
        patience: Duration,
        fsync: Option<Fsync>,
    ) -> Result<Self, PrivateRedisError> {
        let binary = find_binary().ok_or(PrivateRedisError::NoBinary)?;
        let dir = data_folder::prepare(dir)?;
        let lock = FolderLock::take(&dir, patience).await?;
        let socket = socket_path(&dir)?;
        let maxmemory = private_maxmemory(config.private_maxmemory_bytes);
        if maxmemory.is_none() {
            warn!("the memory of this machine is unknown: the private Redis has no limit");
        }
        let log = dir.join(LOG);
        let launch = Launch { binary, dir, socket: socket.clone(), fsync, maxmemory, lock };
        let (stop, stopped) = channel();
        let (failed, failure) = watch::channel(None);
        // Linux sends the parent-death signal when the *thread* that forked ends. One thread therefore does all the
        // forking and lives as long as the private Redis.
        let keeper = std::thread::spawn(move || keep(&launch, &stopped, &failed));
        Ok(Self { url: url_of(&socket), stop: Some(stop), keeper: Some(keeper), log, failure })
    }

    /// Runs what needs this Redis, and fails if Redis turns out not to start.
    ///
    /// # Errors
    /// `Failing`; those of `work`.
    pub async fn run<T, E: From<PrivateRedisError>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut failure = self.failure.clone();
        tokio::select! {
            outcome = work => outcome,
            Ok(reason) = failure.wait_for(Option::is_some) => {
                Err(PrivateRedisError::Failing(reason.clone().unwrap_or_default(), self.log.clone()).into())
            }
        }
    }

    /// Returns the address of a folder's Redis, for a second process on the machine.
    ///
    /// # Errors
    /// The folder is not usable.
    pub fn url_for(dir: &Path) -> Result<String, PrivateRedisError> {
        Ok(url_of(&socket_path(&data_folder::prepare(dir)?)?))
    }

    /// The address under which this Redis is reached.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops this Redis and waits until its data is persisted.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            error!("the task that supervises the private Redis panicked");
        }
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        self.halt();
    }
}

struct Launch {
    binary: PathBuf,
    dir: PathBuf,
    socket: PathBuf,
    /// `None` to keep the data in memory alone.
    fsync: Option<Fsync>,
    /// Bytes; `None` for no limit.
    maxmemory: Option<u64>,
    lock: FolderLock,
}

fn socket_path(dir: &Path) -> Result<PathBuf, PrivateRedisError> {
    let near = dir.join("redis.sock");
    if near.as_os_str().len() <= MAX_SOCKET_PATH {
        return Ok(near);
    }
    let digest = hex(&Sha256::digest(dir.as_os_str().as_bytes())[..8]);
    let folder = data_folder::create(&std::env::temp_dir().join(format!("chinwag-{digest}")))?;
    // Another user may have created the folder first.
    let found = std::fs::metadata(&folder).map_err(|error| FolderError::new(&folder, error))?;
    if found.uid() != nix::unistd::geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(FolderError::new(&folder, "is accessible to other users").into());
    }
    Ok(folder.join("redis.sock"))
}

/// Builds a `redis+unix://` address. Percent-encodes all but plain characters.
fn url_of(socket: &Path) -> String {
    let mut url = "redis+unix://".to_owned();
    for byte in socket.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => url.push(char::from(*byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

pub(super) fn find_binary() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    BINARIES.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// Runs the child and restarts it when it ends, until the sender of `stopped` is dropped.
fn keep(launch: &Launch, stopped: &Receiver<()>, failed: &watch::Sender<Option<String>>) {
    let (mut backoff, mut failures) = (FIRST_BACKOFF, 0);
    let log = launch.dir.join(LOG);
    loop {
        let (started, log_bytes) = (Instant::now(), redis_log::length(&log));
        let reason = match launch.spawn() {
            Ok(mut child) => {
                info!(pid = child.id(), "private Redis started");
                let Some(how) = watch(&mut child, stopped) else { return };
                redis_log::last_words(&log, log_bytes).unwrap_or(how)
            }
            Err(error) => error.to_string(),
        };
        if started.elapsed() > HEALTHY_AFTER {
            (backoff, failures) = (FIRST_BACKOFF, 0);
        }
        failures += 1;
        warn!(pause_ms = backoff.as_millis(), reason, "the private Redis ended, restarting it");
        if failures >= MAX_FAILURES {
            failed.send_replace(Some(reason));
        }
        if is_stopped(stopped, backoff) {
            return;
        }
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}

/// Waits until the child ends, and returns how, or until the node stops and the child with it.
fn watch(child: &mut Child, stopped: &Receiver<()>) -> Option<String> {
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => return Some(status.to_string()),
            Err(error) => return Some(format!("it cannot be watched: {error}")),
        }
        if is_stopped(stopped, WATCH_EVERY) {
            end(child);
            return None;
        }
    }
}

fn is_stopped(stopped: &Receiver<()>, wait: Duration) -> bool {
    matches!(stopped.recv_timeout(wait), Err(RecvTimeoutError::Disconnected))
}

/// Asks the child to persist its data and exit. Kills it after [`STOP_TIMEOUT`].
fn end(child: &mut Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0));
    if let Err(error) = kill(pid, Signal::SIGTERM) {
        warn!(%error, "could not signal the private Redis to stop");
    }
    let asked = Instant::now();
    while asked.elapsed() < STOP_TIMEOUT {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(WATCH_EVERY),
            Ok(Some(_)) | Err(_) => return,
        }
    }
    error!("the private Redis did not stop in time, killing it");
    if let Err(error) = child.kill().and_then(|()| child.wait().map(|_| ())) {
        error!(%error, "could not kill the private Redis");
    }
}

impl Launch {
    fn spawn(&self) -> std::io::Result<Child> {
        let (appendonly, fsync) = match self.fsync {
            Some(Fsync::Everysec) => ("yes", "everysec"),
            Some(Fsync::Always) => ("yes", "always"),
            None => ("no", "no"),
        };
        let mut command = Command::new(&self.binary);
        command
            .current_dir(&self.dir)
            .args([OsStr::new("--unixsocket"), self.socket.as_os_str()])
            .args(["--unixsocketperm", "700", "--port", "0", "--daemonize", "no"])
            .args(["--appendonly", appendonly, "--appendfsync", fsync, "--save", ""])
            .args(["--maxmemory", &self.maxmemory.unwrap_or(0).to_string()])
            .args(["--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", LOG])
            // Most rooms are small: a stream of a few messages takes half the memory.
            .args(["--stream-node-max-bytes", "1024"])
            .args(["--pidfile", "redis.pid"])
            // Redis does not read its input; as such it inherits the lock.
            .stdin(self.lock.for_redis()?)
            .stdout(Stdio::null())
            // Nothing that it says is about the node.
            .env_remove(service_manager::VARIABLES[0])
            // Errors in its arguments are printed before it has a log.
            .stderr(File::options().append(true).create(true).mode(0o600).open(self.dir.join(LOG))?)
            // Its own process group: Ctrl-C in a terminal reaches Chinwag, which stops Redis last.
            .process_group(0);
        let parent = getpid();
        let before_exec = move || {
            // Its files are for the owner only.
            umask(Mode::S_IRWXG | Mode::S_IRWXO);
            set_pdeathsig(Signal::SIGTERM)?;
            // No signal comes for a parent that was killed before it was asked for.
            if getppid() == parent { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
        };
        // SAFETY: between fork and exec the closure makes three system calls. It allocates nothing and takes no lock.
        #[expect(unsafe_code, reason = "the only way to set the mask and the parent-death signal of a child")]
        unsafe {
            command.pre_exec(before_exec);
        }
        command.spawn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_characters_in_a_path_are_percent_encoded() {
        assert_eq!(url_of(Path::new("/a b/ü/redis.sock")), "redis+unix:///a%20b/%C3%BC/redis.sock");
    }
}
