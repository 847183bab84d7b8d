//! Unread numbers: what Redis reads for them, however many messages are unread and however long these are.

mod checker;

use serde_json::Value;

use crate::budgets::only;
use crate::command_log::{Command, LoggedRedis, count};
use crate::support::{User, World, room_id};

/// A message of 15 KB, the longest.
pub const LONG: usize = 5000;
/// Most entries of long messages that one script may read: they take Redis a millisecond or two.
const MOST_READ: u64 = 24;

/// The key of a room.
pub fn room_key(world: &World, room: u64) -> String {
    format!("{}{{r:{room}}}", world.config.redis.prefix)
}

/// The ids and records of a room's log, oldest first.
pub fn log_of(connection: &mut redis::Connection, room_key: &str) -> Vec<(String, Vec<String>)> {
    redis::cmd("XRANGE").arg(format!("{room_key}:log")).arg(&["-", "+"]).query(connection).expect("a log")
}

/// Repeats a room's last message until its log has so many entries.
fn repeat_last(connection: &mut redis::Connection, room_key: &str, entries: usize) {
    let log = log_of(connection, room_key);
    let (id, fields) = log.last().expect("a message");
    let (seq, ms) = id.split_once('-').expect("an id");
    let seq: usize = seq.parse().expect("a number");
    let missing = entries - log.len();
    let mut pipeline = redis::pipe();
    for seq in seq + 1..=seq + missing {
        pipeline.cmd("XADD").arg(format!("{room_key}:log")).arg(format!("{seq}-{ms}")).arg(fields).ignore();
    }
    pipeline.cmd("HSET").arg(room_key).arg("seq").arg(seq + missing).ignore();
    pipeline.exec(connection).expect("stored");
}

/// A user's entry of a room in the list of conversations; `None` when it is not listed.
pub async fn listed(user: &User<'_>, node: usize, room: u64) -> Option<Value> {
    let list = user.get_json(node, "/api/v1/conversations").await;
    list.as_array().expect("a list").iter().find(|it| it["id"] == room).cloned()
}

/// The most entries of logs that one of the scripts among these commands may have read.
fn most_read(commands: &[Command]) -> u64 {
    let (mut most, mut of_script) = (0, 0);
    for command in commands {
        match command.name.as_str() {
            "evalsha" | "eval" => of_script = 0,
            "xrange" | "xrevrange" => of_script += limit_of(command),
            _ => {}
        }
        most = most.max(of_script);
    }
    most
}

fn limit_of(command: &Command) -> u64 {
    match command.arguments.as_slice() {
        [_, _, _, word, limit] if word.eq_ignore_ascii_case("count") => limit.parse().expect("a number"),
        [_, first, last] if first == last => 1,
        _ => u64::MAX,
    }
}

#[tokio::test]
async fn a_thousand_long_unread_messages_are_counted_a_few_at_a_time() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "a", &["bob"]).await;
    alice.send(0, &room_id(room), &"名".repeat(LONG)).await;
    let key = room_key(&world, room);
    repeat_last(&mut redis.connection(), &key, 1000);
    redis.read();
    for state in ["cold", "warm"] {
        let entry = listed(&bob, 0, room).await.expect("listed");
        // All but the two messages of the server.
        assert_eq!(entry["unread"], 998, "{state}");
        let commands = redis.read();
        assert!(most_read(&commands) <= MOST_READ, "{state}: {:?}", count(commands.iter()));
    }
    alice.send(0, &room_id(room), "one more pushes out the server's first").await;
    assert_eq!(listed(&bob, 0, room).await.expect("listed")["unread"], 999);
    world.stop().await;
}

#[tokio::test]
async fn a_preview_behind_many_deleted_messages_reads_few_of_them() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_room(0, "a").await;
    let list = alice.get_json(0, "/api/v1/conversations").await;
    let number = list.as_array().expect("a list").iter().find(|it| it["room_id"] == room).expect("listed");
    let number = number["id"].as_u64().expect("a number");
    alice.send(0, &room, &"名".repeat(LONG)).await;
    let key = room_key(&world, number);
    let mut connection = redis.connection();
    repeat_last(&mut connection, &key, 1000);
    let deletions: Vec<(u64, &str)> = (5..=1000).map(|seq| (seq, "1 1")).collect();
    redis::cmd("HSET").arg(format!("{key}:gone")).arg(deletions).exec(&mut connection).expect("deleted");
    redis::cmd("HINCRBY").arg(&key).arg("gone").arg(996).exec(&mut connection).expect("deleted");
    redis.read();
    let entry = listed(&alice, 0, number).await.expect("listed");
    let shown = entry["last_message"]["id"].as_u64().expect("an id");
    let (_, seq) = chinwag::domain::MessageId::from_integer(shown).expect("an id of ours");
    assert_eq!(seq.0, 4, "{entry}");
    alice.read(0, "rooms").await;
    let commands = redis.read();
    assert!(most_read(&commands) <= MOST_READ, "{:?}", count(commands.iter()));
    world.stop().await;
}

#[tokio::test]
async fn many_unread_messages_cost_a_list_one_more_script() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "a", &["bob"]).await;
    for number in 0..5 {
        alice.send(0, &room_id(room), &number.to_string()).await;
    }
    let list = async || drop(listed(&bob, 0, room).await);
    let few = redis.cost(&bob, list).await;
    // Who has read what is a second list. Nothing was said in `global`.
    let expected = [("zrange", 3), ("evalsha", 2), ("echo", 2), ("hmget", 3), ("zscore", 2), ("xrevrange", 3)];
    let mut expected = only(&expected);
    // What is deleted in the room, and what the user has set for conversations.
    expected.extend(only(&[("hkeys", 1), ("hgetall", 1)]));
    assert_eq!((few.commands, few.round_trips), (expected.clone(), 2));

    repeat_last(&mut redis.connection(), &room_key(&world, room), 500);
    let many = redis.cost(&bob, list).await;
    let more = |name: &str| many.commands[name] - expected.get(name).copied().unwrap_or(0);
    assert_eq!((more("evalsha"), more("hkeys"), many.round_trips), (1, 1, 3), "{many:?}");
    assert!(more("xrange") <= 3 && more("xrevrange") <= 10, "{many:?}");
    for name in ["zrange", "echo", "hmget", "zscore"] {
        assert_eq!(more(name), 0, "{name}");
    }
    world.stop().await;
}
