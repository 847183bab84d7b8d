//! The dashboard and `/metrics` on a Redis Cluster: a row for each shard, and totals over all.

use chinwag::config::RedisMode;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::dashboard::operator;
use crate::redis_cluster::RedisCluster;
use crate::support::{World, eventually};

async fn lines(world: &World, name: &str) -> Vec<(String, u64)> {
    let text = world.client.get(world.url(0, "/metrics")).send().await.expect("answered").text().await.expect("text");
    let start = format!("{name}{{shard=\"");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&start)?.split_once("\"} "));
    lines.map(|(shard, value)| (shard.to_owned(), value.parse().expect("a number"))).collect()
}

fn sum(rows: &[Value], name: &str) -> u64 {
    rows.iter().map(|row| row[name].as_u64().unwrap_or_else(|| panic!("no {name} in {row}"))).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_shard_has_a_row_and_the_totals_are_those_of_all() {
    let cluster = RedisCluster::start().await;
    let world = World::start_with(1, &cluster.url(), |config| {
        (config.redis.mode, config.stats.report_ms) = (RedisMode::Auto, 100);
    })
    .await;
    let operator = operator(&world).await;
    let shown = operator.metrics(0, "range=1h").await;
    let redis = &shown["redis"];
    let rows = redis["shards"].as_array().expect("a list");
    assert_eq!((rows.len(), sum(rows, "slots"), sum(rows, "replicas")), (3, 16_384, 3), "{redis}");
    for name in ["memory_bytes", "clients", "commands_per_sec"] {
        assert_eq!(redis[name], json!(sum(rows, name)), "{name} of {redis}");
    }
    let urls = cluster.url();
    for row in rows {
        let address = row["address"].as_str().expect("an address");
        assert!(urls.contains(address), "{address}");
        assert_eq!((&row["is_up"], &row["role"], row["lag_bytes"].is_u64()), (&json!(true), &json!("master"), true));
        assert!(row["memory_bytes"].as_u64() > Some(100_000), "{row}");
    }

    let mut slots = Vec::new();
    eventually("the metrics have all shards", async || {
        slots = lines(&world, "chinwag_redis_shard_slots").await;
        slots.len() == 3
    })
    .await;
    let as_shown = rows
        .iter()
        .map(|row| (row["address"].as_str().expect("an address").to_owned(), sum(std::slice::from_ref(row), "slots")));
    assert_eq!(slots, as_shown.collect::<Vec<_>>());
    for name in ["memory_bytes", "replicas", "replica_lag_bytes", "clients", "commands_per_second"] {
        assert_eq!(lines(&world, &format!("chinwag_redis_shard_{name}")).await.len(), 3, "{name}");
    }

    // A shard that is away keeps its slots, and has no values.
    let away = block_in_place(|| cluster.owner("any"));
    let stopped = [away, block_in_place(|| cluster.replica_of(away))];
    for server in stopped {
        cluster.servers[server].signal(Signal::SIGSTOP);
    }
    eventually("one is shown as away", async || {
        let up = lines(&world, "chinwag_redis_shard_up").await;
        up.iter().map(|(_, up)| up).sum::<u64>() == 2
    })
    .await;
    assert_eq!(lines(&world, "chinwag_redis_shard_slots").await, slots);
    assert_eq!(lines(&world, "chinwag_redis_shard_memory_bytes").await.len(), 2);
    for server in stopped {
        cluster.servers[server].signal(Signal::SIGCONT);
    }
    world.stop().await;
}
