//! Outgoing webhooks while nodes are killed and others take over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::receiver::Receiver;
use crate::command_line::Shell;
use crate::process::{Process, Starting, external, token};
use crate::support::{client, eventually, scratch, shared_redis};

const ROOMS: usize = 50;
const NODES: usize = 3;

/// Messages to one room, one after the other, through whichever node takes them.
struct Sender {
    client: Client,
    token: String,
    room: String,
    bases: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicUsize>,
}

impl Sender {
    async fn run(self, messages: usize) {
        for number in 0..messages {
            let content = format!("{} {number}", self.room);
            let body = json!({"message_type": "text", "content": content, "client_id": content.replace(' ', "-")});
            while !self.is_sent(&body).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn is_sent(&self, body: &Value) -> bool {
        let base = {
            let bases = self.bases.lock().expect("whole");
            bases[fastrand::usize(..bases.len())].clone()
        };
        let url = format!("{base}/api/chat/send?room_id={}", self.room);
        let answer = self.client.post(url).bearer_auth(&self.token).json(body).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}

async fn make_room(client: &Client, base: &str, token: &str, number: usize) -> String {
    let form = reqwest::multipart::Form::new().text("room_name", format!("room {number}"));
    let answer = client.post(format!("{base}/api/chat/rooms")).bearer_auth(token).multipart(form).send().await;
    let body: Value = answer.expect("answered").json().await.expect("JSON");
    body["room_id"].as_str().expect("an id").to_owned()
}

/// Sends so many messages to each room while so many nodes are killed, and checks what a webhook of all rooms receives.
async fn deliver(messages: usize, kills: usize) {
    let receiver = Receiver::start().await;
    let mut environment = external(shared_redis());
    environment.extend([
        ("CHINWAG_LIMITS__ENABLED", "false".to_owned()),
        ("CHINWAG_OUTBOUND__ALLOWED_NETWORKS", "127.0.0.0/8".to_owned()),
        ("CHINWAG_OUTBOUND__TIMEOUT_SECS", "1".to_owned()),
    ]);
    let (folder, client) = (scratch(), client());
    let start = || Starting::here(&environment, &folder);
    let starting: Vec<Starting> = (0..NODES).map(|_| start()).collect();
    let mut nodes: Vec<Process> = Vec::new();
    for node in starting {
        nodes.push(node.listening().ready(&client).await);
    }
    let bases = Arc::new(Mutex::new(nodes.iter().map(|node| node.base.clone()).collect::<Vec<_>>()));
    let token = token(&client, &nodes[0].base, "alice").await;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(make_room(&client, &nodes[0].base, &token, number).await);
    }
    let shell = Shell { folder: folder.clone(), environment: environment.clone() };
    shell.ok(&["hook", "create", "--url", &receiver.url], "");
    receiver.be_flaky();

    let (started, sent) = (Instant::now(), Arc::<AtomicUsize>::default());
    let mut senders = JoinSet::new();
    for room in &rooms {
        let (client, token, room) = (client.clone(), token.clone(), room.clone());
        let (bases, sent) = (Arc::clone(&bases), Arc::clone(&sent));
        senders.spawn(Sender { client, token, room, bases, sent }.run(messages));
    }
    let total = messages * ROOMS;
    for kill in 1..=kills {
        eventually("messages are sent", async || sent.load(Ordering::Relaxed) >= kill * total / (kills + 1)).await;
        let mut doomed = nodes.remove(0);
        doomed.signal(Signal::SIGKILL);
        doomed.wait();
        bases.lock().expect("whole").retain(|base| *base != doomed.base);
        let node = start().listening().ready(&client).await;
        bases.lock().expect("whole").push(node.base.clone());
        nodes.push(node);
    }
    while let Some(done) = senders.join_next().await {
        done.expect("no panic");
    }
    let (sent_after, mut delivered) = (started.elapsed(), 0);
    while delivered < total {
        // As long as messages keep arriving.
        let before = delivered;
        eventually("more arrives", async || {
            delivered = firsts(&receiver).values().map(Vec::len).sum();
            delivered > before
        })
        .await;
    }
    let (firsts, taken) = (firsts(&receiver), receiver.taken().len());
    for room in &rooms {
        let expected: Vec<String> = (0..messages).map(|number| format!("{room} {number}")).collect();
        assert_eq!(firsts.get(room), Some(&expected), "in order, each once when duplicates are left out");
    }
    println!(
        "{total} messages to {ROOMS} rooms in {sent_after:.1?}, {kills} nodes killed: all delivered after {:.1?}, \
         {} twice, {} requests",
        started.elapsed(),
        taken - total,
        receiver.requests()
    );
    for node in nodes {
        node.signal(Signal::SIGTERM);
        node.ended();
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

/// The texts that arrived in each room, without duplicates, which their ids show.
fn firsts(receiver: &Receiver) -> HashMap<String, Vec<String>> {
    let (mut known, mut firsts) = (HashMap::new(), HashMap::<String, Vec<String>>::new());
    for taken in receiver.taken() {
        let content = taken.json()["message"]["content"].as_str().expect("text").to_owned();
        match known.insert(taken.id, content.clone()) {
            Some(before) => assert_eq!(before, content, "an id is that of one message"),
            None => {
                let room = content.split(' ').next().expect("a room").to_owned();
                firsts.entry(room).or_default().push(content);
            }
        }
    }
    firsts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_in_order_while_nodes_are_killed() {
    deliver(10, 2).await;
}

/// `scripts/soak hooks`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn ten_thousand_messages_arrive_in_order_while_nodes_are_killed() {
    deliver(200, 8).await;
}
