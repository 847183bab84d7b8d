//! Redis commands and round trips of every operation that has a budget.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::command_log::LoggedRedis;
use crate::documents::does;
use crate::edits::{edit, integer};
use crate::support::{eventually, ok, room_id};

pub fn only(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect()
}

#[tokio::test]
async fn a_send_is_one_script() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "a").await;
    let mut cost = redis.cost(&user, async || drop(user.send(0, &room, "x").await)).await;
    // Once a second.
    assert!(cost.commands.remove("pexpire").unwrap_or(0) <= 1);
    // All but evalsha are calls of the script: eight, as designed and measured.
    let inside =
        [("hmget", 1), ("time", 1), ("get", 1), ("set", 1), ("zscore", 1), ("xadd", 1), ("hset", 1), ("publish", 1)];
    let mut expected = only(&inside);
    expected.extend(only(&[("evalsha", 1)]));
    assert_eq!((cost.commands, cost.round_trips), (expected, 1));
    world.stop().await;
}

#[tokio::test]
async fn a_client_id_is_one_more_read_and_one_more_write() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let room = user.make_room(0, "a").await;
    let send = async |id: &str| {
        let body = json!({"message_type": "text", "content": "x", "client_id": id});
        ok(user.post(0, &format!("send?room_id={room}")).json(&body).send().await).await;
    };
    send("first").await;
    let mut cost = redis.cost_now(async || send("second").await).await;
    // Once a second.
    assert!(cost.commands.remove("pexpire").unwrap_or(0) <= 1);
    let inside =
        [("hmget", 1), ("time", 1), ("get", 1), ("set", 1), ("zscore", 1), ("xadd", 1), ("hset", 1), ("publish", 1)];
    let mut expected = only(&inside);
    expected.extend(only(&[("evalsha", 1), ("hget", 1), ("hsetnx", 1)]));
    assert_eq!((cost.commands, cost.round_trips), (expected, 1));
    world.stop().await;
}

#[tokio::test]
async fn reading_costs_one_round_trip() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    for number in 0..60 {
        user.send(0, "global", &number.to_string()).await;
    }
    let page = redis.cost(&user, async || drop(user.read(0, "messages").await)).await;
    // Reads membership and the user's read cursor. The first page marks its messages as read, the second finds them marked.
    assert_eq!(page.commands, only(&[("hmget", 1), ("zscore", 2), ("xrevrange", 1), ("hgetall", 1)]));
    let stats = redis.cost(&user, async || drop(user.read(0, "stats").await)).await;
    assert_eq!(stats.commands, only(&[("get", 1), ("zcount", 17)]));
    let ip = redis.cost(&user, async || drop(user.read(0, "user-ip/1").await)).await;
    assert_eq!(ip.commands, only(&[("zscore", 1), ("hget", 1)]));
    for cost in [page, stats, ip] {
        assert_eq!(cost.round_trips, 1, "{cost:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_heartbeat_of_a_user_who_is_online_costs_nothing() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let heartbeat = async || drop(ok(user.post(0, "heartbeat").send().await).await);
    let cost = redis.cost(&user, heartbeat).await;
    assert_eq!((cost.commands, cost.round_trips), (only(&[]), 0));
    // A first request that is a heartbeat records activity once, not twice, and at once.
    let fresh = world.user(0, "bob").await;
    let first = redis.cost_now(async || drop(ok(fresh.post(0, "heartbeat").send().await).await)).await;
    assert_eq!((first.commands["zadd"], first.commands["hset"], first.round_trips), (1, 1, 1));
    world.stop().await;
}

#[tokio::test]
async fn reading_a_followed_room_asks_for_its_state_alone() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let group = room_id(user.make_group(0, "a", &[]).await);
    let state = only(&[("hmget", 1), ("zscore", 2)]);
    let of_group = only(&[("hmget", 1), ("zscore", 2), ("hget", 1), ("zcard", 1)]);
    let mut socket = world.webchat(0, &user, "ext=1").await;
    for (room, expected) in [("global", &state), (group.as_str(), &of_group)] {
        let first = user.send(0, room, "first").await["id"].as_str().expect("an id").to_owned();
        user.send(0, room, "second").await;
        for query in [String::new(), "&limit=1".to_owned(), format!("&after={first}"), format!("&before={first}")] {
            let page = format!("messages?room_id={room}{query}");
            eventually("the page comes from memory", async || {
                let cost = redis.cost(&user, async || drop(user.read(0, &page).await)).await;
                cost.commands == *expected && cost.round_trips == 1
            })
            .await;
        }
    }
    // A state that the node has not heard of takes one more round trip, for the page as a whole.
    let key = format!("{}{{r:1}}", world.config.redis.prefix);
    redis::cmd("HINCRBY").arg(&key).arg("gone").arg(1).exec(&mut redis.connection()).expect("an amendment");
    let cost = redis.cost(&user, async || drop(user.read(0, "messages").await)).await;
    let twice = only(&[("hmget", 2), ("zscore", 4), ("xrevrange", 1), ("hgetall", 1)]);
    assert_eq!((cost.commands, cost.round_trips), (twice, 2));
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_poll_with_nothing_new_costs_nothing() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let last = user.send(0, "global", "x").await["id"].as_str().expect("an id").to_owned();
    let poll = async || drop(user.read(0, &format!("messages?after={last}")).await);
    eventually("the node follows the room", async || {
        let cost = redis.cost(&user, poll).await;
        cost.commands.is_empty() && cost.round_trips == 0
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn lists_cost_two_round_trips_whatever_their_length() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    for number in 0..30 {
        user.make_room(0, &number.to_string()).await;
    }
    for number in 0..20 {
        world.user(0, &format!("user{number}")).await.read(0, "stats").await;
    }
    // A busy machine may take longer than callers share what was read.
    eventually("the rooms are asked whether they have changed, and for the caller", async || {
        let rooms = redis.cost(&user, async || drop(user.read(0, "rooms").await)).await;
        let expected = [("zrangebyscore", 2), ("zrange", 1), ("hmget", 31), ("zcard", 31), ("zscore", 31)];
        rooms.commands == only(&expected) && rooms.round_trips == 2
    })
    .await;
    let online = redis.cost(&user, async || drop(user.read(0, "online-users").await)).await;
    assert_eq!(online.commands, only(&[("zrange", 16), ("hmget", 21)]));
    assert_eq!(online.round_trips, 2);
    world.stop().await;
}

#[tokio::test]
async fn a_deletion_is_one_script() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let body = json!({"message_type": "text", "content": "x"});
    let first = ok(user.post(0, "send").json(&body).send().await).await["id"].as_str().expect("an id").to_owned();
    let delete = async || drop(ok(user.request(0, Method::DELETE, &format!("messages/{first}")).send().await).await);
    assert_eq!(redis.cost_now(delete).await.commands["evalsha"], 1);
    world.stop().await;
}

#[tokio::test]
async fn an_edit_is_one_script_and_one_more_read_for_pages_that_show_it() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|config| config.messages.tail_bytes = 0).await;
    let user = world.user(0, "alice").await;
    let sent = user.send(0, "global", "x").await;
    user.send(0, "global", "later").await;
    let mut socket = world.webchat(0, &user, "ext=1").await;
    let cost = redis.cost_now(async || drop(edit(&mut socket, 1, &sent, "y").await)).await;
    assert_eq!((cost.commands["evalsha"], cost.round_trips), (1, 1), "{cost:?}");
    socket.close().await;
    for (limit, edited) in [(1, 0), (2, 1)] {
        let page = format!("messages?limit={limit}");
        let cost = redis.cost(&user, async || drop(user.read(0, &page).await)).await;
        let expected = only(&[("hmget", 1 + edited), ("zscore", 2), ("xrevrange", 1), ("hgetall", 1)]);
        assert_eq!((cost.commands, cost.round_trips), (expected, 1 + edited), "{limit}");
    }
    world.stop().await;
}

