//! Redis servers, nodes and users for tests.

use std::fs::DirBuilder;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use chinwag::config::Config;
use chinwag::domain::{Clock, Error, Password, Reason, Role};
use chinwag::node::Node;
use chinwag::service::{Administration, Operator};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// The maximum time that a test waits for anything. Only a failing test waits for so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A Redis server for one test.
pub struct Redis {
    child: Child,
    port: u16,
    arguments: Vec<String>,
}

impl Redis {
    /// Starts a server on a free port with these arguments and waits until it answers. The first may be the path of its
    /// configuration.
    pub fn start(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let port = free_port();
        let redis = Self { child: spawn_redis(port, &arguments), port, arguments };
        redis.wait();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("Redis runs");
        self.child.wait().expect("Redis ends");
    }

    /// Sends a signal, for example to suspend it.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().try_into().expect("a pid"));
        nix::sys::signal::kill(pid, signal).expect("Redis runs");
    }

    /// Starts it again on the same port with the same arguments.
    pub fn restart(&mut self) {
        self.restart_without_waiting();
        self.wait();
    }

    /// The same, without waiting until it has loaded its data.
    pub fn restart_without_waiting(&mut self) {
        self.child = spawn_redis(self.port, &self.arguments);
    }

    fn wait(&self) {
        let client = redis::Client::open(self.url()).expect("an address");
        let started = Instant::now();
        loop {
            let pong =
                client.get_connection().and_then(|mut connection| redis::cmd("PING").query::<String>(&mut connection));
            match pong {
                Ok(_) => return,
                Err(error) => assert!(started.elapsed() < PATIENCE, "Redis does not answer: {error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A connection to inspect keys.
    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).and_then(|client| client.get_connection()).expect("Redis answers")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Some tests have killed it already.
        if self.child.kill().is_ok() {
            self.child.wait().expect("Redis ends");
        }
    }
}

/// A server that demands a password.
pub fn with_password(password: &str) -> Redis {
    let redis = Redis::start(&[]);
    let mut command = redis::cmd("CONFIG");
    command.arg("SET").arg("requirepass").arg(password).exec(&mut redis.connection()).expect("set");
    redis
}

/// A port that nothing listens on, different for each call. It is below those that the kernel assigns to outgoing
/// connections, so that none of them occupies it before the server starts or while it restarts.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new(uuid::Uuid::new_v4().as_fields().1 % COUNT));
    let mut ports = std::iter::repeat_with(|| FIRST + next.fetch_add(1, Ordering::Relaxed) % COUNT);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

fn spawn_redis(port: u16, arguments: &[String]) -> Child {
    let has_file = arguments.first().is_some_and(|first| !first.starts_with("--"));
    let (file, arguments) = arguments.split_at(usize::from(has_file));
    // A replica stores what its primary sends. Left in the working folder, the next server would start with it.
    let (folder, snapshot) = (std::env::temp_dir(), format!("replica-{port}.rdb"));
    drop(std::fs::remove_file(folder.join(&snapshot)));
    Command::new("redis-server")
        .args(file)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"])
        .args(["--dbfilename", &snapshot, "--dir"])
        .arg(folder)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

/// The Redis that tests share, each with its own prefix: a single server, or a cluster of three when the environment says
/// `CHINWAG_TEST_REDIS=cluster`.
pub fn shared_redis() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| match on_cluster() {
        true => crate::redis_cluster::forming::start_shared(),
        false => {
            let port = free_port();
            start_with_process(&[format!("--port {port} --bind 127.0.0.1 --save '' --loglevel warning")]);
            let url = format!("redis://127.0.0.1:{port}");
            wait_for(&url);
            url
        }
    })
}

/// Whether the tests that share a Redis share a cluster.
pub fn on_cluster() -> bool {
    std::env::var_os("CHINWAG_TEST_REDIS").is_some_and(|kind| kind == "cluster")
}

/// The bucket in which tests keep uploads when the environment says `CHINWAG_TEST_UPLOADS=s3://bucket`, as `scripts/test-s3`
/// does. Otherwise each world has a folder.
pub fn bucket() -> Option<String> {
    std::env::var("CHINWAG_TEST_UPLOADS").ok()
}

