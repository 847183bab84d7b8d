//! The Redis commands and round trips of an operation, attributed to the node's connections.
//!
//! `MONITOR` lists every command with its client, and the calls of a script behind the script. A proxy between node
//! and Redis knows which clients are the node's, and counts round trips. A node's periodic work is left out by what it
//! is (its keys), and a round trip counts only on connections of workers, which nothing periodic uses. No count depends
//! on how fast anything runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use chinwag::config::Config;

use crate::counting_proxy::CountingProxy;
use crate::support::{PATIENCE, Redis, User, World, ok, unique};

/// What an operation sent to Redis.
#[derive(Debug)]
pub struct Cost {
    /// Calls by command, those of scripts included.
    pub commands: BTreeMap<String, u64>,
    /// How often a worker waited for Redis.
    pub round_trips: u64,
}

/// A command of a node, or one that a script of a node called.
#[derive(Clone, Debug)]
pub struct Command {
    /// In lower case.
    pub name: String,
    pub arguments: Vec<String>,
    /// Whether it came over a connection of the node's own rather than a worker's.
    pub is_of_node: bool,
}

/// A Redis server that logs the commands of the nodes behind its proxy.
pub struct LoggedRedis {
    redis: Redis,
    proxy: CountingProxy,
    monitor: RefCell<Monitor>,
}

impl LoggedRedis {
    pub async fn start() -> Self {
        let redis = Redis::start(&[]);
        let proxy = CountingProxy::start(&redis.url()).await;
        let monitor = RefCell::new(Monitor::start(&redis));
        Self { redis, proxy, monitor }
    }

    /// A node behind the proxy.
    pub async fn world(&self, change: impl FnOnce(&mut Config)) -> World {
        World::start_with(1, &self.proxy.url(), change).await
    }

    /// A connection around the proxy: its commands are not logged.
    pub fn connection(&self) -> redis::Connection {
        self.redis.connection()
    }

    /// The cost of an operation of `user` once everything is warm.
    pub async fn cost(&self, user: &User<'_>, mut operation: impl AsyncFnMut()) -> Cost {
        record_activity(user).await;
        operation().await;
        self.cost_now(operation).await
    }

    /// The cost of an operation as it is.
    pub async fn cost_now(&self, operation: impl AsyncFnOnce()) -> Cost {
        self.read();
        let before = self.proxy.round_trips();
        operation().await;
        let commands = self.read();
        let after = self.proxy.round_trips();
        let of_node = &self.monitor.borrow().of_node;
        let of_worker = after.iter().filter(|(port, _)| !of_node.contains(port));
        let round_trips = of_worker.map(|(port, count)| count - before.get(port).copied().unwrap_or(0)).sum();
        Cost { commands: count(commands.iter().filter(|command| !command.is_periodic())), round_trips }
    }

    /// The commands since the log was last looked at.
    pub fn read(&self) -> Vec<Command> {
        self.monitor.borrow_mut().read(&self.redis, &self.proxy)
    }
}

/// Records activity, so that no request of the user does it in the next 30 seconds.
pub async fn record_activity(user: &User<'_>) {
    ok(user.post(0, "heartbeat").send().await).await;
}

/// Calls by command.
pub fn count<'a>(commands: impl Iterator<Item = &'a Command>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for command in commands {
        *counts.entry(command.name.clone()).or_default() += 1;
    }
    counts
}

impl Command {
    fn has_key(&self, part: &str) -> bool {
        self.arguments.first().is_some_and(|key| key.contains(part))
    }

    /// Whether the node sends it by itself every so often: the probe, the changes of accounts, the check of what Redis has,
    /// the clock, the memory, presence, gathered activity, counts, webhooks, the housekeeping. And what follows messages in the
    /// background: the look-up of who is to be notified.
    pub fn is_periodic(&self) -> bool {
        const KEYS: [&str; 8] =
            [":connected:", ":stats:", ":online:", ":seen", "{hooks}:", "{applications}:", "}:push", "}:focused"];
        let is_of_their_keys = KEYS.iter().any(|key| self.arguments.iter().any(|it| it.contains(key)));
        let is_of_command = match self.name.as_str() {
            "publish" | "set" => self.has_key(":probe:"),
            "zrange" => [":revoked", ":renamed", ":ended", ":deleted", ":deleting", ":joins", ":removals"]
                .iter()
                .any(|key| self.has_key(key)),
            "get" => [":generation", ":seq:"].iter().any(|key| self.has_key(key)),
            "hget" => self.has_key("{r:1}") || self.has_key("{u:"),
            "zremrangebyscore" => self.has_key(":rooms:active"),
            "hmget" => self.has_key("{u:"),
            "time" | "info" => true,
            _ => false,
        };
        self.is_of_node && (is_of_their_keys || is_of_command)
    }

