//! Rooms across nodes: creating, joining, leaving, listing.

use serde_json::json;

use crate::support::{World, ok, refused};

#[tokio::test]
async fn sending_to_a_public_room_joins_it() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_room(0, "项目").await;

    bob.send(1, &room, "你好").await;

    let rooms = alice.read(0, "rooms").await;
    let listed = rooms.as_array().expect("a list").iter().find(|it| it["id"] == room.as_str()).expect("listed").clone();
    assert_eq!(listed["members"], json!([1, 2]));
    assert_eq!(listed["last_message"]["content"], "你好");
    let texts = alice.texts(1, &format!("room_id={room}")).await;
    assert_eq!(texts, ["你好", "bob 加入了聊天室", "alice 创建了聊天室"]);
    world.stop().await;
}

#[tokio::test]
async fn joining_and_leaving_may_be_repeated() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let room = alice.make_room(0, "a").await;
    for node in [0, 1] {
        let joined = ok(bob.post(node, &format!("rooms/{room}/join")).send().await).await;
        assert_eq!(joined, json!({"message": "成功加入聊天室"}));
    }
    for node in [1, 0] {
        let left = ok(bob.post(node, &format!("rooms/{room}/leave")).send().await).await;
        assert_eq!(left, json!({"message": "成功离开聊天室"}));
    }
    let texts = bob.texts(0, &format!("room_id={room}")).await;
    assert_eq!(texts, ["bob 离开了聊天室", "bob 加入了聊天室", "alice 创建了聊天室"]);
    assert_eq!(refused(bob.post(0, "rooms/global/leave").send().await, 400).await, "不能离开全局聊天室");
    assert_eq!(refused(bob.post(0, "rooms/room_deadbeef/join").send().await, 404).await, "聊天室不存在");
    ok(bob.post(0, "rooms/global/join").send().await).await;
    assert_eq!(alice.texts(0, "").await, Vec::<String>::new(), "the global room has no system messages");
    world.stop().await;
}

#[tokio::test]
async fn lists_go_on_from_their_cursor() {
    let world = World::start(1).await;
    let alice = world.user(0, "alice").await;
    let mut made = vec!["global".to_owned()];
    for index in 0..7 {
        made.push(alice.make_room(0, &format!("room {index}")).await);
    }
    let mut listed = Vec::new();
    let mut path = "rooms?limit=3".to_owned();
    loop {
        let answer = alice.get(0, &path).send().await.expect("answered");
        let next = answer.headers().get("x-next-cursor").map(|value| value.to_str().expect("text").to_owned());
        let page = ok(Ok(answer)).await;
        listed.extend(page.as_array().expect("a list").iter().map(|it| it["id"].as_str().expect("id").to_owned()));
        match next {
            Some(next) => path = format!("rooms?limit=3&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, made);
    world.stop().await;
}
