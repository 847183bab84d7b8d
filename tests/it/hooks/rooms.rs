//! What webhooks are to their rooms: no members, within bounds, gone with them, and recorded.

use chinwag::domain::{RoomId, UserName};
use chinwag::node;
use chinwag::service::Operator;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{hooks, make, world};
use crate::command_log::LoggedRedis;
use crate::half_way::meanwhile;
use crate::membership_crashes::crash_proxy::Counted;
use crate::membership_crashes::{DOOMED, SURVIVOR, Setting};
use crate::receipts::integer;
use crate::support::{
    User, World, administration, answered, client, eventually, ok, room_id, shared_connection, shared_redis,
};

async fn try_make(user: &User<'_>, room: u64, name: &str) -> u16 {
    let body = json!({"kind": "incoming", "name": name});
    user.ask(0, &format!("/api/v1/rooms/{room}/hooks"), &body).await.0
}

async fn try_send_to(user: &User<'_>, room: u64, number: usize) -> u16 {
    let body = json!({"kind": "outgoing", "url": format!("http://127.0.0.1:9/{number}")});
    user.ask(0, &format!("/api/v1/rooms/{room}/hooks"), &body).await.0
}

async fn post(made: &Value, text: &str) -> u16 {
    let url = made["url"].as_str().expect("an address");
    answered(client().post(url).json(&json!({"content": text})).send().await).await.0
}

async fn remove(user: &User<'_>, room: u64, hook: &Value) -> u16 {
    let path = format!("/api/v1/rooms/{room}/hooks/{}", hook["id"].as_str().expect("an id"));
    answered(user.at(0, Method::DELETE, &path).send().await).await.0
}

async fn members(user: &User<'_>, room: u64) -> Vec<(String, String)> {
    let list = user.get_json(0, &format!("/api/v1/rooms/{room}/members")).await;
    let text = |member: &Value, field: &str| member[field].as_str().expect("text").to_owned();
    let list = list.as_array().expect("a list");
    list.iter().map(|member| (text(member, "username"), text(member, "role"))).collect()
}

fn of(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

async fn remove_member(user: &User<'_>, room: u64, member: u64) -> u16 {
    let path = format!("/api/v1/rooms/{room}/members/{member}");
    answered(user.at(0, Method::DELETE, &path).send().await).await.0
}

async fn status(user: &User<'_>, message: &Value) -> String {
    let body = json!({"message_id": integer(message)});
    let (_, answer) = user.ask(0, "/api/chat/message/status", &body).await;
    answer["status"].as_str().expect("a word").to_owned()
}

/// A Redis connection and the whole name of a key.
fn stored(world: &World, key: &str) -> (redis::Connection, String) {
    let key = format!("{}{key}", world.config.redis.prefix);
    (shared_connection(&key), key)
}

fn length(world: &World, key: &str) -> u64 {
    let (mut redis, key) = stored(world, key);
    redis::cmd("HLEN").arg(key).query(&mut redis).expect("a hash")
}

#[tokio::test]
async fn the_account_of_a_webhook_is_no_member_of_its_room() {
    let world = world(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "builds", &[]).await;
    let made = make(&alice, room, json!({"kind": "incoming", "name": "Build"})).await;
    let added = alice.ask(0, &format!("/api/v1/rooms/{room}/members"), &json!({"username": "bob"})).await;
    assert_eq!((added.0, post(&made, "built").await), (201, 201), "{}", added.1);
    assert_eq!(members(&alice, room).await, of(&[("alice", "owner"), ("bob", "member")]));
    let sent = alice.send(0, &room_id(room), "seen by all").await;
    bob.texts(0, &format!("room_id={}", room_id(room))).await;
    eventually("all have read it", async || status(&alice, &sent).await == "read").await;

    assert_eq!(remove_member(&alice, room, 1).await, 200);
    assert_eq!(members(&bob, room).await, of(&[("bob", "owner")]));
    assert_eq!(hooks(&bob, room).await[0]["name"], "Build");
    assert_eq!(post(&made, "of somebody else").await, 403, "its maker has left");
    let made = make(&bob, room, json!({"kind": "incoming", "name": "build"})).await;
    assert_eq!((made["name"].as_str(), post(&made, "still there").await), (Some("Build"), 201));
    assert_eq!(remove_member(&bob, room, 2).await, 200);
    assert_eq!(post(&made, "nobody is there").await, 404, "it went with the last member");
    let (mut redis, key) = stored(&world, &format!("{{r:{room}}}"));
    let expires_in: i64 = redis::cmd("PTTL").arg(key).query(&mut redis).expect("a time");
    assert!(expires_in > 0, "an empty group expires");
    world.stop().await;
}

#[tokio::test]
async fn webhooks_are_bounded_by_room_and_by_maker() {
    let world = world(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "full", &[]).await;
    let statuses = join_all((0..14).map(|number| try_send_to(&alice, room, number))).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 507).count(), 4, "{statuses:?}");
    assert_eq!(hooks(&alice, room).await.as_array().expect("a list").len(), 10);
    let mut rooms = vec![room];
    for number in 0..4 {
        rooms.push(alice.make_group(0, &format!("room {number}"), &[]).await);
        let statuses = join_all((0..10).map(|hook| try_send_to(&alice, rooms[number + 1], hook))).await;
        assert_eq!(statuses, [201; 10]);
    }
    let last = alice.make_group(0, "last", &["bob"]).await;
    assert_eq!(try_send_to(&alice, last, 0).await, 507, "her fifty are used up");

    // Nothing is left of a room's when it is removed, and their maker may make others.
    let path = format!("/api/v1/rooms/{room}");
    ok(alice.at(0, Method::DELETE, &path).send().await).await;
    assert_eq!(length(&world, "{hooks}:outgoing"), 40);
    assert_eq!(try_send_to(&alice, last, 0).await, 201);
    let hook = hooks(&alice, last).await[0].clone();
    assert_eq!((remove(&alice, last, &hook).await, remove(&alice, last, &hook).await), (200, 404));
    assert_eq!(try_send_to(&alice, last, 1).await, 201);

    // The server's own bound does not hold for the command line.
    let (mut redis, key) = stored(&world, "{hooks}:outgoing");
    for number in 0..1000 {
        redis::cmd("HSET").arg(&key).arg(format!("x{number}")).arg("{}").exec(&mut redis).expect("done");
    }
    let other = bob.make_group(0, "of bob", &[]).await;
    assert_eq!(try_send_to(&bob, other, 0).await, 507);
    let (operator, _) = node::hooks(&world.config).await.expect("Redis answers");
    let made = operator.create_outgoing(&Operator::CommandLine, None, "http://127.0.0.1:9/").await.expect("made");
    operator.remove(&Operator::CommandLine, None, &made.id).await.expect("removed");
    world.stop().await;
}