    /// Whether it looks up whether a user is to be notified. What the script calls in turn does not count.
    pub fn looks_up_pushes(&self) -> bool {
        self.name == "evalsha" && self.arguments.iter().any(|argument| argument.contains("}:push"))
    }

    /// Whether it opens a connection.
    fn is_of_handshake(&self) -> bool {
        let is_of_check = self.name == "info" && self.arguments.is_empty();
        is_of_check || matches!(self.name.as_str(), "hello" | "client" | "role" | "script" | "select")
    }
}

/// A connection that `MONITOR` writes to.
struct Monitor {
    lines: BufReader<TcpStream>,
    /// Ports of the proxy's connections that are the node's own: it probes, or subscribes, over them.
    of_node: BTreeSet<u16>,
    /// The port that sent the last command, to which the calls of a script belong.
    port: u16,
}

impl Monitor {
    fn start(redis: &Redis) -> Self {
        let address = redis.url().trim_start_matches("redis://").to_owned();
        let mut stream = TcpStream::connect(address).expect("Redis listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.write_all(b"MONITOR\r\n").expect("written");
        let mut monitor = Self { lines: BufReader::new(stream), of_node: BTreeSet::new(), port: 0 };
        assert_eq!(monitor.line(), "+OK");
        monitor
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("Redis writes its log");
        line.trim_end().to_owned()
    }

    /// Reads all that was logged until now.
    fn read(&mut self, redis: &Redis, proxy: &CountingProxy) -> Vec<Command> {
        let mark = unique("mark");
        redis::cmd("ECHO").arg(&mark).exec(&mut redis.connection()).expect("answered");
        let mut commands = Vec::new();
        loop {
            let line = self.line();
            let (client, command) = parse(&line).unwrap_or_else(|| panic!("not a line of MONITOR: {line}"));
            if command.arguments.first() == Some(&mark) {
                break;
            }
            if let Some(port) = client {
                self.port = port;
            }
            commands.push((self.port, command));
        }
        self.of_node.extend(commands.iter().filter(|(_, command)| is_nodes_own(command)).map(|(port, _)| *port));
        let ports = proxy.round_trips();
        let of_nodes = commands.into_iter().filter(|(port, _)| ports.contains_key(port));
        let of_nodes = of_nodes.map(|(port, command)| Command { is_of_node: self.of_node.contains(&port), ..command });
        of_nodes.filter(|command| !command.is_of_handshake()).collect()
    }
}

/// Whether workers never send it.
fn is_nodes_own(command: &Command) -> bool {
    command.name == "subscribe" || command.name == "publish" && command.has_key(":probe:")
}

/// The client's port, `None` for the call of a script, and the command, for example of
/// `+1700000000.000000 [0 127.0.0.1:40000] "GET" "key"`.
fn parse(line: &str) -> Option<(Option<u16>, Command)> {
    let (_, rest) = line.split_once('[')?;
    let (client, rest) = rest.split_once("] ")?;
    let (_, client) = client.split_once(' ')?;
    let port = match client {
        "lua" => None,
        address => Some(address.rsplit_once(':')?.1.parse().ok()?),
    };
    // Quotes inside an argument are escaped.
    let mut words = rest.strip_prefix('"')?.strip_suffix('"')?.split("\" \"").map(str::to_owned);
    let name = words.next()?.to_lowercase();
    Some((port, Command { name, arguments: words.collect(), is_of_node: false }))
}

#[test]
fn lines_of_the_log_are_understood() {
    let (client, command) =
        parse(r#"+1700000000.1 [0 127.0.0.1:40000] "ZADD" "a:{r:1}" "say \"hi\" [1] " """#).expect("a line");
    assert_eq!((client, command.name.as_str()), (Some(40000), "zadd"));
    assert_eq!(command.arguments, ["a:{r:1}", r#"say \"hi\" [1] "#, ""]);
    let (client, command) = parse(r#"+1700000000.1 [0 lua] "TIME""#).expect("a line");
    assert_eq!((client, command.name.as_str(), command.arguments.len()), (None, "time", 0));
}
