//! Changes of membership that end half-way: a node fails between any two of its commands, or other nodes learn of
//! changes late and in the wrong order. The room's set of members decides what lists show and what sockets receive.

pub mod crash_proxy;
mod deletion;

use chinwag::config::Config;
use reqwest::Method;
use serde_json::json;

use self::crash_proxy::{Counted, CrashProxy, OF_MEMBERSHIP};
use crate::dialect_clients::{DialectClients, SOCKET_KINDS, room_and_seq};
use crate::faults::proxy::{Path, Paths, Proxy, Target};
use crate::socket::Socket;
use crate::support::{Redis, User, World, answered, eventually, ok, room_id, unique};

/// The node that stays, and the one that fails.
pub const SURVIVOR: usize = 0;
pub const DOOMED: usize = 1;
/// Counted commands of an addition before it is announced.
const BEFORE_ANNOUNCED: usize = 3;
const ALICE: u64 = 1;
const BOB: u64 = 2;

/// A change of membership, made by a user over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// The owner adds another user to a group.
    Add,
    /// The owner removes another user from a group.
    Remove,
    /// A user joins a public room.
    Join,
    /// A user leaves a public room.
    Leave,
    /// A user joins a public room by sending a message.
    Send,
}

impl Change {
    fn is_member_after(self) -> bool {
        match self {
            Self::Add | Self::Join | Self::Send => true,
            Self::Remove | Self::Leave => false,
        }
    }
}

/// Two nodes on one Redis, the second of which fails or is held back.
pub struct Setting {
    pub redis: Redis,
    pub proxy: CrashProxy,
    pub world: World,
}

impl Setting {
    pub async fn start() -> Self {
        Self::start_with(OF_MEMBERSHIP, |_| {}).await
    }

    pub async fn start_with(counted: Counted, change: impl FnOnce(&mut Config)) -> Self {
        let redis = Redis::start(&[]);
        let mut world = World::start_with(1, &redis.url(), |config| {
            config.limits.enabled = false;
            change(config);
        })
        .await;
        let proxy = CrashProxy::start(&redis.url(), counted).await;
        world.config.redis.url = proxy.url();
        world.add_node().await;
        Self { redis, proxy, world }
    }

    /// Plans a crash of the second node behind the next `commands` counted commands, once it is back from the one before.
    pub async fn crash_after(&self, commands: usize) {
        self.world.becomes_ready(DOOMED).await;
        self.proxy.crash_after(commands);
    }

    pub fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.world.config.redis.prefix)
    }

    /// The number of the room that was made last.
    fn last_room(&self) -> u64 {
        redis::cmd("GET").arg(self.key("seq:rooms")).query(&mut self.redis.connection()).expect("a counter")
    }

    /// Whether the room itself has a user as a member.
    fn is_member(&self, room: u64, user: u64) -> bool {
        let score: Option<f64> = redis::cmd("ZSCORE")
            .arg(self.key(&format!("{{r:{room}}}:members")))
            .arg(user)
            .query(&mut self.redis.connection())
            .expect("a score");
        score.is_some()
    }

    /// Whether a user's list has a room.
    fn is_listed(&self, room: u64, user: u64) -> bool {
        let score: Option<f64> = redis::cmd("ZSCORE")
            .arg(self.key(&format!("{{u:{user}}}:rooms")))
            .arg(room)
            .query(&mut self.redis.connection())
            .expect("a score");
        score.is_some()
    }

    fn kind(&self, room: u64) -> String {
        let key = self.key(&format!("{{r:{room}}}"));
        redis::cmd("HGET").arg(key).arg("kind").query(&mut self.redis.connection()).expect("a room")
    }

    fn run(&self, command: &mut redis::Cmd) {
        command.exec(&mut self.redis.connection()).expect("done");
    }
}

