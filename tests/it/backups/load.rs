//! Users who send to rooms of every kind through all nodes, until they are stopped.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{World, eventually, room_id};

const ROOMS: usize = 12;

/// A message that was acknowledged: its room and its text.
pub type Sent = (String, String);

#[derive(Default)]
struct Log {
    acknowledged: Mutex<Vec<Sent>>,
    count: AtomicUsize,
    is_stopped: AtomicBool,
}

/// The load.
pub struct Load {
    log: Arc<Log>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    pub async fn start(world: &World) -> Self {
        let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
        let mut rooms = vec![("global".to_owned(), alice.token.clone())];
        for number in 0..ROOMS {
            rooms.push((room_id(alice.make_group(0, &format!("g{number}"), &["bob"]).await), bob.token.clone()));
            rooms.push((bob.make_room(1, &format!("p{number}")).await, alice.token.clone()));
        }
        rooms.push((room_id(alice.open_direct(0, "bob").await), bob.token.clone()));
        let log = Arc::<Log>::default();
        let send = |(number, (room, token)): (usize, (String, String))| {
            let url = world.url(number % world.nodes.len(), &format!("/api/chat/send?room_id={room}"));
            tokio::spawn(keep_sending(world.client.clone(), url, token, room, Arc::clone(&log)))
        };
        let senders = rooms.into_iter().enumerate().map(send).collect();
        Self { log, senders }
    }

    pub fn sent(&self) -> usize {
        self.log.count.load(Ordering::SeqCst)
    }

    pub async fn has_sent(&self, count: usize) {
        eventually("so much is sent", async || self.sent() >= count).await;
    }

    /// Everything that was acknowledged until now.
    pub fn acknowledged(&self) -> Vec<Sent> {
        self.log.acknowledged.lock().expect("whole").clone()
    }

    pub async fn stop(self) {
        self.log.is_stopped.store(true, Ordering::SeqCst);
        for sender in self.senders {
            sender.await.expect("no panic");
        }
    }
}

async fn keep_sending(client: reqwest::Client, url: String, token: String, room: String, log: Arc<Log>) {
    let mut number = 0;
    while !log.is_stopped.load(Ordering::SeqCst) {
        let text = format!("{room} {number}");
        let body = json!({"message_type": "text", "content": text});
        let request = client.post(&url).bearer_auth(&token).header("Idempotency-Key", text.replace(' ', "-"));
        let answer = request.json(&body).send().await.expect("answered");
        if answer.status() == StatusCode::OK {
            log.acknowledged.lock().expect("whole").push((room.clone(), text));
            number += 1;
            log.count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Asserts that a chat has these messages, each room in order and without a gap.
pub async fn assert_has(world: &World, sent: &[Sent]) {
    let bob = world.log_in(0, "bob", "your_strong_password").await;
    let rooms: std::collections::BTreeSet<&String> = sent.iter().map(|(room, _)| room).collect();
    assert_eq!(rooms.len(), 2 + 2 * ROOMS, "every room was sent to");
    for room in rooms {
        let mut page: Vec<Value> = Vec::new();
        loop {
            let before = page.last().map(|last| format!("&before={}", last["id"].as_str().expect("an id")));
            let path = format!("messages?room_id={room}&limit=100{}", before.unwrap_or_default());
            let older = bob.read(0, &path).await;
            match older.as_array().expect("a list").as_slice() {
                [] => break,
                older => page.extend_from_slice(older),
            }
        }
        let texts: Vec<&str> = page.iter().rev().filter_map(|message| message["content"].as_str()).collect();
        let of_load: Vec<&&str> = texts.iter().filter(|text| text.starts_with(room.as_str())).collect();
        for (number, text) in of_load.iter().enumerate() {
            assert_eq!(***text, format!("{room} {number}"), "in order and without a gap");
        }
        for (_, text) in sent.iter().filter(|(of, _)| of == room) {
            assert!(texts.contains(&text.as_str()), "{text} is missing of {}", texts.len());
        }
    }
    let listed = bob.get_json(0, "/api/v1/rooms").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2 + 2 * ROOMS), "{listed}");
}
