//! Activity that a node collects before it writes it: the outcome when something happens meanwhile.

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Redis, User, World, answered, eventually, ok, refused, shared_connection};

const ALICE: u64 = 1;
const BOB: u64 = 2;
const PASSWORD: &str = "your_strong_password";

/// What Redis has of users' activity.
struct Recorded<'a>(&'a World);

impl Recorded<'_> {
    fn set(&self, user: u64) -> String {
        format!("{}online:{}", self.0.config.redis.prefix, user % 16)
    }

    fn account(&self, user: u64) -> String {
        format!("{}{{u:{user}}}", self.0.config.redis.prefix)
    }

    /// The time of the last activity; `None` for a user who is in no set.
    fn at_ms(&self, user: u64) -> Option<f64> {
        let set = self.set(user);
        redis::cmd("ZSCORE").arg(&set).arg(user).query(&mut shared_connection(&set)).expect("a score")
    }

    fn detail(&self, user: u64, field: &str) -> Option<String> {
        let seen = format!("{}:seen", self.account(user));
        redis::cmd("HGET").arg(&seen).arg(field).query(&mut shared_connection(&seen)).expect("a text")
    }

    /// The time by the server's clock.
    fn now_ms(&self) -> f64 {
        let (secs, micros): (f64, f64) =
            redis::cmd("TIME").query(&mut shared_connection(&self.set(ALICE))).expect("a time");
        secs * 1000.0 + micros / 1000.0
    }
}

async fn beat(user: &User<'_>, node: usize, agent: &str) -> u16 {
    answered(user.post(node, "heartbeat").header("user-agent", agent).send().await).await.0
}

/// Makes the node know the user as online, so that the next heartbeat is gathered.
async fn gathered(user: &User<'_>, node: usize, agent: &str) {
    for agent in ["known", agent] {
        assert_eq!(beat(user, node, agent).await, 200);
    }
}

/// Waits until a node has written all that it has gathered so far.
async fn written(world: &World, witness: &User<'_>, node: usize) {
    let agent = crate::support::unique("witness");
    gathered(witness, node, &agent).await;
    let is_written = async || Recorded(world).detail(ALICE, "agent").as_ref() == Some(&agent);
    eventually("what is gathered is written", is_written).await;
}

async fn listed(reader: &User<'_>, node: usize, user: u64) -> Option<Value> {
    let online = reader.read(node, "online-users").await;
    online.as_array().expect("a list").iter().find(|it| it["user_id"] == user).cloned()
}

#[tokio::test]
async fn a_node_shows_what_it_has_gathered_at_once_and_others_soon() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let agent = async |node: usize| listed(&alice, node, BOB).await.expect("online")["user_agent"].clone();
    beat(&bob, 0, "first").await;
    assert_eq!(agent(1).await, "first", "a user who was unknown is written at once");
    for number in 0..5 {
        let name = format!("agent {number}");
        beat(&bob, 0, &name).await;
        assert_eq!(agent(0).await, name.as_str());
    }
    beat(&bob, 0, "last").await;
    eventually("the other node shows it", async || agent(1).await == "last").await;
    world.stop().await;
}

#[tokio::test]
async fn a_node_that_stops_writes_what_it_has_gathered() {
    let mut world = World::start(2).await;
    let user = world.user(0, "alice").await;
    gathered(&user, 0, "last").await;
    let before_ms = Recorded(&world).at_ms(ALICE);
    world.nodes.remove(0).stop().await;
    let recorded = Recorded(&world);
    assert_eq!(recorded.detail(ALICE, "agent").as_deref(), Some("last"));
    assert!(recorded.at_ms(ALICE) >= before_ms);
    world.stop().await;
}