/// A room for a change, in the state before it; returns its number. Its owner is alice, the other user is bob.
async fn prepare(change: Change, alice: &User<'_>, bob: &User<'_>) -> u64 {
    let name = unique("room");
    match change {
        Change::Add => alice.make_group(SURVIVOR, &name, &[]).await,
        Change::Remove => alice.make_group(SURVIVOR, &name, &["bob"]).await,
        Change::Join | Change::Leave | Change::Send => {
            let id = alice.make_room(SURVIVOR, &name).await;
            if change == Change::Leave {
                ok(bob.post(SURVIVOR, &format!("rooms/{id}/join")).send().await).await;
            }
            id.parse::<chinwag::domain::RoomId>().expect("an id").number().into()
        }
    }
}

/// Makes a change as a client would; returns the status.
async fn attempt(change: Change, node: usize, room: u64, alice: &User<'_>, bob: &User<'_>) -> u16 {
    let id = room_id(room);
    let members = format!("/api/v1/rooms/{room}/members");
    let request = match change {
        Change::Add => alice.at(node, Method::POST, &members).json(&json!({"username": "bob"})),
        Change::Remove => alice.at(node, Method::DELETE, &format!("{members}/{BOB}")),
        Change::Join => bob.post(node, &format!("rooms/{id}/join")),
        Change::Leave => bob.post(node, &format!("rooms/{id}/leave")),
        Change::Send => {
            let body = json!({"message_type": "text", "content": "first", "client_id": format!("first-{room}")});
            bob.post(node, &format!("send?room_id={id}")).json(&body)
        }
    };
    answered(request.send().await).await.0
}

/// Repeats a change over the node that failed until it answers. Returns the status.
async fn retry(change: Change, room: u64, alice: &User<'_>, bob: &User<'_>) -> u16 {
    let mut status = 503;
    eventually("the node answers again", async || {
        status = attempt(change, DOOMED, room, alice, bob).await;
        status != 503
    })
    .await;
    status
}

/// Whether the lists of every document show a room.
async fn lists(user: &User<'_>, node: usize, room: u64) -> [bool; 2] {
    let mut shown = [false; 2];
    for (path, shown) in ["/api/v1/conversations", "/api/v1/rooms"].iter().zip(&mut shown) {
        let list = user.get_json(node, path).await;
        *shown = list.as_array().expect("a list").iter().any(|it| it["id"] == room);
    }
    shown
}

/// Whether document 003 lists a room, and if so with the user among its members.
async fn polled_list(user: &User<'_>, id: u64, node: usize, room: u64) -> Option<bool> {
    let list = user.read(node, "rooms").await;
    let found = list.as_array().expect("a list").iter().find(|it| it["id"] == room_id(room)).cloned();
    found.map(|it| it["members"].as_array().expect("a list").contains(&json!(id)))
}

/// Sends a message to a room and then one to everyone; each socket must hear the former if `is_member`, and may not
/// hear it else.
async fn hear(sender: &User<'_>, room: u64, is_member: bool, sockets: &mut [&mut DialectClients<'_>]) {
    let (text, end) = (unique("text"), unique("end"));
    sender.send(SURVIVOR, &room_id(room), &text).await;
    sender.send(SURVIVOR, "global", &end).await;
    let awaited = if is_member { &text } else { &end };
    for clients in sockets {
        for kind in SOCKET_KINDS {
            loop {
                let frame = clients.socket(kind).next().await.to_string();
                assert!(is_member || !frame.contains(&text), "{kind:?} hears a room of others: {frame}");
                if frame.contains(awaited) {
                    break;
                }
            }
        }
    }
}

/// Asserts that lists and new sockets of a user agree with the room.
async fn agree(setting: &Setting, room: u64, alice: &User<'_>, (user, id): (&User<'_>, u64)) {
    let is_member = setting.is_member(room, id);
    let mut opened = DialectClients::open(&setting.world, SURVIVOR, user, id).await;
    hear(alice, room, is_member, &mut [&mut opened]).await;
    assert_eq!(lists(user, SURVIVOR, room).await, [is_member; 2]);
    let polled = polled_list(user, id, SURVIVOR, room).await;
    // Document 003 lists public rooms with and without the user, groups of the user, and no direct rooms.
    let expected = match setting.kind(room).as_str() {
        "public" => Some(is_member),
        "group" => is_member.then_some(true),
        _ => None,
    };
    assert_eq!(polled, expected);
    assert_eq!(setting.is_listed(room, id), is_member, "the list was corrected in passing");
}

