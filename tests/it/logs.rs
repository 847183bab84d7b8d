//! The log of a node in its own process, and what the node does with signals.

use nix::sys::signal::Signal;
use reqwest::Client;
use serde_json::Value;

use crate::process::{Process, Starting, external, token};
use crate::support::{client, eventually, scratch, shared_redis, with_password};

/// Panics unless every line of a log is an event in JSON.
fn assert_json(log: &str) {
    assert!(!log.is_empty());
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["level"].is_string() && event["message"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn every_line_of_a_log_in_json_is_json() {
    let (client, environment) = (client(), vec![("CHINWAG_LOG__FORMAT", "json".to_owned())]);
    let alone = Process::start(&environment, &scratch()).ready(&client).await;
    alone.signal(Signal::SIGTERM);
    let (code, log) = alone.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("node started") && log.contains("stopped"), "{log}");
    assert_json(&log);

    let redis = with_password("secret");
    let url = redis.url().replacen("://", "://:a-wrong-password@", 1);
    let mut environment = external(&url);
    environment.push(("CHINWAG_LOG__FORMAT", "json".to_owned()));
    let (code, log) = Starting::here(&environment, &scratch()).ended();
    assert_eq!(code, Some(2), "{log}");
    assert_json(&log);
    let address = redis.url().replacen("redis://", "", 1);
    assert!(log.contains("refuses the user name or the password") && log.contains(&address), "{log}");
    assert!(!log.contains("a-wrong-password"), "{log}");
}

#[tokio::test]
async fn a_log_for_people_begins_with_where_the_node_is() {
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_LOG__FORMAT", "human".to_owned()));
    let node = Starting::here(&environment, &scratch());
    node.says("Chinwag listens on http://127.0.0.1:").await;
}

const SETTINGS: &str = "[limits]\nsearches_burst = 30\n[log]\nfilter = \"info\"\n";
/// Each line changes something. The last three are read only at a start.
const CHANGED: &str = "[limits]
searches_burst = 1
searches_per_sec = 1
rooms_per_user = 7
[log]
filter = \"trace\"
[server]
allowed_origins = [\"https://app.example\"]
head_secs = 9
[presence]
offline_after_secs = 900
";
const RELOADED: &str = "limits.searches_burst, limits.searches_per_sec, log.filter, server.allowed_origins";
const KEPT: &str = "limits.rooms_per_user, presence.offline_after_secs, server.head_secs";

/// The settings that the lines with this message name.
fn named(log: &str, message: &str) -> Vec<String> {
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = events.filter(|event| event["message"].as_str().is_some_and(|text| text.contains(message)));
    found.map(|event| event["settings"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What a page elsewhere gets: the status of a search, that of a handshake without a token, and whether it may read the former.
async fn statuses(client: &Client, node: &Process, token: &str) -> (u16, u16, bool) {
    let origin = "https://app.example";
    let search = client.get(format!("{}/api/v1/search?kind=user&q=a", node.base)).header("Origin", origin);
    let search = search.bearer_auth(token).send().await.expect("answered");
    let handshake = client.get(format!("{}/ws", node.base)).header("Origin", origin).send().await.expect("answered");
    let is_readable = search.headers().contains_key("access-control-allow-origin");
    (search.status().as_u16(), handshake.status().as_u16(), is_readable)
}

#[tokio::test]
async fn a_hangup_reloads_settings_names_those_that_stay_and_stops_nothing() {
    let (client, folder) = (client(), scratch());
    let file = scratch().join("chinwag.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("written");
    write(SETTINGS);
    let node = Starting::with_file(&file, &external(shared_redis()), &folder).listening().ready(&client).await;
    let token = token(&client, &node.base, "alice").await;
    for _ in 0..2 {
        assert_eq!(statuses(&client, &node, &token).await, (200, 403, false));
    }
    node.signal(Signal::SIGHUP);
    node.says("no setting that can be reloaded has changed").await;

    write(CHANGED);
    node.signal(Signal::SIGHUP);
    node.says("but need a restart").await;
    assert_eq!(named(&node.log(), "settings were reloaded"), [RELOADED]);
    assert_eq!(named(&node.log(), "but need a restart"), [KEPT]);
    assert_eq!(statuses(&client, &node, &token).await, (200, 401, true));
    eventually("searches are limited", async || statuses(&client, &node, &token).await.0 == 429).await;
    eventually("details are logged", async || {
        statuses(&client, &node, &token).await;
        node.log().contains("\"TRACE\"")
    })
    .await;

    for (text, reason) in [
        ("[limits]\nsearches_burst = 0", "limits"),
        ("[log]\nfilter = \"chinwag=loud\"", "log.filter"),
        ("[server\n", "line 1"),
    ] {
        let before = node.log().matches("nothing was reloaded").count();
        write(text);
        node.signal(Signal::SIGHUP);
        eventually(reason, async || node.log().matches("nothing was reloaded").count() > before).await;
        let log = node.log();
        let line = log.lines().rfind(|line| line.contains("nothing was reloaded")).expect("a line");
        assert!(line.contains(reason), "{line}");
        assert_eq!(statuses(&client, &node, &token).await.1, 401, "what was in force is");
    }
    write(SETTINGS);
    node.signal(Signal::SIGHUP);
    eventually("the former settings are in force", async || {
        statuses(&client, &node, &token).await == (200, 403, false)
    })
    .await;
    node.signal(Signal::SIGTERM);
    let (code, log) = node.ended();
    assert_eq!(code, Some(0), "{log}");
}
