//! Edited messages have their new text in every document; clients of `?ext=1` are told.

mod missed;
mod refused;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::recent_messages::{follow, from_memory};
use crate::socket::Socket;
use crate::support::{User, World, eventually, ok, room_id, shared_connection, shared_redis};

/// The integer id of a message of document 003.
pub fn integer(message: &Value) -> u64 {
    let id = message["id"].as_str().and_then(|id| id.parse().ok()).expect("a UUID");
    chinwag::domain::MessageId::from_uuid(id).expect("an id of ours").to_integer()
}

/// Edits a message of document 003. Returns the answer: `done`, or an `error`.
pub async fn edit(socket: &mut Socket, room: u64, message: &Value, content: &str) -> Value {
    let payload = json!({"room_id": room, "id": integer(message), "content": content, "ref": "an edit"});
    socket.send(&json!({"type": "edit_message", "payload": payload})).await;
    loop {
        let frame = socket.next().await;
        if frame["payload"]["ref"] == "an edit" {
            return frame;
        }
    }
}

/// The types of the frames up to the next message, presence left out.
pub async fn until_message(socket: &mut Socket) -> Vec<String> {
    let mut kinds = Vec::new();
    loop {
        let frame = socket.next().await;
        match frame["type"].as_str() {
            Some("new_message") => return kinds,
            Some("presence") => {}
            kind => kinds.push(kind.expect("a type").to_owned()),
        }
    }
}

async fn edit_as(user: &User<'_>, node: usize, room: u64, message: &Value, content: &str) {
    let mut socket = user.world.webchat(node, user, "ext=1").await;
    let answer = edit(&mut socket, room, message, content).await;
    assert_eq!(answer["type"], "done", "{answer}");
    socket.close().await;
}

/// What the documents show of the messages of a room, newest first: one list of texts for each way to read them.
async fn texts_everywhere(user: &User<'_>, node: usize, room: u64) -> Vec<Vec<String>> {
    let world = user.world;
    let id = room_id(room);
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
        list.iter().map(|it| it["content"].as_str().expect("text").to_owned()).collect()
    };
    let mut pages = vec![texts(&user.read(node, &format!("messages?room_id={id}")).await)];
    let page = user.get_json(node, &format!("/api/v1/chat/messages?group_id={id}")).await;
    pages.push(texts(&page["data"]["messages"]));
    let page = user.ask(node, "/api/chat/history/room", &json!({"room_id": room})).await.1;
    pages.push(texts(&page["data"]));
    for query in ["", "ext=1"] {
        let mut socket = world.webchat(node, user, query).await;
        socket.send(&json!({"type": "fetch_history", "payload": {"room_id": room}})).await;
        let mut page = texts(&socket.next_of("message_history").await["payload"]["messages"]);
        page.reverse();
        pages.push(page);
        socket.close().await;
    }
    for page in &mut pages {
        // Notices are not in every document.
        page.retain(|text| !text.contains("聊天室"));
    }
    pages
}

