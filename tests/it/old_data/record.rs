//! Records the data and the responses with the binary of another version, by hand:
//!
//! `OLD_CHINWAG=…/chinwag cargo test --test it old_data::record -- --ignored`
//!
//! The binary fills its private Redis and is stopped. Another Redis makes every key last for ever and rewrites the
//! append-only file as plain commands. On a copy of that the binary answers the questions. The data in the repository is
//! of the commit before `domain: Replace Event::Deleted by Event::Amended`.

use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use reqwest::Client;
use serde_json::{Value, json};

use super::life::Old;
use super::questions::questions;
use super::times::Shift;
use super::{Asker, FOLDER, PREFIX, PUBLIC_URL, redis_on};
use crate::process::Process;
use crate::support::{client, eventually, scratch};

fn old_binary() -> PathBuf {
    std::env::var_os("OLD_CHINWAG").expect("OLD_CHINWAG names the binary").into()
}

/// Starts the old binary on a Redis; on a private one without an address.
pub async fn start_old(redis_url: &str, folder: &Path, client: &Client) -> Process {
    let environment = [
        ("CHINWAG_REDIS__URL", redis_url.to_owned()),
        ("CHINWAG_REDIS__PREFIX", PREFIX.to_owned()),
        ("CHINWAG_AUTH__JWT_SECRET", "a secret for tests, long enough".repeat(2)),
        ("CHINWAG_SERVER__PUBLIC_URL", PUBLIC_URL.to_owned()),
        ("CHINWAG_STATS__REPORT_MS", "0".to_owned()),
    ];
    Process::start_binary(&old_binary(), &environment, folder).ready(client).await
}

#[tokio::test]
#[ignore = "writes the data of the test, with another binary"]
async fn record() {
    let (client, folder) = (client(), scratch());
    let mut old = start_old("", &folder, &client).await;
    let lived = Old { client: client.clone(), base: old.base.clone() }.live().await;
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait(), Some(0));

    // The private Redis has its file in a folder of its own.
    let private = ["redis", "."].map(|name| folder.join(name));
    let private = private.iter().find(|folder| folder.join("appendonlydir").is_dir()).expect("the data");
    rewrite(private).await;

    let (redis, _) = redis_on(Path::new(FOLDER), Shift::none());
    let old = start_old(&redis.url(), &scratch(), &client).await;
    let asker = Asker::new(&client, &old.base).await;
    let mut lines = Vec::new();
    for question in questions(&lived) {
        let answer = asker.answer(&question).await;
        let polls = polls_behind(&question, &answer);
        lines.push(json!({"question": question, "answer": answer}).to_string());
        for question in polls {
            let answer = asker.answer(&question).await;
            lines.push(json!({"question": question, "answer": answer}).to_string());
        }
    }
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    std::fs::write(format!("{FOLDER}/answers.json"), text).expect("written");
}

/// Writes the data anew, as plain commands and without any expiry.
async fn rewrite(data: &Path) {
    let (redis, folder) = redis_on(data, Shift::none());
    let mut connection = redis.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("read");
    for key in keys {
        redis::cmd("PERSIST").arg(key).exec(&mut connection).expect("persisted");
    }
    redis::cmd("CONFIG").arg(&["SET", "aof-use-rdb-preamble", "no"]).exec(&mut connection).expect("set");
    redis::cmd("BGREWRITEAOF").exec(&mut connection).expect("begun");
    eventually("the file is rewritten", async || {
        let info: String = redis::cmd("INFO").arg("persistence").query(&mut redis.connection()).expect("read");
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    })
    .await;
    redis.signal(Signal::SIGTERM);
    eventually("Redis has ended", async || {
        redis::Client::open(redis.url()).expect("an address").get_connection().is_err()
    })
    .await;
    let to = Path::new(FOLDER).join("appendonlydir");
    if to.exists() {
        std::fs::remove_dir_all(&to).expect("removed");
    }
    std::fs::create_dir_all(&to).expect("made");
    for file in std::fs::read_dir(folder.join("appendonlydir")).expect("the file") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}

/// Polls behind a page of document 003: by its tag, and for what comes after its newest message.
fn polls_behind(question: &Value, page: &Value) -> Vec<Value> {
    let (Some(tag), Some(newest)) = (page["etag"].as_str(), page["body"][0]["id"].as_str()) else { return Vec::new() };
    let path = question["path"].as_str().expect("a path");
    if !path.contains("limit=") {
        return Vec::new();
    }
    let with = |key: &str, value: String| {
        let mut poll = question.clone();
        poll[key] = value.into();
        poll
    };
    let after = with("path", format!("{path}&after={newest}"));
    // Twice: first from Redis, then from the memory of a node that follows the room.
    vec![with("if_none_match", tag.to_owned()), after.clone(), with("if_none_match", tag.to_owned()), after]
}
