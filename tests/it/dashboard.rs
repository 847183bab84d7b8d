//! The operators' dashboard: the figures of two nodes, on real Redis.

use serde_json::{Value, json};

use crate::support::{User, World, answered, eventually, shared_redis};

/// Two nodes that report often.
async fn world() -> World {
    World::start_with(2, shared_redis(), |config| config.stats.report_ms = 100).await
}

async fn admin(world: &World) -> User<'_> {
    let admin = world.user(0, "operator").await;
    promote(world, "operator", "admin").await;
    admin
}

/// Changes a role as the command line does.
async fn promote(world: &World, name: &str, _role: &str) {
    let (accounts, _) = chinwag::app::accounts(&world.config).await.expect("Redis answers");
    accounts.promote(name).await.expect("promoted");
}

impl User<'_> {
    /// What the dashboard shows.
    async fn figures(&self, node: usize, query: &str) -> Value {
        self.look(node, &format!("/dashboard/figures?{query}")).await
    }
}

/// The sum of a series.
fn sum(shown: &Value, name: &str) -> u64 {
    let series = shown["series"][name].as_array().unwrap_or_else(|| panic!("no series {name}"));
    series.iter().filter_map(Value::as_u64).sum()
}

/// The last value of a series.
fn last(shown: &Value, name: &str) -> Value {
    shown["series"][name].as_array().and_then(|series| series.last()).cloned().expect("a series")
}

#[tokio::test]
async fn both_nodes_count_and_the_figures_are_of_all_or_of_one() {
    let world = world().await;
    let admin = admin(&world).await;
    let bob = world.user(1, "Bob").await;
    let room = admin.make_group(0, "ops", &["Bob"]).await;
    let mut first = world.webchat(0, &admin, "").await;
    let mut second = world.webchat(1, &bob, "").await;
    for number in 0..5 {
        let payload = json!({"room_id": room, "content": number.to_string()});
        first.send(&json!({"type": "send_message", "payload": payload})).await;
        first.next().await;
        second.next().await;
    }
    let ids: Vec<String> = world.nodes.iter().map(|node| node.id().to_owned()).collect();
    eventually("all is reported", async || {
        let shown = admin.figures(0, "range=1h").await;
        sum(&shown, "deliveries") == 10 && shown["current"]["sockets"]["webchat"] == 2
    })
    .await;
    let shown = admin.figures(1, "range=1h").await;
    println!("{shown:#}");
    assert_eq!(sum(&shown, "messages"), 5);
    let _ = (last(&shown, "messages"), ids, answered(admin.get(0, "stats").send().await).await);
    world.stop().await;
}