#[tokio::test]
async fn an_edit_is_seen_in_every_document_and_told_to_those_who_asked() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "edits", &["bob"]).await;
    let id = room_id(room);
    let sent = alice.send(0, &id, "a misteak").await;
    alice.send(0, &id, "later").await;
    let mut told = world.webchat(1, &bob, "ext=1").await;
    let mut writer = world.webchat(0, &alice, "ext=1").await;
    let mut documents = [
        world.webchat(0, &bob, "").await,
        world.webchat(1, &bob, "").await,
        world.envelope(1, &bob).await,
        world.messenger(1, &bob).await,
        world.imtypes(1, &bob, "").await,
        world.imtypes(1, &bob, "ext=1").await,
    ];
    for node in [0, 1] {
        for page in texts_everywhere(&bob, node, room).await {
            assert_eq!(page, ["later", "a misteak"]);
        }
    }
    let answer = edit(&mut writer, room, &sent, "a mistake").await;
    assert_eq!(answer, json!({"type": "done", "payload": {"ref": "an edit"}}));
    let event = told.next_of("message_edited").await["payload"].clone();
    let edited_at = event["edited_at"].as_str().expect("a time").to_owned();
    let expected = json!({
        "room_id": room, "id": integer(&sent), "user_id": 1, "content": "a mistake", "edited_at": edited_at
    });
    assert_eq!(event, expected);

    for node in [0, 1] {
        for user in [&alice, &bob] {
            for page in texts_everywhere(user, node, room).await {
                assert_eq!(page, ["later", "a mistake"], "node {node}");
            }
        }
        let found = bob.get_json(node, &format!("/api/v1/search?kind=message&q=mistake&room_id={room}")).await;
        assert_eq!((&found[0]["content"], &found[0]["edited_at"]), (&json!("a mistake"), &json!(edited_at)));
        let found = bob.get_json(node, &format!("/api/v1/search?kind=message&q=misteak&room_id={room}")).await;
        assert_eq!(found, json!([]));
        let mut socket = world.webchat(node, &bob, "ext=1").await;
        socket.send(&json!({"type": "fetch_history", "payload": {"room_id": room, "page_size": 2}})).await;
        let page = socket.next_of("message_history").await["payload"]["messages"].take();
        assert_eq!((&page[0]["text"], &page[0]["edited_at"]), (&json!("a mistake"), &json!(edited_at)));
        assert!(page[1].get("edited_at").is_none());
    }
    // Clients of the documents receive messages and nothing else.
    alice.send(0, &id, "the next").await;
    for socket in &mut documents {
        let mut frame = socket.next().await;
        while matches!(frame["type"].as_str(), Some("read_receipt")) {
            frame = socket.next().await; // document 004 with `?ext=1`
        }
        assert!(frame.to_string().contains("the next"), "{frame}");
    }
    // Replies refer to it as before, and may be edited as well.
    let reply = json!({"message_type": "text", "content": "which?", "reply_to": sent["id"]});
    let reply = ok(bob.post(1, &format!("send?room_id={id}")).json(&reply).send().await).await;
    edit_as(&bob, 1, room, &reply, "which one?").await;
    let shown = alice.read(0, &format!("messages?room_id={id}&limit=1")).await;
    assert_eq!((&shown[0]["content"], &shown[0]["reply_to"]), (&json!("which one?"), &sent["id"]));
    world.stop().await;
}

#[tokio::test]
async fn lists_show_the_new_text_of_the_last_message() {
    let world = World::start(2).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let room = alice.make_group(0, "lists", &["bob"]).await;
    let id = room_id(room);
    let first = alice.send(0, &id, "first").await;
    let second = alice.send(0, &id, "second").await;
    let last = async |node: usize| {
        let list = bob.get_json(node, "/api/v1/conversations").await;
        let entry = list.as_array().expect("a list").iter().find(|it| it["id"] == room).expect("listed").clone();
        let rooms = bob.read(node, "rooms").await;
        let card = rooms.as_array().expect("a list").iter().find(|it| it["id"] == *id).expect("listed").clone();
        assert_eq!(entry["unread"], 2, "an edit is no message");
        (entry["last_message"]["content"].clone(), card["last_message"]["content"].clone())
    };
    edit_as(&alice, 0, room, &second, "the second").await;
    edit_as(&alice, 1, room, &first, "the first").await;
    for node in [0, 1] {
        assert_eq!(last(node).await, (json!("the second"), json!("the second")), "node {node}");
    }
    let path = format!("messages/{}?room_id={id}", second["id"].as_str().expect("an id"));
    ok(alice.request(1, Method::DELETE, &path).send().await).await;
    let list = bob.get_json(0, "/api/v1/conversations").await;
    let texts: Vec<&Value> = list.as_array().expect("a list").iter().map(|it| &it["last_message"]["content"]).collect();
    assert!(texts.contains(&&json!("the first")), "{list}");
    world.stop().await;
}

