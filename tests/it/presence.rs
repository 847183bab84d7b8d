//! Presence: online users, their addresses, and statistics.

use serde_json::{Value, json};

use crate::support::{World, eventually, ok, refused, shared_redis};

fn redis_connection() -> redis::Connection {
    redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("Redis answers")
}

#[tokio::test]
async fn any_request_makes_one_online_and_time_makes_one_offline() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    bob.get(1, "heartbeat").send().await.expect("answered"); // 405, which does not count as activity
    alice.read(0, "stats").await;
    assert_eq!(alice.read(1, "stats").await["online_users_count"], 1);
    let beat = ok(bob.post(0, "heartbeat").header("user-agent", "Test/1.0 张").send().await).await;
    assert_eq!(beat["status"], "ok");

    let online = alice.read(1, "online-users").await;
    let entry = online.as_array().expect("a list").iter().find(|it| it["username"] == "bob").expect("online").clone();
    assert_eq!(
        (&entry["user_id"], &entry["ip"], &entry["user_agent"]),
        (&json!(2), &json!("127.0.0.1"), &json!("Test/1.0 张"))
    );
    assert_eq!(alice.read(0, "user-ip/2").await, json!({"user_id": 2, "ip": "127.0.0.1"}));

    // As if bob's last activity were older than the limit.
    let online_for_ms = i64::try_from(world.config.presence.offline_after_secs * 1000).expect("a time");
    let long_ago_ms = jiff::Timestamp::now().as_millisecond() - online_for_ms - 1;
    let key = format!("{}online:2", world.config.redis.prefix);
    redis::cmd("ZADD").arg(key).arg(long_ago_ms).arg(2).exec(&mut redis_connection()).expect("written");
    for node in [0, 1] {
        assert_eq!(refused(alice.get(node, "user-ip/2").send().await, 404).await, "用户不在线");
    }
    assert_eq!(refused(alice.get(1, "user-ip/999").send().await, 404).await, "用户不在线");
    world.stop().await;
}

#[tokio::test]
async fn addresses_are_for_administrators_when_so_configured() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.privacy.ip_visibility = chinwag::config::IpVisibility::Admins;
    })
    .await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    for user in [&alice, &bob] {
        ok(user.post(0, "heartbeat").send().await).await;
    }
    let ip_of = |online: &Value, name: &str| {
        let all = online.as_array().expect("a list");
        all.iter().find(|it| it["username"] == name).expect("online")["ip"].as_str().expect("text").to_owned()
    };
    let seen = alice.read(0, "online-users").await;
    assert_eq!((ip_of(&seen, "alice").as_str(), ip_of(&seen, "bob").as_str()), ("127.0.0.1", ""));
    assert_eq!(refused(alice.get(0, "user-ip/2").send().await, 403).await, "没有执行该操作的权限");
    alice.read(0, "user-ip/1").await;
    world.promote("alice").await;
    assert_eq!(ip_of(&alice.read(0, "online-users").await, "bob"), "127.0.0.1");
    alice.read(0, "user-ip/2").await;
    world.stop().await;
}

#[tokio::test]
async fn only_trusted_proxies_say_where_a_client_is() {
    let open = World::start(1).await;
    let user = open.user(0, "alice").await;
    ok(user.post(0, "heartbeat").header("x-forwarded-for", "203.0.113.9").send().await).await;
    assert_eq!(user.read(0, "user-ip/1").await["ip"], "127.0.0.1");
    open.stop().await;

    let proxied = World::start_with(1, shared_redis(), |config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let user = proxied.user(0, "alice").await;
    for (hops, client) in [
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.10:4711", "203.0.113.10"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("\"[2001:db8::2]\", ::ffff:127.0.0.1", "2001:db8::2"),
        ("6.6.6.6, unknown", "127.0.0.1"),
    ] {
        ok(user.post(0, "heartbeat").header("x-forwarded-for", hops).send().await).await;
        assert_eq!(user.read(0, "user-ip/1").await["ip"], client, "{hops}");
    }
    proxied.stop().await;
}

#[tokio::test]
async fn online_users_go_on_from_their_cursor() {
    let world = World::start(2).await;
    let mut expected = Vec::new();
    for index in 0..9 {
        let user = world.user(index % 2, &format!("user{index}")).await;
        ok(user.post(index % 2, "heartbeat").send().await).await;
        expected.push(user);
    }
    let reader = &expected[0];
    let mut listed = Vec::new();
    let mut path = "online-users?limit=2".to_owned();
    loop {
        let answer = reader.get(0, &path).send().await.expect("answered");
        let next = answer.headers().get("x-next-cursor").map(|value| value.to_str().expect("text").to_owned());
        let page = ok(Ok(answer)).await;
        listed.extend(
            page.as_array().expect("a list").iter().map(|it| it["username"].as_str().expect("name").to_owned()),
        );
        match next {
            Some(next) => path = format!("online-users?limit=2&cursor={next}"),
            None => break,
        }
    }
    listed.sort();
    let mut names: Vec<String> = expected.iter().map(|user| user.name.clone()).collect();
    names.sort();
    assert_eq!(listed, names);
    world.stop().await;
}

#[tokio::test]
async fn many_online_users_of_one_shard_and_one_millisecond_are_all_listed() {
    let world = World::start(1).await;
    let reader = world.user(0, "reader").await;
    // As if 300 users with ids of one shard had been active in the same two milliseconds.
    let mut connection = redis_connection();
    let now_ms = jiff::Timestamp::now().as_millisecond();
    for index in 1..=300_i64 {
        let key = format!("{}online:0", world.config.redis.prefix);
        redis::cmd("ZADD").arg(key).arg(now_ms - index % 2).arg(index * 16).exec(&mut connection).expect("written");
    }
    for limit in [1, 7, 100, 150] {
        let mut ids = Vec::new();
        let mut path = format!("online-users?limit={limit}");
        loop {
            let answer = reader.get(0, &path).send().await.expect("answered");
            let next = answer.headers().get("x-next-cursor").map(|value| value.to_str().expect("text").to_owned());
            let page = ok(Ok(answer)).await;
            ids.extend(page.as_array().expect("a list").iter().map(|it| it["user_id"].as_u64().expect("an id")));
            match next {
                Some(next) => path = format!("online-users?limit={limit}&cursor={next}"),
                None => break,
            }
        }
        let distinct: std::collections::HashSet<&u64> = ids.iter().collect();
        assert_eq!((ids.len(), distinct.len()), (301, 301), "pages of {limit}");
    }
    world.stop().await;
}

#[tokio::test]
async fn metrics_count_users_messages_and_rooms_over_nodes() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_room(0, "a").await;
    let before = bob.read(1, "stats").await;
    assert_eq!(before, json!({"online_users_count": 2, "total_messages_today": 0, "active_rooms": 0}));
    alice.send(0, &room, "1").await;
    bob.send(1, &room, "2").await;
    bob.send(1, "global", "3").await;
    refused(bob.try_send(1, "room_deadbeef", "4").await, 404).await;
    for node in [0, 1] {
        // Each node writes once a second how many messages it has stored.
        let expected = json!({"online_users_count": 2, "total_messages_today": 3, "active_rooms": 2});
        eventually("all messages are counted", async || bob.read(node, "stats").await == expected).await;
    }
    world.stop().await;
}
