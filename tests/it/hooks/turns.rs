//! Which node delivers a message, and when the next one may.

use chinwag::service::Operator;
use serde_json::json;

use super::receiver::Receiver;
use super::{hooks, make, world};
use crate::support::{Redis, World, eventually, room_id, shared_connection, shared_redis};

const NEXT: &str = concat!(
    include_str!("../../../src/store/lua/amendments.lua"),
    include_str!("../../../src/store/lua/prelude.lua"),
    include_str!("../../../src/store/lua/delivery.lua"),
    include_str!("../../../src/store/lua/next_delivery.lua")
);
const SETTLE: &str = concat!(
    include_str!("../../../src/store/lua/prelude.lua"),
    include_str!("../../../src/store/lua/delivery.lua"),
    include_str!("../../../src/store/lua/settle_delivery.lua")
);
const MINUTE_MS: u64 = 60 * 1000;

/// A room with a message, in which nodes deliver. Each has a lease of its own.
struct Room {
    /// Stops when it is dropped.
    _redis: Redis,
    connection: redis::Connection,
    entry: String,
}

impl Room {
    fn new() -> Self {
        let redis = Redis::start(&[]);
        let mut connection = redis.connection();
        let room = redis::cmd("HSET").arg("{r:7}").arg(&["kind", "group", "owner", "1"]).exec(&mut connection);
        room.expect("a room");
        let entry =
            redis::cmd("XADD").arg("{r:7}:log").arg(&["5-1700000000000", "m", "1 hello"]).query(&mut connection);
        Self { _redis: redis, entry: entry.expect("an id"), connection }
    }

    /// What there is for a node to do: the status, and the ms to wait.
    fn next(&mut self, node: &str, lease_ms: u64, maker: &str) -> (String, u64) {
        let script = redis::Script::new(NEXT);
        let mut call = script.prepare_invoke();
        for key in ["", ":log", ":members", ":admins", ":gone", ":amended"] {
            call.key(format!("{{r:7}}{key}"));
        }
        call.arg("hook:x").arg(node).arg(lease_ms).arg(0).arg(maker).arg(0);
        let reply: Vec<redis::Value> = call.invoke(&mut self.connection).expect("answered");
        let status = redis::from_redis_value(reply[0].clone()).expect("text");
        match reply.as_slice() {
            [_, redis::Value::Int(ms)] => (status, ms.unsigned_abs()),
            _ => (status, 0),
        }
    }

    fn settle(&mut self, node: &str, pause: &str) -> u64 {
        let script = redis::Script::new(SETTLE);
        let mut call = script.prepare_invoke();
        call.key("{r:7}:log").arg("hook:x").arg(node).arg(&self.entry).arg(pause);
        call.invoke(&mut self.connection).expect("answered")
    }

    fn consumers(&mut self) -> Vec<String> {
        consumers(&mut self.connection, "{r:7}:log", "hook:x")
    }
}

/// The nodes of a group, with the time of their leases.
fn consumers(connection: &mut redis::Connection, log: &str, group: &str) -> Vec<String> {
    let found = redis::cmd("XINFO").arg("CONSUMERS").arg(log).arg(group).query::<Vec<Vec<redis::Value>>>(connection);
    let name = |fields: &Vec<redis::Value>| redis::from_redis_value(fields[1].clone()).expect("text");
    found.unwrap_or_default().iter().map(name).collect()
}

#[test]
fn the_lease_of_the_node_that_delivers_counts() {
    let mut room = Room::new();
    assert_eq!(room.next("a", MINUTE_MS, "").0, "take");
    let (status, wait_ms) = room.next("b", 1, "");
    assert_eq!(status, "busy");
    assert!((MINUTE_MS / 2..=MINUTE_MS).contains(&wait_ms), "{wait_ms}");
    assert_eq!(room.next("a", 0, "").0, "take", "its own");
    assert_eq!(room.next("b", MINUTE_MS, "").0, "take", "the lease is over");
    assert_eq!(room.settle("a", "1000"), 0, "not its own any more");
    assert_eq!(room.consumers().len(), 1);
    assert_eq!(room.settle("a", ""), 1, "what was delivered is");
    assert_eq!(room.next("a", MINUTE_MS, "").0, "none");
    assert_eq!(room.consumers(), Vec::<String>::new());
    assert_eq!(room.settle("a", ""), 0);
}

