//! `chinwag dev`: what a test of another project gets, and what is left of it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::command_line::Shell;
use crate::process::Process;
use crate::socket::Socket;
use crate::support::{client, eventually, scratch};

/// A node for tests, and what it printed.
struct Dev {
    child: Child,
    output: BufReader<ChildStdout>,
    started: Value,
    /// The folder for its temporary files.
    temporary: PathBuf,
}

impl Dev {
    fn start(arguments: &[&str]) -> Self {
        let temporary = scratch();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
        command.arg("dev").args(arguments).current_dir(&temporary).env("TMPDIR", &temporary);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("text");
        let started = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        Self { child, output, started, temporary }
    }

    fn base(&self) -> &str {
        self.started["url"].as_str().expect("an address")
    }

    fn token(&self, user: usize) -> &str {
        self.started["users"][user]["token"].as_str().expect("a token")
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().expect("a pid")), signal).expect("signalled");
    }

    async fn socket(&self, dialect: &str, user: usize) -> Socket {
        let url = self.started["sockets"][dialect].as_str().expect("an address");
        let path = url.strip_prefix(&self.base().replacen("http", "ws", 1)).expect("an address of the node");
        Socket::open(self.base(), path, Some(self.token(user)), None).await.expect("opened")
    }

    /// A request with the token of the first user: status, body and how long it took.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value, Duration) {
        let mut request = client().request(method, format!("{}{path}", self.base())).bearer_auth(self.token(0));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let begun = Instant::now();
        let answer = request.send().await.expect("answered");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default(), begun.elapsed())
    }

    async fn add_fault(&self, fault: Value) {
        let (status, faults, _) = self.ask(Method::POST, "/dev/faults", Some(fault)).await;
        assert_eq!(status, 201, "{faults}");
    }

    /// Waits until it has ended by itself, well and without a further line. Nothing is left then.
    fn ended(mut self) {
        let status = self.child.wait().expect("it ends");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
        assert_eq!(left_in(&self.temporary), (Vec::<PathBuf>::new(), Vec::<PathBuf>::new()));
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.signal(Signal::SIGTERM);
            self.child.wait().expect("it ends");
        }
    }
}

/// The files below a folder, and the processes that run there.
fn left_in(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten().map(|process| process.path());
    let is_there = |process: &PathBuf| std::fs::read_link(process.join("cwd")).is_ok_and(|at| at.starts_with(folder));
    (files.collect(), processes.filter(is_there).collect())
}

async fn new_message(socket: &mut Socket) -> Value {
    loop {
        let frame = socket.next().await;
        if frame["type"] == "new_message" {
            return frame["payload"].clone();
        }
    }
}

