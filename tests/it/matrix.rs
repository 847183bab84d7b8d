//! Each document to each: what is sent in one way is heard in every other, once, the same, in one order.

use chinwag::domain::RoomId;
use futures_util::future::join_all;

use crate::senders::{EARS, Place, Seen, Speaker, WAYS, seen_by_poll};
use crate::support::{User, World, ok, room_id};

/// How often each way is used.
const ROUNDS: usize = 3;

/// What users said in a room, oldest first, as document 003 lists it.
async fn polled(user: &User<'_>, node: usize, room: u64) -> Vec<Seen> {
    let page = user.read(node, &format!("messages?limit=100&room_id={}", room_id(room))).await;
    let mut messages: Vec<Seen> = page.as_array().expect("a list").iter().map(seen_by_poll).collect();
    messages.retain(|message| message.sender != 0);
    messages.reverse();
    messages
}

/// Both speak in all ways at once; then all of both must have heard the same. `places` are the room as each of
/// the two addresses it.
async fn talk(world: &World, room: u64, alice: (&User<'_>, Place), bob: (&User<'_>, Place)) {
    let (to_bob, to_alice) = (alice.1, bob.1);
    let mut on_first = Speaker::open(world, 0, alice.0, 1).await;
    let mut on_second = Speaker::open(world, 1, bob.0, 2).await;
    let talk = [(&mut on_first, to_bob), (&mut on_second, to_alice)].map(|(dialect, to)| async move {
        let mut answered = Vec::new();
        for round in 0..ROUNDS {
            for way in WAYS {
                let content = format!("{way:?} {round} of {} 你好 👋", dialect.id);
                answered.extend(dialect.say(way, to, &content).await);
            }
        }
        answered
    });
    let answered: Vec<Seen> = join_all(talk).await.concat();

    let mut heard: Vec<Vec<Seen>> = Vec::new();
    for (dialect, place) in [(&mut on_first, to_bob), (&mut on_second, to_alice)] {
        for ear in EARS {
            let mut messages = Vec::new();
            for _ in 0..2 * ROUNDS * WAYS.len() {
                messages.push(dialect.hear(ear, place).await);
            }
            heard.push(messages);
        }
        heard.push(polled(dialect.user, dialect.node, room).await);
    }
    let expected = heard.pop().expect("some");
    assert!(expected.is_sorted_by_key(|message| message.seq));
    for messages in heard {
        assert_eq!(messages, expected);
    }
    for message in &answered {
        assert!(expected.contains(message), "{message:?}");
    }
    for dialect in [1, 2] {
        for way in WAYS {
            for round in 0..ROUNDS {
                let content = format!("{way:?} {round} of {dialect} 你好 👋");
                let count = expected.iter().filter(|it| it.content == content && it.sender == dialect).count();
                assert_eq!(count, 1, "{content}");
            }
        }
    }
    // Nothing else is on its way: the next that each hears is the next that is said.
    let last = on_first.user.send(0, &room_id(room), "last").await;
    for (dialect, place) in [(&mut on_first, to_bob), (&mut on_second, to_alice)] {
        for ear in EARS {
            assert_eq!(dialect.hear(ear, place).await, seen_by_poll(&last), "{ear:?} of {}", dialect.id);
        }
    }
}

#[tokio::test]
async fn each_document_to_each_in_a_group() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "Project Alpha", &["bob"]).await;
    let place = Place { room, other: None };
    talk(&world, room, (&alice, place), (&bob, place)).await;
    world.stop().await;
}

#[tokio::test]
async fn each_document_to_each_in_a_public_room() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let id = alice.make_room(0, "项目").await;
    ok(bob.post(1, &format!("rooms/{id}/join")).send().await).await;
    let room = id.parse::<RoomId>().expect("an id").number().into();
    let place = Place { room, other: None };
    talk(&world, room, (&alice, place), (&bob, place)).await;
    world.stop().await;
}

#[tokio::test]
async fn each_document_to_each_in_the_global_room() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let place = Place { room: 1, other: None };
    talk(&world, 1, (&alice, place), (&bob, place)).await;
    world.stop().await;
}

#[tokio::test]
async fn each_document_to_each_privately() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.open_direct(0, "bob").await;
    let (to_bob, to_alice) = (Place { room, other: Some(2) }, Place { room, other: Some(1) });
    talk(&world, room, (&alice, to_bob), (&bob, to_alice)).await;
    world.stop().await;
}
