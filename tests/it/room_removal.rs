//! Removing rooms: who may, what is removed, and what nodes that fail or late senders leave behind.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect_clients::{Destination, DialectClients, SOCKET_KINDS};
use crate::membership_crashes::crash_proxy::{CrashProxy, OF_MEMBERSHIP};
use crate::membership_crashes::{DOOMED, SURVIVOR, Setting};
use crate::support::{Redis, User, World, answered, eventually, ok, room_id, shared_redis, unique};

async fn remove(user: &User<'_>, node: usize, room: u64) -> (u16, Value) {
    answered(user.at(node, Method::DELETE, &format!("/api/v1/rooms/{room}")).send().await).await
}

fn number(id: &str) -> u64 {
    id.parse::<chinwag::domain::RoomId>().expect("an id").number().into()
}

fn connection(world: &World) -> redis::Connection {
    let client = redis::Client::open(world.config.redis.url.as_str()).expect("an address");
    client.get_connection().expect("Redis answers")
}

/// What is left of a room anywhere in Redis, but for rates, which expire.
fn leftovers(world: &World, mut redis: redis::Connection, room: u64, name: &str) -> Vec<String> {
    let prefix = &world.config.redis.prefix;
    let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{prefix}*")).query(&mut redis).expect("keys");
    let mut left = Vec::new();
    let own = format!("{prefix}{{r:{room}}}");
    for key in keys {
        if key.starts_with(&own) && !key.contains(":rate:") {
            left.push(key);
            continue;
        }
        let kind: String = redis::cmd("TYPE").arg(&key).query(&mut redis).expect("a type");
        let is_list = kind == "zset" && (key.contains("{u:") || key.contains("rooms:"));
        if !is_list || key.ends_with(":pending") || key.ends_with("rooms:active") {
            continue;
        }
        let members: Vec<String> = redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query(&mut redis).expect("a list");
        let entry = format!("{name}\0{room}");
        if members.iter().any(|member| *member == room.to_string() || *member == entry) {
            left.push(key);
        }
    }
    left
}

/// Asserts that a room does not exist for a user through any document.
async fn is_gone(user: &User<'_>, node: usize, room: u64) {
    let id = room_id(room);
    for path in ["/api/v1/rooms", "/api/v1/conversations", "/api/chat/rooms"] {
        let list = user.get_json(node, path).await;
        let has = list.as_array().expect("a list").iter().any(|it| it["id"] == json!(room) || it["id"] == json!(id));
        assert!(!has, "{path}: {list}");
    }
    for (method, path) in [
        (Method::GET, format!("/api/v1/rooms/{room}")),
        (Method::GET, format!("/api/v1/rooms/{room}/members")),
        (Method::DELETE, format!("/api/v1/rooms/{room}")),
        (Method::GET, format!("/api/chat/messages?room_id={id}")),
        (Method::POST, format!("/api/chat/rooms/{id}/join")),
        (Method::GET, format!("/api/v1/chat/messages?group_id={id}")),
    ] {
        let (status, body) = answered(user.at(node, method.clone(), &path).send().await).await;
        assert_eq!(status, 404, "{method} {path}: {body}");
    }
    let page = json!({"room_id": room, "page": 1, "page_size": 20});
    let (status, body) = user.ask(node, "/api/chat/history/room", &page).await;
    assert_eq!(status, 404, "{body}");
    assert_eq!(user.try_send(node, &id, "x").await.expect("answered").status(), 404);
}

#[tokio::test]
async fn a_removed_room_is_gone_for_everyone_and_everywhere() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    for is_public in [false, true] {
        let room = match is_public {
            true => number(&alice.make_room(0, "doomed").await),
            false => alice.make_group(0, "doomed", &["bob"]).await,
        };
        let id = room_id(room);
        bob.send(1, &id, "hello").await;
        let last = alice.send(0, &id, "last").await["id"].as_str().expect("an id").to_owned();
        // Read, polled and deleted from, so that all of its keys exist.
        alice.read(0, &format!("messages?room_id={id}")).await;
        bob.read(1, &format!("messages?room_id={id}&after={last}")).await;
        ok(alice.request(0, Method::DELETE, &format!("messages/{last}?room_id={id}")).send().await).await;
        let mut extended = [world.webchat(0, &alice, "ext=1").await, world.webchat(1, &bob, "ext=1").await];
        let mut others = DialectClients::open(&world, 1, &bob, 2).await;
        assert_eq!(remove(&alice, 1, room).await, (200, json!({"message": "Room removed"})));
        for socket in &mut extended {
            assert_eq!(socket.next_of("room_removed").await["payload"], json!({"room_id": room, "user_id": 1}));
        }
        for user in [&alice, &bob] {
            for node in [0, 1] {
                is_gone(user, node, room).await;
            }
        }
        assert_eq!(leftovers(&world, connection(&world), room, "doomed"), [""; 0]);
        // The other sockets hear nothing of it, and go on.
        alice.send(0, "global", "to all").await;
        let to = Destination { room: 1, other: None };
        for kind in SOCKET_KINDS {
            assert_eq!(others.next_message(kind, to).await.content, "to all", "{kind:?}");
        }
        let next = alice.make_group(0, "next", &[]).await;
        assert!(next > room, "numbers are given once");
    }
    world.stop().await;
}