/// A connection to the shared server that holds this key.
pub fn shared_connection(key: &str) -> redis::Connection {
    let connections = shared_redis().split(',').map(|url| {
        redis::Client::open(url).and_then(|client| client.get_connection()).expect("the shared Redis answers")
    });
    let is_here = |connection: &mut redis::Connection| redis::cmd("EXISTS").arg(key).exec(connection).is_ok();
    connections.into_iter().find_map(|mut it| is_here(&mut it).then_some(it)).expect("a server has every key")
}

/// Starts servers with these arguments, which end with the test process: a shell waits until this end of a pipe is closed.
pub fn start_with_process(servers: &[String]) {
    let starting: String = servers
        .iter()
        .map(|arguments| format!("redis-server {arguments} >/dev/null 2>&1 & servers=\"$servers $!\"; "))
        .collect();
    let script = format!("{starting} read -r _; kill $servers");
    let shell = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().expect("sh runs");
    // Never dropped: the pipe is closed when this process ends, however it ends.
    std::mem::forget(shell);
}

/// Waits until a server answers.
pub fn wait_for(url: &str) {
    let client = redis::Client::open(url).expect("an address");
    let started = Instant::now();
    while client.get_connection().is_err() {
        assert!(started.elapsed() < PATIENCE, "the shared Redis does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A unique name.
pub fn unique(start: &str) -> String {
    format!("{start}{}", uuid::Uuid::new_v4().simple())
}

/// A new folder below the target folder.
pub fn scratch() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique("it-"));
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("the target folder is writable");
    folder
}

/// Nodes on one Redis.
pub struct World {
    pub nodes: Vec<Node>,
    pub config: Config,
    pub client: Client,
    folder: PathBuf,
}

impl World {
    /// Starts nodes on the shared Redis with a new prefix.
    pub async fn start(nodes: usize) -> Self {
        Self::start_with(nodes, shared_redis(), |_| {}).await
    }

    /// Starts nodes on the Redis at `url` with changed settings.
    pub async fn start_with(nodes: usize, url: &str, change: impl FnOnce(&mut Config)) -> Self {
        let folder = scratch();
        let mut config = Config::defaults();
        config.server.port = 0;
        config.server.workers = 1;
        config.server.drain_secs = 0;
        config.server.shutdown_secs = 2;
        config.redis.url = url.to_owned();
        config.redis.prefix = unique("t");
        config.redis.prefix.push(':');
        config.data.dir = folder.clone();
        config.auth.jwt_secret = "a secret for tests, long enough".repeat(2).into();
        config.auth.bcrypt_cost = 4;
        // Tests are faster than people. The limits have tests of their own.
        let limits = &mut config.limits;
        (limits.sends_per_sec, limits.sends_burst) = (100, 2000);
        (limits.user_sends_per_sec, limits.user_sends_burst) = (1000, 20_000);
        (limits.sign_ins_per_sec, limits.sign_ins_burst) = (50, 2000);
        (limits.searches_per_sec, limits.searches_burst) = (50, 2000);
        limits.rooms_made_daily = 10_000;
        if let Some(bucket) = bucket() {
            config.uploads.url = format!("{bucket}/{}", unique("w"));
        }
        // The disk of the machine is no part of the tests.
        config.uploads.reserve_bytes = 0;
        // Tests count Redis commands.
        config.stats.report_ms = 0;
        change(&mut config);
        let mut world = Self { nodes: Vec::new(), config, client: client(), folder };
        for _ in 0..nodes {
            world.add_node().await;
        }
        world
    }

    /// Starts one more node and waits until it is ready.
    pub async fn add_node(&mut self) {
        self.add_node_with_clock(Clock::default()).await;
    }

    /// The same on a machine with this clock.
    pub async fn add_node_with_clock(&mut self, clock: Clock) {
        let node = Node::start_with_clock(self.config.clone(), clock).await.expect("the node starts");
        self.nodes.push(node);
        let index = self.nodes.len() - 1;
        self.wait_ready(index).await;
    }

    /// Waits until a node reports that it is ready.
    pub async fn wait_ready(&self, node: usize) {
        let started = Instant::now();
        let url = self.url(node, "/health/ready");
        while !self.client.get(&url).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            assert!(started.elapsed() < PATIENCE, "node {node} is not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a node takes part, for example after its connections to Redis were cut.
    pub async fn becomes_ready(&self, node: usize) {
        let url = self.url(node, "/health/ready");
        let is_ready = async || self.client.get(&url).send().await.is_ok_and(|ready| ready.status() == 200);
        eventually("the node is ready", is_ready).await;
    }

    pub fn url(&self, node: usize, path: &str) -> String {
        format!("http://{}{path}", self.nodes[node].address())
    }

    /// The data folder of the nodes, with `uploads` in it.
    pub fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Registers and logs in.
    pub async fn user(&self, node: usize, name: &str) -> User<'_> {
        let credentials = json!({"username": name, "password": "your_strong_password"});
        let (answer, was_late) = self.sign_in(node, "register", &credentials).await;
        // The outcome of a try that was late is unknown.
        let is_registered = was_late && answer.status() == StatusCode::CONFLICT;
        assert!(is_registered || answer.status() == StatusCode::CREATED, "register {name}: {}", answer.status());
        self.log_in(node, name, "your_strong_password").await
    }

    pub async fn log_in(&self, node: usize, name: &str, password: &str) -> User<'_> {
        let credentials = json!({"username": name, "password": password});
        let (answer, _) = self.sign_in(node, "login", &credentials).await;
        let body: Value = answer.json().await.expect("JSON");
        let token = body["token"].as_str().unwrap_or_else(|| panic!("no token for {name}: {body}")).to_owned();
        User { world: self, name: name.to_owned(), token }
    }

    /// Makes a user an administrator.
    pub async fn promote(&self, name: &str) {
        self.set_role(name, Role::Admin).await;
    }

    /// Gives a user a role, as the command line does.
    pub async fn set_role(&self, name: &str, role: Role) {
        let administration = administration(&self.config).await;
        let user = administration.accounts().named(name).await.expect("the user exists");
        // Replicas may be late.
        let set = async || administration.set_role(&Operator::CommandLine, user, role).await.is_ok();
        eventually("the role is set", set).await;
    }

    /// Bans a user or lifts a ban, as the command line does.
    pub async fn set_banned(&self, name: &str, is_banned: bool) {
        let administration = administration(&self.config).await;
        let user = administration.accounts().named(name).await.expect("the user exists");
        let outcome = match is_banned {
            true => administration.ban(&Operator::CommandLine, user, Reason::default()).await,
            false => administration.unban(&Operator::CommandLine, user).await,
        };
        outcome.expect("Redis answers");
    }

    /// Sets a user's password, as the command line does.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<(), Error> {
        let administration = administration(&self.config).await;
        let user = administration.accounts().named(name).await.expect("the user exists");
        let password = Password::parse(password).expect("long enough");
        administration.set_password(&Operator::CommandLine, user, &password).await
    }

    /// Repeats a request while the answer is 503: on a busy machine Redis or its replicas may be late. Returns whether they
    /// were.
    async fn sign_in(&self, node: usize, path: &str, credentials: &Value) -> (reqwest::Response, bool) {
        let url = self.url(node, &format!("/api/v1/auth/{path}"));
        let started = Instant::now();
        for tries in 1.. {
            let answer = self.client.post(&url).json(credentials).send().await.expect("answered");
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE || started.elapsed() > PATIENCE {
                return (answer, tries > 1);
            }
        }
        unreachable!("the loop returns")
    }

    /// Stops all nodes and removes what they stored.
    pub async fn stop(mut self) {
        for node in self.nodes.drain(..) {
            node.stop().await;
        }
        std::fs::remove_dir_all(&self.folder).expect("the folder is ours");
    }
}

