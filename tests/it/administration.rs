//! Administrators over HTTP and on the command line, and the record of what they do.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{User, World, answered, eventually, ok, room_id, shared_redis};

/// Every route: method, path with the number of a user or room, and the act that the log has of it.
const ROUTES: [(&str, &str, &str); 13] = [
    ("GET", "/api/v1/admin/users", ""),
    ("PUT", "/api/v1/admin/users/{user}/admin", "user.promote"),
    ("DELETE", "/api/v1/admin/users/{user}/admin", "user.demote"),
    ("PUT", "/api/v1/admin/users/{user}/ban", "user.ban"),
    ("DELETE", "/api/v1/admin/users/{user}/ban", "user.unban"),
    ("DELETE", "/api/v1/admin/users/{user}/sessions", "user.end_sessions"),
    ("POST", "/api/v1/admin/users/{user}/password", "user.one_time_password"),
    ("DELETE", "/api/v1/admin/users/{user}", "user.delete"),
    ("GET", "/api/v1/admin/rooms", ""),
    ("GET", "/api/v1/admin/rooms/{room}/members", ""),
    ("DELETE", "/api/v1/admin/rooms/{room}", "room.delete"),
    ("GET", "/api/v1/admin/uploads", ""),
    ("GET", "/api/v1/admin/audit", ""),
];

fn path(template: &str, user: u64, room: u64) -> String {
    template.replace("{user}", &user.to_string()).replace("{room}", &room.to_string())
}

async fn call(user: &User<'_>, node: usize, method: &str, path: &str) -> (u16, Value) {
    answered(user.at(node, method.parse().expect("a method"), path).send().await).await
}

/// Logs a new user in who is an administrator.
async fn administrator<'a>(world: &'a World, name: &str) -> User<'a> {
    let user = world.user(0, name).await;
    world.promote(name).await;
    user
}

fn connection() -> redis::Connection {
    redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("Redis answers")
}

async fn log_in(world: &World, name: &str, password: &str) -> u16 {
    let credentials = json!({"username": name, "password": password});
    let url = world.url(0, "/api/v1/auth/login");
    world.client.post(url).json(&credentials).send().await.expect("answered").status().as_u16()
}

#[tokio::test]
async fn only_administrators_act_and_every_act_is_recorded() {
    let world = World::start(2).await;
    let root = administrator(&world, "operator").await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "doomed", &[]).await;
    for (method, template, _) in ROUTES {
        let path = path(template, 3, room);
        let (status, body) = call(&alice, 1, method, &path).await;
        assert_eq!((status, &body["code"]), (403, &json!("forbidden")), "{method} {path}");
        let method: Method = method.parse().expect("a method");
        let (status, body) = answered(world.client.request(method, world.url(0, &path)).send().await).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")), "{path}");
    }
    let log = async || root.get_json(0, "/api/v1/admin/audit").await["entries"].as_array().expect("a list").clone();
    assert_eq!(log().await.len(), 1, "refused acts are not recorded, the promotion is");
    assert!(ok(alice.get(0, "stats").send().await).await.is_object(), "and nothing happened");

    let mut expected = vec![("user.promote", Value::Null, json!({"kind": "user", "id": 1, "name": "operator"}))];
    for (method, template, act) in ROUTES {
        let (status, body) = call(&root, 1, method, &path(template, 3, room)).await;
        assert_eq!(status, 200, "{method} {template}: {body}");
        let target = match template.contains("{room}") {
            true => json!({"kind": "room", "id": room, "name": "doomed"}),
            false => json!({"kind": "user", "id": 3, "name": "bob"}),
        };
        if !act.is_empty() {
            expected.insert(0, (act, json!({"id": 1, "username": "operator"}), target));
        }
    }
    let found = log().await;
    let entries: Vec<_> =
        found.iter().map(|it| (it["act"].as_str().expect("text"), it["actor"].clone(), it["target"].clone())).collect();
    assert_eq!(entries, expected);
    assert!(found[..8].iter().all(|entry| entry["address"] == "127.0.0.1"), "{found:?}");
    assert_eq!(found[8]["address"], "");
    assert_eq!(bob.get(1, "stats").send().await.expect("answered").status(), 401);
    world.stop().await;
}

