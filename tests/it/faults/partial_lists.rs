//! Lists while a shard is away: they have the rooms of the others, and say that they are not complete.

use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use tokio::task::block_in_place;

use super::shards::{bystander, key};
use crate::redis_cluster::RedisCluster;
use crate::support::{User, World, eventually, unique};

/// Every list of rooms, and whether it has the global room.
const LISTS: [(&str, bool); 5] = [
    ("/api/chat/rooms", true),
    ("/api/v1/rooms", true),
    ("/api/v1/conversations", true),
    ("/api/v1/search?kind=room", true),
    ("/api/v1/search?kind=room&q=meeting", false),
];

/// A prefix with which the indexes of public rooms lie on other shards than this one.
fn prefix_apart_from(cluster: &RedisCluster, shard: usize) -> String {
    let indexes = ["rooms:public", "rooms:names", "rooms:names:parts"];
    let prefixes = std::iter::repeat_with(|| format!("{}:", unique("t")));
    let is_apart = |prefix: &String| indexes.iter().all(|key| cluster.owner(&format!("{prefix}{key}")) != shard);
    prefixes.take(1000).find(is_apart).expect("one in three and a half")
}

/// A list, and whether it says that something is left out.
async fn list(user: &User<'_>, path: &str) -> (String, bool) {
    let answer = user.at(0, Method::GET, path).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    assert_eq!(answer.headers()["cache-control"], "private, no-store", "{path}");
    assert!(!answer.headers().contains_key("etag"), "{path}");
    let is_partial = answer.headers().get("x-partial").is_some_and(|value| value == "1");
    (answer.text().await.expect("a body"), is_partial)
}

/// Rooms made by a user, each with a name that contains "meeting", until one lies on this shard or on another one.
async fn room_on(world: &World, cluster: &RedisCluster, user: &User<'_>, is_wanted: impl Fn(usize) -> bool) -> String {
    for number in 0..100 {
        let room = user.make_room(0, &format!("meeting {number}")).await;
        if is_wanted(block_in_place(|| cluster.owner(&key(world, &room)))) {
            return room;
        }
    }
    panic!("a hundred rooms on one shard");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_leave_out_the_rooms_of_a_shard_that_is_away_and_say_so() {
    let cluster = RedisCluster::start().await;
    let lost = block_in_place(|| cluster.owner("{r:1}"));
    let prefix = block_in_place(|| prefix_apart_from(&cluster, lost));
    let world = World::start_with(1, &cluster.url(), |config| config.redis.prefix = prefix).await;
    let user = bystander(&world, &cluster, lost).await.user;
    let newcomer = bystander_without_rooms(&world, &cluster, lost).await;
    let gone = room_on(&world, &cluster, &user, |shard| shard == lost).await;
    let kept = room_on(&world, &cluster, &user, |shard| shard != lost).await;
    let (gone, kept): (chinwag::domain::RoomId, chinwag::domain::RoomId) =
        (gone.parse().expect("a room"), kept.parse().expect("a room"));
    let has = |text: &str, room: chinwag::domain::RoomId| {
        text.contains(&format!("\"id\":{},", room.number())) || text.contains(&format!("\"{room}\""))
    };
    for (path, has_global) in LISTS {
        let (text, is_partial) = list(&user, path).await;
        assert!(has(&text, gone) && has(&text, kept) && !is_partial, "{path}: {text}");
        assert_eq!(has(&text, chinwag::domain::RoomId::GLOBAL), has_global, "{path}: {text}");
    }

    let replica = block_in_place(|| cluster.replica_of(lost));
    for server in [lost, replica] {
        cluster.servers[server].signal(Signal::SIGSTOP);
    }
    eventually("the room answers 503", async || {
        let answer = user.try_send(0, &gone.to_string(), "lost").await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE)
    })
    .await;
    // Twice: what the node remembers of a list must not come back as a complete one.
    for (path, _) in LISTS.into_iter().chain(LISTS) {
        let (text, is_partial) = list(&user, path).await;
        assert!(is_partial && has(&text, kept), "{path}: {text}");
        assert!(!has(&text, gone) && !has(&text, chinwag::domain::RoomId::GLOBAL), "{path}: {text}");
    }
    let history = |room: chinwag::domain::RoomId| user.get(0, &format!("messages?room_id={room}")).send();
    assert_eq!(history(gone).await.expect("answered").status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(history(kept).await.expect("answered").status(), StatusCode::OK);
    // Even someone all of whose rooms are away has a list, and may connect.
    assert_eq!(list(&newcomer, "/api/v1/conversations").await, ("[]".to_owned(), true));
    drop(world.webchat(0, &newcomer, "").await);

    for server in [replica, lost] {
        cluster.servers[server].signal(Signal::SIGCONT);
    }
    for (path, _) in LISTS {
        eventually("the list is complete", async || {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let (text, is_partial) = list(&user, path).await;
            !is_partial && has(&text, gone) && has(&text, kept)
        })
        .await;
    }
    world.stop().await;
}

/// A user whose account lies on another shard than this one, and who is in the global room alone.
async fn bystander_without_rooms<'a>(world: &'a World, cluster: &RedisCluster, shard: usize) -> User<'a> {
    for _ in 0..100 {
        let user = world.user(0, &unique("new")[..12]).await;
        let me = user.get_json(0, "/api/v1/me").await;
        let account = format!("{}{{u:{}}}", world.config.redis.prefix, me["id"]);
        if block_in_place(|| cluster.owner(&account)) != shard {
            return user;
        }
    }
    panic!("a hundred users on one shard");
}
