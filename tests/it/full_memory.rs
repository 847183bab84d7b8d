//! Redis without memory: what takes more is refused clearly, everything else works.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect_clients::SendPath;
use crate::process::{Process, external};
use crate::socket::Socket;
use crate::support::{Redis, User, World, answered, client, eventually, ok, room_id, scratch};

const MAX_MEMORY: usize = 64 * PIECE;
/// What a key of the ballast takes.
const PIECE: usize = 1024 * 1024;

fn ballast() -> impl Iterator<Item = String> {
    (0..MAX_MEMORY * 9 / 10 / PIECE).map(|number| format!("ballast:{number}"))
}

/// A Redis with little memory, and nodes on it.
struct Narrow {
    redis: Redis,
    world: World,
}

impl Narrow {
    async fn start(nodes: usize) -> Self {
        let redis = Redis::start(&["--maxmemory", &MAX_MEMORY.to_string(), "--maxmemory-policy", "noeviction"]);
        let world = World::start_with(nodes, &redis.url(), |_| {}).await;
        Self { redis, world }
    }

    /// Takes nine tenths of the memory and what Redis takes itself.
    fn fill(&self) {
        let mut pipeline = redis::pipe();
        for key in ballast() {
            // A little less than a piece, which the allocator would round up.
            pipeline.cmd("SETRANGE").arg(key).arg(PIECE - 256).arg("x").ignore();
        }
        pipeline.exec(&mut self.redis.connection()).expect("written");
    }

    fn empty(&self) {
        let keys: Vec<String> = ballast().collect();
        redis::cmd("DEL").arg(keys).exec(&mut self.redis.connection()).expect("deleted");
    }

    /// Waits until a node shows in its metrics whether the memory is full.
    async fn shows(&self, node: usize, is_full: bool) {
        let line = format!("chinwag_redis_memory_full {}\n", u8::from(is_full));
        eventually(&line, async || {
            let answer = self.world.client.get(self.world.url(node, "/metrics")).send().await.expect("answered");
            answer.text().await.expect("text").contains(&line)
        })
        .await;
    }
}

/// The routes of what takes memory.
const TAKING_MEMORY: [&str; 11] = [
    "/api/v1/auth/register",
    "/api/v1/register",
    "/api/chat/send",
    "/api/v1/chat/message",
    "/api/chat/upload",
    "/api/v1/upload/file",
    "/api/chat/rooms",
    "/api/v1/rooms",
    "/api/v1/rooms",
    "/api/v1/group",
    "/api/v1/rooms/{id}/members",
];

/// Everything that takes memory, over HTTP and in the order of [`TAKING_MEMORY`]: status and body.
async fn refused_over_http(world: &World, user: &User<'_>, group: u64) -> Vec<(u16, Value)> {
    let new_user = json!({"username": "newcomer", "password": "your_strong_password"});
    let new_address = json!({"username": "newcomer", "email": "a@example.org", "password": "your_strong_password"});
    let text = json!({"message_type": "text", "content": "x"});
    let enveloped = json!({"type": "text", "content": "x", "receiver_id": "2"});
    let file = |name: &'static str| {
        let part = reqwest::multipart::Part::bytes(b"text".to_vec()).file_name("a.txt");
        reqwest::multipart::Form::new().part(name, part)
    };
    let room = reqwest::multipart::Form::new().text("room_name", "new");
    let post = |path: &str| world.client.post(world.url(0, path));
    let requests = [
        post("/api/v1/auth/register").json(&new_user),
        post("/api/v1/register").json(&new_address),
        user.post(0, "send").json(&text),
        user.at(0, Method::POST, "/api/v1/chat/message").json(&enveloped),
        user.post(0, "upload").multipart(file("file")),
        user.at(0, Method::POST, "/api/v1/upload/file").multipart(file("file")),
        user.post(0, "rooms").multipart(room),
        user.at(0, Method::POST, "/api/v1/rooms").json(&json!({"name": "new", "is_private": false})),
        user.at(0, Method::POST, "/api/v1/rooms").json(&json!({"is_private": true, "username": "carol"})),
        user.at(0, Method::POST, "/api/v1/group").json(&json!({"name": "new"})),
        user.at(0, Method::POST, &format!("/api/v1/rooms/{group}/members")).json(&json!({"username": "carol"})),
    ];
    let mut answers = Vec::new();
    for request in requests {
        answers.push(answered(request.send().await).await);
    }
    answers
}