#[tokio::test]
async fn a_new_name_shows_at_once_and_is_not_undone_by_what_was_gathered_before() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    for node in [1, 0] {
        let name = format!("robert{node}");
        gathered(&bob, 0, "before").await;
        let change = json!({"username": name});
        ok(bob.at(node, Method::PATCH, "/api/v1/me").json(&change).send().await).await;
        for node in [1, 0] {
            assert_eq!(listed(&alice, node, BOB).await.expect("online")["username"], name.as_str());
        }
        gathered(&bob, 0, "after").await;
        written(&world, &alice, 0).await;
        for node in [1, 0] {
            assert_eq!(listed(&alice, node, BOB).await.expect("online")["username"], name.as_str());
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_name_that_a_node_has_not_heard_of_is_not_undone() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let recorded = Recorded(&world);
    let account = recorded.account(BOB);
    // As if another node had renamed the user, and the announcement were under way.
    redis::cmd("HSET").arg(&account).arg("name").arg("robert").exec(&mut shared_connection(&account)).expect("set");
    for agent in ["unknown", "gathered"] {
        assert_eq!(beat(&bob, 0, agent).await, 200);
        assert_eq!(listed(&alice, 0, BOB).await.expect("online")["username"], "robert", "{agent}");
    }
    world.stop().await;
}

#[tokio::test]
async fn users_whose_account_is_gone_are_not_online_again() {
    let world = World::start(1).await;
    let (alice, bob, carol) = (world.user(0, "alice").await, world.user(0, "bob").await, world.user(0, "carol").await);
    let recorded = Recorded(&world);
    // As if another node had deleted the account, or Redis had lost it, and this node had not heard of it yet.
    let deleted = |user: u64| redis::cmd("HSET").arg(recorded.account(user)).arg("deleted").arg(1).to_owned();
    let lost = |user: u64| redis::cmd("DEL").arg(recorded.account(user)).to_owned();
    for (user, id, end) in [(&bob, BOB, deleted(BOB)), (&carol, 3, lost(3))] {
        gathered(user, 0, "before").await;
        let (account, set) = (recorded.account(id), recorded.set(id));
        end.exec(&mut shared_connection(&account)).expect("ended");
        redis::cmd("DEL").arg(format!("{account}:seen")).exec(&mut shared_connection(&account)).expect("removed");
        redis::cmd("ZREM").arg(&set).arg(id).exec(&mut shared_connection(&set)).expect("removed");
        assert_eq!(beat(user, 0, "after").await, 200, "the node has not heard of it");
        written(&world, &alice, 0).await;
        eventually("the user is not online", async || recorded.at_ms(id).is_none()).await;
        assert_eq!(recorded.detail(id, "agent"), None);
        assert_eq!(listed(&alice, 0, id).await, None);
        refused(alice.get(0, &format!("user-ip/{id}")).send().await, 404).await;
    }
    assert_eq!(alice.read(0, "stats").await["online_users_count"], 1);
    world.stop().await;
}

#[tokio::test]
async fn heartbeats_under_way_while_an_account_is_deleted_leave_nobody_online() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let mut doomed = Vec::new();
    for number in 0..6 {
        doomed.push(world.user(number % 2, &format!("user{number}")).await);
    }
    let beat_until_refused = async |user: &User<'_>, node: usize| while beat(user, node, "beating").await == 200 {};
    let delete = async |user: &User<'_>| {
        gathered(user, 0, "before").await;
        let password = json!({"password": PASSWORD});
        ok(user.at(1, Method::DELETE, "/api/v1/me").json(&password).send().await).await;
    };
    join_all(doomed.iter().map(async |user| {
        let beating = [0, 0, 1].map(|node| beat_until_refused(user, node));
        futures_util::join!(delete(user), join_all(beating));
    }))
    .await;
    written(&world, &alice, 0).await;
    let recorded = Recorded(&world);
    for id in 2..8 {
        eventually("the user is not online", async || recorded.at_ms(id).is_none()).await;
        assert_eq!(recorded.detail(id, "agent"), None, "user {id}");
    }
    assert_eq!(alice.read(1, "stats").await["online_users_count"], 1);
    world.stop().await;
}

#[tokio::test]
async fn the_end_of_sessions_leaves_the_time_at_which_a_user_was_active() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let acts = ["log out", "log out everywhere", "password", "ban"];
    for (id, act) in (BOB..).zip(acts) {
        let user = world.user(0, &format!("user{id}")).await;
        gathered(&user, 0, "gathered").await;
        match act {
            "ban" => world.set_banned(&user.name, true).await,
            "password" => world.set_password(&user.name, "another_strong_password").await.expect("set"),
            _ => {
                let body = json!({"everywhere": act == "log out everywhere"});
                ok(user.at(1, Method::POST, "/api/v1/auth/logout").json(&body).send().await).await;
            }
        }
        let recorded = Recorded(&world);
        let ended_ms = recorded.now_ms();
        eventually("the session has ended", async || beat(&user, 0, "late").await == 401).await;
        written(&world, &alice, 0).await;
        let at_ms = recorded.at_ms(id).expect("was online within the last half an hour");
        assert!(at_ms <= ended_ms, "{act}: {at_ms} {ended_ms}");
    }
    world.stop().await;
}

#[tokio::test]
async fn later_activity_on_another_node_is_kept() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    gathered(&bob, 0, "phone").await;
    assert_eq!(beat(&bob, 1, "laptop").await, 200);
    let recorded = Recorded(&world);
    let at_ms = recorded.at_ms(BOB).expect("online");
    written(&world, &alice, 0).await;
    eventually("the time is the later one", async || recorded.at_ms(BOB) == Some(at_ms)).await;
    assert_eq!(recorded.detail(BOB, "agent").as_deref(), Some("laptop"));
    world.stop().await;
}

#[tokio::test]
async fn heartbeats_are_refused_while_redis_takes_no_writes_and_lists_are_not() {
    let redis = Redis::start(&["--maxmemory-policy", "noeviction"]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let users = [world.user(0, "alice").await, world.user(0, "bob").await];
    let limit = |bytes: &str| {
        redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).exec(&mut redis.connection()).expect("set");
    };
    for user in &users {
        gathered(user, 0, "before").await;
    }
    limit("1");
    eventually("a heartbeat is refused", async || beat(&users[0], 0, "refused").await == 507).await;
    // From then on all are: also those of users whose own activity was written so far.
    for user in users.iter().cycle().take(10) {
        assert_eq!(beat(user, 0, "refused").await, 507);
    }
    assert_eq!(users[0].read(0, "online-users").await.as_array().map(Vec::len), Some(2));
    users[0].read(0, "user-ip/2").await;
    limit("0");
    for user in &users {
        gathered(user, 0, "after").await;
    }
    assert_eq!(listed(&users[0], 0, BOB).await.expect("online")["user_agent"], "after");
    world.stop().await;
}

#[tokio::test]
async fn heartbeats_are_refused_while_redis_does_not_answer() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let user = world.user(0, "alice").await;
    gathered(&user, 0, "before").await;
    redis.signal(Signal::SIGSTOP);
    eventually("a heartbeat is refused", async || beat(&user, 0, "refused").await == 503).await;
    assert_eq!(beat(&user, 0, "refused").await, 503);
    redis.signal(Signal::SIGCONT);
    eventually("heartbeats are accepted", async || beat(&user, 0, "after").await == 200).await;
    let lists = async || answered(user.get(0, "online-users").send().await).await.0 == 200;
    eventually("lists are answered, too", lists).await;
    gathered(&user, 0, "last").await;
    assert_eq!(listed(&user, 0, ALICE).await.expect("online")["user_agent"], "last");
    world.stop().await;
}