#[tokio::test]
async fn whom_no_administrator_can_act_on_is_refused() {
    let world = World::start(1).await;
    let root = administrator(&world, "operator").await;
    for (method, template, act) in ROUTES.into_iter().filter(|(_, template, _)| template.contains('{')) {
        for (user, status) in [(1, 400), (77, 404), (0, 404)] {
            let (room, status) = if template.contains("{room}") { (77, 404) } else { (0, status) };
            let (found, body) = call(&root, 0, method, &path(template, user, room)).await;
            assert_eq!(found, status, "{act} {user}: {body}");
        }
    }
    for (query, code) in [
        ("users?limit=0", "invalid"),
        ("users?limit=x", "invalid"),
        ("users?cursor=zz", "invalid"),
        ("users?cursor=a", "invalid"),
        ("users?q=b&cursor=6f70", "invalid"),
        ("rooms?cursor=x", "invalid"),
        ("rooms?cursor=0", "invalid"),
        ("rooms?limit=-1", "invalid"),
        ("rooms/1/members?cursor=-1", "invalid"),
        ("rooms/1/members?limit=0", "invalid"),
        ("uploads?cursor=x", "invalid"),
        ("uploads?cursor=99999999999", "invalid"),
        ("audit?cursor=x", "invalid"),
        ("audit?cursor=1", "invalid"),
        ("audit?cursor=1-", "invalid"),
        ("audit?limit=99999999999999999999", "invalid"),
    ] {
        let (status, body) = call(&root, 0, "GET", &format!("/api/v1/admin/{query}")).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{query}");
    }
    let long = "x".repeat(101);
    for query in ["users?q=", "rooms?q=", "audit?q=", "audit?act="] {
        assert_eq!(call(&root, 0, "GET", &format!("/api/v1/admin/{query}{long}")).await.0, 400, "{query}");
    }
    world.user(0, "bob").await;
    let direct = root.open_direct(0, "bob").await;
    for room in [1, direct] {
        let (status, body) = call(&root, 0, "DELETE", &format!("/api/v1/admin/rooms/{room}")).await;
        assert_eq!((status, &body["code"]), (400, &json!("permanent_room")));
    }
    let log = root.get_json(0, "/api/v1/admin/audit").await;
    assert_eq!(log["entries"].as_array().expect("a list").len(), 1, "only the promotion: {log}");
    world.stop().await;
}