/// The frame by which a socket refuses a message.
async fn refusal(world: &World, user: &User<'_>, path: SendPath) -> Value {
    let one = async |mut socket: Socket, frame: Value| {
        socket.send(&frame).await;
        socket.next().await
    };
    match path {
        SendPath::Webchat => {
            let frame = json!({"type": "send_message", "payload": {"room_id": 1, "content": "x"}});
            one(world.webchat(0, user, "").await, frame).await
        }
        SendPath::EnvelopeSocket => {
            let frame = json!({"type": "text", "content": "x", "receiver_id": "2"});
            one(world.envelope(0, user).await, frame).await
        }
        SendPath::Messenger => {
            let frame = json!({"type": "chat", "chat_type": "room", "receiver_id": 1, "content": "x"});
            one(world.messenger(0, user).await, frame).await
        }
        SendPath::Imtypes => {
            let frame = json!({"type": "text", "content": "x", "receiverId": "global"});
            one(world.imtypes(0, user, "").await, frame).await
        }
        SendPath::Envelope | SendPath::Chatroom => panic!("no socket"),
    }
}

#[tokio::test]
async fn what_takes_memory_is_refused_in_every_document() {
    let narrow = Narrow::start(1).await;
    let world = &narrow.world;
    let (alice, _bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    world.user(0, "carol").await;
    let group = alice.make_group(0, "group", &["bob"]).await;
    narrow.shows(0, false).await;
    narrow.fill();
    narrow.shows(0, true).await;
    let answers = refused_over_http(world, &alice, group).await;
    let chinese = json!({"code": 507, "message": "存储空间不足", "error": "服务器存储空间不足，暂时无法保存新内容"});
    let english = json!({"error": "The server has no space left"});
    let coded = json!({"error": "The server has no space left", "code": "storage_full"});
    let detail = json!({"detail": "服务器存储空间不足"});
    let expected =
        [&english, &chinese, &detail, &chinese, &detail, &english, &detail, &english, &english, &chinese, &coded];
    let document = serde_json::to_value(chinwag::node::openapi()).expect("JSON");
    for (((status, body), expected), route) in answers.iter().zip(expected).zip(TAKING_MEMORY) {
        assert_eq!((*status, body), (507, expected), "{route}");
        assert!(document["paths"][route]["post"]["responses"]["507"].is_object(), "{route}");
    }
    let frame = json!({"type": "error", "payload": {"message": "The server has no space left"}});
    assert_eq!(refusal(world, &alice, SendPath::Webchat).await, frame);
    assert_eq!(refusal(world, &alice, SendPath::EnvelopeSocket).await, chinese);
    let frame = json!({"type": "error", "code": 507, "message": "服务器存储空间不足"});
    assert_eq!(refusal(world, &alice, SendPath::Messenger).await, frame);
    assert_eq!(refusal(world, &alice, SendPath::Imtypes).await["content"], "服务器存储空间不足");
    narrow.world.stop().await;
}

#[tokio::test]
async fn reading_deleting_and_presence_go_on_and_sending_resumes() {
    let narrow = Narrow::start(2).await;
    let world = &narrow.world;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = alice.make_group(0, "group", &["bob"]).await;
    let room = room_id(group);
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(alice.send(0, &room, &format!("message {number}")).await["id"].as_str().expect("an id").to_owned());
    }
    alice.open_direct(0, "bob").await;
    let mut listener = world.webchat(1, &bob, "ext=1").await;
    narrow.fill();
    for node in [0, 1] {
        narrow.shows(node, true).await;
        assert_eq!(alice.try_send(node, &room, "x").await.expect("answered").status().as_u16(), 507);
    }
    for (node, id) in sent.iter().enumerate().take(2) {
        let path = format!("messages/{id}?room_id={room}");
        ok(alice.request(node, Method::DELETE, &path).send().await).await;
        listener.next_of("message_deleted").await;
    }
    assert_eq!(bob.texts(1, &format!("room_id={room}")).await.len(), 5, "three and two notices");
    ok(bob.post(1, "heartbeat").send().await).await;
    let online = bob.read(1, "online-users").await;
    assert_eq!(online.as_array().map(Vec::len), Some(2), "{online}");
    // Who opens a room that exists gets it, who logs in gets a token, and marks of reading arrive.
    alice.open_direct(1, "bob").await;
    world.log_in(0, "bob", "your_strong_password").await;
    let mut reader = world.webchat(0, &bob, "ext=1").await;
    let mut author = world.webchat(1, &alice, "ext=1").await;
    let mark =
        json!({"type": "mark_read", "payload": {"room_id": group, "id": read_id(&alice, group).await, "ref": "r"}});
    reader.send(&mark).await;
    assert_eq!(reader.next_of("done").await["payload"]["ref"], "r");
    author.send(&json!({"type": "ping"})).await;
    author.next_of("pong").await;
    let ready = world.client.get(world.url(0, "/health/ready")).send().await.expect("answered");
    assert_eq!(ready.status().as_u16(), 200, "the node is ready all the same");
    // Members may leave.
    let left = bob.at(1, Method::DELETE, &format!("/api/v1/rooms/{group}/members/2")).send().await;
    assert_eq!(answered(left).await.0, 200);

    narrow.empty();
    for node in [0, 1] {
        narrow.shows(node, false).await;
        alice.send(node, &room, "again").await;
    }
    narrow.world.stop().await;
}

