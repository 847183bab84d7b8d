//! A TCP proxy between a node and Redis that delays or ends the node, as Redis sees it, between two commands of an operation.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::PATIENCE;

/// Commands that are counted.
#[derive(Clone, Copy)]
pub struct Counted {
    pub names: &'static [&'static str],
    /// Parts of their keys.
    pub keys: &'static [&'static str],
}

/// Commands of a change of membership or of a deletion. Reads are no crash points: they change nothing.
pub const OF_MEMBERSHIP: Counted = Counted {
    names: &["EVALSHA", "EVAL", "ZADD", "ZREM", "ZREMRANGEBYRANK", "ZSCORE", "PUBLISH", "SET", "INCR"],
    keys: &[
        "{r:",
        ":rooms",
        ":names",
        ":pending",
        ":joins",
        "users:live:",
        "direct:",
        "seq:rooms",
        ":deleting",
        ":deleted",
        ":revoked",
        ":name:",
        "已注销",
    ],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A command is held back.
    Held,
    /// The commands before the crash are still being run.
    Crashing,
    Crashed,
}

struct Shared {
    counted: Counted,
    /// Commands until the plan is carried out, and what is planned.
    plan: Mutex<Option<(usize, State)>>,
    state: watch::Sender<State>,
}

pub struct CrashProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Ends with the proxy.
    _accepting: JoinSet<()>,
}

impl CrashProxy {
    /// Listens on a free port for connections to the Redis at `url`.
    pub async fn start(url: &str, counted: Counted) -> Self {
        let upstream = url.strip_prefix("redis://").expect("an address").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { counted, plan: Mutex::default(), state: watch::Sender::new(State::Open) });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, upstream, Arc::clone(&shared)));
        Self { address, shared, _accepting: accepting }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Plans a crash behind the next `commands` counted commands.
    pub fn crash_after(&self, commands: usize) {
        self.plan(Some((commands, State::Crashing)));
    }

    /// Plans to hold back what follows the next `commands` counted commands.
    pub fn hold_after(&self, commands: usize) {
        self.plan(Some((commands, State::Held)));
    }

    fn plan(&self, plan: Option<(usize, State)>) {
        *self.shared.plan.lock().expect("no panic while held") = plan;
    }

    /// Waits until a command is held back.
    pub async fn held(&self) {
        self.reached(|state| state == State::Held).await;
    }

    /// Turns holding back into a crash.
    pub fn crash(&self) {
        self.shared.state.send_replace(State::Crashing);
    }

    /// Ends the crash or the delay, or the plan of one. Returns whether a crash happened. All commands before it have been
    /// run by then.
    pub async fn restore(&self) -> bool {
        self.plan(None);
        let state = self.reached(|state| state != State::Crashing).await;
        self.shared.state.send_replace(State::Open);
        state == State::Crashed
    }

    async fn reached(&self, is_wanted: impl Fn(State) -> bool) -> State {
        let mut state = self.shared.state.subscribe();
        let reached = tokio::time::timeout(PATIENCE, state.wait_for(|state| is_wanted(*state))).await;
        *reached.expect("the state is reached").expect("the proxy lives")
    }
}

async fn accept(listener: TcpListener, upstream: String, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((node, _)) = listener.accept().await {
        if *shared.state.borrow() == State::Open {
            let redis = TcpStream::connect(&upstream).await.expect("Redis listens");
            connections.spawn(carry(node, redis, Arc::clone(&shared)));
        }
    }
}