/// What the command line opens to administer the chat.
pub async fn administration(config: &Config) -> Administration {
    chinwag::node::administration(config).await.expect("Redis answers").0
}

/// An HTTP client with a time-out.
pub fn client() -> Client {
    Client::builder().timeout(PATIENCE).tls_certs_only([]).build().expect("a client")
}

/// A user with a token.
pub struct User<'a> {
    pub world: &'a World,
    pub name: String,
    pub token: String,
}

impl<'a> User<'a> {
    /// A user with this token.
    pub fn new(world: &'a World, name: &str, token: &str) -> Self {
        User { world, name: name.to_owned(), token: token.to_owned() }
    }

    /// A request of document 003 with the user's token.
    pub fn request(&self, node: usize, method: Method, path: &str) -> RequestBuilder {
        let url = self.world.url(node, &format!("/api/chat/{path}"));
        self.world.client.request(method, url).bearer_auth(&self.token)
    }

    pub fn get(&self, node: usize, path: &str) -> RequestBuilder {
        self.request(node, Method::GET, path)
    }

    /// A request of any document with the user's token.
    pub fn at(&self, node: usize, method: Method, path: &str) -> RequestBuilder {
        self.world.client.request(method, self.world.url(node, path)).bearer_auth(&self.token)
    }

    /// A GET of any document that succeeds, as JSON.
    pub async fn get_json(&self, node: usize, path: &str) -> Value {
        ok(self.at(node, Method::GET, path).send().await).await
    }