#[tokio::test]
async fn webhooks_that_are_made_at_once_with_one_name_share_its_account() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "builds", &[]).await;
    let (path, body) = (format!("/api/v1/rooms/{room}/hooks"), json!({"kind": "incoming", "name": "Build"}));
    let answers = join_all((0..8).map(|number| alice.ask(number % 2, &path, &body))).await;
    assert!(answers.iter().all(|(status, _)| *status == 201), "{answers:?}");
    for (_, made) in &answers {
        let url = made["url"].as_str().expect("an address");
        let (status, message) = answered(client().post(url).json(&json!({"content": "done"})).send().await).await;
        assert_eq!((status, &message["username"]), (201, &json!("Build")));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_webhook_is_left_of_a_room_that_is_removed_while_it_is_made() {
    const OF_HOOKS: Counted = Counted { names: &["EVALSHA"], keys: &["{hooks}:"] };
    let setting = Setting::start_with(OF_HOOKS, |_| {}).await;
    let world = &setting.world;
    let alice = world.user(SURVIVOR, "alice").await;
    for body in
        [json!({"kind": "incoming", "name": "Build"}), json!({"kind": "outgoing", "url": "https://example.org/"})]
    {
        for commands in 0.. {
            let room = alice.make_group(SURVIVOR, "builds", &[]).await;
            let path = format!("/api/v1/rooms/{room}");
            let hooks = format!("{path}/hooks");
            let removing = async { answered(alice.at(SURVIVOR, Method::DELETE, &path).send().await).await.0 };
            let removed = meanwhile(&setting, commands, alice.ask(DOOMED, &hooks, &body), removing).await;
            if removed.is_none() {
                assert!(commands > 0);
                break;
            }
            assert_eq!(removed, Some(200));
            for kind in ["incoming", "outgoing"] {
                let mut count = redis::cmd("HLEN");
                count.arg(setting.key(&format!("{{hooks}}:{kind}")));
                let left: u64 = count.query(&mut setting.redis.connection()).expect("a number");
                assert_eq!(left, 0, "{kind}, held after {commands} commands");
            }
        }
        // Of the last one, which was made.
        for key in ["incoming", "outgoing"] {
            redis::cmd("DEL")
                .arg(setting.key(&format!("{{hooks}}:{key}")))
                .exec(&mut setting.redis.connection())
                .expect("done");
        }
    }
    setting.world.stop().await;
}

#[tokio::test]
async fn accounts_of_webhooks_are_bounded_and_used_again() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.rooms_made_daily = 3).await;
    let root = world.user(0, "operator").await;
    world.promote("operator").await;
    let alice = world.user(0, "alice").await;
    world.user(0, "bob").await;
    let room = alice.make_group(0, "builds", &[]).await;
    assert_eq!([try_make(&alice, room, "One").await, try_make(&alice, room, "Two").await], [201, 201]);
    assert_eq!(try_make(&alice, room, "bob").await, 429, "an account counts as a room that she makes");
    let hook = hooks(&alice, room).await[0].clone();
    assert_eq!((remove(&alice, room, &hook).await, try_make(&alice, room, "one").await), (200, 201), "not again");

    let names: Vec<UserName> =
        (3..=20).map(|number| UserName::parse(&format!("Name {number}")).expect("a name")).collect();
    let (operator, _) = node::hooks(&world.config).await.expect("Redis answers");
    let id = RoomId::new(room.try_into().expect("small")).expect("a number");
    for name in names {
        let (_, hook) = operator.create_incoming(&Operator::CommandLine, id, &name).await.expect("made");
        operator.remove(&Operator::CommandLine, Some(id), &hook.id).await.expect("removed");
    }
    let one_more = UserName::parse("Name 21").expect("a name");
    assert!(operator.create_incoming(&Operator::CommandLine, id, &one_more).await.is_err(), "twenty names");

    world.set_banned("One", true).await;
    assert_eq!(try_make(&alice, room, "One").await, 409, "a banned one does not post");
    world.set_banned("One", false).await;
    assert_eq!(try_make(&alice, room, "One").await, 201);
    let administration = administration(&world.config).await;
    let user = administration.accounts().named("Two").await.expect("there");
    ok(root.at(0, Method::DELETE, &format!("/api/v1/admin/users/{user}")).send().await).await;
    assert_eq!(try_make(&alice, room, "Two").await, 409, "the room is there, the name is not");
    world.stop().await;
}