#[tokio::test]
async fn whatever_is_done_to_a_message_is_one_script() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let room = user.make_group(0, "a", &[]).await;
    let id = integer(&user.send(0, &room_id(room), "x").await);
    let mut socket = world.webchat(0, &user, "ext=1").await;
    for (kind, mut payload) in [
        ("edit_message", json!({"content": "y"})),
        ("edit_message", json!({"content": "y"})), // no change
        ("react", json!({"emoji": "👍", "on": true})),
        ("react", json!({"emoji": "👍", "on": false})),
        ("pin", json!({"on": true})),
        ("pin", json!({"on": false})),
        ("delete_message", json!({})),
    ] {
        (payload["room_id"], payload["id"]) = (json!(room), json!(id));
        let cost = redis.cost_now(async || does(&mut socket, kind, payload).await).await;
        assert_eq!((cost.commands["evalsha"], cost.round_trips), (1, 1), "{kind}: {cost:?}");
    }
    socket.close().await;
    world.stop().await;
}

#[tokio::test]
async fn a_socket_costs_as_many_round_trips_whatever_the_number_of_rooms() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    let mut costs = Vec::new();
    for rooms in [3, 30] {
        for number in 0..rooms {
            user.make_group(0, &number.to_string(), &[]).await;
        }
        // A socket that stays open, so that no other is the user's first or last.
        let mut open = world.webchat(0, &user, "").await;
        let cost = redis.cost(&user, async || drop(world.webchat(0, &user, "").await)).await;
        costs.push((cost.round_trips, cost.commands.get("zscore").copied()));
        open.close().await;
    }
    // The list, the rooms' answers, and the activity, which is recorded by the request before.
    assert_eq!(costs, [(2, Some(4)), (2, Some(34))]);
    world.stop().await;
}

#[tokio::test]
async fn the_first_socket_of_a_user_records_activity_in_passing() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    // Keeps the node subscribed to `global`, and its worker connected.
    let mut open = world.webchat(0, &alice, "").await;
    let mut first = None;
    let cost = redis.cost_now(async || first = Some(world.webchat(0, &bob, "").await)).await;
    // The list with the activity, the rooms' answers, and presence. The log-in has read the account.
    assert_eq!(cost.round_trips, 3, "{cost:?}");
    assert_eq!((cost.commands["zrange"], cost.commands["zadd"], cost.commands["hset"]), (2, 2, 1), "{cost:?}");
    open.close().await;
    world.stop().await;
}
