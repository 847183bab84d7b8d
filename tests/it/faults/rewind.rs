//! Redis returns without its latest writes, as after a power failure or a failover to a lagging replica: what is stored
//! afterwards still reaches everyone.

use chinwag::domain::now_ms;
use serde_json::{Value, json};

use super::proxy::{Path, Paths, Proxy, Target};
use crate::dialect_clients::{room_and_seq, room_and_seq_of_uuid};
use crate::socket::Socket;
use crate::support::{Redis, World, ok, room_id, scratch};

struct Rewound {
    world: World,
    /// Between the second node and Redis.
    proxy: Proxy,
    redis: Redis,
    room: u64,
    tokens: [String; 2],
}

impl Rewound {
    async fn start() -> Self {
        let redis = Redis::start(&["--dir", &scratch().to_string_lossy()]);
        let mut world = World::start_with(1, &redis.url(), |_| {}).await;
        let proxy = Proxy::start(&redis.url()).await;
        world.config.redis.url = proxy.url();
        world.add_node().await;
        let (alice, bob) = (world.user(0, "Alice").await, world.user(0, "Bob").await);
        let room = alice.make_group(0, "rewound", &["Bob"]).await;
        let tokens = [alice.token.clone(), bob.token.clone()];
        Self { world, proxy, redis, room, tokens }
    }

    async fn open(&self, node: usize) -> Socket {
        let token = Some(self.tokens[node].as_str());
        Socket::open(&self.world.base(node), "/ws?ext=1", token, None).await.expect("accepted")
    }

    /// Opens a connection of Bob, on the second node, that knows nothing of extensions.
    async fn open_plain(&self) -> Socket {
        Socket::open(&self.world.base(1), "/api/v1/ws", None, Some(&self.tokens[1])).await.expect("accepted")
    }

    /// Sends a message over HTTP through the first node, which follows the room only for Alice's connection.
    async fn post(&self, text: &str) -> u64 {
        let url = self.world.url(0, &format!("/api/chat/send?room_id={}", room_id(self.room)));
        let body = json!({"message_type": "text", "content": text});
        let sent = ok(self.world.client.post(url).bearer_auth(&self.tokens[0]).json(&body).send().await).await;
        room_and_seq_of_uuid(&sent["id"]).1
    }

    /// Moves the room's time ahead, so that what is stored after a rewind is earlier than what was lost: as if the clock
    /// of the new server were behind.
    fn set_time_ahead(&self) {
        let key = format!("{}{{r:{}}}", self.world.config.redis.prefix, self.room);
        let mut set = redis::cmd("HSET");
        set.arg(key).arg("ms").arg(now_ms() + 20_000).exec(&mut self.redis.connection()).expect("set");
    }

    /// Sends a message and waits until the sender has it.
    async fn say(&self, socket: &mut Socket, text: &str) -> Value {
        let payload = json!({"room_id": self.room, "content": text});
        socket.send(&json!({"type": "send_message", "payload": payload})).await;
        heard(socket, text).await
    }

    fn save(&self) {
        redis::cmd("SAVE").exec(&mut self.redis.connection()).expect("saved");
    }

    /// Restarts Redis from its last save. The second node reaches it only when its proxy is restored.
    async fn rewind(&mut self) {
        self.rewind_without_waiting();
        self.world.wait_ready(0).await;
    }

    /// The same, without waiting for the first node.
    fn rewind_without_waiting(&mut self) {
        self.proxy.disturb(Target::All, Paths::both(Path::Swallowed));
        self.redis.kill();
        self.redis.restart();
    }
}

/// The next message, which must have this text.
async fn heard(socket: &mut Socket, text: &str) -> Value {
    let message = socket.next_of("new_message").await;
    assert_eq!(message["payload"]["content"], text);
    message
}

#[tokio::test]
async fn what_is_stored_after_a_rewind_reaches_nodes_that_were_further() {
    let mut it = Rewound::start().await;
    let (mut alice, mut bob) = (it.open(0).await, it.open(1).await);
    it.say(&mut alice, "kept").await;
    heard(&mut bob, "kept").await;
    it.save();
    for text in ["lost 1", "lost 2", "lost 3"] {
        it.say(&mut alice, text).await;
        heard(&mut bob, text).await;
    }
    it.rewind().await;
    it.say(&mut alice, "new 1").await;
    it.say(&mut alice, "new 2").await;
    it.proxy.restore();
    for text in ["new 1", "new 2"] {
        heard(&mut bob, text).await;
    }
    it.say(&mut alice, "new 3").await;
    heard(&mut bob, "new 3").await;
    it.world.stop().await;
}

#[tokio::test]
async fn a_client_that_resumes_behind_what_is_lost_is_told_and_gets_what_follows() {
    let mut it = Rewound::start().await;
    let (mut alice, mut bob) = (it.open(0).await, it.open(1).await);
    it.say(&mut alice, "kept").await;
    it.save();
    let mut last = Value::Null;
    for text in ["lost 1", "lost 2", "lost 3"] {
        last = it.say(&mut alice, text).await;
    }
    while heard_any(&mut bob).await != "lost 3" {}
    it.rewind().await;
    it.proxy.restore();
    // Open sockets are told at once, and the answer to the resumption is another.
    bob.next_of("not_recovered").await;
    let resume = json!({"type": "resume", "payload": {"rooms": {it.room.to_string(): last["payload"]["resume"]}}});
    bob.send(&resume).await;
    bob.next_of("not_recovered").await;
    for text in ["new 1", "new 2"] {
        it.say(&mut alice, text).await;
        heard(&mut bob, text).await;
    }
    it.world.stop().await;
}

