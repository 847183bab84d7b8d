//! Bad requests: each gets the documented refusal, and none harms the node.

mod raw;
mod rows;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use self::rows::{Known, Row, table};
pub use self::rows::{claims, sign};
use crate::process::{Process, external, token};
use crate::support::{PATIENCE, client, ok, scratch, shared_redis};
use chinwag::conformance::sample;

/// How much a node may grow under the whole table, in bytes. Some rows alone send more than a tenth of that.
const MAX_GROWTH: u64 = 64 * 1024 * 1024;

/// A node in its own process, so that its memory can be measured apart from that of the tests.
struct Target {
    node: Process,
    client: Client,
    known: Known,
    folder: PathBuf,
}

impl Target {
    async fn start() -> Self {
        let (client, folder) = (client(), scratch());
        let mut environment = external(shared_redis());
        // Rows must be refused for their content, not for their rate.
        environment.push(("CHINWAG_LIMITS__ENABLED", "false".to_owned()));
        let secret = environment.iter().find(|(name, _)| *name == "CHINWAG_AUTH__JWT_SECRET").expect("set").1.clone();
        let node = Process::start(&environment, &folder).ready(&client).await;
        let (own, other) = (token(&client, &node.base, "张三").await, token(&client, &node.base, "wang").await);
        let known = Known { token: own, other_token: other, secret, ..Known::default() };
        let mut target = Self { node, client, known, folder };
        target.say_something().await;
        target
    }

    /// Creates the room and messages that rows refer to.
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

    /// Describes what is wrong with the response to a row, if anything.
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

    /// Sends the whole table, row after row, over the same connections.
    async fn try_table(&self, rows: &[Row]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut orphans = 0;
        for row in rows {
            let mut differences = Vec::from_iter(self.try_row(row).await);
            let left = self.orphans_beyond(orphans).await;
            if left > orphans {
                differences.push(format!("left {} files behind", left - orphans));
                orphans = left;
            }
            let request = format!("{}\n    {} {:.120}", row.name, row.method, row.path);
            wrong.extend(differences.into_iter().map(|difference| format!("{request}: {difference}")));
        }
        wrong
    }

    /// The number of files: `known`, or more if a refused upload is never removed. It is removed before its response or
    /// shortly after.
    async fn orphans_beyond(&self, known: usize) -> usize {
        let started = Instant::now();
        while self.files().len() > known && started.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.files().len()
    }

    /// Uploaded files, complete or partial.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.join("uploads/chat")).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// Asserts that the node answers other requests.
    async fn assert_serves_statistics(&self) {
        ok(self.client.get(self.url("/api/chat/stats")).bearer_auth(&self.known.token).send().await).await;
    }

    /// Asserts that the node stores a message and an upload.
    async fn assert_serves(&self) {
        self.send(&self.known.token, "global").await;
        let before = self.files().len();
        let form = Form::new().part("file", Part::bytes(sample("jpg", 1024)).file_name("photo.jpg"));
        let request = self.client.post(self.url("/api/chat/upload")).bearer_auth(&self.known.token).multipart(form);
        ok(request.send().await).await;
        assert_eq!(self.files().len(), before + 1);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} not removed: {error}", self.folder.display());
        }
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
    // Makes sure that a token signed by the test is accepted.
    let good = sign(&claims(), Algorithm::HS256, &target.known.secret);
    ok(target.client.get(target.url("/api/chat/stats")).bearer_auth(good).send().await).await;

    let wrong = target.try_table(&rows).await;

    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    target.assert_serves().await;
}

#[tokio::test]
async fn bad_requests_do_not_make_a_node_grow() {
    let target = Target::start().await;
    let rows = table(&target.known);
    // The other test checks the responses. The first rounds fill caches and the allocator's pools.
    for _ in 0..2 {
        target.try_table(&rows).await;
    }
    let before = target.node.memory();
    for _ in 0..3 {
        target.try_table(&rows).await;
    }
    let growth = target.node.memory().saturating_sub(before);
    assert!(growth < MAX_GROWTH, "{} MiB more than {} MiB", growth >> 20, before >> 20);
    target.assert_serves().await;
}
