//! The private Redis of a node: only one at a time writes to a folder, however the node before ended.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::command_line::Shell;
use crate::process::{Process, Starting, token};
use crate::support::{client, eventually, scratch};

const KILLS: usize = 10;
/// A script that keeps Redis busy for seconds. (A suspended Redis would be continued by the kernel when its parent is
/// killed.)
const BUSY: &str = "for _ = 1, 8e8 do end";

fn connect(folder: &Path) -> redis::Connection {
    let socket = folder.join("redis.sock");
    let client = redis::Client::open(format!("redis+unix://{}", socket.display())).expect("an address");
    client.get_connection().expect("the private Redis answers")
}

/// The pid of the private Redis of a folder.
pub fn pid(folder: &Path) -> Pid {
    let info: redis::InfoDict = redis::cmd("INFO").arg("server").query(&mut connect(folder)).expect("it answers");
    Pid::from_raw(info.get("process_id").expect("a pid"))
}

/// Makes the Redis of a folder busy, and returns once it is.
async fn keep_busy(folder: &Path) {
    let (mut busy, mut other) = (connect(folder), connect(folder));
    // It ends without an answer when Redis does.
    std::thread::spawn(move || redis::cmd("EVAL").arg(BUSY).arg(0).exec(&mut busy));
    other.set_read_timeout(Some(Duration::from_millis(300))).expect("a time-out");
    eventually("Redis is busy", async || redis::cmd("PING").exec(&mut other).is_err()).await;
}

/// The processes that have the append-only file of a folder open for writing.
fn writers(folder: &Path) -> Vec<u32> {
    let log = folder.join("appendonlydir");
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_writer = |pid: &u32| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file.starts_with(&log))
    };
    pids.filter(is_writer).collect()
}

async fn send(client: &Client, node: &Process, token: &str, text: &str) {
    let body = json!({"message_type": "text", "content": text});
    let sent = client.post(format!("{}/api/chat/send", node.base)).bearer_auth(token).json(&body).send().await;
    assert_eq!(sent.expect("answered").status(), StatusCode::OK);
}

async fn texts(client: &Client, node: &Process, token: &str) -> Vec<String> {
    let url = format!("{}/api/chat/messages", node.base);
    let page: Value = client.get(url).bearer_auth(token).send().await.expect("answered").json().await.expect("JSON");
    let texts = page.as_array().expect("a list").iter().rev();
    texts.map(|message| message["content"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn a_killed_node_starts_again_at_once() {
    let (client, folder) = (client(), scratch());
    let mut node = Process::start(&[], &folder).ready(&client).await;
    let token = token(&client, &node.base, "alice").await;
    let mut sent = Vec::new();
    for number in 0..KILLS {
        sent.push(number.to_string());
        send(&client, &node, &token, &sent[number]).await;
        node.signal(Signal::SIGKILL);
        let next = Process::start(&[], &folder); // before the old one is reaped
        node = next.ready(&client).await;
        assert_eq!(texts(&client, &node, &token).await, sent, "after kill {number}");
    }
    let redis = pid(&folder);
    assert_eq!(writers(&folder), [u32::try_from(redis.as_raw()).expect("a pid")]);
}

#[tokio::test]
async fn a_start_waits_for_the_busy_redis_of_a_killed_node() {
    let (client, folder) = (client(), scratch());
    let mut node = Process::start(&[], &folder).ready(&client).await;
    let token = token(&client, &node.base, "alice").await;
    send(&client, &node, &token, "kept").await;
    let busy = pid(&folder);
    keep_busy(&folder).await;
    node.signal(Signal::SIGKILL);
    node.wait();

    let next = Starting::here(&[], &folder);
    next.says("waiting for the Redis of a Chinwag that was killed").await;
    assert_eq!(writers(&folder), [u32::try_from(busy.as_raw()).expect("a pid")]);
    let next = next.listening().ready(&client).await;
    eventually("the old Redis has ended", async || kill(busy, None).is_err()).await;
    assert_eq!(texts(&client, &next, &token).await, ["kept"]);
    // Nothing removes the socket of the new one.
    send(&client, &next, &token, "and on it goes").await;
    assert_ne!(pid(&folder), busy);
    assert_eq!(next.log().matches("waiting for").count(), 1, "{}", next.log());
}

#[tokio::test]
async fn two_nodes_do_not_share_a_private_redis() {
    let (client, folder) = (client(), scratch());
    let _node = Process::start(&[], &folder).ready(&client).await;
    let (code, log) = Starting::here(&[], &folder).ended();
    assert_eq!(code, Some(1));
    assert!(log.contains("in use by another Chinwag"), "{log}");
}

#[tokio::test]
async fn a_private_redis_that_does_not_start_says_why() {
    let client = client();
    for (file, content, reason) in [
        ("appendonly.aof.1.incr.aof", "hello", "Bad file format reading the append only file"),
        ("appendonly.aof.manifest", "file nowhere seq 1 type b\n", "nowhere"),
    ] {
        let folder = scratch();
        let mut node = Process::start(&[], &folder).ready(&client).await;
        token(&client, &node.base, "alice").await;
        node.signal(Signal::SIGTERM);
        node.wait();
        std::fs::write(folder.join("appendonlydir").join(file), content).expect("written");

        let (code, log) = Starting::here(&[], &folder).ended();
        assert_eq!(code, Some(1), "{log}");
        let said: Vec<&str> = log.lines().filter(|line| line.contains("the private Redis does not start")).collect();
        assert!(said.len() == 1 && said[0].contains(reason) && said[0].contains("redis.log"), "{log}");
        let environment = vec![("CHINWAG_DATA__DIR", folder.display().to_string())];
        let shell = Shell { folder: scratch(), environment };
        let line = shell.fails(&["user", "list"], "", 1);
        assert!(line.contains(reason), "{line}");
    }
}