/// Carries bytes both ways until either side ends or the node crashes.
async fn carry(node: TcpStream, redis: TcpStream, shared: Arc<Shared>) {
    for stream in [&node, &redis] {
        stream.set_nodelay(true).expect("a socket");
    }
    let (mut from_node, mut to_node) = node.into_split();
    let (mut from_redis, mut to_redis) = redis.into_split();
    let mut state = shared.state.subscribe();
    // Set where the plan is carried out, since either branch may see the crash first.
    let is_planned_here = AtomicBool::new(false);
    let crashes_here = {
        let asking = ask(&mut from_node, &mut to_redis, &shared, &is_planned_here);
        let answering = tokio::io::copy(&mut from_redis, &mut to_node);
        tokio::select! {
            crashes_here = asking => crashes_here,
            _ = answering => false,
            _ = state.wait_for(|state| matches!(state, State::Crashing | State::Crashed)) => {
                is_planned_here.load(Ordering::Relaxed)
            }
        }
    };
    if !crashes_here {
        return;
    }
    drop((from_node, to_node));
    // Redis closes the connection once it has run everything.
    to_redis.shutdown().await.expect("Redis is connected");
    from_redis.read_to_end(&mut Vec::new()).await.expect("Redis is connected");
    shared.state.send_replace(State::Crashed);
}

/// Forwards commands. Returns whether the node crashes at one.
async fn ask(
    from_node: &mut tokio::net::tcp::OwnedReadHalf,
    to_redis: &mut tokio::net::tcp::OwnedWriteHalf,
    shared: &Shared,
    is_planned_here: &AtomicBool,
) -> bool {
    let mut buffer = Vec::new();
    while let Ok(1..) = from_node.read_buf(&mut buffer).await {
        while let Some((words, length)) = first_command(&buffer) {
            if shared.counted.has(&words) && shared.crashes_before_next(is_planned_here).await {
                return true;
            }
            if to_redis.write_all(&buffer[..length]).await.is_err() {
                return false;
            }
            buffer.drain(..length);
        }
    }
    false
}

impl Shared {
    /// Counts a command, after holding it back if that is planned. Returns whether the node crashes before it.
    async fn crashes_before_next(&self, is_planned_here: &AtomicBool) -> bool {
        let planned = {
            let mut plan = self.plan.lock().expect("no panic while held");
            match plan.as_mut() {
                None => return false,
                Some((0, planned)) => {
                    let planned = *planned;
                    *plan = None;
                    planned
                }
                Some((count, _)) => {
                    *count -= 1;
                    return false;
                }
            }
        };
        is_planned_here.store(true, Ordering::Relaxed);
        self.state.send_replace(planned);
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| *state != State::Held).await;
        let crashes = state.is_ok_and(|state| *state == State::Crashing);
        is_planned_here.store(crashes, Ordering::Relaxed);
        crashes
    }
}

impl Counted {
    fn has(self, words: &[String]) -> bool {
        let Some((name, arguments)) = words.split_first() else { return false };
        let has_key = |argument: &String| self.keys.iter().any(|part| argument.contains(part));
        self.names.contains(&name.to_uppercase().as_str()) && arguments.iter().any(has_key)
    }
}

/// The words of the first command, `*2\r\n$4\r\nECHO\r\n…`, and its length, if it is complete.
fn first_command(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    let (count, mut at) = number_line(bytes, 0)?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, begin) = number_line(bytes, at)?;
        let word = bytes.get(begin..begin + length)?;
        words.push(String::from_utf8_lossy(word).into_owned());
        at = begin + length + 2;
    }
    (bytes.len() >= at).then_some((words, at))
}

/// The number of a line such as `$4\r\n`, and where the line ends.
fn number_line(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let line = bytes.get(at + 1..)?;
    let length = line.windows(2).position(|pair| pair == b"\r\n")?;
    let number = std::str::from_utf8(&line[..length]).ok()?.parse().ok()?;
    Some((number, at + 1 + length + 2))
}

#[test]
fn commands_are_told_apart() {
    let bytes = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n*1\r\n$4\r\nPI";
    let (words, length) = first_command(bytes).expect("one is complete");
    assert_eq!((words.as_slice(), length), (["ECHO".to_owned(), "hi".to_owned()].as_slice(), 22));
    assert_eq!(first_command(&bytes[length..]), None);
}