/// The newest message of a room, as document 000 numbers it.
async fn read_id(user: &User<'_>, room: u64) -> u64 {
    let list = user.get_json(0, "/api/v1/conversations").await;
    let found = list.as_array().expect("a list").iter().find(|it| it["id"] == room).expect("the room");
    found["last_message"]["id"].as_u64().expect("a number")
}

#[tokio::test]
async fn a_redis_at_its_very_limit_is_no_outage() {
    let narrow = Narrow::start(1).await;
    let alice = narrow.world.user(0, "alice").await;
    alice.send(0, "global", "before").await;
    // At once, before the node knows.
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(1).exec(&mut narrow.redis.connection()).expect("set");
    let answer = alice.try_send(0, "global", "x").await.expect("answered");
    assert_eq!(answer.status().as_u16(), 507);
    assert_eq!(alice.texts(0, "").await, ["before"], "reading goes on");
    let restored = MAX_MEMORY.to_string();
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(restored).exec(&mut narrow.redis.connection()).expect("set");
    eventually("sending resumes", async || {
        alice.try_send(0, "global", "after").await.expect("answered").status().as_u16() == 200
    })
    .await;
    narrow.world.stop().await;
}

#[tokio::test]
async fn a_redis_without_a_limit_is_named_in_the_log() {
    const WARNING: &str = "Redis has no maxmemory";
    let (client, folder) = (client(), scratch());
    for (arguments, is_told) in [(&[][..], true), (&["--maxmemory", "1gb"], false)] {
        for (host, is_exposed) in [("127.0.0.1", false), ("0.0.0.0", true)] {
            let redis = Redis::start(arguments);
            let mut environment = external(&redis.url());
            environment.push(("CHINWAG_SERVER__HOST", host.to_owned()));
            let node = Process::start(&environment, &folder).ready(&client).await;
            let log = node.log();
            let told: Vec<&str> = log.lines().filter(|line| line.contains(WARNING)).collect();
            assert_eq!(told.len(), usize::from(is_told), "{arguments:?} {host}: {log}");
            assert_eq!(told.iter().any(|line| line.contains("open to the network")), is_told && is_exposed, "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_private_redis_has_a_limit() {
    let meminfo = std::fs::read_to_string("/proc/meminfo").expect("Linux");
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.strip_suffix("kB"));
    let half = total.expect("a total").trim().parse::<u64>().expect("a number") * 1024 / 2;
    for (setting, allowed) in [(None, 1..=half), (Some(50_000_000), 50_000_000..=50_000_000)] {
        let (client, folder) = (client(), scratch());
        let name = "CHINWAG_REDIS__PRIVATE_MAXMEMORY_BYTES";
        let environment: Vec<_> = setting.iter().map(|bytes: &u64| (name, bytes.to_string())).collect();
        let node = Process::start(&environment, &folder).ready(&client).await;
        let socket = format!("redis+unix://{}", folder.join("redis.sock").display());
        let mut connection = redis::Client::open(socket).and_then(|it| it.get_connection()).expect("it answers");
        let (_, limit): (String, u64) =
            redis::cmd("CONFIG").arg("GET").arg("maxmemory").query(&mut connection).expect("answered");
        assert!(allowed.contains(&limit), "{limit} with {setting:?}");
        assert!(!node.log().contains("no maxmemory"));
    }
}
