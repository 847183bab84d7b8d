//! The log of a node in its own process, and what the node does with signals.

use nix::sys::signal::Signal;
use reqwest::StatusCode;
use serde_json::Value;

use crate::process::{Process, Starting, external};
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

#[tokio::test]
async fn a_hangup_reloads_nothing_and_stops_nothing() {
    let client = client();
    let node = Process::start(&external(shared_redis()), &scratch()).ready(&client).await;
    node.signal(Signal::SIGHUP);
    eventually("the node says that nothing was reloaded", async || node.log().contains("nothing was reloaded")).await;
    let answer = client.get(format!("{}/health/ready", node.base)).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK);
    node.signal(Signal::SIGTERM);
    let (code, log) = node.ended();
    assert_eq!(code, Some(0), "{log}");
    assert_json(&log);
}
