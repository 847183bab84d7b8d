//! Bad requests: each gets the documented refusal, and none hurts the node.

mod raw;
mod rows;

use std::path::Path;

use jsonwebtoken::Algorithm;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use self::rows::{Known, Row, claims, sign, table};
use crate::process::{Process, external, token};
use crate::samples::sample;
use crate::support::{client, ok, scratch, shared_redis};

/// How much a node may grow under all of the table, in bytes. Some rows alone send more than a tenth of it.
const MAX_GROWTH: u64 = 64 * 1024 * 1024;

/// A node in a process of its own, so that its memory can be told from that of the tests.
struct Target {
    node: Process,
    client: Client,
    known: Known,
    folder: std::path::PathBuf,
}

impl Target {
    async fn start() -> Self {
        let (client, folder) = (client(), scratch());
        let mut environment = external(shared_redis());
        // The table is to be refused for what it says, not for coming fast.
        environment.push(("CHINWAG_LIMITS__ENABLED", "false".to_owned()));
        let secret = environment.iter().find(|(name, _)| *name == "CHINWAG_AUTH__JWT_SECRET").expect("set").1.clone();
        let node = Process::start(&environment, &folder).ready(&client).await;
        let (own, other) = (token(&client, &node.base, "张三").await, token(&client, &node.base, "wang").await);
        let mut target = Self { node, client, known: Known::nothing(own, other, secret), folder };
        target.say_something().await;
        target
    }

    /// Makes what the rows refer to.
    async fn say_something(&mut self) {
        let (own, other) = (self.known.token.clone(), self.known.other_token.clone());
        let form = Form::new().text("room_name", "项目");
        let request = self.client.post(self.url("/api/chat/rooms")).bearer_auth(&own).multipart(form);
        let room = text(&ok(request.send().await).await["room_id"]);
        self.known.message_in_room = self.send(&own, &room).await;
        self.known.message_of_other = self.send(&other, "global").await;
        self.known.deleted_message = self.send(&own, "global").await;
        let path = format!("/api/chat/messages/{}", self.known.deleted_message);
        ok(self.client.delete(self.url(&path)).bearer_auth(&own).send().await).await;
        self.known.room = room;
    }

    async fn send(&self, token: &str, room: &str) -> String {
        let body = json!({"message_type": "text", "content": "你好，世界！"});
        let request = self.client.post(self.url(&format!("/api/chat/send?room_id={room}"))).bearer_auth(token);
        text(&ok(request.json(&body).send().await).await["id"])
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.node.base)
    }

    /// What is wrong with the answer to a row, if anything.
    async fn try_row(&self, row: &Row) -> Option<String> {
        let method = Method::from_bytes(row.method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, self.url(&row.path)).body(row.body.clone());
        if row.has_token {
            request = request.bearer_auth(&self.known.token);
        }
        for (name, value) in &row.headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_bytes(value).expect("a value"));
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Some(format!("no answer: {error:?}")),
        };
        let status = answer.status().as_u16();
        let content_type = answer.headers().get(CONTENT_TYPE).cloned();
        let body = answer.text().await.unwrap_or_else(|error| error.to_string());
        let key = if row.path.starts_with("/api/v1/") { "error" } else { "detail" };
        let found = serde_json::from_str(&body).unwrap_or(Value::Null);
        let is_right = status == row.status
            && found == json!({key: row.text})
            && content_type == Some(HeaderValue::from_static("application/json"));
        (!is_right).then(|| format!("{status} {body:.200} instead of {} {}", row.status, row.text))
    }

    /// Sends all of the table one after the other over the same connections.
    async fn try_table(&self, rows: &[Row]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut files = self.files().len();
        for row in rows {
            let difference = self.try_row(row).await;
            let has_left_file = self.files().len() > std::mem::replace(&mut files, self.files().len());
            let orphan = has_left_file.then(|| "left a file behind".to_owned());
            for difference in difference.into_iter().chain(orphan) {
                wrong.push(format!("{}\n    {} {:.120}: {difference}", row.name, row.method, row.path));
            }
        }
        wrong
    }

    /// Uploaded files, whole or not.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.join("uploads/chat")).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// Resident memory in bytes.
    fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.node.id());
        let status = std::fs::read_to_string(Path::new(&path)).expect("the node runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
        kib * 1024
    }

    /// Nothing is amiss with a node that serves this.
    async fn assert_serves(&self) {
        self.send(&self.known.token, "global").await;
        let before = self.files().len();
        let form = Form::new().part("file", Part::bytes(sample("jpg", 1024)).file_name("photo.jpg"));
        let request = self.client.post(self.url("/api/chat/upload")).bearer_auth(&self.known.token).multipart(form);
        ok(request.send().await).await;
        assert_eq!(self.files().len(), before + 1);
    }
}

impl Known {
    fn nothing(token: String, other_token: String, secret: String) -> Self {
        let (room, message_in_room) = Default::default();
        let (message_of_other, deleted_message) = Default::default();
        Self { token, other_token, room, message_in_room, message_of_other, deleted_message, secret }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_documented_words() {
    let target = Target::start().await;
    let rows = table(&target.known);
    assert!(rows.len() >= 120, "{} rows", rows.len());
    // Otherwise the forged tokens would prove nothing.
    let good = sign(&claims(), Algorithm::HS256, &target.known.secret);
    ok(target.client.get(target.url("/api/chat/stats")).bearer_auth(good).send().await).await;

    let wrong = target.try_table(&rows).await;

    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert_eq!(target.files(), [""; 0], "no refused upload left a file");
    target.assert_serves().await;
}

#[tokio::test]
async fn bad_requests_do_not_make_a_node_grow() {
    let target = Target::start().await;
    let rows = table(&target.known);
    // What is right about the answers the other test says. The first time fills caches and pools.
    target.try_table(&rows).await;
    let before = target.memory();
    for _ in 0..3 {
        target.try_table(&rows).await;
    }
    let growth = target.memory().saturating_sub(before);
    assert!(growth < MAX_GROWTH, "{} MiB more than {} MiB", growth >> 20, before >> 20);
    target.assert_serves().await;
}
