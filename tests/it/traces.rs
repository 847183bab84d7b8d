//! Where a message is, asked on one node about sockets on both.

use reqwest::Method;
use serde_json::{Value, json};

use crate::budgets::only;
use crate::command_log::LoggedRedis;
use crate::dashboard::operator;
use crate::receipts::integer;
use crate::support::{Redis, User, World, answered, eventually, room_id, shared_redis};

/// The answer to the question where a message is.
async fn trace(user: &User<'_>, node: usize, id: &str) -> (u16, Value) {
    answered(user.at(node, Method::GET, &format!("/api/v1/messages/{id}/trace")).send().await).await
}

async fn world() -> World {
    World::start_with(2, shared_redis(), |config| config.stats.report_ms = 100).await
}

#[tokio::test]
async fn a_trace_names_the_sockets_of_each_node_and_who_has_the_message() {
    let world = world().await;
    let (operator, alice) = (operator(&world).await, world.user(0, "alice").await);
    let (bob, carol, dave) = (world.user(1, "bob").await, world.user(1, "carol").await, world.user(0, "dave").await);
    let group = alice.make_group(0, "ops", &["bob", "carol", "dave"]).await;
    let mut sockets = [
        world.webchat(0, &alice, "").await,
        world.envelope(1, &bob).await,
        world.messenger(1, &bob).await,
        world.imtypes(1, &carol, "").await,
    ];
    let message = alice.send(0, &room_id(group), "secret").await;
    for socket in &mut sockets {
        socket.next().await;
    }
    // Bob reads on the other node; carol has a socket only; dave polls behind the message and has not seen it.
    bob.read(1, &format!("messages?room_id={}", room_id(group))).await;
    let uuid = message["id"].as_str().expect("text");
    dave.read(0, &format!("messages?room_id={}&after={uuid}", room_id(group))).await;
    let id = integer(&message).to_string();
    let mut shown = Value::Null;
    eventually("carol's receipt is written", async || {
        shown = trace(&operator, 1, &id).await.1;
        shown["recipients"].as_array().is_some_and(|all| all.iter().any(|user| user["status"] == "delivered"))
    })
    .await;
    assert!(!shown.to_string().contains("secret"), "{shown}");
    let of = |name: &str| shown[name].clone();
    assert_eq!((of("id").to_string(), of("message_id")), (id.clone(), json!(uuid)));
    assert_eq!((of("status"), of("announced"), of("deleted")), (json!("sent"), json!(true), json!(false)));
    assert_eq!(of("room")["name"], "ops");
    assert_eq!((&of("sender")["username"], of("message_type")), (&json!("alice"), json!("text")));
    let recipients = of("recipients");
    let recipients: Vec<(&str, &str, bool)> = recipients
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| {
            let text = |name: &str| it[name].as_str().expect("text");
            (text("username"), text("status"), it["read_at"].is_string())
        })
        .collect();
    assert_eq!(recipients, [("bob", "read", true), ("carol", "delivered", false), ("dave", "sent", false)]);
    assert_eq!(of("silent"), json!([]));
    for (index, sockets) in [(0, 1), (1, 3)] {
        let node = world.nodes[index].id();
        let answers = of("nodes");
        let answer = answers.as_array().expect("a list").iter().find(|it| it["id"] == node).expect("an answer");
        assert_eq!(
            (&answer["follows"], &answer["arrived"], &answer["sockets"]),
            (&json!(true), &json!(true), &json!(sockets))
        );
        let pushed = &answer["pushed"];
        assert_eq!((&pushed["sockets"], &pushed["behind"]), (&json!(sockets), &json!(0)), "{shown}");
        assert!(pushed["delay_ms"].as_u64() < Some(60_000), "{shown}");
    }
    // What was pushed stays true when the sockets are gone.
    sockets[3].close().await;
    eventually("carol's socket is gone", async || {
        let (_, shown) = trace(&operator, 0, uuid).await;
        let nodes = shown["nodes"].as_array().expect("a list");
        nodes.iter().any(|node| node["sockets"] == 2 && node["pushed"]["sockets"] == 3)
    })
    .await;
    let (_, log) = answered(operator.at(0, Method::GET, "/api/v1/admin/audit?act=message").send().await).await;
    assert_eq!(
        (&log["entries"][0]["act"], &log["entries"][0]["target"]["name"]),
        (&json!("message.trace"), &json!("ops"))
    );
    world.stop().await;
}

