//! Each document to each: a message sent on any path arrives on every other, once, unchanged and in one order.

use chinwag::domain::RoomId;
use futures_util::future::join_all;

use crate::dialect_clients::{
    Destination, DialectClients, MessageSummary, SEND_PATHS, SOCKET_KINDS, summary_of_polled,
};
use crate::support::{User, World, ok, room_id};

/// How many messages are sent on each path.
const ROUNDS: usize = 3;

/// The messages of users in a room, oldest first, from document 003.
async fn polled(user: &User<'_>, node: usize, room: u64) -> Vec<MessageSummary> {
    let page = user.read(node, &format!("messages?limit=100&room_id={}", room_id(room))).await;
    let mut messages: Vec<MessageSummary> = page.as_array().expect("a list").iter().map(summary_of_polled).collect();
    messages.retain(|message| message.sender != 0);
    messages.reverse();
    messages
}

/// Both send on all paths at the same time; then all their sockets must have received the same. `places` are the room as each of
/// the two addresses it.
async fn talk(world: &World, room: u64, alice: (&User<'_>, Destination), bob: (&User<'_>, Destination)) {
    let (to_bob, to_alice) = (alice.1, bob.1);
    let mut on_first = DialectClients::open(world, 0, alice.0, 1).await;
    let mut on_second = DialectClients::open(world, 1, bob.0, 2).await;
    let talk = [(&mut on_first, to_bob), (&mut on_second, to_alice)].map(|(clients, to)| async move {
        let mut answered = Vec::new();
        for round in 0..ROUNDS {
            for path in SEND_PATHS {
                let content = format!("{path:?} {round} of {} 你好 👋", clients.id);
                answered.extend(clients.send(path, to, &content).await);
            }
        }
        answered
    });
    let answered: Vec<MessageSummary> = join_all(talk).await.concat();

    let mut heard: Vec<Vec<MessageSummary>> = Vec::new();
    for (clients, to) in [(&mut on_first, to_bob), (&mut on_second, to_alice)] {
        for kind in SOCKET_KINDS {
            let mut messages = Vec::new();
            for _ in 0..2 * ROUNDS * SEND_PATHS.len() {
                messages.push(clients.next_message(kind, to).await);
            }
            heard.push(messages);
        }
        heard.push(polled(clients.user, clients.node, room).await);
    }
    let expected = heard.pop().expect("some");
    assert!(expected.is_sorted_by_key(|message| message.seq));
    for messages in heard {
        assert_eq!(messages, expected);
    }
    for message in &answered {
        assert!(expected.contains(message), "{message:?}");
    }
    for clients in [1, 2] {
        for path in SEND_PATHS {
            for round in 0..ROUNDS {
                let content = format!("{path:?} {round} of {clients} 你好 👋");
                let count = expected.iter().filter(|it| it.content == content && it.sender == clients).count();
                assert_eq!(count, 1, "{content}");
            }
        }
    }
    // Nothing else is in flight: the next message that each receives is the next that is sent.
    let last = on_first.user.send(0, &room_id(room), "last").await;
    for (clients, to) in [(&mut on_first, to_bob), (&mut on_second, to_alice)] {
        for kind in SOCKET_KINDS {
            assert_eq!(clients.next_message(kind, to).await, summary_of_polled(&last), "{kind:?} of {}", clients.id);
        }
    }
}

#[tokio::test]
async fn each_document_to_each_in_a_group() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "Project Alpha", &["bob"]).await;
    let to = Destination { room, other: None };
    talk(&world, room, (&alice, to), (&bob, to)).await;
    world.stop().await;
}

#[tokio::test]
async fn each_document_to_each_in_a_public_room() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let id = alice.make_room(0, "项目").await;
    ok(bob.post(1, &format!("rooms/{id}/join")).send().await).await;
    let room = id.parse::<RoomId>().expect("an id").number().into();
    let to = Destination { room, other: None };
    talk(&world, room, (&alice, to), (&bob, to)).await;
    world.stop().await;
}

#[tokio::test]
async fn each_document_to_each_in_the_global_room() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let to = Destination { room: 1, other: None };
    talk(&world, 1, (&alice, to), (&bob, to)).await;
    world.stop().await;
}

#[tokio::test]
async fn each_document_to_each_privately() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.open_direct(0, "bob").await;
    let (to_bob, to_alice) = (Destination { room, other: Some(2) }, Destination { room, other: Some(1) });
    talk(&world, room, (&alice, to_bob), (&bob, to_alice)).await;
    world.stop().await;
}