#[tokio::test]
async fn polls_of_both_nodes_find_an_edit() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let sent = alice.send(0, "global", "old").await;
    let poll = async |node: usize, etag: &str| {
        let answer = alice.get(node, "messages").header("If-None-Match", etag).send().await.expect("answered");
        let etag = answer.headers()["etag"].to_str().expect("text").to_owned();
        (answer.status(), etag, answer.text().await.expect("text"))
    };
    let (_, etag, _) = poll(0, "\"nothing\"").await;
    for node in [0, 1] {
        let unchanged = async || poll(node, &etag).await.0 == StatusCode::NOT_MODIFIED;
        eventually("the node follows the room", unchanged).await;
    }
    edit_as(&alice, 0, 1, &sent, "new").await;
    for node in [0, 1] {
        eventually("the poll sees the edit", async || poll(node, &etag).await.0 == StatusCode::OK).await;
        let (_, changed, page) = poll(node, &etag).await;
        assert!(changed != etag && page.contains("new") && !page.contains("old"), "{page}");
        assert_eq!(poll(node, &changed).await.0, StatusCode::NOT_MODIFIED);
    }
    world.stop().await;
}

#[tokio::test]
async fn the_messages_that_a_node_keeps_are_edited_as_those_of_redis() {
    let world = World::start(2).await;
    let alice = world.user(0, "alice").await;
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(alice.send(0, "global", &number.to_string()).await);
    }
    let mut followed = follow(&world, 0, &alice, "messages").await;
    let mut writer = world.webchat(1, &alice, "ext=1").await;
    let before = from_memory(&world, 0).await;
    for round in 0..20 {
        let text = format!("round {round}");
        edit(&mut writer, 1, &sent[round % 5], &text).await;
        let texts = alice.texts(0, "").await;
        assert!(texts.contains(&text), "{texts:?}");
        assert_eq!(texts, alice.texts(1, "").await);
    }
    let is_kept = async || {
        alice.texts(0, "").await;
        from_memory(&world, 0).await > before
    };
    eventually("pages come from memory", is_kept).await;
    assert_eq!(alice.texts(0, "").await, ["round 19", "round 18", "round 17", "round 16", "round 15"]);
    followed.close().await;
    world.stop().await;
}

#[tokio::test]
async fn an_edit_is_stored_beside_the_log_and_leaves_with_its_message() {
    let world = World::start_with(1, shared_redis(), |config| config.messages.max_per_room = 5).await;
    let alice = world.user(0, "alice").await;
    let key = |name: &str| format!("{}{{r:1}}{name}", world.config.redis.prefix);
    let mut connection = shared_connection(&key(""));
    let mut fields = |name: &str| -> Vec<String> {
        let mut fields: Vec<String> = redis::cmd("HKEYS").arg(key(name)).query(&mut connection).expect("read");
        fields.sort();
        fields
    };
    let first = alice.send(0, "global", "first").await;
    let second = alice.send(0, "global", "second").await;
    for message in [&first, &second] {
        edit_as(&alice, 0, 1, message, "a new text").await;
    }
    assert_eq!(
        (fields(":gone"), fields(":amended")),
        (vec!["1:e".into(), "2:e".into()], vec!["1:e".into(), "2:e".into()])
    );
    // The new text of a deleted message goes at once.
    let path = format!("messages/{}", first["id"].as_str().expect("an id"));
    ok(alice.request(0, Method::DELETE, &path).send().await).await;
    assert_eq!(fields(":amended"), ["2:e"]);
    let mut connection = shared_connection(&key(""));
    for name in [":gone", ":amended"] {
        let lifetime: i64 = redis::cmd("PTTL").arg(key(name)).query(&mut connection).expect("read");
        assert!(lifetime > 0, "{name} expires");
    }
    // What leaves the log is dropped once it may be the majority.
    for number in 0..25 {
        let sent = alice.send(0, "global", &number.to_string()).await;
        edit_as(&alice, 0, 1, &sent, "edited").await;
    }
    for name in [":gone", ":amended"] {
        let left = fields(name);
        assert!(left.len() <= 20 && !left.contains(&"2:e".to_owned()), "{name}: {left:?}");
    }
    world.stop().await;
}