#[tokio::test]
async fn traces_are_for_administrators_and_of_messages_that_there_are() {
    let world = world().await;
    let (operator, bob) = (operator(&world).await, world.user(1, "bob").await);
    let public = integer(&bob.send(1, "global", "x").await).to_string();
    let (status, shown) = trace(&operator, 0, &public).await;
    assert_eq!((status, &shown["status"], &shown["recipients"]), (200, &Value::Null, &json!([])), "{shown}");
    let group = bob.make_group(1, "ops", &[]).await;
    let message = bob.send(1, &room_id(group), "x").await;
    let id = integer(&message);
    for unknown in [(id + 100_000).to_string(), "0".to_owned(), "x".to_owned(), format!("-{id}"), u64::MAX.to_string()]
    {
        let (status, body) = trace(&operator, 0, &unknown).await;
        assert_eq!((status, &body["code"]), (404, &json!("message_not_found")), "{unknown}");
        assert_eq!(trace(&bob, 0, &unknown).await.0, 403, "{unknown}");
    }
    assert_eq!(trace(&bob, 0, &id.to_string()).await.0, 403);
    let url = world.url(0, &format!("/api/v1/messages/{id}/trace"));
    assert_eq!(answered(world.client.get(url).send().await).await.0, 401);
    // A deleted message is still somewhere.
    let deletion = format!("messages/{}?room_id={}", message["id"].as_str().expect("text"), room_id(group));
    let path = format!("/api/chat/{deletion}");
    assert_eq!(answered(bob.at(1, Method::DELETE, &path).send().await).await.0, 200);
    let (status, shown) = trace(&operator, 1, &id.to_string()).await;
    assert_eq!((status, &shown["deleted"]), (200, &json!(true)), "{shown}");
    world.stop().await;
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_named() {
    let redis = Redis::start(&[]);
    let world = World::start_with(2, &redis.url(), |config| config.stats.report_ms = 100).await;
    let operator = operator(&world).await;
    let id = integer(&operator.send(0, "global", "x").await).to_string();
    // A row as of a node that hangs.
    let (prefix, mut connection) = (&world.config.redis.prefix, redis.connection());
    let own = format!("{prefix}node:{}", world.nodes[0].id());
    let row: String = redis::cmd("GET").arg(own).query(&mut connection).expect("a row");
    let row = row.replace(world.nodes[0].id(), "deadbeef");
    redis::cmd("SET").arg(format!("{prefix}node:deadbeef")).arg(row).exec(&mut connection).expect("stored");
    redis::cmd("ZADD")
        .arg(format!("{prefix}nodes"))
        .arg(u64::MAX >> 12)
        .arg("deadbeef")
        .exec(&mut connection)
        .expect("stored");
    let (status, shown) = trace(&operator, 1, &id).await;
    assert_eq!((status, &shown["silent"]), (200, &json!(["deadbeef"])), "{shown}");
    assert_eq!(shown["nodes"].as_array().map(Vec::len), Some(2), "{shown}");
    world.stop().await;
}

#[tokio::test]
async fn a_trace_costs_a_few_commands_and_messages_none() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let operator = operator(&world).await;
    let id = integer(&operator.send(0, "global", "x").await).to_string();
    let cost = redis.cost(&operator, async || drop(trace(&operator, 0, &id).await)).await;
    // The role; the room's name; the audit log; state, entry, amendments and receipts; the running nodes; question and answer.
    let expected = [
        ("hmget", 2),
        ("xadd", 1),
        ("xtrim", 1),
        ("pexpire", 1),
        ("xrange", 1),
        ("hgetall", 4),
        ("zrange", 1),
        ("zrangebyscore", 1),
    ];
    let mut commands = cost.commands;
    assert!(commands.remove("publish").is_some_and(|number| number <= 2), "{commands:?}");
    assert_eq!(commands, only(&expected));
    world.stop().await;
}