    /// A POST of any document: status and body.
    pub async fn ask(&self, node: usize, path: &str, body: &Value) -> (u16, Value) {
        answered(self.at(node, Method::POST, path).json(body).send().await).await
    }

    /// The number of the direct room with a user, opened through document 000.
    pub async fn open_direct(&self, node: usize, other: &str) -> u64 {
        let (status, room) = self.ask(node, "/api/v1/rooms", &json!({"is_private": true, "username": other})).await;
        assert_eq!(status, 201, "{room}");
        room["id"].as_u64().expect("a number")
    }

    pub fn post(&self, node: usize, path: &str) -> RequestBuilder {
        self.request(node, Method::POST, path)
    }

    /// A GET that succeeds, as JSON.
    pub async fn read(&self, node: usize, path: &str) -> Value {
        ok(self.get(node, path).send().await).await
    }

    /// A text message; returns the stored one.
    pub async fn send(&self, node: usize, room: &str, content: &str) -> Value {
        ok(self.try_send(node, room, content).await).await
    }

    pub async fn try_send(&self, node: usize, room: &str, content: &str) -> reqwest::Result<Response> {
        let body = json!({"message_type": "text", "content": content, "reply_to": null});
        self.post(node, &format!("send?room_id={room}")).json(&body).send().await
    }

    /// A new public room; returns its id.
    pub async fn make_room(&self, node: usize, name: &str) -> String {
        let mut made = None;
        // A Redis that is late on a busy machine is answered with 503.
        eventually("the room is made", async || {
            let form = reqwest::multipart::Form::new().text("room_name", name.to_owned());
            let answer = self.post(node, "rooms").multipart(form).send().await.expect("answered");
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                made = Some(ok(Ok(answer)).await);
            }
            made.is_some()
        })
        .await;
        made.expect("just made")["room_id"].as_str().expect("an id").to_owned()
    }

    /// A new group of document 000 with these further members; returns its number.
    pub async fn make_group(&self, node: usize, name: &str, members: &[&str]) -> u64 {
        let url = self.world.url(node, "/api/v1/rooms");
        let body = json!({"name": name, "is_private": false});
        let answer = self.world.client.post(url).bearer_auth(&self.token).json(&body).send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::CREATED);
        let room: Value = answer.json().await.expect("JSON");
        let room = room["id"].as_u64().expect("a number");
        for member in members {
            let url = self.world.url(node, &format!("/api/v1/rooms/{room}/members"));
            let body = json!({"username": member});
            let answer = self.world.client.post(url).bearer_auth(&self.token).json(&body).send().await;
            assert_eq!(answer.expect("answered").status(), StatusCode::CREATED);
        }
        room
    }

    /// The texts of a page of history.
    pub async fn texts(&self, node: usize, query: &str) -> Vec<String> {
        let page = self.read(node, &format!("messages?{query}")).await;
        let messages = page.as_array().expect("a list");
        messages.iter().map(|message| message["content"].as_str().expect("text").to_owned()).collect()
    }
}

/// Status and JSON of a response.
pub async fn answered(answer: reqwest::Result<Response>) -> (u16, Value) {
    let answer = answer.expect("answered");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// The string id of a room's number.
pub fn room_id(number: u64) -> String {
    chinwag::domain::RoomId::new(number.try_into().expect("small")).expect("not zero").to_string()
}

/// The JSON of a 200.
pub async fn ok(answer: reqwest::Result<Response>) -> Value {
    let answer = answer.expect("answered");
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Asserts a refusal of document 003 and returns its detail.
pub async fn refused(answer: reqwest::Result<Response>, status: u16) -> String {
    let answer = answer.expect("answered");
    let found = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    assert_eq!(found, status, "{text}");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(body.as_object().map(|object| object.len()), Some(1), "{text}");
    body["detail"].as_str().unwrap_or_else(|| panic!("no detail: {text}")).to_owned()
}

/// Waits until `check` holds.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !check().await {
        assert!(started.elapsed() < PATIENCE, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