#[tokio::test]
async fn a_client_that_resumes_behind_what_was_kept_gets_what_follows() {
    let mut it = Rewound::start().await;
    let (mut alice, mut bob) = (it.open(0).await, it.open(1).await);
    let kept = it.say(&mut alice, "kept").await;
    it.save();
    for text in ["lost 1", "lost 2", "lost 3"] {
        it.say(&mut alice, text).await;
    }
    while heard_any(&mut bob).await != "lost 3" {}
    it.rewind().await;
    it.proxy.restore();
    bob.next_of("not_recovered").await;
    let resume = json!({"type": "resume", "payload": {"rooms": {it.room.to_string(): kept["payload"]["resume"]}}});
    bob.send(&resume).await;
    // Alice's presence may be announced in between.
    let answer = loop {
        let frame = bob.next().await;
        if frame["type"] != "presence" {
            break frame;
        }
    };
    assert_eq!(answer["type"], "resumed");
    it.say(&mut alice, "new 1").await;
    heard(&mut bob, "new 1").await;
    it.world.stop().await;
}

#[tokio::test]
async fn what_is_stored_at_an_earlier_time_reaches_nodes_that_were_further() {
    let mut it = Rewound::start().await;
    let (mut bob, mut plain) = (it.open(1).await, it.open_plain().await);
    it.post("kept").await;
    it.save();
    it.set_time_ahead();
    for text in ["lost 1", "lost 2", "lost 3"] {
        it.post(text).await;
    }
    while heard_any(&mut bob).await != "lost 3" {}
    while plain.next().await["content"] != "lost 3" {}
    it.rewind().await;
    it.post("new 1").await;
    it.post("new 2").await;
    it.proxy.restore();
    for text in ["new 1", "new 2"] {
        heard(&mut bob, text).await;
        assert_eq!(plain.next().await["content"], text);
    }
    it.post("new 3").await;
    heard(&mut bob, "new 3").await;
    assert_eq!(plain.next().await["content"], "new 3");
    it.world.stop().await;
}

#[tokio::test]
async fn open_connections_are_told_that_messages_were_lost_and_ids_are_not_given_again() {
    let mut it = Rewound::start().await;
    let mut bob = it.open(1).await;
    it.post("kept").await;
    it.save();
    let (mut lost, mut token) = (0, String::new());
    heard(&mut bob, "kept").await;
    for text in ["lost 1", "lost 2", "lost 3"] {
        lost = it.post(text).await;
        token = heard(&mut bob, text).await["payload"]["resume"].as_str().expect("a token").to_owned();
    }
    it.rewind().await;
    // The first node has seen nothing of the room.
    it.post("meanwhile").await;
    it.proxy.restore();
    assert_eq!(bob.next_of("not_recovered").await["payload"], json!({"room_id": it.room}));
    heard(&mut bob, "meanwhile").await;
    // The second node has raised the seq before it delivered.
    let new = it.post("new").await;
    assert!(new > lost, "{new} was delivered before with another content, the last was {lost}");
    let heard = heard(&mut bob, "new").await;
    assert_eq!(room_and_seq(heard["payload"]["id"].as_u64().expect("an id")).1, new);

    it.world.wait_ready(1).await;
    let since = format!("/ws?ext=1&since={}:{token}", it.room);
    let mut late = Socket::open(&it.world.base(1), &since, Some(&it.tokens[1]), None).await.expect("accepted");
    late.next_of("not_recovered").await;
    it.world.stop().await;
}

#[tokio::test]
async fn a_node_that_follows_a_room_gives_no_id_twice_however_soon_it_sends() {
    let mut it = Rewound::start().await;
    let mut alice = it.open(0).await;
    let mut lost = 0;
    it.say(&mut alice, "kept").await;
    it.save();
    for text in ["lost 1", "lost 2", "lost 3"] {
        let message = it.say(&mut alice, text).await;
        lost = room_and_seq(message["payload"]["id"].as_u64().expect("an id")).1;
    }
    it.rewind_without_waiting();
    // The first answer of Redis may come before the node has subscribed again.
    let new = loop {
        let payload = json!({"room_id": it.room, "content": "new", "client_id": "c-1"});
        alice.send(&json!({"type": "send_message", "payload": payload})).await;
        let frame = loop {
            let frame = alice.next().await;
            if ["new_message", "error"].contains(&frame["type"].as_str().expect("a type")) {
                break frame;
            }
        };
        if frame["type"] == "new_message" {
            break room_and_seq(frame["payload"]["id"].as_u64().expect("an id")).1;
        }
    };
    assert!(new > lost, "{new} was delivered before with another content, the last was {lost}");
    it.world.stop().await;
}

async fn heard_any(socket: &mut Socket) -> Value {
    socket.next_of("new_message").await["payload"]["content"].clone()
}
