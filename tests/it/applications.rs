//! Applications: tokens with scopes, what they allow and nothing else, and the record of it.

use std::collections::BTreeSet;

use chinwag::domain::{Scope, UserName};
use chinwag::service::Operator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::raw_socket::RawSocket;
use crate::redis_cluster::RedisCluster;
use crate::support::{Redis, User, World, answered, ok, refused, room_id, shared_redis};

/// Every route for applications: method, path, body, scope, and the act that the log has of it. User 1 is alice, user 2 bob;
/// `{group}` is a group of alice's.
const ROUTES: [(&str, &str, &str, Scope, &str); 8] = [
    ("POST", "users", r#"{"username":"dave"}"#, Scope::WriteUsers, "user.add"),
    ("POST", "rooms", r#"{"name":"Alerts","owner_id":2}"#, Scope::WriteRooms, "room.add"),
    ("POST", "rooms/{group}/members", r#"{"user_id":2}"#, Scope::WriteMembers, "room.add_member"),
    ("POST", "messages", r#"{"room_id":1,"content":"hi"}"#, Scope::WriteMessages, "message.send"),
    ("POST", "messages", r#"{"user_id":2,"content":"hi"}"#, Scope::WriteMessages, "message.send"),
    ("POST", "messages", r#"{"room_id":1,"sender_id":1,"content":"hi"}"#, Scope::Impersonate, "message.send_as"),
    ("GET", "rooms/{group}/messages", "", Scope::ReadMessages, "message.read"),
    ("GET", "presence", "", Scope::ReadPresence, ""),
];

/// Makes a token as the command line does.
pub async fn token(world: &World, name: &str, scopes: &[Scope]) -> String {
    let (applications, _) = chinwag::node::applications(&world.config).await.expect("Redis answers");
    let name = UserName::parse(name).expect("a name");
    applications.create(&Operator::CommandLine, &name, scopes.to_vec()).await.expect("made").expose().to_owned()
}

async fn revoke(world: &World, name: &str) {
    let (applications, _) = chinwag::node::applications(&world.config).await.expect("Redis answers");
    applications.revoke(&Operator::CommandLine, name).await.expect("revoked");
}

async fn call(application: &User<'_>, node: usize, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = application.at(node, method.parse().expect("a method"), &format!("/api/v1/admin/{path}"));
    let request = match body {
        "" => request,
        body => request.header("content-type", "application/json").body(body.to_owned()),
    };
    answered(request.send().await).await
}

/// The contents in a page of a history.
fn contents(page: &Value) -> Vec<&str> {
    page.as_array().expect("a list").iter().map(|it| it["content"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn a_scope_opens_its_routes_and_no_other() {
    let world = World::start(2).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let group = alice.make_group(0, "closed", &[]).await.to_string();
    world.promote("alice").await;
    let log = async || {
        let page = alice.get_json(0, "/api/v1/admin/audit").await;
        let entries = page["entries"].as_array().expect("a list").clone();
        entries.into_iter().map(|it| (it["act"].clone(), it["actor"]["username"].clone())).collect::<Vec<_>>()
    };
    for granted in Scope::ALL {
        let name = format!("app {}", granted.word().replace(':', " "));
        let application = User::new(&world, &name, &token(&world, &name, &[granted]).await);
        for (node, (method, path, body, scope, act)) in ROUTES.into_iter().enumerate() {
            let path = path.replace("{group}", &group);
            let before = log().await.len();
            let (status, answer) = call(&application, node % 2, method, &path, body).await;
            match scope == granted {
                true => assert!((200..300).contains(&status), "{method} {path}: {answer}"),
                false => {
                    assert_eq!((status, &answer["code"]), (403, &json!("forbidden")), "{granted:?} {method} {path}")
                }
            }
            let after = log().await;
            let is_recorded = scope == granted && !act.is_empty();
            assert_eq!(after.len() - before, usize::from(is_recorded), "{method} {path}");
            assert!(!is_recorded || after[0] == (json!(act), json!(name)), "{after:?}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_token_of_an_application_opens_nothing_of_users_and_of_administrators() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let token = token(&world, "bridge", &Scope::ALL).await;
    let application = User::new(&world, "bridge", &token);
    for (method, path) in [
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/rooms"),
        ("GET", "/api/v1/user/profile"),
        ("POST", "/api/chat/history/private"),
        ("GET", "/api/chat/stats"),
        ("POST", "/api/chat/send"),
        ("POST", "/api/v1/chat/message"),
        ("GET", "/api/v1/admin/users"),
        ("GET", "/api/v1/admin/rooms"),
        ("GET", "/api/v1/admin/audit"),
        ("PUT", "/api/v1/admin/users/1/ban"),
        ("DELETE", "/api/v1/admin/users/1"),
        ("DELETE", "/api/v1/admin/rooms/2"),
        ("POST", "/api/v1/auth/invites"),
        ("GET", "/dashboard/figures?range=1h"),
        ("GET", "/dashboard/hooks"),
    ] {
        let request = application.at(0, method.parse().expect("a method"), path).json(&json!({}));
        assert_eq!(request.send().await.expect("answered").status(), 401, "{method} {path}");
    }
    for path in ["/ws", "/ws?ext=1", "/api/v1/ws", "/ws/chat", "/ws/chat?dialect=messenger"] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let opened = RawSocket::connect(&world.base(0)).await.open(&format!("{path}{mark}token={token}"), "").await;
        assert_eq!(opened.map(|_| ()).map_err(|(status, _)| status), Err(401), "{path}");
    }
    // Users may do nothing of it, administrators what concerns accounts, rooms and members.
    for is_admin in [false, true] {
        if is_admin {
            world.promote("alice").await;
        }
        for (method, path, body, scope, _) in ROUTES {
            let path = path.replace("{group}", "1");
            let (status, answer) = call(&alice, 0, method, &path, body).await;
            let speaks = matches!(scope, Scope::WriteMessages | Scope::Impersonate | Scope::ReadMessages);
            let is_refused = speaks || !is_admin;
            // There is no user 2 yet but the application's account.
            assert_eq!(status == 403, is_refused, "{is_admin} {method} {path}: {status} {answer}");
            let (status, _) = answered(
                world
                    .client
                    .request(method.parse().expect("a method"), world.url(0, &format!("/api/v1/admin/{path}")))
                    .send()
                    .await,
            )
            .await;
            assert_eq!(status, 401, "{method} {path}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_revoked_token_a_banned_account_and_a_made_up_token_open_nothing() {
    let world = World::start(2).await;
    let first = token(&world, "Bridge", &[Scope::ReadPresence]).await;
    let status =
        async |node: usize, token: &str| call(&User::new(&world, "", token), node, "GET", "presence", "").await.0;
    assert_eq!((status(0, &first).await, status(1, &first).await), (200, 200));
    world.set_banned("bridge", true).await;
    assert_eq!((status(0, &first).await, status(1, &first).await), (401, 401));
    world.set_banned("bridge", false).await;
    assert_eq!(status(1, &first).await, 200);
    revoke(&world, "bridge").await;
    assert_eq!((status(0, &first).await, status(1, &first).await), (401, 401));
    // The account stays, and speaks for the next token with the name.
    let second = token(&world, "bridge", &[Scope::WriteMessages]).await;
    let application = User::new(&world, "bridge", &second);
    let (status_of_sent, sent) = call(&application, 0, "POST", "messages", r#"{"room_id":1,"content":"back"}"#).await;
    assert_eq!((status_of_sent, &sent["user_id"], &sent["username"]), (201, &json!(1), &json!("Bridge")), "{sent}");
    assert_eq!((status(0, &first).await, status(0, &second).await), (401, 403));
    let made_up = format!("cwa_{}", "0".repeat(64));
    for token in [made_up.as_str(), "cwa_", "cwa_x", ""] {
        assert_eq!(status(0, token).await, 401, "{token}");
    }
    let credentials = json!({"username": "bridge", "password": ""});
    for password in ["", "your_strong_password"] {
        let credentials = json!({"username": credentials["username"], "password": password});
        let answer = world.client.post(world.url(0, "/api/v1/auth/login")).json(&credentials).send().await;
        assert!([400, 401].contains(&answer.expect("answered").status().as_u16()), "nobody logs in as the application");
    }
    world.stop().await;
}

#[tokio::test]
async fn an_application_makes_users_rooms_and_members_and_its_messages_reach_all() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let application = User::new(&world, "bridge", &token(&world, "bridge", &Scope::ALL).await);
    let body = r#"{"username":"carol","password":"your_strong_password","email":"c@example.org"}"#;
    let (status, carol) = call(&application, 0, "POST", "users", body).await;
    assert_eq!((status, &carol["username"], &carol["email"]), (201, &json!("carol"), &json!("c@example.org")));
    world.log_in(1, "carol", "your_strong_password").await;
    for (body, status) in [
        (body, 409),
        (r#"{"username":"Carol"}"#, 409),
        (r#"{"username":"bridge"}"#, 409),
        (r#"{"username":"dave","password":"123456"}"#, 400),
        (r#"{"username":"dave","email":"x"}"#, 400),
        ("{}", 400),
    ] {
        assert_eq!(call(&application, 0, "POST", "users", body).await.0, status, "{body}");
    }

    let mut socket = world.webchat(1, &bob, "ext=1").await;
    let (status, room) = call(&application, 0, "POST", "rooms", r#"{"name":"Alerts","owner_id":1}"#).await;
    assert_eq!(status, 201, "{room}");
    let (number, id) = (room["id"].as_u64().expect("a number"), room["room_id"].as_str().expect("an id"));
    assert_eq!(id, room_id(number));
    let members = format!("rooms/{number}/members");
    for user in [2, 2, 3] {
        let (status, body) = call(&application, 1, "POST", &members, &format!(r#"{{"user_id":{user}}}"#)).await;
        assert_eq!((status, body), (201, json!({"message": "Member added"})));
    }
    let names = alice.get_json(1, &format!("/api/v1/rooms/{number}/members")).await;
    let names: Vec<&str> = names.as_array().expect("a list").iter().filter_map(|it| it["username"].as_str()).collect();
    assert_eq!(names, ["alice", "bob", "bridge"]);

    let message = format!(r#"{{"room_id":{number},"content":"red","client_id":"build-7"}}"#);
    let (status, sent) = call(&application, 0, "POST", "messages", &message).await;
    assert_eq!((status, &sent["username"], &sent["room_id"]), (201, &json!("bridge"), &json!(number)));
    let (status, again) = call(&application, 1, "POST", "messages", &message).await;
    assert_eq!((status, &again["id"]), (201, &sent["id"]), "stored once");
    let of_alice = format!(r#"{{"room_id":{number},"sender_id":1,"content":"on it"}}"#);
    assert_eq!(call(&application, 0, "POST", "messages", &of_alice).await.1["username"], "alice");
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let pushed = socket.next_of("new_message").await["payload"].clone();
        if pushed["user_id"] != 0 {
            heard.push((pushed["username"].clone(), pushed["content"].clone()));
        }
    }
    assert_eq!(heard, [(json!("bridge"), json!("red")), (json!("alice"), json!("on it"))]);
    assert_eq!(bob.texts(0, &format!("room_id={id}")).await[..2], ["on it", "red"]);
    let direct = r#"{"user_id":2,"content":"psst"}"#;
    assert_eq!(call(&application, 0, "POST", "messages", direct).await.0, 201);
    let conversations = bob.get_json(1, "/api/v1/conversations").await;
    assert_eq!((&conversations[0]["name"], &conversations[0]["unread"]), (&json!("bridge"), &json!(1)));

    // What a sender may not do, the application does not either.
    let foreign = alice.make_group(0, "foreign", &[]).await;
    for (body, status) in [
        (format!(r#"{{"room_id":{foreign},"content":"x"}}"#), 404),
        (format!(r#"{{"room_id":{foreign},"sender_id":2,"content":"x"}}"#), 404),
        (r#"{"room_id":77,"content":"x"}"#.to_owned(), 404),
        (r#"{"room_id":0,"content":"x"}"#.to_owned(), 404),
        (r#"{"room_id":1,"sender_id":77,"content":"x"}"#.to_owned(), 404),
        (r#"{"room_id":1,"sender_id":0,"content":"x"}"#.to_owned(), 404),
        (r#"{"user_id":3,"content":"x"}"#.to_owned(), 400),
        (r#"{"user_id":77,"content":"x"}"#.to_owned(), 404),
        (r#"{"room_id":1,"user_id":2,"content":"x"}"#.to_owned(), 400),
        (r#"{"content":"x"}"#.to_owned(), 400),
        (r#"{"room_id":1}"#.to_owned(), 400),
        (r#"{"room_id":1,"content":"x","message_type":"system"}"#.to_owned(), 400),
        (r#"{"room_id":"1","content":"x"}"#.to_owned(), 400),
    ] {
        assert_eq!(call(&application, 0, "POST", "messages", &body).await.0, status, "{body}");
    }
    world.set_banned("bob", true).await;
    let of_banned = r#"{"room_id":1,"sender_id":2,"content":"x"}"#;
    assert_eq!(call(&application, 0, "POST", "messages", of_banned).await.0, 403);
    for (path, body, status) in [
        ("rooms", r#"{"name":""}"#, 400),
        ("rooms", r#"{"description":"x"}"#, 400),
        ("rooms", r#"{"name":"x","owner_id":77}"#, 404),
        ("rooms/77/members", r#"{"user_id":1}"#, 404),
        ("rooms/x/members", r#"{"user_id":1}"#, 404),
        ("rooms/1/members", r#"{"user_id":77}"#, 404),
        ("rooms/1/members", r#"{}"#, 400),
        ("rooms/1/members", r#"{"user_id":1}"#, 201),
    ] {
        assert_eq!(call(&application, 0, "POST", path, body).await.0, status, "{path} {body}");
    }
    let direct = conversations[0]["id"].as_u64().expect("a number");
    let (status, body) = call(&application, 0, "POST", &format!("rooms/{direct}/members"), r#"{"user_id":1}"#).await;
    assert_eq!((status, &body["code"]), (400, &json!("direct_room")));
    world.stop().await;
}

#[tokio::test]
async fn an_application_reads_any_history_and_reads_nothing_for_anybody() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let direct = alice.open_direct(0, "bob").await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        alice.send(0, &room_id(direct), text).await;
    }
    let application = User::new(&world, "reader", &token(&world, "reader", &[Scope::ReadMessages]).await);
    for node in [0, 1] {
        let path = format!("rooms/{direct}/messages");
        let (status, page) = call(&application, node, "GET", &path, "").await;
        assert_eq!((status, contents(&page)), (200, vec!["three", "two", "one"]));
        ids = page.as_array().expect("a list").iter().map(|it| it["id"].as_u64().expect("an id")).collect();
        for (query, expected) in [
            ("?limit=1".to_owned(), vec!["three"]),
            (format!("?before={}", ids[0]), vec!["two", "one"]),
            (format!("?after={}", ids[2]), vec!["two", "three"]),
        ] {
            assert_eq!(
                contents(&call(&application, node, "GET", &format!("{path}{query}"), "").await.1),
                expected,
                "{query}"
            );
        }
        for query in ["?before=x", "?after=0", &format!("?before={}&after={}", ids[0], ids[2]), "?limit=0"] {
            assert_eq!(call(&application, node, "GET", &format!("{path}{query}"), "").await.0, 400, "{query}");
        }
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(call(&application, 0, "GET", "rooms/77/messages", "").await.0, 404);
    let unread = bob.get_json(0, "/api/v1/conversations").await;
    assert_eq!(unread[0]["unread"], 3, "{unread}");
    refused(world.user(0, "eve").await.get(0, &format!("messages?room_id={}", room_id(direct))).send().await, 404)
        .await;
    let online = User::new(&world, "watcher", &token(&world, "watcher", &[Scope::ReadPresence]).await);
    let (status, page) = call(&online, 1, "GET", "presence?limit=1", "").await;
    let next = page["next"].as_str().expect("a cursor");
    let rest = call(&online, 1, "GET", &format!("presence?cursor={next}"), "").await.1;
    let mut names: Vec<&str> = [&page, &rest]
        .iter()
        .flat_map(|it| it["users"].as_array().expect("a list"))
        .filter_map(|it| it["username"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!((status, names), (200, vec!["alice", "bob", "eve"]));
    assert!(!page.to_string().contains("127.0.0.1"), "no addresses: {page}");
    assert_eq!(call(&online, 1, "GET", "presence?cursor=x", "").await.0, 400);
    world.stop().await;
}

#[tokio::test]
async fn an_application_has_a_rate_of_its_own_and_none_of_users() {
    let world = World::start_with(1, shared_redis(), |config| {
        let limits = &mut config.limits;
        (limits.requests_per_sec, limits.requests_burst) = (1, 8);
        (limits.sends_per_sec, limits.sends_burst) = (1, 1);
        (limits.user_sends_per_sec, limits.user_sends_burst) = (1, 1);
        (limits.rooms_per_sec, limits.rooms_burst) = (1, 1);
        limits.rooms_made_daily = 1;
        (limits.application_requests_per_sec, limits.application_requests_burst) = (1, 30);
    })
    .await;
    world.user(0, "alice").await;
    let all = [Scope::WriteMessages, Scope::WriteRooms, Scope::Impersonate];
    let (bridge, other) = (token(&world, "bridge", &all).await, token(&world, "other", &all).await);
    let (bridge, other) = (User::new(&world, "bridge", &bridge), User::new(&world, "other", &other));
    for number in 0..10 {
        let body = format!(r#"{{"room_id":1,"content":"{number}"}}"#);
        assert_eq!(call(&bridge, 0, "POST", "messages", &body).await.0, 201, "{number}");
        let body = format!(r#"{{"room_id":1,"sender_id":1,"content":"{number}"}}"#);
        assert_eq!(call(&bridge, 0, "POST", "messages", &body).await.0, 201, "{number}");
        let body = format!(r#"{{"name":"room {number}"}}"#);
        assert_eq!(call(&bridge, 0, "POST", "rooms", &body).await.0, 201, "{number}");
    }
    let mut limited = None;
    for _ in 0..20 {
        let answer = bridge.at(0, Method::POST, "/api/v1/admin/messages").json(&json!({"room_id": 1, "content": "x"}));
        let answer = answer.send().await.expect("answered");
        if answer.status() == 429 {
            limited = Some(answer.headers().contains_key("retry-after"));
            break;
        }
    }
    assert_eq!(limited, Some(true));
    assert_eq!(call(&other, 0, "POST", "messages", r#"{"room_id":1,"content":"x"}"#).await.0, 201);
    world.stop().await;
}

#[tokio::test]
async fn acts_of_applications_do_not_push_out_those_of_administrators() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| config.redis.prefix = "p:".to_owned()).await;
    let root = world.user(0, "operator").await;
    world.promote("operator").await;
    let application = User::new(&world, "bridge", &token(&world, "bridge", &[Scope::WriteMessages]).await);
    for text in ["one", "two"] {
        let body = format!(r#"{{"room_id":1,"content":"{text}"}}"#);
        assert_eq!(call(&application, 0, "POST", "messages", &body).await.0, 201);
    }
    // Two entries of the same time and number, one in each stream, on both sides of the end of a page.
    let mut connection = redis.connection();
    for (key, act) in [("p:audit", "user.ban"), ("p:audit:applications", "message.send")] {
        redis::cmd("XADD")
            .arg(key)
            .arg("9999999999999-0")
            .arg(&["act", act, "address", ""])
            .exec(&mut connection)
            .expect("added");
    }
    let mut acts = Vec::new();
    let mut path = "/api/v1/admin/audit?limit=1".to_owned();
    loop {
        let page = root.get_json(0, &path).await;
        for entry in page["entries"].as_array().expect("a list") {
            acts.push(entry["act"].as_str().expect("text").to_owned());
            assert!(acts.len() < 20, "pages end");
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/admin/audit?limit=1&cursor={next}");
    }
    acts[..2].sort_unstable();
    assert_eq!(acts, ["message.send", "user.ban", "message.send", "message.send", "token.create", "user.promote"]);
    for (key, entries) in [("p:audit", 3), ("p:audit:applications", 3)] {
        assert_eq!(redis::cmd("XLEN").arg(key).query::<u64>(&mut connection).expect("a number"), entries, "{key}");
    }
    let stored: Vec<String> =
        redis::cmd("HVALS").arg("p:{applications}:tokens").query(&mut connection).expect("a list");
    assert!(!stored.concat().contains("cwa_"), "{stored:?}");
    let digests: Vec<String> =
        redis::cmd("HKEYS").arg("p:{applications}:tokens").query(&mut connection).expect("a list");
    assert!(digests.iter().all(|digest| digest.len() == 64 && !application.token.contains(digest.as_str())));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_act_on_a_cluster() {
    let cluster = RedisCluster::start_without_replicas().await;
    let world = World::start_with(2, &cluster.url(), |_| {}).await;
    let (alice, _) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = alice.make_group(0, "closed", &[]).await.to_string();
    let application = User::new(&world, "bridge", &token(&world, "bridge", &Scope::ALL).await);
    for (node, (method, path, body, _, act)) in ROUTES.into_iter().enumerate() {
        let (status, answer) = call(&application, node % 2, method, &path.replace("{group}", &group), body).await;
        assert!((200..300).contains(&status), "{act} {path}: {status} {answer}");
    }
    world.promote("alice").await;
    let log = ok(alice.at(1, Method::GET, "/api/v1/admin/audit").send().await).await;
    assert_eq!(log["entries"].as_array().expect("a list").len(), 9, "{log}");
    revoke(&world, "bridge").await;
    assert_eq!(call(&application, 1, "GET", "presence", "").await.0, 401);
    world.stop().await;
}
