//! `/metrics`, and all that names its metrics: the documentation, the alerting rules, the Grafana dashboard.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chinwag::metrics::{Metrics, Shard};
use serde_json::json;

use crate::support::{World, eventually, ok, shared_redis};

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("readable")
}

async fn metrics(world: &World) -> String {
    let answer = world.client.get(world.url(0, "/metrics")).send().await.expect("answered");
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.expect("text")
}

/// Name → labels of every metric.
fn shown(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            shown.insert(head.split(' ').next().expect("a name").to_owned(), BTreeSet::new());
        }
        let Some((name, rest)) = line.split_once('{').filter(|_| !line.starts_with('#')) else { continue };
        let labels = rest.rsplit_once('}').expect("an end").0;
        let labels = labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let base = base.filter(|base| shown.contains_key(*base)).unwrap_or(name);
        shown.get_mut(base).expect("TYPE comes first").extend(labels.filter(|label| label != "le"));
    }
    shown
}

/// The metrics of shards, which a single server does not have.
fn of_shards() -> BTreeMap<String, BTreeSet<String>> {
    let metrics = Metrics::new(&[], &[]);
    metrics.set_shards(vec![Shard { is_up: true, lag_bytes: Some(0), ..Shard::default() }]);
    let mut shown = shown(&metrics.render());
    shown.retain(|name, _| name.contains("_shard_"));
    shown
}

/// Names of metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("chinwag_") || word.starts_with("process_"))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned())
        .collect()
}

#[tokio::test]
async fn metrics_are_documented_and_nobody_names_one_that_is_not_there() {
    let world = World::start(1).await;
    world.client.get(world.url(0, "/nowhere")).send().await.expect("answered");
    let mut shown = shown(&metrics(&world).await);
    shown.extend(of_shards());
    let mut documented = BTreeMap::new();
    for row in file("docs/operations.md")
        .lines()
        .filter(|line| line.starts_with("| `chinwag_") || line.starts_with("| `process_"))
    {
        let cells: Vec<&str> = row.split('|').collect();
        let quoted = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let labels: BTreeSet<String> = quoted(cells[2]).into_iter().filter(|label| label != "2xx").collect();
        documented.extend(quoted(cells[1]).into_iter().map(|name| (name, labels.clone())));
    }
    assert_eq!(documented, shown);
    let names: BTreeSet<String> = shown.into_keys().collect();
    for path in ["config/prometheus/alerts.yml", "config/prometheus/alerts.test.yml", "config/grafana/chinwag.json"] {
        let unknown: Vec<String> = named(&file(path)).difference(&names).cloned().collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn metrics_tell_of_no_user_room_or_address() {
    let world = World::start_with(1, shared_redis(), |config| config.stats.report_ms = 100).await;
    let user = world.user(0, "Zaphod").await;
    let room = user.make_room(0, "Magrathea").await;
    let mut socket = world.webchat(0, &user, "").await;
    user.send(0, &room, "Heart of Gold").await;
    socket.next().await;
    let refused = json!({"message_type": "text", "content": ""});
    user.post(0, &format!("send?room_id={room}")).json(&refused).send().await.expect("answered");
    user.get(0, "user-ip/4711?token=secret").send().await.expect("answered");
    world.client.get(world.url(0, "/Zaphod/was/here")).send().await.expect("answered");
    world.client.request("ZAPHOD".parse().expect("a method"), world.url(0, "/")).send().await.expect("answered");
    eventually("a report", async || metrics(&world).await.contains("chinwag_ready 1")).await;
    let text = metrics(&world).await;
    for secret in ["zaphod", "magrathea", "heart of gold", &room, "127.0.0.1", "4711", "secret"] {
        assert!(!text.to_lowercase().contains(secret), "{secret} in {text}");
    }
    for line in [
        "chinwag_messages_total 1",
        "chinwag_deliveries_total 1",
        r#"chinwag_open_sockets{dialect="webchat"} 1"#,
        r#"chinwag_http_errors_total{route="POST /api/chat/send",status="400"} 1"#,
        r#"chinwag_http_errors_total{route="GET /api/chat/user-ip/{user_id}",status="404"} 1"#,
        r#"chinwag_http_errors_total{route="GET no route",status="404"} 1"#,
        "chinwag_send_duration_seconds_count 1",
        r#"chinwag_delivery_delay_seconds_bucket{le="+Inf"} 1"#,
    ] {
        assert!(text.lines().any(|other| other == line), "no {line} in {text}");
    }
    ok(user.get(0, "stats").send().await).await;
    world.stop().await;
}
