//! Users who disconnect are shown as offline, however their node or socket ended; a new connection learns who is
//! online.

use std::time::Duration;

use nix::sys::signal::Signal;
use redis::Connection;
use serde_json::{Value, json};

use crate::process::{Process, external};
use crate::socket::Socket;
use crate::support::{Redis, User, World, eventually, scratch, shared_redis};

/// Short, so that tests need not wait for a minute; long enough for a busy machine.
const LEASE_SECS: u64 = 6;
/// Longer than a user who left may take to come back, and a node to find that Redis does not answer.
const OUTAGE: Duration = Duration::from_secs(8);

async fn world(nodes: usize) -> World {
    World::start_with(nodes, shared_redis(), |config| config.presence.lease_secs = LEASE_SECS).await
}

/// A node in a process of its own, beside those of a world.
async fn process(world: &World) -> Process {
    let mut environment = external(&world.config.redis.url);
    environment.retain(|(name, _)| *name != "CHINWAG_REDIS__PREFIX");
    environment.push(("CHINWAG_REDIS__PREFIX", world.config.redis.prefix.clone()));
    environment.push(("CHINWAG_PRESENCE__LEASE_SECS", LEASE_SECS.to_string()));
    Process::start(&environment, &scratch()).ready(&world.client).await
}

async fn open(base: &str, user: &User<'_>) -> Socket {
    Socket::open(base, "/ws?ext=1", Some(&user.token), None).await.expect("accepted")
}

impl Socket {
    /// Waits until a user is announced as online or offline in a room. Returns the announcements of others before.
    pub async fn hears_presence(&mut self, room: u64, user: u64, is_online: bool) -> Vec<(u64, bool)> {
        let mut others = Vec::new();
        loop {
            let frame = self.next_of("presence").await;
            let payload = &frame["payload"];
            let users = payload["users"].as_array().expect("a list");
            let of =
                |user: &Value| (user["user_id"].as_u64().expect("an id"), user["online"].as_bool().expect("a bool"));
            if payload["room_id"] == room && users.iter().any(|found| of(found) == (user, is_online)) {
                return others;
            }
            others.extend(users.iter().map(of));
        }
    }
}

/// Whether any node has recorded that the user has an open socket.
fn is_recorded(world: &World, connection: &mut Connection, user: u64) -> bool {
    let key = format!("{}connected:{}", world.config.redis.prefix, user % 16);
    let score: Option<f64> = redis::cmd("ZSCORE").arg(key).arg(user).query(connection).expect("read");
    score.is_some()
}

fn connection() -> Connection {
    redis::Client::open(shared_redis()).and_then(|client| client.get_connection()).expect("Redis answers")
}

#[tokio::test]
async fn users_of_a_killed_node_go_offline_unless_another_node_has_them() {
    let world = world(1).await;
    let (alice, bob, carol) = (world.user(0, "alice").await, world.user(0, "bob").await, world.user(0, "carol").await);
    let (with_alice, with_carol) = (bob.open_direct(0, "alice").await, bob.open_direct(0, "carol").await);
    let mut doomed = process(&world).await;
    let mut watching = world.webchat(0, &bob, "ext=1").await;
    let _on_both = (open(&doomed.base, &alice).await, world.webchat(0, &alice, "ext=1").await);
    let _on_one = open(&doomed.base, &carol).await;
    watching.hears_presence(with_alice, 1, true).await;
    watching.hears_presence(with_carol, 3, true).await;
    doomed.signal(Signal::SIGKILL);
    doomed.wait();
    let others = watching.hears_presence(with_carol, 3, false).await;
    assert!(!others.contains(&(1, false)), "{others:?}");
    let mut connection = connection();
    assert!(is_recorded(&world, &mut connection, 1) && !is_recorded(&world, &mut connection, 3));
    world.stop().await;
}

