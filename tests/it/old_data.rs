//! Data that the version before amendments wrote: this version answers from it what that version answered.
//!
//! `old_data/appendonlydir` is the append-only file of a Redis that the old binary filled, and `old_data/answers.json`
//! what the old binary then answered from it, in this order: reading marks messages as read, so the order matters.
//! [`record`] says how both were made. Nothing in the file expires, and [`times`] moves all times in the data and in the
//! answers to the present, so that retention does not drop the messages as the data grows old.

mod life;
mod questions;
mod record;
mod side_by_side;
mod times;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use self::times::Shift;
use crate::socket::Socket;
use crate::support::{Redis, World, ok, room_id, scratch};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/old_data");
const PREFIX: &str = "cw:";
const PUBLIC_URL: &str = "https://chat.example.org";
/// Those who ask, by the names that they have after all that happened.
const USERS: [&str; 4] = ["alice", "bob", "Caroline", "dave"];

/// A Redis on a copy of a data folder, with other times.
fn redis_on(data: &Path, shift: Shift) -> (Redis, PathBuf) {
    let folder = scratch();
    let (from, to) = (data.join("appendonlydir"), folder.join("appendonlydir"));
    std::fs::create_dir_all(&to).expect("writable");
    for file in std::fs::read_dir(from).expect("the data") {
        let file = file.expect("a file");
        // As many bytes as before, so the lengths in the file stay right.
        let contents = shift.apply(&std::fs::read(file.path()).expect("read"));
        std::fs::write(to.join(file.file_name()), contents).expect("written");
    }
    let dir = folder.to_str().expect("text").to_owned();
    (Redis::start(&["--dir", &dir, "--appendonly", "yes"]), folder)
}

async fn world_on(redis: &Redis) -> World {
    World::start_with(1, &redis.url(), |config| {
        config.redis.prefix = PREFIX.to_owned();
        config.server.public_url = PUBLIC_URL.to_owned();
    })
    .await
}

fn recorded(shift: Shift) -> Vec<Value> {
    let text = std::fs::read(format!("{FOLDER}/answers.json")).expect("the answers");
    serde_json::from_slice(&shift.apply(&text)).expect("JSON")
}

/// From the time of the data to the present.
fn shift() -> Shift {
    Shift::to_now(&std::fs::read(format!("{FOLDER}/answers.json")).expect("the answers"))
}

/// Asks a node of any version on behalf of the users.
struct Asker {
    client: Client,
    base: String,
    /// When the asking began, whole seconds.
    began: Timestamp,
    tokens: BTreeMap<&'static str, String>,
}

impl Asker {
    async fn new(client: &Client, base: &str) -> Self {
        let mut tokens = BTreeMap::new();
        for name in USERS {
            let body = json!({"username": name, "password": "password"});
            let answer = client.post(format!("{base}/api/v1/auth/login")).json(&body).send().await;
            let token = ok(answer).await["token"].as_str().expect("a token").to_owned();
            tokens.insert(name, token);
        }
        let began = Timestamp::from_second(Timestamp::now().as_second()).expect("a time");
        Self { client: client.clone(), base: base.to_owned(), began, tokens }
    }

    /// The answer to a question: status, tag and body of a request, or the frames up to the last of a kind.
    async fn answer(&self, question: &Value) -> Value {
        let token = &self.tokens[question["as"].as_str().expect("a user")];
        match question["socket"].as_str() {
            Some(path) => self.frames(question, path, token).await,
            None => self.response(question, token).await,
        }
    }

