//! Nodes in their own processes, as an operator runs them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::support::{eventually, unique};

/// As in [`World::start_with`](crate::support::World::start_with).
const FASTER_THAN_PEOPLE: [(&str, &str); 6] = [
    ("CHINWAG_LIMITS__SENDS_PER_SEC", "100"),
    ("CHINWAG_LIMITS__SENDS_BURST", "2000"),
    ("CHINWAG_LIMITS__USER_SENDS_PER_SEC", "1000"),
    ("CHINWAG_LIMITS__USER_SENDS_BURST", "20000"),
    ("CHINWAG_LIMITS__SIGN_INS_PER_SEC", "50"),
    ("CHINWAG_LIMITS__SIGN_INS_BURST", "2000"),
];

/// A node in its own process that need not listen yet, and what it has logged.
pub struct Starting {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// Keeps reading, or the node would block on writing its log.
    reader: JoinHandle<()>,
}

impl Starting {
    pub fn spawn(binary: &Path, environment: &[(&str, String)], folder: &Path) -> Self {
        Self::spawn_with(binary, &[], environment, folder)
    }

    /// The same with arguments.
    pub fn spawn_with(binary: &Path, arguments: &[&str], environment: &[(&str, String)], folder: &Path) -> Self {
        let mut command = Command::new(binary);
        command.arg("serve").args(arguments).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped());
        command.env("CHINWAG_SERVER__PORT", "0").env("CHINWAG_SERVER__DRAIN_SECS", "0");
        command.env("CHINWAG_AUTH__BCRYPT_COST", "4").env("CHINWAG_DATA__DIR", folder);
        command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        let mut child = command.spawn().expect("the binary runs");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let into = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| into.lock().expect("whole").push(line));
        });
        Self { child, lines, reader }
    }

    /// The binary under test with settings from a file.
    pub fn with_file(file: &Path, environment: &[(&str, String)], folder: &Path) -> Self {
        let file = file.to_str().expect("text");
        Self::spawn_with(Path::new(env!("CARGO_BIN_EXE_chinwag")), &["--config", file], environment, folder)
    }

    /// The binary under test.
    pub fn here(environment: &[(&str, String)], folder: &Path) -> Self {
        let rates = FASTER_THAN_PEOPLE.map(|(name, value)| (name, value.to_owned()));
        let environment = [&rates, environment].concat();
        Self::spawn(Path::new(env!("CARGO_BIN_EXE_chinwag")), &environment, folder)
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        self.lines.lock().expect("whole").join("\n")
    }

    /// Waits until it has logged this text.
    pub async fn says(&self, text: &str) {
        eventually(text, async || self.log().contains(text)).await;
    }

    /// Waits until it listens.
    pub fn listening(self) -> Process {
        loop {
            let has_ended = self.reader.is_finished();
            let log = self.log();
            if let Some(base) = log.lines().find_map(base_of) {
                return Process { base, node: self };
            }
            assert!(!has_ended, "the node does not start: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has ended. Returns its exit code and everything that it has logged.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let code = self.wait();
        while !self.reader.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        (code, self.log())
    }

    fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("the node ends").code()
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().expect("it runs");
            self.child.wait().expect("it ends");
        }
    }
}

/// The base URL in the line of the log that says that a node listens.
fn base_of(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    (event["message"] == "node started").then(|| format!("http://{}", event["address"].as_str().unwrap_or_default()))
}

/// A node in its own process.
pub struct Process {
    node: Starting,
    /// Its base URL, without a path.
    pub base: String,
}

impl Process {
    pub fn start(environment: &[(&str, String)], folder: &Path) -> Self {
        Starting::here(environment, folder).listening()
    }

    /// The same with a binary of another version.
    pub fn start_binary(binary: &Path, environment: &[(&str, String)], folder: &Path) -> Self {
        Starting::spawn(binary, environment, folder).listening()
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        self.node.log()
    }

    /// Waits until it has logged this text.
    pub async fn says(&self, text: &str) {
        self.node.says(text).await;
    }

    pub async fn ready(self, client: &Client) -> Self {
        let url = format!("{}/health/ready", self.base);
        eventually("the node is ready", async || {
            client.get(&url).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
        self
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id().try_into().expect("a pid")), signal).expect("signalled");
    }

    pub fn id(&self) -> u32 {
        self.node.child.id()
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(path).expect("the node runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
        kib * 1024
    }

    /// Open files and sockets.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).expect("the node runs").count()
    }

    pub fn wait(&mut self) -> Option<i32> {
        self.node.wait()
    }

    /// Waits until it has ended. Returns its exit code and everything that it has logged.
    pub fn ended(self) -> (Option<i32>, String) {
        self.node.ended()
    }
}

/// Registers a user and logs in.
pub async fn token(client: &Client, base: &str, name: &str) -> String {
    let body = json!({"username": name, "password": "your_strong_password"});
    client.post(format!("{base}/api/v1/auth/register")).json(&body).send().await.expect("answered");
    let answer = client.post(format!("{base}/api/v1/auth/login")).json(&body).send().await.expect("answered");
    let body: Value = answer.json().await.expect("JSON");
    body["token"].as_str().expect("a token").to_owned()
}

/// The environment of a node on an external Redis, with keys of its own.
pub fn external(redis: &str) -> Vec<(&'static str, String)> {
    vec![
        ("CHINWAG_REDIS__URL", redis.to_owned()),
        ("CHINWAG_REDIS__PREFIX", unique("k")),
        ("CHINWAG_AUTH__JWT_SECRET", "a secret for tests, long enough".repeat(2)),
    ]
}