#[tokio::test]
async fn acts_of_administrators_in_rooms_of_others_are_recorded() {
    let world = world(1).await;
    let root = world.user(0, "operator").await;
    world.promote("operator").await;
    let alice = world.user(0, "alice").await;
    let room: u64 = alice.make_room(0, "lobby").await.parse::<RoomId>().expect("an id").number().into();
    let acts = async || {
        let log = root.get_json(0, "/api/v1/admin/audit").await;
        let entries = log["entries"].as_array().expect("a list").clone();
        let of_hooks = entries.iter().filter(|entry| entry["act"].as_str().is_some_and(|act| act.starts_with("hook.")));
        of_hooks.map(|entry| (entry["act"].clone(), entry["target"]["name"].clone())).collect::<Vec<_>>()
    };
    let own = make(&alice, room, json!({"kind": "incoming", "name": "Own"})).await;
    assert_eq!((remove(&alice, room, &own).await, acts().await.len()), (200, 0), "what owners do is their own");
    let made = make(&root, room, json!({"kind": "incoming", "name": "Imposed"})).await;
    assert_eq!(remove(&root, room, &made).await, 200);
    let expected = ["hook.remove", "hook.create"].map(|act| (json!(act), json!("lobby")));
    assert_eq!(acts().await, expected);
    world.stop().await;
}

#[tokio::test]
async fn addresses_in_networks_that_are_not_allowed_are_refused_with_their_reason() {
    let world = world(1).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "a", &[]).await;
    for (url, expected) in [
        ("http://10.1.2.3/x", "address_refused"),
        ("http://169.254.169.254/latest/meta-data/", "address_refused"),
        ("https://[::1]:8443/", "address_refused"),
        ("http://[::ffff:192.168.0.1]/", "address_refused"),
        ("ftp://example.org/", "invalid"),
        ("example.org", "invalid"),
    ] {
        let body = json!({"kind": "outgoing", "url": url});
        let (status, answer) = alice.ask(0, &format!("/api/v1/rooms/{room}/hooks"), &body).await;
        assert_eq!((status, answer["code"].as_str()), (400, Some(expected)), "{url}: {answer}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_list_reads_the_webhooks_of_its_room_and_counts_as_a_search() {
    let logged = LoggedRedis::start().await;
    let world = logged
        .world(|config| {
            config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
            config.limits.searches_burst = 5;
            config.limits.searches_per_sec = 1;
        })
        .await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "a", &[]).await;
    make(&alice, room, json!({"kind": "outgoing", "url": "http://127.0.0.1:9/"})).await;
    hooks(&alice, room).await;
    logged.read();
    hooks(&alice, room).await;
    let commands = logged.read();
    let reads_all = |name: &str| {
        let of_hooks = commands.iter().filter(|command| !command.is_of_node && command.name == name);
        of_hooks.filter(|command| command.arguments.iter().any(|it| it.contains("{hooks}:"))).count()
    };
    assert_eq!((reads_all("hgetall"), reads_all("hget"), reads_all("hmget")), (1, 1, 1), "{commands:?}");
    let path = format!("/api/v1/rooms/{room}/hooks");
    eventually("the rate is used up", async || answered(alice.at(0, Method::GET, &path).send().await).await.0 == 429)
        .await;
    world.stop().await;
}