#[tokio::test]
async fn bans_and_ended_sessions_hold_on_every_node() {
    let world = World::start(2).await;
    let root = administrator(&world, "operator").await;
    let bob = world.user(1, "bob").await;
    let mut socket = world.webchat(1, &bob, "").await;
    assert_eq!(call(&root, 0, "DELETE", "/api/v1/admin/users/2/sessions").await.0, 200);
    assert_eq!(bob.get(0, "stats").send().await.expect("answered").status(), 401, "at once on this node");
    while socket.next_or_end().await.is_ok() {}
    for node in [0, 1] {
        eventually("the token is refused", async || {
            bob.get(node, "stats").send().await.expect("answered").status() == 401
        })
        .await;
    }
    assert_eq!(log_in(&world, "bob", "your_strong_password").await, 200, "the password stays");
    for (method, status, is_banned) in [("PUT", 401, true), ("PUT", 401, true), ("DELETE", 200, false)] {
        assert_eq!(call(&root, 0, method, "/api/v1/admin/users/2/ban").await.0, 200);
        assert_eq!(log_in(&world, "bob", "your_strong_password").await, status);
        let users = root.get_json(1, "/api/v1/admin/users?q=bob").await;
        assert_eq!(users["users"][0]["is_banned"], is_banned);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_deleted_user_is_gone_on_every_node_and_cannot_be_acted_on_again() {
    let world = World::start(2).await;
    let root = administrator(&world, "operator").await;
    let bob = world.user(1, "bob").await;
    let group = bob.make_group(1, "g", &["operator"]).await;
    bob.send(1, &room_id(group), "hello").await;
    let mut socket = world.webchat(1, &bob, "").await;
    let deleted = call(&root, 0, "DELETE", "/api/v1/admin/users/2").await;
    assert_eq!(deleted, (200, json!({"message": "User deleted"})));
    while socket.next_or_end().await.is_ok() {}
    for node in [0, 1] {
        eventually("the token is refused", async || {
            bob.get(node, "stats").send().await.expect("answered").status() == 401
        })
        .await;
    }
    assert_eq!(log_in(&world, "bob", "your_strong_password").await, 401);
    assert_eq!(root.get_json(0, "/api/v1/admin/users?q=b").await["users"], json!([]));
    let members = root.get_json(0, &format!("/api/v1/rooms/{group}/members")).await;
    let owners: Vec<_> = members.as_array().expect("a list").iter().map(|it| (&it["user_id"], &it["role"])).collect();
    assert_eq!(owners, [(&json!(1), &json!("owner"))], "the room passes on");
    let page = root.read(0, &format!("messages?room_id={}", room_id(group))).await.to_string();
    assert!(page.contains("hello") && page.contains("已注销") && !page.contains("bob"), "{page}");
    for (method, template, act) in ROUTES.into_iter().filter(|(_, template, _)| template.contains("{user}")) {
        let (status, body) = call(&root, 1, method, &path(template, 2, group)).await;
        assert_eq!((status, &body["code"]), (404, &json!("user_not_found")), "{act}");
    }
    let log = root.get_json(0, "/api/v1/admin/audit").await;
    let targets: Vec<&Value> = log["entries"].as_array().expect("a list").iter().map(|it| &it["target"]).collect();
    let target = |id: u64, name: &str| json!({"kind": "user", "id": id, "name": name});
    assert_eq!(targets, [&target(2, "bob"), &target(1, "operator")], "each act once, under the name of its time");
    world.stop().await;
}

#[tokio::test]
async fn a_one_time_password_is_good_for_one_log_in_within_a_day() {
    let world = World::start(1).await;
    let root = administrator(&world, "operator").await;
    world.user(0, "bob").await;
    let set = async || {
        let (status, body) = call(&root, 0, "POST", "/api/v1/admin/users/2/password").await;
        assert_eq!(status, 200);
        body["password"].as_str().expect("text").to_owned()
    };
    let password = set().await;
    assert_eq!(password.len(), 20);
    assert_eq!(log_in(&world, "bob", "your_strong_password").await, 401, "it replaces the password");
    assert_eq!(log_in(&world, "bob", "wrong password").await, 401);
    assert_eq!(log_in(&world, "bob", &password).await, 200);
    assert_eq!(log_in(&world, "bob", &password).await, 401, "once");
    let second = set().await;
    assert_ne!(second, password);
    let tries = futures_util::future::join_all((0..8).map(|_| log_in(&world, "bob", &second))).await;
    assert_eq!(tries.iter().filter(|status| **status == 200).count(), 1, "{tries:?}");
    let third = set().await;
    let key = format!("{}{{u:2}}", world.config.redis.prefix);
    redis::cmd("HSET").arg(&key).arg("once").arg(1).exec(&mut connection()).expect("aged");
    assert_eq!(log_in(&world, "bob", &third).await, 401, "too late");
    world.set_password("bob", "a password of his own").await.expect("set");
    for _ in 0..2 {
        assert_eq!(log_in(&world, "bob", "a password of his own").await, 200, "as often as he likes");
    }
    let log = root.get_json(0, "/api/v1/admin/audit").await.to_string();
    for secret in [&password, &second, &third, "a password of his own"] {
        assert!(!log.contains(secret), "secrets are not recorded");
    }
    world.stop().await;
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let world = World::start(1).await;
    let root = administrator(&world, "operator").await;
    for name in ["Bob", "bea", "李雷", "ben"] {
        world.user(0, name).await;
    }
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        match number % 2 {
            0 => drop(root.make_group(0, name, &["bob"]).await),
            _ => drop(root.make_room(0, name).await),
        }
    }
    root.open_direct(0, "bob").await;
    let all = async |list: &str, query: &str, name: &str| {
        let (mut names, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = root.get_json(0, &format!("/api/v1/admin/{list}?limit=2{query}{cursor}")).await;
            let entries = page[list].as_array().expect("a list");
            assert!(entries.len() <= 2, "{page}");
            names.extend(entries.iter().map(|it| it[name].as_str().expect("text").to_owned()));
            pages += 1;
            let Some(next) = page["next"].as_str() else { return (names, pages) };
            cursor = format!("&cursor={next}");
        }
    };
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(all("users", "", "username").await, (names(&["bea", "ben", "Bob", "operator", "李雷"]), 3));
    assert_eq!(all("users", "&q=BE", "username").await, (names(&["bea", "ben"]), 1));
    assert_eq!(all("users", "&q=%E6%9D%8E", "username").await.0, ["李雷"]);
    assert_eq!(all("users", "&q=nobody", "username").await.0, [""; 0]);
    let (rooms, _) = all("rooms", "", "name").await;
    assert_eq!(rooms, ["全局聊天室", "a", "b", "c"], "no direct room");
    let page = root.get_json(0, "/api/v1/admin/rooms?cursor=1&limit=1").await;
    let room = &page["rooms"][0];
    assert_eq!((&room["kind"], &room["owner_id"], &room["members"]), (&json!("group"), &json!(1), &json!(2)));
    let user = root.get_json(0, "/api/v1/admin/users?q=operator").await["users"][0].clone();
    assert_eq!((&user["id"], &user["is_admin"], &user["email"]), (&json!(1), &json!(true), &json!("")));
    world.stop().await;
}

#[tokio::test]
async fn the_log_keeps_the_latest_acts_of_ninety_days() {
    let world = World::start(1).await;
    let root = administrator(&world, "operator").await;
    world.user(0, "bob").await;
    let key = format!("{}audit", world.config.redis.prefix);
    let mut redis = connection();
    let count = |redis: &mut redis::Connection| -> u64 { redis::cmd("XLEN").arg(&key).query(redis).expect("a number") };
    redis::cmd("DEL").arg(&key).exec(&mut redis).expect("removed");
    let mut pipeline = redis::pipe();
    for number in 1..=10_050 {
        pipeline.cmd("XADD").arg(&key).arg(format!("{number}-1")).arg("act").arg("user.ban").ignore();
    }
    pipeline.exec(&mut redis).expect("added");
    assert_eq!(root.get_json(0, "/api/v1/admin/audit").await["entries"], json!([]), "too old to be shown");
    assert_eq!(call(&root, 0, "PUT", "/api/v1/admin/users/2/ban").await.0, 200);
    assert_eq!(count(&mut redis), 1, "and removed by the next act");
    let mut pipeline = redis::pipe();
    for _ in 0..10_050 {
        pipeline.cmd("XADD").arg(&key).arg("*").arg("act").arg("user.ban").ignore();
    }
    pipeline.exec(&mut redis).expect("added");
    assert_eq!(call(&root, 0, "DELETE", "/api/v1/admin/users/2/ban").await.0, 200);
    assert_eq!(count(&mut redis), 10_000);
    let ttl: i64 = redis::cmd("TTL").arg(&key).query(&mut redis).expect("a number");
    assert!((89 * 86_400..=90 * 86_400).contains(&ttl), "{ttl}");
    // Page by page, without an entry twice.
    let first = root.get_json(0, "/api/v1/admin/audit?limit=500").await;
    let cursor = first["next"].as_str().expect("a cursor");
    let second = root.get_json(0, &format!("/api/v1/admin/audit?limit=500&cursor={cursor}")).await;
    assert_eq!(first["entries"][0]["act"], "user.unban");
    assert_eq!(second["entries"].as_array().expect("a list").len(), 500);
    assert!(!second["entries"].to_string().contains(cursor));
    world.stop().await;
}

#[tokio::test]
async fn an_act_that_cannot_be_recorded_is_not_carried_out() {
    let world = World::start(1).await;
    let root = administrator(&world, "operator").await;
    world.user(0, "bob").await;
    let key = format!("{}audit", world.config.redis.prefix);
    redis::cmd("DEL").arg(&key).exec(&mut connection()).expect("removed");
    redis::cmd("SET").arg(&key).arg("no stream").exec(&mut connection()).expect("set");
    let (status, _) = call(&root, 0, "PUT", "/api/v1/admin/users/2/ban").await;
    assert!(status >= 500, "{status}");
    assert_eq!(log_in(&world, "bob", "your_strong_password").await, 200);
    world.stop().await;
}

#[tokio::test]
async fn the_command_line_lists_and_removes_rooms_and_prints_the_log() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let group = alice.make_group(0, "doomed", &[]).await;
    let public = alice.make_room(0, "kept").await;
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
        command.args(arguments).env("CHINWAG_REDIS__URL", &world.config.redis.url);
        command.env("CHINWAG_REDIS__PREFIX", &world.config.redis.prefix);
        command.env("CHINWAG_AUTH__JWT_SECRET", "a secret for tests, long enough".repeat(2));
        command.env("CHINWAG_DATA__DIR", world.folder());
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (code, list) = run(&["room", "list"]).await;
    assert_eq!(code, Some(0));
    let expected = format!(
        "1\tglobal\tpublic\t1\t全局聊天室\n2\t{}\tgroup\t1\tdoomed\n3\t{public}\tpublic\t1\tkept\n",
        room_id(group)
    );
    assert_eq!(list, expected);
    assert_eq!(run(&["room", "delete", &group.to_string()]).await.0, Some(0));
    assert_eq!(run(&["room", "delete", &group.to_string()]).await.0, Some(2), "it is gone");
    assert_eq!(run(&["room", "delete", "global"]).await.0, Some(2));
    assert_eq!(run(&["room", "delete", "no room"]).await.0, Some(2));
    assert_eq!(run(&["room", "delete", &public]).await.0, Some(0), "by its id");
    assert_eq!(run(&["user", "promote", "alice"]).await.0, Some(0));
    assert_eq!(run(&["room", "list"]).await.1.lines().count(), 1);
    let (code, link) = run(&["invite"]).await;
    assert_eq!(code, Some(0));
    let (code, log) = run(&["audit"]).await;
    assert_eq!(code, Some(0));
    let acts: Vec<Vec<&str>> = log.lines().map(|line| line.split('\t').skip(1).collect()).collect();
    let expected = [
        ["command line", "-", "invite", ""],
        ["command line", "-", "user.promote", "user alice (1)"],
        ["command line", "-", "room.delete", "room kept (3)"],
        ["command line", "-", "room.delete", "room doomed (2)"],
    ];
    assert_eq!(acts, expected);
    let invite = link.trim().rsplit('=').next().expect("a code");
    assert!(!invite.is_empty() && !log.contains(invite), "{log}");
    assert_eq!(run(&["audit", "--limit", "1"]).await.1.lines().count(), 1);
    let log = alice.get_json(0, "/api/v1/admin/audit").await;
    assert_eq!((&log["entries"][0]["actor"], &log["entries"][0]["address"]), (&Value::Null, &json!("")));
    world.stop().await;
}