    async fn response(&self, question: &Value, token: &str) -> Value {
        let text = |key: &str| question[key].as_str();
        let method: Method = text("method").expect("a method").parse().expect("a method");
        let url = format!("{}{}", self.base, text("path").expect("a path"));
        let mut request = self.client.request(method, url).bearer_auth(token);
        if let Some(tag) = text("if_none_match") {
            request = request.header("if-none-match", tag);
        }
        if !question["body"].is_null() {
            request = request.json(&question["body"]);
        }
        let answer = request.send().await.expect("answered");
        let status = answer.status().as_u16();
        let tag = answer.headers().get("etag").map(|tag| tag.to_str().expect("text").to_owned());
        let body = answer.text().await.expect("a body");
        let mut body: Value = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("JSON") };
        self.blur(&mut body);
        json!({"status": status, "etag": tag, "body": body})
    }

    /// Replaces the times at which the questions themselves marked messages as read.
    fn blur(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.blur(item)),
            Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| match value.as_str() {
                Some(time) if key == "read_at" => {
                    if time.parse::<Timestamp>().is_ok_and(|at| at >= self.began) {
                        *value = "now".into();
                    }
                }
                _ => self.blur(value),
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    async fn frames(&self, question: &Value, path: &str, token: &str) -> Value {
        let mut socket = Socket::open(&self.base, path, Some(token), None).await.expect("accepted");
        socket.send(&question["frame"]).await;
        let mut frames = Vec::new();
        loop {
            let frame = socket.next().await;
            let is_last = frame["type"] == question["until"];
            // The users who ask come online meanwhile.
            if frame["type"] != "presence" {
                frames.push(frame);
            }
            if is_last {
                break;
            }
        }
        socket.close().await;
        // The old version told missed deletions in no particular order.
        frames.sort_by_key(Value::to_string);
        Value::from(frames)
    }
}

/// Routes that no document has. Their answers have more keys since.
const BESIDE_THE_DOCUMENTS: [&str; 3] = ["/api/v1/me", "/api/v1/conversations", "/members"];

/// Removes the keys of objects that a recorded answer does not have.
fn forget_new_keys(answer: &mut Value, recorded: &Value) {
    match (answer, recorded) {
        (Value::Array(items), Value::Array(recorded)) => {
            items.iter_mut().zip(recorded).for_each(|(item, recorded)| forget_new_keys(item, recorded));
        }
        (Value::Object(fields), Value::Object(recorded)) => fields.retain(|key, _| recorded.contains_key(key)),
        _ => {}
    }
}

#[tokio::test]
async fn old_data_is_answered_as_the_old_version_did() {
    let shift = shift();
    let (redis, folder) = redis_on(Path::new(FOLDER), shift);
    let world = world_on(&redis).await;
    let asker = Asker::new(&world.client, &world.base(0)).await;
    for recorded in recorded(shift) {
        let question = &recorded["question"];
        let mut answer = asker.answer(question).await;
        if BESIDE_THE_DOCUMENTS.iter().any(|path| question["path"].as_str().is_some_and(|it| it.ends_with(path))) {
            forget_new_keys(&mut answer["body"], &recorded["answer"]["body"]);
        }
        // Routes that no document has answer errors with a code since.
        let body = answer.get_mut("body").and_then(Value::as_object_mut);
        if let Some(body) = body.filter(|body| body.contains_key("error")) {
            body.retain(|key, _| key == "error");
        }
        assert_eq!(answer, recorded["answer"], "{question}");
    }
    world.stop().await;
    drop(redis);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

#[tokio::test]
async fn rooms_of_old_data_go_on() {
    let (redis, folder) = redis_on(Path::new(FOLDER), shift());
    let world = world_on(&redis).await;
    let alice = world.log_in(0, "alice", "password").await;
    let tag = async || {
        let answer = alice.get(0, "messages").send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.headers()["etag"].to_str().expect("text").trim_matches('"').to_owned()
    };
    let before = tag().await;
    let (last, revision) = before.rsplit_once('-').expect("a revision");
    let (seq, _) = last.split_once('-').expect("a seq");
    let sent = alice.send(0, &room_id(1), "now").await;
    let path = format!("messages/{}", sent["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    let after = tag().await;
    let next = |text: &str| text.parse::<u64>().expect("a number") + 1;
    assert!(after.starts_with(&format!("{}-", next(seq))), "{before} {after}");
    assert!(after.ends_with(&format!("-{}", next(revision))), "{before} {after}");
    world.stop().await;
    drop(redis);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}