#[tokio::test]
async fn users_of_a_stopped_node_who_do_not_come_back_go_offline() {
    let mut world = world(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = bob.open_direct(0, "alice").await;
    let mut watching = world.webchat(0, &bob, "ext=1").await;
    let (base, token) = (world.base(1), alice.token.clone());
    let mut socket = Socket::open(&base, "/ws?ext=1", Some(&token), None).await.expect("accepted");
    watching.hears_presence(room, 1, true).await;
    world.nodes.pop().expect("two nodes").stop().await;
    while socket.next_or_end().await.is_ok() {}
    watching.hears_presence(room, 1, false).await;
    world.stop().await;
}

#[tokio::test]
async fn a_user_who_leaves_while_redis_is_away_goes_offline() {
    let redis = Redis::start(&[]);
    let world = World::start_with(2, &redis.url(), |config| config.presence.lease_secs = LEASE_SECS).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = bob.open_direct(0, "alice").await;
    let mut watching = world.webchat(0, &bob, "ext=1").await;
    let mut leaving = world.webchat(1, &alice, "ext=1").await;
    watching.hears_presence(room, 1, true).await;
    redis.signal(Signal::SIGSTOP);
    leaving.close().await;
    tokio::time::sleep(OUTAGE).await;
    redis.signal(Signal::SIGCONT);
    watching.hears_presence(room, 1, false).await;
    world.stop().await;
}

#[tokio::test]
async fn a_new_connection_learns_who_is_online() {
    let world = world(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    world.user(0, "carol").await;
    let group = alice.make_group(0, "friends", &["bob", "carol"]).await;
    let (with_alice, with_carol) = (bob.open_direct(0, "alice").await, bob.open_direct(0, "carol").await);
    let mut first = world.webchat(1, &alice, "ext=1").await;
    first.hears_presence(group, 1, true).await;
    let mut states: Vec<Value> = Vec::new();
    let mut second = world.webchat(0, &bob, "ext=1").await;
    while states.len() < 3 {
        let frame = second.next_of("presence").await["payload"].take();
        // Bob is also told that Bob has come.
        if frame["users"][0]["user_id"] != 2 {
            states.push(frame);
        }
    }
    for expected in [
        json!({"room_id": with_alice, "users": [{"user_id": 1, "username": "alice", "online": true}]}),
        json!({"room_id": with_carol, "users": [{"user_id": 3, "username": "carol", "online": false}]}),
        json!({"room_id": group, "users": [{"user_id": 1, "username": "alice", "online": true}]}),
    ] {
        assert!(states.contains(&expected), "{expected} is not in {states:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn presence_reaches_the_direct_rooms_of_a_user_with_many_rooms() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    for number in 0..120 {
        alice.make_room(0, &number.to_string()).await;
    }
    let room = alice.open_direct(0, "bob").await;
    let mut watching = world.webchat(0, &bob, "ext=1").await;
    watching.hears_presence(room, 1, false).await;
    let _socket = world.webchat(0, &alice, "").await;
    watching.hears_presence(room, 1, true).await;
    world.stop().await;
}

#[tokio::test]
async fn a_user_who_was_given_up_by_mistake_is_announced_again() {
    let world = world(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = bob.open_direct(0, "alice").await;
    let mut watching = world.webchat(0, &bob, "ext=1").await;
    let _socket = world.webchat(0, &alice, "ext=1").await;
    watching.hears_presence(room, 1, true).await;
    let mut connection = connection();
    // As if another node had taken this one for dead.
    let key = format!("{}connected:1", world.config.redis.prefix);
    redis::cmd("ZREM").arg(key).arg(1).exec(&mut connection).expect("written");
    watching.hears_presence(room, 1, true).await;
    assert!(is_recorded(&world, &mut connection, 1));
    world.stop().await;
}

#[tokio::test]
async fn a_renewal_from_the_future_does_not_keep_a_user_online() {
    let world = world(1).await;
    let bob = world.user(0, "bob").await;
    world.user(0, "ghost").await;
    let room = bob.open_direct(0, "ghost").await;
    // As if the node of the ghost had died, and Redis' clock had been set back by an hour.
    let in_an_hour = jiff::Timestamp::now().as_millisecond() + 3_600_000;
    let key = format!("{}connected:2", world.config.redis.prefix);
    let mut connection = connection();
    redis::cmd("ZADD").arg(key).arg(in_an_hour).arg(2).exec(&mut connection).expect("written");
    let mut watching = world.webchat(0, &bob, "ext=1").await;
    watching.hears_presence(room, 2, true).await;
    watching.hears_presence(room, 2, false).await;
    eventually("nothing is left of it", async || !is_recorded(&world, &mut connection, 2)).await;
    world.stop().await;
}