#[tokio::test]
async fn only_the_owner_and_administrators_remove_rooms() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let (carol, root) = (world.user(0, "carol").await, world.user(0, "operator").await);
    let group = alice.make_group(0, "g", &["bob"]).await;
    let path = format!("/api/v1/rooms/{group}/members/2");
    alice.at(0, Method::PUT, &path).json(&json!({"role": "admin"})).send().await.expect("answered");
    let public = number(&alice.make_room(0, "p").await);
    let direct = alice.open_direct(0, "bob").await;
    world.promote("operator").await;
    for (user, room, status, code) in [
        (&bob, group, 403, "forbidden"),
        (&carol, group, 404, "room_not_found"),
        (&carol, public, 403, "forbidden"),
        (&alice, 1, 400, "permanent_room"),
        (&root, 1, 400, "permanent_room"),
        (&alice, direct, 400, "permanent_room"),
        (&carol, direct, 404, "room_not_found"),
        (&root, direct, 400, "permanent_room"),
        (&alice, 77, 404, "room_not_found"),
        (&root, 77, 404, "room_not_found"),
    ] {
        let (found, body) = remove(user, 0, room).await;
        assert_eq!((found, &body["code"]), (status, &json!(code)), "{} {room}", user.name);
    }
    assert_eq!(remove(&root, 0, group).await.0, 200);
    is_gone(&alice, 0, group).await;
    assert_eq!(remove(&root, 0, public).await.0, 200);
    // Nothing of the refused attempts waits for housekeeping.
    let key = format!("{}removals", world.config.redis.prefix);
    let left: Vec<String> =
        redis::cmd("ZRANGE").arg(key).arg(0).arg(-1).query(&mut connection(&world)).expect("a list");
    assert_eq!(left, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn files_of_a_removed_room_are_removed() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let room = alice.make_group(0, "g", &[]).await;
    let file = reqwest::multipart::Part::text("text").file_name("a.txt");
    let form = reqwest::multipart::Form::new().text("room_id", room_id(room)).part("file", file);
    let message = ok(alice.post(0, "upload").multipart(form).send().await).await;
    let url = world.url(0, message["file_url"].as_str().expect("a path"));
    let status = async || world.client.get(&url).send().await.expect("answered").status();
    assert_eq!(status().await, 200);
    assert_eq!(remove(&alice, 0, room).await.0, 200);
    assert_eq!(status().await, 404);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_that_race_with_the_removal_bring_nothing_back() {
    let world = World::start_with(2, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let mut open = DialectClients::open(&world, 1, &bob, 2).await;
    for round in 0..10 {
        let id = alice.make_room(0, "doomed").await;
        let room = number(&id);
        let sends = join_all((0..20).map(|number| {
            let (alice, bob, id) = (&alice, &bob, &id);
            async move {
                let (user, node) = if number % 2 == 0 { (alice, 0) } else { (bob, 1) };
                user.try_send(node, id, "x").await.expect("answered").status().as_u16()
            }
        }));
        let (statuses, (status, _)) = tokio::join!(sends, remove(&alice, round % 2, room));
        assert_eq!(status, 200);
        assert!(statuses.iter().all(|status| [200, 404].contains(status)), "{statuses:?}");
        assert_eq!(bob.try_send(1, &id, "x").await.expect("answered").status(), 404);
        is_gone(&bob, 1, room).await;
        // Deliveries are recorded a moment later.
        open.user.send(1, "global", &unique("end")).await;
        let left = leftovers(&world, connection(&world), room, "doomed");
        assert!(left.iter().all(|key| key.ends_with(":rooms")), "{left:?}");
    }
    open.socket(SOCKET_KINDS[0]).close().await;
    world.stop().await;
}

/// Runs an operation of bob through a node that is held back behind each of its commands in turn, while the room is removed
/// through another node by a user who may. Nothing of the room is left.
async fn nothing_comes_back<'a>(
    setting: &Setting,
    (owner, bob): (&User<'a>, &User<'a>),
    make: impl AsyncFn() -> String,
    operation: impl AsyncFn(&User<'a>, &str),
    made: impl AsyncFn(&str) -> u64,
) {
    let Setting { redis, proxy, world } = setting;
    let mut removed = 0;
    for commands in 0.. {
        let id = make().await;
        proxy.hold_after(commands);
        let removing = async {
            proxy.held().await;
            let room = made(&id).await;
            let (status, _) = remove(owner, SURVIVOR, room).await;
            proxy.restore().await;
            (room, status)
        };
        let operating = operation(bob, &id);
        tokio::pin!(operating);
        let outcome = tokio::select! {
            () = &mut operating => None,
            outcome = removing => {
                operating.await;
                Some(outcome)
            }
        };
        proxy.restore().await;
        println!("held after {commands} commands: {outcome:?}");
        match outcome {
            None => break,
            Some((room, 200)) => {
                removed += 1;
                for user in [owner, bob] {
                    is_gone(user, SURVIVOR, room).await;
                }
                assert_eq!(leftovers(world, redis.connection(), room, "doomed"), [""; 0]);
            }
            // It is not made yet, and the latest may be the global room.
            Some((_, status)) => assert!([400, 404].contains(&status), "{status}"),
        }
    }
    assert!(removed > 1, "{removed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_room_does_not_come_back_by_a_join() {
    let setting = Setting::start().await;
    let (alice, bob) = (setting.world.user(SURVIVOR, "alice").await, setting.world.user(DOOMED, "bob").await);
    let make = async || alice.make_room(SURVIVOR, "doomed").await;
    let join = async |bob: &User<'_>, id: &str| {
        let status = answered(bob.post(DOOMED, &format!("rooms/{id}/join")).send().await).await.0;
        assert!([200, 404].contains(&status), "{status}");
    };
    nothing_comes_back(&setting, (&alice, &bob), make, join, async |id| number(id)).await;
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_removed_while_it_is_made_does_not_come_back() {
    let setting = Setting::start().await;
    let bob = setting.world.user(DOOMED, "bob").await;
    let make = async |bob: &User<'_>, _: &str| drop(bob.make_room(DOOMED, "doomed").await);
    let latest = async |_: &str| {
        let mut redis = setting.redis.connection();
        redis::cmd("GET").arg(setting.key("seq:rooms")).query::<u64>(&mut redis).expect("a number")
    };
    nothing_comes_back(&setting, (&bob, &bob), async || String::new(), make, latest).await;
    setting.world.stop().await;
}

/// Removes a room through a node that fails after each of its commands in turn. The room is there as before, or gone for
/// everyone, and whatever is left is removed by another node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_survives_every_crash() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |config| config.limits.enabled = false).await;
    let proxy = CrashProxy::start(&redis.url(), OF_MEMBERSHIP).await;
    let direct = world.config.clone();
    world.config.redis.url = proxy.url();
    world.add_node().await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let (removals, _) = chinwag::node::room_removals(&direct).await.expect("Redis answers");
    let notes = format!("{}removals", world.config.redis.prefix);
    let noted = || -> Vec<String> {
        redis::cmd("ZRANGE").arg(&notes).arg(0).arg(-1).query(&mut redis.connection()).expect("a list")
    };
    let (mut crashes, mut kept) = (0, 0);
    loop {
        let room = number(&alice.make_room(0, "doomed").await);
        let id = room_id(room);
        bob.send(0, &id, "x").await;
        bob.read(0, &format!("messages?room_id={id}")).await;
        let mut socket = world.webchat(0, &bob, "ext=1").await;
        world.becomes_ready(1).await;
        proxy.crash_after(crashes);
        let (status, _) = remove(&alice, 1, room).await;
        let has_crashed = proxy.restore().await;
        assert!(status == 200 || has_crashed, "{status}");
        let is_there = alice.try_send(0, &id, "still there").await.expect("answered").status() == 200;
        println!("cut after {crashes} commands: {status}, {has_crashed}, there: {is_there}");
        if is_there {
            kept += 1;
        } else {
            assert_eq!(socket.next_of("room_removed").await["payload"]["room_id"], room);
            is_gone(&bob, 0, room).await;
        }
        for note in noted() {
            redis::cmd("ZADD").arg(&notes).arg("XX").arg(1).arg(&note).exec(&mut redis.connection()).expect("aged");
        }
        removals.housekeeping().await.expect("Redis answers");
        assert_eq!(noted(), [""; 0]);
        if is_there {
            assert_eq!(alice.try_send(0, &id, "still there").await.expect("answered").status(), 200);
        } else {
            assert_eq!(leftovers(&world, redis.connection(), room, "doomed"), [""; 0]);
        }
        if !has_crashed {
            break;
        }
        eventually("the node answers again", async || {
            alice.get(1, "stats").send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        crashes += 1;
    }
    assert!(crashes > 4 && kept < crashes, "{crashes} {kept}");
    world.stop().await;
}
