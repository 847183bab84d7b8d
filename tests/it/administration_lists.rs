//! The lists for administrators: invites, rooms and their members, uploads, the audit log.

use chinwag::config::Registration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::invites::make_invite;
use crate::support::{User, World, answered, eventually, ok, shared_redis};
use crate::uploads::{upload, upload_picture};
use chinwag::conformance::sample;

/// Calls a route as an administrator. Returns the status and the body.
async fn call(user: &User<'_>, node: usize, method: Method, path: &str, body: &Value) -> (u16, Value) {
    answered(user.at(node, method, &format!("/api/v1/{path}")).json(body).send().await).await
}

/// Logs a new user in who is an administrator.
async fn administrator<'a>(world: &'a World, name: &str) -> User<'a> {
    let user = world.user(0, name).await;
    world.promote(name).await;
    user
}

/// Reads a list page by page. Returns what a field of its entries is, and the number of pages.
async fn all(user: &User<'_>, path: &str, list: &str, field: &str) -> (Vec<Value>, usize) {
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = user.get_json(1, &format!("/api/v1/{path}limit=2{cursor}")).await;
        let entries = page[list].as_array().expect("a list");
        assert!(entries.len() <= 2, "{page}");
        found.extend(entries.iter().map(|entry| entry[field].clone()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { return (found, pages) };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn a_user_who_is_promoted_administers_at_once_until_demoted() {
    let world = World::start(2).await;
    let root = administrator(&world, "operator").await;
    let bob = world.user(1, "bob").await;
    let status = async || call(&bob, 1, Method::GET, "admin/users", &json!({})).await.0;
    assert_eq!(status().await, 403);
    for (method, message, expected) in [
        (Method::PUT, "User promoted", 200),
        (Method::PUT, "User promoted", 200),
        (Method::DELETE, "User demoted", 403),
        (Method::DELETE, "User demoted", 403),
    ] {
        let answer = call(&root, 0, method, "admin/users/2/admin", &json!({})).await;
        assert_eq!(answer, (200, json!({"message": message})));
        eventually("the role is in force", async || status().await == expected).await;
        let listed = &root.get_json(0, "/api/v1/admin/users?q=bob").await["users"][0];
        assert_eq!(listed["is_admin"], expected == 200);
        assert_eq!(bob.get_json(1, "/api/v1/me").await["is_admin"], expected == 200, "and the session goes on");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_reason_of_a_ban_is_in_the_list_and_in_the_log() {
    let world = World::start(1).await;
    let root = administrator(&world, "operator").await;
    world.user(0, "bob").await;
    for bad in [json!("x".repeat(201)), json!("a\nb"), json!("\u{202e}"), json!(7)] {
        let (status, body) = call(&root, 0, Method::PUT, "admin/users/2/ban", &json!({"reason": bad})).await;
        assert_eq!(status, 400, "{bad}: {body}");
    }
    let user = async || root.get_json(0, "/api/v1/admin/users?q=bob").await["users"][0].clone();
    assert_eq!((&user().await["is_banned"], &user().await["ban_reason"]), (&json!(false), &json!("")));
    for (method, given, kept) in [
        (Method::PUT, json!({"reason": " 发广告 "}), "发广告"),
        (Method::PUT, json!({"reason": null}), ""),
        (Method::PUT, json!({"reason": "spam"}), "spam"),
        (Method::DELETE, json!({}), ""),
        (Method::PUT, Value::Null, ""),
    ] {
        let is_banned = method == Method::PUT;
        assert_eq!(call(&root, 0, method, "admin/users/2/ban", &given).await.0, 200, "{given}");
        let user = user().await;
        assert_eq!((&user["is_banned"], &user["ban_reason"]), (&json!(is_banned), &json!(kept)), "{given}");
    }
    let log = root.get_json(0, "/api/v1/admin/audit?act=user.ban").await;
    let reasons: Vec<&Value> = log["entries"].as_array().expect("a list").iter().map(|it| &it["reason"]).collect();
    assert_eq!(reasons, ["", "spam", "", "发广告"]);
    world.stop().await;
}

#[tokio::test]
async fn invites_are_listed_without_their_codes_and_can_be_revoked() {
    let world = World::start_with(2, shared_redis(), |config| config.auth.registration = Registration::Open).await;
    let root = administrator(&world, "operator").await;
    let alice = world.user(0, "alice").await;
    let mut made = Vec::new();
    for (uses, days) in [(1, 1), (2, 30), (3, 7)] {
        let (status, invite) = call(&root, 0, Method::POST, "auth/invites", &json!({"uses": uses, "days": days})).await;
        assert_eq!(status, 201, "{invite}");
        made.push(invite);
    }
    for (method, path) in [(Method::GET, "auth/invites"), (Method::DELETE, "auth/invites/{id}")] {
        let path = path.replace("{id}", made[0]["id"].as_str().expect("an id"));
        assert_eq!(call(&alice, 1, method, &path, &json!({})).await.0, 403, "{path}");
    }
    let (ids, pages) = all(&root, "auth/invites?", "invites", "id").await;
    assert_eq!((ids, pages), (vec![made[1]["id"].clone(), made[2]["id"].clone(), made[0]["id"].clone()], 2));
    let list = root.get_json(1, "/api/v1/auth/invites").await;
    let first = &list["invites"][0];
    assert_eq!((&first["uses"], &first["used"]), (&json!(2), &json!(0)));
    assert_eq!(first["created_by"], json!({"id": 1, "username": "operator"}));
    assert_eq!(first["expires_at"], made[1]["expires_at"]);
    for invite in &made {
        let code = invite["invite"].as_str().expect("a code");
        assert!(!list.to_string().contains(code), "the code is shown once");
    }
    let revoke = async |node: usize, id: &str| {
        call(&root, node, Method::DELETE, &format!("auth/invites/{id}"), &json!({})).await
    };
    let id = made[1]["id"].as_str().expect("an id");
    assert_eq!(revoke(1, id).await, (200, json!({"message": "Invite revoked"})));
    for gone in [id, "x", &id.replace('-', ":"), &format!("{id}1")] {
        let (status, body) = revoke(0, gone).await;
        assert_eq!((status, &body["code"]), (404, &json!("not_found")), "{gone}");
    }
    assert_eq!(all(&root, "auth/invites?", "invites", "uses").await.0, [json!(3), json!(1)]);
    let log = root.get_json(0, "/api/v1/admin/audit?act=invite").await;
    let acts: Vec<&Value> = log["entries"].as_array().expect("a list").iter().map(|it| &it["act"]).collect();
    assert_eq!(acts, ["invite.revoke", "invite", "invite", "invite"], "each once, and no refusal");
    for cursor in ["x", "-1"] {
        let path = format!("auth/invites?cursor={cursor}");
        assert_eq!(call(&root, 0, Method::GET, &path, &json!({})).await.0, 400, "{cursor}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_revoked_invite_lets_nobody_register() {
    let world = World::start_with(1, shared_redis(), |config| config.auth.registration = Registration::Invite).await;
    let invite = make_invite(&world, 5).await;
    let register = async |name: &str, code: &str| {
        let body = json!({"username": name, "password": "your_strong_password", "invite": code});
        let url = world.url(0, "/api/v1/auth/register?ext=1");
        answered(world.client.post(url).json(&body).send().await).await
    };
    assert_eq!(register("operator", &invite).await.0, 201);
    let root = world.log_in(0, "operator", "your_strong_password").await;
    world.promote("operator").await;
    let list = root.get_json(0, "/api/v1/auth/invites").await;
    assert_eq!((&list["invites"][0]["used"], &list["invites"][0]["created_by"]), (&json!(1), &Value::Null));
    assert_eq!(register("bob", &invite).await.0, 201);
    let id = list["invites"][0]["id"].as_str().expect("an id");
    assert_eq!(call(&root, 0, Method::DELETE, &format!("auth/invites/{id}"), &json!({})).await.0, 200);
    let (status, body) = register("carol", &invite).await;
    assert_eq!((status, &body["code"]), (403, &json!("invite_invalid")));
    world.log_in(0, "bob", "your_strong_password").await;
    world.stop().await;
}

#[tokio::test]
async fn rooms_are_found_by_a_part_of_their_name_and_show_their_members() {
    let world = World::start(2).await;
    let root = administrator(&world, "operator").await;
    let alice = world.user(0, "alice").await;
    for name in ["bob", "carol", "dave"] {
        world.user(1, name).await;
    }
    let tea = alice.make_group(0, "Green TEA", &["bob", "carol", "dave"]).await;
    alice.make_room(0, "绿茶").await;
    alice.make_room(1, "coffee").await;
    let direct = alice.open_direct(0, "bob").await;
    let names = async |q: &str| all(&root, &format!("admin/rooms?q={q}&"), "rooms", "name").await.0;
    assert_eq!(names("tea").await, ["Green TEA"]);
    assert_eq!(names("%E8%8C%B6").await, ["绿茶"]);
    assert_eq!(names("e").await, ["Green TEA", "coffee"]);
    for other_name in ["lob", "GLOBAL", "%E5%85%A8%E5%B1%80"] {
        assert_eq!(names(other_name).await, ["全局聊天室"], "{other_name}");
    }
    assert_eq!(names("nothing").await, [""; 0]);
    let (members, pages) = all(&root, &format!("admin/rooms/{tea}/members?"), "members", "username").await;
    assert_eq!((members, pages), (["alice", "bob", "carol", "dave"].map(Value::from).to_vec(), 2));
    let page = root.get_json(0, &format!("/api/v1/admin/rooms/{tea}/members")).await;
    assert_eq!((&page["members"][0]["role"], &page["members"][1]["role"]), (&json!("owner"), &json!("member")));
    let (status, body) = call(&root, 0, Method::GET, &format!("admin/rooms/{direct}/members"), &json!({})).await;
    assert_eq!((status, &body["code"]), (400, &json!("direct_room")), "what two users write is theirs");
    world.stop().await;
}

#[tokio::test]
async fn uploads_are_added_up_by_user_until_their_files_are_gone() {
    let world = World::start_with(2, shared_redis(), |config| config.uploads.check_secs = 1).await;
    let root = administrator(&world, "operator").await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let totals = async || root.get_json(1, "/api/v1/admin/uploads").await;
    assert_eq!(totals().await["users"], json!([]));
    let message = ok(upload(&alice, 0, "a.pdf", sample("pdf", 200_000), "global").await).await;
    ok(upload(&bob, 1, "b.pdf", sample("pdf", 30_000), "global").await).await;
    ok(upload(&bob, 0, "c.pdf", sample("pdf", 40_000), "global").await).await;
    let picture = upload_picture(&bob, 0).await;
    let picture_bytes = world.client.get(world.url(0, &picture)).send().await.expect("answered");
    let picture_bytes = picture_bytes.bytes().await.expect("a body").len();
    let shown = async || {
        let users = totals().await["users"].as_array().expect("a list").clone();
        users.iter().map(|it| (it["username"].clone(), it["bytes"].as_u64())).collect::<Vec<_>>()
    };
    let of_bob = (json!("bob"), Some(70_000 + picture_bytes as u64));
    assert_eq!(shown().await, [(json!("alice"), Some(200_000)), of_bob.clone()]);
    let page = totals().await;
    assert_eq!(page["day_limit_bytes"], world.config.limits.uploads_bytes_per_day);
    assert!(page["users"][0]["day_bytes"].as_u64().is_some_and(|bytes| bytes >= 200_000), "{page}");
    let (ids, pages) = all(&root, "admin/uploads?", "users", "id").await;
    assert_eq!((ids, pages), (vec![json!(2), json!(3)], 1));
    // With its message, the file of a message ends.
    let id = message["id"].as_str().expect("an id");
    let path = format!("/api/chat/messages/{id}?room_id=global");
    ok(alice.at(0, Method::DELETE, &path).send().await).await;
    assert_eq!(shown().await, [of_bob]);
    // After its last use, any other ends.
    let prefix = &world.config.redis.prefix;
    let key = format!("{prefix}{{uploads}}:used");
    let mut redis = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    let member = picture.trim_start_matches("/uploads/");
    redis::cmd("ZADD").arg(&key).arg("XX").arg(1).arg(member).exec(&mut redis).expect("aged");
    eventually("the picture counts no more", async || shown().await == [(json!("bob"), Some(70_000))]).await;
    assert_eq!(call(&root, 0, Method::DELETE, "admin/users/3", &json!({})).await.0, 200);
    assert_eq!(shown().await, [(json!("已注销"), Some(70_000))], "files stay with the messages");
    world.stop().await;
}

#[tokio::test]
async fn the_log_is_searched_by_act_and_name_over_all_of_its_pages() {
    let world = World::start(2).await;
    let root = administrator(&world, "operator").await;
    world.user(0, "bob").await;
    let alice = world.user(0, "alice").await;
    let group = alice.make_group(0, "Tea", &[]).await;
    let key = format!("{}audit", world.config.redis.prefix);
    let mut redis = redis::Client::open(shared_redis()).and_then(|it| it.get_connection()).expect("Redis answers");
    assert_eq!(call(&root, 0, Method::PUT, "admin/users/2/ban", &json!({"reason": "spam"})).await.0, 200);
    // More than one search looks at.
    let mut pipeline = redis::pipe();
    for _ in 0..1500 {
        pipeline.cmd("XADD").arg(&key).arg("*").arg("act").arg("invite").ignore();
    }
    pipeline.exec(&mut redis).expect("added");
    assert_eq!(call(&root, 0, Method::DELETE, "admin/users/2/ban", &json!({})).await.0, 200);
    assert_eq!(call(&root, 0, Method::DELETE, &format!("admin/rooms/{group}"), &json!({})).await.0, 200);
    let acts = async |query: &str| all(&root, &format!("admin/audit?{query}&"), "entries", "act").await.0;
    assert_eq!(acts("act=user").await, ["user.unban", "user.ban", "user.promote"]);
    assert_eq!(acts("act=user.ban").await, ["user.ban"]);
    assert_eq!(acts("q=BO").await, ["user.unban", "user.ban"]);
    assert_eq!(acts("q=operator&act=room").await, ["room.delete"]);
    assert_eq!(acts("q=tea").await, ["room.delete"], "by the name of a room");
    assert_eq!(acts("act=invite").await.len(), 1500);
    assert_eq!(acts("q=nobody").await, [""; 0]);
    let first = root.get_json(0, "/api/v1/admin/audit?act=user&limit=1").await;
    assert_eq!(first["entries"][0]["act"], "user.unban");
    assert!(first["next"].is_string());
    world.stop().await;
}