#[tokio::test]
async fn seeded_users_talk_over_two_dialects() {
    let dev = Dev::start(&[
        "--user",
        "alice",
        "--user",
        "bob:correct horse",
        "--admin",
        "carol",
        "--room",
        "lobby:bob,alice",
        "--group",
        "team:alice,bob",
        "--room",
        "empty",
    ]);
    let users = dev.started["users"].as_array().expect("a list");
    let of = |key: &str| users.iter().map(|user| user[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        (of("id"), of("name")),
        (vec![json!(1), json!(2), json!(3)], vec![json!("alice"), json!("bob"), json!("carol")])
    );
    assert_eq!(of("is_admin"), [false, false, true]);
    let rooms = dev.started["rooms"].as_array().expect("a list");
    let facts = |room: &Value| (room["name"].clone(), room["is_public"].clone(), room["members"].clone());
    assert_eq!(
        rooms.iter().map(facts).collect::<Vec<_>>(),
        [
            (json!("lobby"), json!(true), json!(["bob", "alice"])),
            (json!("empty"), json!(true), json!(["alice"])),
            (json!("team"), json!(false), json!(["alice", "bob"])),
        ]
    );

    let mut alice = dev.socket("webchat", 0).await;
    for room in [&rooms[0], &rooms[2]] {
        let url = format!("{}/api/chat/send?room_id={}", dev.base(), room["id"].as_str().expect("an id"));
        let body = json!({"message_type": "text", "content": "hello"});
        let sent = client().post(url).bearer_auth(dev.token(1)).json(&body).send().await.expect("answered");
        assert_eq!(sent.status(), StatusCode::OK);
        let message = new_message(&mut alice).await;
        assert_eq!((&message["room_id"], &message["content"]), (&room["number"], &json!("hello")), "{message}");
    }

    let log_in = json!({"username": "bob", "password": "correct horse"});
    assert_eq!(dev.ask(Method::POST, "/api/v1/auth/login", Some(log_in)).await.0, 200);
    let log_in = json!({"username": "alice", "password": users[0]["password"]});
    assert_eq!(dev.ask(Method::POST, "/api/v1/auth/login", Some(log_in)).await.0, 200);
    let audit = |user| client().get(format!("{}/api/v1/admin/audit", dev.base())).bearer_auth(dev.token(user)).send();
    assert_eq!(audit(2).await.expect("answered").status(), StatusCode::OK);
    assert_eq!(audit(0).await.expect("answered").status(), StatusCode::FORBIDDEN);
    dev.signal(Signal::SIGTERM);
    dev.ended();
}

#[tokio::test]
async fn faults_happen_as_often_as_they_were_asked_for() {
    let dev = Dev::start(&["--user", "alice", "--user", "bob"]);
    dev.add_fault(json!({"path": "/api/chat", "fail_next": 2})).await;
    let rooms = async || dev.ask(Method::GET, "/api/chat/rooms", None).await;
    for _ in 0..2 {
        let (status, body, _) = rooms().await;
        assert!(status == 503 && body["detail"].is_string(), "in the words of the dialect: {body}");
    }
    assert_eq!(rooms().await.0, 200);

    dev.add_fault(json!({"path": "/api/v1/rooms", "delay_ms": 300})).await;
    dev.add_fault(json!({"path": "/api/v1/me", "fail_share": 1})).await;
    assert!(dev.ask(Method::GET, "/api/v1/rooms", None).await.2 >= Duration::from_millis(300));
    assert_eq!(dev.ask(Method::GET, "/api/v1/me", None).await.0, 503);
    let listed = dev.ask(Method::GET, "/dev/faults", None).await.1;
    assert_eq!(listed[1], json!({"path": "/api/v1/rooms", "delay_ms": 300, "fail_next": 0, "fail_share": 0.0}));
    assert_eq!(dev.ask(Method::DELETE, "/dev/faults", None).await.0, 204);
    assert_eq!(dev.ask(Method::GET, "/dev/faults", None).await.1, json!([]));
    assert_eq!(dev.ask(Method::GET, "/api/v1/me", None).await.0, 200);

    for wrong in [json!({"delay": 1}), json!({"path": "api"}), json!({"fail_share": 2}), json!([])] {
        assert_eq!(dev.ask(Method::POST, "/dev/faults", Some(wrong.clone())).await.0, 400, "{wrong}");
    }
    assert_eq!(dev.ask(Method::GET, "/dev/faults", None).await.1, json!([]));
}

#[tokio::test]
async fn the_sockets_of_a_user_or_all_are_cut() {
    let dev = Dev::start(&["--user", "alice", "--user", "bob"]);
    let (mut first, mut second) = (dev.socket("webchat", 0).await, dev.socket("imtypes", 0).await);
    let mut other = dev.socket("envelope", 1).await;
    let cut = async |body| dev.ask(Method::POST, "/dev/faults/cut", body).await;
    let (status, body, _) = cut(Some(json!({"user": "alice"}))).await;
    assert_eq!((status, body), (200, json!({"cut": 2})));
    assert_eq!((first.next_or_end().await, second.next_or_end().await), (Err(None), Err(None)));
    assert_eq!(cut(Some(json!({"user": "nobody"}))).await.0, 404);

    let mut back = dev.socket("webchat", 0).await;
    back.send(&json!({"type": "ping"})).await;
    assert_eq!(back.next().await["type"], "pong");
    assert_eq!(cut(None).await.1, json!({"cut": 2}), "hers and the other, which was left alone before");
    assert_eq!((back.next_or_end().await, other.next_or_end().await), (Err(None), Err(None)));
}

#[tokio::test]
async fn nothing_is_left_whatever_ends_it() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let dev = Dev::start(&["--user", "alice"]);
        let socket = dev.socket("webchat", 0).await;
        let (files, processes) = left_in(&dev.temporary);
        assert_eq!((files.len(), processes.len()), (1, 2), "its folder; the node and its Redis");
        assert!(!files[0].join("appendonlydir").exists() && !files[0].join("dump.rdb").exists());
        dev.signal(signal);
        dev.ended();
        drop(socket);
    }
    let mut dev = Dev::start(&["--until-stdin-closes"]);
    drop(dev.child.stdin.take());
    dev.ended();
}

