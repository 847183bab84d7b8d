//! Redis returns without its latest writes, as after a power failure or a failover to a lagging replica: what is stored
//! afterwards still reaches everyone.

use serde_json::{Value, json};

use super::proxy::{Path, Paths, Proxy, Target};
use crate::socket::Socket;
use crate::support::{Redis, World, scratch};

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
        self.proxy.disturb(Target::All, Paths::both(Path::Swallowed));
        self.redis.kill();
        self.redis.restart();
        self.world.wait_ready(0).await;
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
    it.world.wait_ready(1).await;
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
    it.world.wait_ready(1).await;
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

async fn heard_any(socket: &mut Socket) -> Value {
    socket.next_of("new_message").await["payload"]["content"].clone()
}
