//! Lists that a client requests and does not read: all that carry messages are bounded, not only long histories.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};

use crate::raw_socket::RawSocket;
use crate::support::{User, World, eventually, room_id, shared_redis};

/// Rooms with a message each, and messages of one room: together as long as nothing between server and client buffers.
const ENTRIES: usize = 60;
/// More than a user may leave unread of any list.
const UNREAD: usize = 20;

async fn status(user: &User<'_>, path: &str) -> StatusCode {
    user.at(0, Method::GET, path).send().await.expect("answered").status()
}

/// Leaves answers unread until one more is refused.
async fn leave_unread(world: &World, user: &User<'_>, path: &str) -> Vec<RawSocket> {
    let mut sockets = Vec::new();
    for _ in 0..UNREAD {
        let mut socket = RawSocket::connect_narrow(&world.base(0)).await;
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", user.token);
        assert!(socket.send(head.as_bytes()).await, "the connection is open");
        sockets.push(socket);
    }
    eventually(path, async || status(user, path).await == StatusCode::TOO_MANY_REQUESTS).await;
    sockets
}

#[tokio::test]
async fn few_lists_of_a_user_wait_unread_and_others_have_theirs() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let users = ["alice", "bob", "carol"];
    let users = join_all(users.map(|name| world.user(0, name))).await;
    let names: Vec<&str> = users[1..].iter().map(|user| user.name.as_str()).collect();
    let long = "字".repeat(5000);
    let mut room = String::new();
    for number in 0..ENTRIES {
        room = room_id(users[0].make_group(0, &number.to_string(), &names).await);
        users[0].send(0, &room, &long).await;
    }
    for _ in 0..ENTRIES {
        users[0].send(0, &room, &long).await;
    }
    let page = format!("/api/chat/messages?room_id={room}&limit=100");
    let lists = ["/api/v1/conversations", "/api/chat/rooms", &page];
    let unread = join_all(users.iter().zip(lists).map(|(user, path)| leave_unread(&world, user, path))).await;
    // What one user leaves unread does not concern the others, and it is over once the client is gone.
    let other = world.user(0, "dave").await;
    assert_eq!(status(&other, lists[0]).await, StatusCode::OK);
    drop(unread);
    for (user, path) in users.iter().zip(lists) {
        eventually(path, async || status(user, path).await == StatusCode::OK).await;
    }
    world.stop().await;
}