/// As when the process that started it has crashed: nobody reads its log either.
#[tokio::test]
async fn nothing_is_left_when_a_test_crashes() {
    let mut dev = Dev::start(&["--until-stdin-closes", "--user", "alice"]);
    drop(dev.child.stderr.take());
    drop(dev.child.stdin.take());
    dev.ended();
}

#[tokio::test]
async fn input_that_is_not_watched_may_be_closed() {
    let mut dev = Dev::start(&["--user", "alice"]);
    drop(dev.child.stdin.take());
    assert_eq!(dev.ask(Method::GET, "/api/v1/me", None).await.0, 200);
    dev.signal(Signal::SIGTERM);
    dev.ended();
}

#[tokio::test]
async fn limits_are_off_unless_they_are_asked_for() {
    let searches = async |dev: &Dev| {
        let mut refused = 0;
        for _ in 0..100 {
            let (status, ..) = dev.ask(Method::GET, "/api/v1/search?kind=user&q=a", None).await;
            refused += usize::from(status == 429);
        }
        refused
    };
    let many: Vec<String> = (0..30).map(|number| format!("--user=user{number}")).collect();
    let mut arguments: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(searches(&Dev::start(&arguments)).await, 0);
    arguments.push("--limits");
    let limited = Dev::start(&arguments);
    assert_eq!(limited.started["users"].as_array().map(Vec::len), Some(30), "more than may log in at once");
    assert!(searches(&limited).await > 0);
}

#[test]
fn what_cannot_be_seeded_is_said_and_nothing_is_left() {
    let temporary = scratch();
    let environment = vec![("TMPDIR", temporary.display().to_string())];
    let shell = Shell { folder: scratch(), environment };
    for (arguments, reason) in [
        (&["--user", "alice", "--user", "Alice"][..], "user Alice: user name is taken"),
        (&["--user", "alice:alice1"], "user alice: password is too easy to guess"),
        (&["--user", "alice", "--room", "lobby:bob"], "room lobby: user not found"),
        (&["--room", "lobby"], "room lobby: user not found"),
    ] {
        assert!(shell.fails(&[&["dev"], arguments].concat(), "", 2).ends_with(reason), "{arguments:?}");
    }
    for arguments in [&["--group", "team"][..], &["--user", ""], &["--room", ":alice"], &["--port", "x"]] {
        assert_eq!(shell.run(&[&["dev"], arguments].concat(), "").status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(left_in(&temporary).0, Vec::<PathBuf>::new());
    assert_eq!(left_in(&shell.folder), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_node_that_serves_has_no_faults() {
    let (client, folder) = (client(), scratch());
    let node = Process::start(&[], &folder).ready(&client).await;
    for (method, path) in [
        (Method::GET, "/dev/faults"),
        (Method::POST, "/dev/faults"),
        (Method::DELETE, "/dev/faults"),
        (Method::POST, "/dev/faults/cut"),
    ] {
        let request = client.request(method.clone(), format!("{}{path}", node.base)).json(&json!({"fail_share": 1}));
        assert_eq!(request.send().await.expect("answered").status(), StatusCode::NOT_FOUND, "{method} {path}");
    }
    let url = format!("{}/health/live", node.base);
    eventually("it answers", async || client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200)).await;
}