#[test]
fn a_pause_is_one_for_all_nodes() {
    let mut room = Room::new();
    assert_eq!(room.next("a", 1, "").0, "take");
    assert_eq!(room.settle("a", &(2 * MINUTE_MS).to_string()), 1);
    let (status, wait_ms) = room.next("b", 1, "");
    assert_eq!(status, "busy");
    assert!(wait_ms > MINUTE_MS, "{wait_ms}");
    assert_eq!(room.consumers().len(), 1);
}

#[test]
fn nothing_is_delivered_for_those_who_may_not_have_a_webhook() {
    let mut room = Room::new();
    assert_eq!(room.next("a", MINUTE_MS, "1").0, "closed", "the owner is absent");
    redis::cmd("ZADD").arg("{r:7}:members").arg(&["1", "1", "2", "2"]).exec(&mut room.connection).expect("members");
    assert_eq!(room.next("a", MINUTE_MS, "2").0, "closed");
    assert_eq!(room.next("a", MINUTE_MS, "1").0, "take");
}

/// The entry that is being delivered in a room, as a node and the time until which nobody else takes it.
async fn held_by(world: &World, room: u64, hook: &str) -> (String, u64) {
    let log = format!("{}{{r:{room}}}:log", world.config.redis.prefix);
    let mut holder = None;
    eventually("a node delivers", async || {
        let all = consumers(&mut shared_connection(&log), &log, &format!("hook:{hook}"));
        holder = all.first().and_then(|name| {
            let (node, until) = name.split_once(' ')?;
            Some((node.to_owned(), until.parse().ok()?))
        });
        holder.is_some()
    })
    .await;
    holder.expect("just found")
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("small")
}

#[tokio::test]
async fn a_receiver_is_left_alone_by_all_nodes_as_long_as_it_asks() {
    let world = world(2).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "a", &[]).await;
    let receiver = Receiver::start().await;
    receiver.set_broken(true);
    receiver.ask_for_peace(120);
    let made = make(&alice, room, json!({"kind": "outgoing", "url": receiver.url})).await;
    alice.send(0, &room_id(room), "one").await;
    eventually("the list says so", async || hooks(&alice, room).await[0]["state"] == "failing").await;
    let hook = made["id"].as_str().expect("an id");
    eventually("the pause is kept for all", async || held_by(&world, room, hook).await.1 > now_ms() + MINUTE_MS).await;
    assert_eq!(receiver.requests(), 1);
    world.stop().await;
}

/// All requests that a node may send at once to one webhook, and one more.
const ROOMS: usize = 9;

#[tokio::test]
async fn a_message_is_acknowledged_before_the_next_one_has_its_turn() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
        config.outbound.timeout_secs = 60;
    })
    .await;
    let alice = world.user(0, "alice").await;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(alice.make_group(0, &format!("room {number}"), &[]).await);
    }
    let receiver = Receiver::start().await;
    receiver.hold();
    let (service, _) = chinwag::node::hooks(&world.config).await.expect("Redis answers");
    let made = service.create_outgoing(&Operator::CommandLine, None, &receiver.url).await.expect("made");
    for room in &rooms {
        for text in ["one", "two"] {
            alice.send(0, &room_id(*room), text).await;
        }
    }
    eventually("all turns are taken", async || receiver.requests() == ROOMS - 1).await;
    receiver.answer(1);
    eventually("one is answered", async || receiver.requests() == ROOMS).await;
    let log = |room: &u64| format!("{}{{r:{room}}}:log", world.config.redis.prefix);
    let group = format!("hook:{}", made.id);
    let held =
        || rooms.iter().filter(|room| !consumers(&mut shared_connection(&log(room)), &log(room), &group).is_empty());
    eventually("it is acknowledged", async || held().count() == ROOMS - 1).await;
    receiver.answer(2 * ROOMS);
    eventually("all arrive", async || receiver.taken().len() == 2 * ROOMS).await;
    assert_eq!(receiver.requests(), 2 * ROOMS, "each once");
    world.stop().await;
}