/// Runs a change that fails after each of its commands in turn. After each failure, what the room says holds for lists
/// and new sockets; after a retry, it is the change, and the sockets that were open follow.
async fn survives_every_crash(change: Change) {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    let mut open = DialectClients::open(world, SURVIVOR, &bob, BOB).await;
    let mut crashes = 0;
    loop {
        let room = prepare(change, &alice, &bob).await;
        setting.crash_after(crashes).await;
        let status = attempt(change, DOOMED, room, &alice, &bob).await;
        let has_crashed = setting.proxy.restore().await;
        assert!(status == 200 || status == 201 || has_crashed, "{status}");
        println!("{change:?} cut after {crashes} commands: {status}, {has_crashed}");
        agree(&setting, room, &alice, (&bob, BOB)).await;

        let repeated = retry(change, room, &alice, &bob).await;
        let is_documented = matches!(repeated, 200 | 201) || change == Change::Remove && repeated == 404;
        assert!(is_documented, "{change:?} after {crashes} commands: {repeated}");
        assert_eq!(setting.is_member(room, BOB), change.is_member_after());
        hear(&alice, room, change.is_member_after(), &mut [&mut open]).await;
        agree(&setting, room, &alice, (&bob, BOB)).await;
        if !has_crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 1, "{crashes}");
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_addition_survives_every_crash() {
    survives_every_crash(Change::Add).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_survives_every_crash() {
    survives_every_crash(Change::Remove).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joining_survives_every_crash() {
    survives_every_crash(Change::Join).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_survives_every_crash() {
    survives_every_crash(Change::Leave).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joining_by_sending_survives_every_crash() {
    survives_every_crash(Change::Send).await;
}

/// Delays a change behind each of its commands in turn, while the opposite change is made on the other node. The delayed
/// node then goes on, or fails. What the room says holds for lists and new sockets; those that were open never hear what
/// they may not, and follow if nothing failed.
async fn survives_the_opposite(delayed: Change, opposite: Change) {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    for fails in [false, true] {
        let mut open = DialectClients::open(world, SURVIVOR, &bob, BOB).await;
        for commands in 0.. {
            let room = prepare(delayed, &alice, &bob).await;
            setting.proxy.hold_after(commands);
            let changing = attempt(delayed, DOOMED, room, &alice, &bob);
            let opposing = async {
                setting.proxy.held().await;
                let status = attempt(opposite, SURVIVOR, room, &alice, &bob).await;
                assert!([200, 201, 404].contains(&status), "{status}");
                if fails {
                    setting.proxy.crash();
                }
                setting.proxy.restore().await
            };
            tokio::pin!(changing);
            let is_held = tokio::select! {
                _ = &mut changing => false,
                has_crashed = opposing => {
                    assert_eq!(has_crashed, fails);
                    changing.await;
                    true
                }
            };
            setting.proxy.restore().await;
            let is_member = setting.is_member(room, BOB);
            println!("{delayed:?} delayed after {commands} commands, fails: {fails}: {is_held}, {is_member}");
            if !fails || !is_member {
                hear(&alice, room, is_member, &mut [&mut open]).await;
            }
            agree(&setting, room, &alice, (&bob, BOB)).await;
            if !is_held {
                break;
            }
            retry(delayed, room, &alice, &bob).await;
        }
    }
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_addition_survives_a_removal() {
    survives_the_opposite(Change::Add, Change::Remove).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_removal_survives_an_addition() {
    survives_the_opposite(Change::Remove, Change::Add).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_joining_by_sending_survives_leaving() {
    survives_the_opposite(Change::Send, Change::Leave).await;
}

async fn answers_again(user: &User<'_>) {
    eventually("the node answers again", async || {
        user.at(DOOMED, Method::GET, "/api/v1/rooms").send().await.expect("answered").status() == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_group_is_its_owners_after_every_crash() {
    let setting = Setting::start().await;
    let alice = setting.world.user(SURVIVOR, "alice").await;
    let mut crashes = 0;
    loop {
        let body = json!({"name": unique("group"), "is_private": false});
        setting.crash_after(crashes).await;
        let (status, _) = alice.ask(DOOMED, "/api/v1/rooms", &body).await;
        let has_crashed = setting.proxy.restore().await;
        assert!(status == 201 || has_crashed, "{status}");
        let room = setting.last_room();
        if room > 1 && setting.is_member(room, ALICE) {
            agree(&setting, room, &alice, (&alice, ALICE)).await;
        }
        if !has_crashed {
            break;
        }
        crashes += 1;
        answers_again(&alice).await;
    }
    assert!(crashes > 2, "{crashes}");
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_public_room_is_listed_and_found_after_every_crash() {
    let setting = Setting::start().await;
    let (alice, bob) = (setting.world.user(SURVIVOR, "alice").await, setting.world.user(SURVIVOR, "bob").await);
    let mut crashes = 0;
    loop {
        setting.crash_after(crashes).await;
        let form = reqwest::multipart::Form::new().text("room_name", unique("room"));
        let (status, _) = answered(alice.post(DOOMED, "rooms").multipart(form).send().await).await;
        let has_crashed = setting.proxy.restore().await;
        assert!(status == 200 || has_crashed, "{status}");
        let room = setting.last_room();
        if room > 1 && setting.is_member(room, ALICE) {
            // The first reading of the owner's list finishes what the node left.
            agree(&setting, room, &alice, (&alice, ALICE)).await;
            assert_eq!(polled_list(&bob, BOB, SURVIVOR, room).await, Some(false), "after {crashes} commands");
            let key = setting.key(&format!("{{r:{room}}}"));
            let name: String =
                redis::cmd("HGET").arg(key).arg("name").query(&mut setting.redis.connection()).expect("a name");
            let found = bob.get_json(SURVIVOR, &format!("/api/v1/search?kind=room&q={name}")).await;
            assert_eq!(found[0]["id"], room, "after {crashes} commands: {found}");
        }
        if !has_crashed {
            break;
        }
        crashes += 1;
        answers_again(&alice).await;
    }
    assert!(crashes > 2, "{crashes}");
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_room_is_both_users_after_every_crash_and_a_retry() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let alice = world.user(SURVIVOR, "alice").await;
    let mut crashes = 0;
    loop {
        let name = format!("user{crashes}");
        let other = world.user(SURVIVOR, &name).await;
        let id = BOB + crashes as u64;
        let mut open = DialectClients::open(world, SURVIVOR, &other, id).await;
        let body = json!({"is_private": true, "username": name});
        setting.crash_after(crashes).await;
        let (status, _) = alice.ask(DOOMED, "/api/v1/rooms", &body).await;
        let has_crashed = setting.proxy.restore().await;
        assert!(status == 201 || has_crashed, "{status}");
        let mut room = 0;
        eventually("the node answers again", async || {
            let (status, answer) = alice.ask(DOOMED, "/api/v1/rooms", &body).await;
            room = answer["id"].as_u64().unwrap_or(0);
            status == 201
        })
        .await;
        hear(&alice, room, true, &mut [&mut open]).await;
        agree(&setting, room, &alice, (&other, id)).await;
        agree(&setting, room, &alice, (&alice, ALICE)).await;
        assert_eq!(other.open_direct(SURVIVOR, "alice").await, room, "there is one");
        if !has_crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 3, "{crashes}");
    setting.world.stop().await;
}

#[tokio::test]
async fn entries_that_no_room_confirms_are_neither_heard_nor_listed() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    let group = alice.make_group(SURVIVOR, "secrets", &[]).await;
    let id = alice.make_room(SURVIVOR, "open").await;
    let public: u64 = id.parse::<chinwag::domain::RoomId>().expect("an id").number().into();
    for (room, score) in [(group, 1), (public, 0), (7777, 1)] {
        // As a node leaves it that fails after it has removed the user.
        setting.run(redis::cmd("ZADD").arg(setting.key(&format!("{{u:{BOB}}}:rooms"))).arg(score).arg(room));
    }
    let found = bob.get_json(SURVIVOR, "/api/v1/search?kind=room&q=sec").await;
    assert!(!found.to_string().contains("secrets"), "{found}");
    for room in [group, public, 7777] {
        assert!(!setting.is_listed(room, BOB), "corrected in passing");
        setting.run(redis::cmd("ZADD").arg(setting.key(&format!("{{u:{BOB}}}:rooms"))).arg(1).arg(room));
    }
    for room in [group, public] {
        agree(&setting, room, &alice, (&bob, BOB)).await;
    }
    assert!(!setting.is_listed(7777, BOB), "a room that does not exist");
    setting.world.stop().await;
}

#[tokio::test]
async fn late_news_of_a_removal_does_not_make_a_member_deaf() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    let room = alice.make_group(SURVIVOR, "news", &["bob"]).await;
    let id = room_id(room);
    alice.send(SURVIVOR, &id, "before the socket").await;
    let mut socket = world.webchat(SURVIVOR, &bob, "").await;
    alice.send(SURVIVOR, &id, "1").await;
    assert_eq!(socket.next().await["payload"]["content"], "1");
    let channel = setting.key(&format!("users:live:{BOB}"));
    for number in 2..20 {
        // A node that was slow announces a removal of before the user was added again.
        setting.run(redis::cmd("PUBLISH").arg(&channel).arg(format!("left {BOB} {room}")));
        alice.send(SURVIVOR, &id, &number.to_string()).await;
        assert_eq!(socket.next().await["payload"]["content"], number.to_string(), "each once and in order");
    }
    setting.world.stop().await;
}

#[tokio::test]
async fn news_of_a_removal_that_overtakes_the_notice_does_not_keep_it_from_the_client() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    let room = alice.make_group(SURVIVOR, "news", &["bob"]).await;
    let mut socket = world.webchat(SURVIVOR, &bob, "ext=1").await;
    // In a cluster the two channels may be those of different shards. Here the news comes before the removal.
    let members = setting.key(&format!("{{r:{room}}}:members"));
    let news = redis::cmd("PUBLISH")
        .arg(setting.key(&format!("users:live:{BOB}")))
        .arg(format!("left {BOB} {room}"))
        .to_owned();
    let score: f64 =
        redis::cmd("ZSCORE").arg(&members).arg(BOB).query(&mut setting.redis.connection()).expect("a member");
    setting.run(redis::cmd("ZREM").arg(&members).arg(BOB));
    setting.run(&mut news.clone());
    // By then the node has heard it, and asked the room.
    for _ in 0..5 {
        let rooms = bob.get_json(SURVIVOR, "/api/v1/rooms").await;
        assert_eq!(rooms.as_array().map(Vec::len), Some(1), "{rooms}");
    }
    setting.run(redis::cmd("ZADD").arg(&members).arg(score).arg(BOB));
    assert_eq!(attempt(Change::Remove, SURVIVOR, room, &alice, &bob).await, 200);
    assert_eq!(socket.next_of("member_removed").await["payload"]["room_id"], room);
    alice.send(SURVIVOR, &room_id(room), "not for bob").await;
    alice.send(SURVIVOR, "global", "for all").await;
    assert_eq!(socket.next_of("new_message").await["payload"]["content"], "for all");
    setting.world.stop().await;
}

#[tokio::test]
async fn late_news_of_an_addition_does_not_open_a_room() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    let room = alice.make_group(SURVIVOR, "news", &[]).await;
    let mut open = DialectClients::open(world, SURVIVOR, &bob, BOB).await;
    let channel = setting.key(&format!("users:live:{BOB}"));
    for _ in 0..5 {
        // A node that was slow announces an addition of before the user was removed.
        setting.run(redis::cmd("PUBLISH").arg(&channel).arg(format!("joined {BOB} {room} 1")));
        hear(&alice, room, false, &mut [&mut open]).await;
    }
    setting.world.stop().await;
}

/// The messages of a room that a socket of document 000 receives up to one with this text: seq and text.
async fn heard_until(socket: &mut Socket, room: u64, last: &str) -> Vec<(u64, String)> {
    let mut heard = Vec::new();
    loop {
        let payload = socket.next_of("new_message").await["payload"].take();
        let (of, seq) = room_and_seq(payload["id"].as_u64().expect("a number"));
        let text = payload["content"].as_str().expect("text").to_owned();
        if of == room {
            heard.push((seq, text.clone()));
        }
        if text == last {
            return heard;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_returns_while_pubsub_is_away_hears_the_room_at_once_and_nothing_again() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |config| config.limits.enabled = false).await;
    let proxy = Proxy::start(&redis.url()).await;
    world.config.redis.url = proxy.url();
    world.add_node().await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_group(0, "back", &["bob"]).await;
    let id = room_id(room);
    let members = format!("/api/v1/rooms/{room}/members");
    for round in 0..4 {
        let mut socket = world.webchat(1, &bob, "").await;
        let mut expected = vec![format!("{round} before")];
        alice.send(0, &id, &expected[0]).await;
        let mut heard = heard_until(&mut socket, room, &expected[0]).await;
        proxy.disturb(Target::PubSub, Paths::both(Path::Swallowed));
        proxy.cut(Target::PubSub);
        let removed = answered(alice.at(0, Method::DELETE, &format!("{members}/{BOB}")).send().await).await.0;
        assert_eq!(removed, 200);
        alice.send(0, &id, "not for bob").await;
        if round % 2 == 1 {
            // Bob is the only one of the room on that node: it stops following the room.
            proxy.restore();
            world.wait_ready(1).await;
        }
        assert_eq!(alice.ask(0, &members, &json!({"username": "bob"})).await.0, 201);
        for number in 0..3 {
            expected.push(format!("{round} back {number}"));
            alice.send(0, &id, &expected[1 + number]).await;
        }
        proxy.restore();
        heard.extend(heard_until(&mut socket, room, expected.last().expect("some")).await);
        let last = format!("{round} last");
        alice.send(0, &id, &last).await;
        heard.extend(heard_until(&mut socket, room, &last).await);
        expected.push(last);
        assert!(heard.is_sorted_by(|one, other| one.0 < other.0), "{heard:?}");
        let of_users = |(_, text): &(u64, String)| text.starts_with(&round.to_string());
        let texts: Vec<String> = heard.iter().filter(|it| of_users(it)).map(|(_, text)| text.clone()).collect();
        assert_eq!(texts, expected, "round {round}");
        assert!(!heard.iter().any(|(_, text)| text == "not for bob"), "{heard:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn notes_of_joins_end_and_attempts_that_are_refused_leave_none() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    let room = alice.make_group(SURVIVOR, "notes", &["bob"]).await;
    let pending = setting.key(&format!("{{u:{BOB}}}:pending"));
    let of_set = |key: &str| -> Vec<String> {
        redis::cmd("ZRANGE").arg(key).arg(0).arg(-1).query(&mut setting.redis.connection()).expect("a list")
    };
    let noted = || of_set(&pending);
    // The list lost the room; the note is young, so it stays.
    setting.run(redis::cmd("ZREM").arg(setting.key(&format!("{{u:{BOB}}}:rooms"))).arg(room));
    assert_eq!(lists(&bob, SURVIVOR, room).await, [true; 2]);
    assert!(setting.is_listed(room, BOB), "corrected in passing");
    assert_eq!(noted(), [room.to_string()]);
    // Ten minutes later.
    setting.run(redis::cmd("ZADD").arg(&pending).arg(1).arg(room).arg(1).arg(7777));
    setting.run(redis::cmd("ZREM").arg(setting.key(&format!("{{u:{BOB}}}:rooms"))).arg(room));
    drop(world.webchat(SURVIVOR, &bob, "").await);
    assert!(setting.is_listed(room, BOB), "by a socket, too");
    assert_eq!(noted(), [""; 0]);

    let carol = world.user(SURVIVOR, "carol").await;
    let public = carol.make_room(SURVIVOR, "public").await;
    let public = public.parse::<chinwag::domain::RoomId>().expect("an id").number();
    for (user, room, status) in [(&alice, 7777, 404), (&bob, room, 403), (&bob, u64::from(public), 403)] {
        let path = format!("/api/v1/rooms/{room}/members");
        assert_eq!(user.ask(SURVIVOR, &path, &json!({"username": "alice"})).await.0, status);
    }
    let of_alice = of_set(&setting.key(&format!("{{u:{ALICE}}}:pending")));
    assert_eq!(of_alice, [room.to_string()], "her own group");
    assert_eq!(of_set(&setting.key("joins")), [""; 0]);
    setting.world.stop().await;
}

#[tokio::test]
async fn a_member_who_is_added_again_hears_all_since_the_first_time() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
    let room = alice.make_group(SURVIVOR, "since", &[]).await;
    let id = room_id(room);
    alice.send(SURVIVOR, &id, "before").await;
    let mut socket = world.webchat(SURVIVOR, &bob, "").await;
    // The announcement is lost with the node.
    setting.crash_after(BEFORE_ANNOUNCED).await;
    assert_eq!(attempt(Change::Add, DOOMED, room, &alice, &bob).await, 503);
    assert!(setting.proxy.restore().await);
    assert!(setting.is_member(room, BOB));
    alice.send(SURVIVOR, &id, "between").await;
    assert_eq!(attempt(Change::Add, SURVIVOR, room, &alice, &bob).await, 201);
    alice.send(SURVIVOR, &id, "behind").await;
    let texts: Vec<String> = heard_until(&mut socket, room, "behind").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts.last_chunk(), Some(&["between".to_owned(), "behind".to_owned()]));
    assert!(!texts.contains(&"before".to_owned()));
    setting.world.stop().await;
}

#[tokio::test]
async fn housekeeping_tells_open_sockets_of_an_addition_that_nobody_repeats() {
    let mut setting = Setting::start().await;
    let (room, mut socket) = {
        let world = &setting.world;
        let (alice, bob) = (world.user(SURVIVOR, "alice").await, world.user(SURVIVOR, "bob").await);
        let room = alice.make_group(SURVIVOR, "since", &[]).await;
        let socket = world.webchat(SURVIVOR, &bob, "").await;
        setting.crash_after(BEFORE_ANNOUNCED).await;
        assert_eq!(attempt(Change::Add, DOOMED, room, &alice, &bob).await, 503);
        (room, socket)
    };
    assert!(setting.proxy.restore().await);
    assert!(setting.is_member(room, BOB));
    let joins = setting.key("joins");
    let left: Vec<String> =
        redis::cmd("ZRANGE").arg(&joins).arg(0).arg(-1).query(&mut setting.redis.connection()).expect("a list");
    assert_eq!(left.len(), 1, "{left:?}");
    // Minutes later, the housekeeping of any node; a new node begins with it.
    setting.run(redis::cmd("ZADD").arg(&joins).arg("XX").arg(1).arg(&left[0]));
    setting.world.add_node().await;
    let alice = setting.world.log_in(SURVIVOR, "alice", "your_strong_password").await;
    alice.send(SURVIVOR, &room_id(room), "hello").await;
    heard_until(&mut socket, room, "hello").await;
    let left: Vec<String> =
        redis::cmd("ZRANGE").arg(&joins).arg(0).arg(-1).query(&mut setting.redis.connection()).expect("a list");
    assert!(left.is_empty(), "{left:?}");
    setting.world.stop().await;
}
