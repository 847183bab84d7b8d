//! A Redis that takes no writes any longer: behind a stable address, a primary becomes a replica while its connections
//! stay open.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::faults::proxy::Proxy;
use crate::support::{Redis, World, eventually, refused, unique};

/// Makes a server the replica of another.
fn follow(replica: &Redis, primary: &Redis) {
    let port = primary.url().rsplit_once(':').expect("a port").1.to_owned();
    redis::cmd("REPLICAOF").arg("127.0.0.1").arg(port).exec(&mut replica.connection()).expect("accepted");
}

fn promote(replica: &Redis) {
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut replica.connection()).expect("accepted");
}

/// Waits until the replica has all that its primary has.
async fn synced(replica: &Redis, key: &str) {
    eventually("the replica follows", async || {
        redis::cmd("EXISTS").arg(key).query::<bool>(&mut replica.connection()).is_ok_and(|exists| exists)
    })
    .await;
}

/// Writes a mark to the primary and waits until the replica has it, and thereby everything before it.
async fn catch_up(primary: &Redis, replica: &Redis) {
    let mark = unique("mark");
    redis::cmd("SET").arg(&mark).arg("").exec(&mut primary.connection()).expect("written");
    synced(replica, &mark).await;
}

async fn status(world: &World, path: &str) -> StatusCode {
    world.client.get(world.url(0, path)).send().await.expect("answered").status()
}

#[tokio::test]
async fn a_demoted_server_behind_a_stable_address_is_left_at_once() {
    let (first, second) = (Redis::start(&[]), Redis::start(&["--repl-diskless-sync-delay", "0"]));
    follow(&second, &first);
    let proxy = Proxy::start(&first.url()).await;
    let world = World::start_with(1, &proxy.url(), |config| config.server.workers = 2).await;
    let user = world.user(0, "alice").await;
    let mut socket = world.webchat(0, &user, "").await;
    user.send(0, "global", "before").await;
    assert_eq!(socket.next().await["payload"]["content"], "before");
    catch_up(&first, &second).await;

    // As a managed failover does it: roles change in place, the address leads to the new primary, nothing is closed.
    proxy.point_to(&second.url());
    promote(&second);
    follow(&first, &second);
    let started = Instant::now();
    eventually("sends work again", async || {
        user.try_send(0, "global", "after").await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    eventually("the node is ready", async || status(&world, "/health/ready").await == StatusCode::OK).await;
    assert!(started.elapsed() < Duration::from_secs(10), "promised are five: {:?}", started.elapsed());
    assert_eq!(socket.next().await["payload"]["content"], "after", "the socket stayed open");
    world.stop().await;
}

#[tokio::test]
async fn a_quiet_node_notices_that_its_server_was_demoted() {
    let (first, second) = (Redis::start(&[]), Redis::start(&[]));
    let world = World::start_with(1, &first.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    // Both connections stay, and pub/sub goes on delivering on a replica.
    follow(&first, &second);
    eventually("the node is not ready", async || status(&world, "/health/ready").await != StatusCode::OK).await;
    refused(user.try_send(0, "global", "lost").await, 503).await;
    promote(&first);
    world.wait_ready(0).await;
    world.stop().await;
}

#[tokio::test]
async fn a_node_whose_redis_takes_no_writes_is_not_ready() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    let limit = |bytes: &str| {
        redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).exec(&mut redis.connection()).expect("set");
    };
    limit("1");
    eventually("the node is not ready", async || status(&world, "/health/ready").await != StatusCode::OK).await;
    refused(user.try_send(0, "global", "refused").await, 507).await;
    limit("0");
    world.wait_ready(0).await;
    // The node reads once a second whether there is memory again.
    eventually("the message is stored", async || {
        user.try_send(0, "global", "stored").await.expect("answered").status() == StatusCode::OK
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_node_waits_until_its_server_is_a_primary() {
    let (first, second) = (Redis::start(&[]), Redis::start(&["--repl-diskless-sync-delay", "0"]));
    follow(&second, &first);
    catch_up(&first, &second).await;
    let url = second.url();
    let starting = World::start_with(1, &url, |_| {});
    let promoting = async {
        eventually("the node has asked for the role", async || {
            let stats = redis::cmd("INFO").arg("commandstats").query::<redis::InfoDict>(&mut second.connection());
            stats.expect("answered").contains_key(&"cmdstat_role")
        })
        .await;
        promote(&second);
    };
    let (world, ()) = tokio::join!(starting, promoting);
    let user = world.user(0, "alice").await;
    let (answer, _) = user.ask(0, "/api/v1/rooms", &json!({"name": "a", "is_private": false})).await;
    assert_eq!(answer, 201);
    world.stop().await;
}
