//! Supervision: a dialect whose encoder panics, and a task of the node that ends.

use std::io::Read;
use std::process::{Command, ExitCode, Stdio};

use chinwag::config::Config;
use chinwag::domain::Event;
use chinwag::edge::{Dialect, SocketCodec, SocketRoute};
use chinwag::fanout::Frame;
use chinwag::node::Node;
use chinwag::{cli, dialects};
use serde_json::json;

use crate::sixth::echo;
use crate::socket::Socket;
use crate::support::{User, World, eventually, scratch, shared_redis};

const FRAGILE_PATH: &str = "/api/fragile";
/// The text at which the encoder panics.
const TRIGGER: &str = "a planted panic";

/// The sixth dialect with an encoder that panics.
const FRAGILE: Dialect = Dialect {
    name: "fragile",
    owns: |path| path.starts_with(FRAGILE_PATH),
    routes: |_, _| {},
    sockets: |_| vec![SocketRoute { path: FRAGILE_PATH.to_owned(), claims: |_| true, codec: CODEC }],
    ..echo::DIALECT
};

const CODEC: SocketCodec = SocketCodec {
    name: "fragile",
    has_extension: false,
    encode: |event, _| match &event.what {
        Event::Message(message) if message.text == TRIGGER => panic!("{TRIGGER}"),
        _ => Some(Frame::Same(r#""fine""#.to_owned())),
    },
    ..echo::CODEC
};

async fn world_with_a_fragile_node(workers: usize) -> World {
    let mut world = World::start(1).await;
    let mut spoken = dialects::ALL.to_vec();
    spoken.insert(0, FRAGILE);
    let mut config = world.config.clone();
    config.server.workers = workers;
    world.nodes.push(Node::start_with_dialects(config, spoken).await.expect("starts"));
    world.wait_ready(1).await;
    world
}

async fn open_fragile(world: &World, user: &User<'_>) -> Socket {
    Socket::open(&world.base(1), FRAGILE_PATH, Some(&user.token), None).await.expect("accepted")
}

async fn panics(world: &World) -> u64 {
    let answer = world.client.get(world.url(1, "/metrics")).send().await.expect("answered");
    let text = answer.text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix("chinwag_worker_panics_total ")).expect("counted");
    line.parse().expect("a number")
}

#[tokio::test]
async fn an_encoder_that_panics_ends_the_sockets_of_its_worker_and_no_others() {
    let world = world_with_a_fragile_node(2).await;
    let alice = world.user(1, "Alice").await;
    let mut fragile = open_fragile(&world, &alice).await;
    // The framework distributes connections to both workers.
    let mut sockets = Vec::new();
    for _ in 0..12 {
        sockets.push(world.webchat(1, &alice, "").await);
    }

    alice.send(0, "global", TRIGGER).await;

    assert_eq!(fragile.next_or_end().await, Err(Some(1011)));
    let (mut ended, mut others) = (0, Vec::new());
    for mut socket in sockets {
        // A socket of the worker may have had the message before the encoder of another panicked.
        match socket.next_or_end().await {
            Ok(frame) => {
                assert_eq!(frame["payload"]["content"], TRIGGER);
                others.push(socket);
            }
            Err(end) => {
                assert_eq!(end, Some(1011));
                ended += 1;
            }
        }
    }
    assert_eq!(panics(&world).await, 1);

    // The loop runs again: new sockets of both workers work, the others still do.
    world.wait_ready(1).await;
    for _ in 0..12 {
        others.push(world.webchat(1, &alice, "").await);
    }
    let mut fragile = open_fragile(&world, &alice).await;
    alice.send(0, "global", "good day").await;
    assert_eq!(fragile.next().await, json!("fine"));
    let mut living = 0;
    for mut socket in others {
        match socket.next_or_end().await {
            Ok(frame) => {
                assert_eq!(frame["payload"]["content"], "good day");
                living += 1;
            }
            Err(end) => {
                assert_eq!(end, Some(1011));
                ended += 1;
            }
        }
    }
    assert!(ended > 0 && living > 12, "{ended} ended, {living} go on");
    world.stop().await;
}

#[tokio::test]
async fn an_encoder_that_panics_while_one_socket_is_caught_up_ends_that_socket_only() {
    let mut world = World::start(1).await;
    let mut spoken = dialects::ALL.to_vec();
    spoken.insert(0, Dialect { sockets: |_| vec![SocketRoute { codec: RESUMING, ..fragile_route() }], ..FRAGILE });
    world.nodes.push(Node::start_with_dialects(world.config.clone(), spoken).await.expect("starts"));
    world.wait_ready(1).await;
    let alice = world.user(1, "Alice").await;
    let first = alice.send(0, "global", "first").await;
    alice.send(0, "global", TRIGGER).await;

    let mut webchat = world.webchat(1, &alice, "").await;
    let path = format!("{FRAGILE_PATH}?ext=1&since={}", first["id"].as_str().expect("an id"));
    let mut fragile = Socket::open(&world.base(1), &path, Some(&alice.token), None).await.expect("accepted");
    assert_eq!(fragile.next_or_end().await, Err(Some(1011)));

    alice.send(0, "global", "good day").await;
    assert_eq!(webchat.next().await["payload"]["content"], "good day");
    assert_eq!(panics(&world).await, 1);
    world.stop().await;
}

fn fragile_route() -> SocketRoute {
    SocketRoute { path: FRAGILE_PATH.to_owned(), claims: |_| true, codec: CODEC }
}

/// Resumes the global room after its first message, whatever the query.
const RESUMING: SocketCodec = SocketCodec {
    has_extension: true,
    resumes: |query| {
        let since = query.iter().find(|(key, _)| key == "since").map(|(_, id)| id.as_str()).unwrap_or_default();
        let uuid = since.parse().expect("an id of document 003");
        vec![chinwag::edge::Resume { after: chinwag::domain::MessageId::from_uuid(uuid).expect("an id of ours") }]
    },
    ..CODEC
};

/// Set for the process that [`a_node_whose_task_ends_makes_the_process_fail`] starts.
const CHILD: &str = "CHINWAG_TEST_CHILD";

#[test]
fn a_node_whose_task_ends_makes_the_process_fail() {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args(["--exact", "supervision::child_whose_task_ends", "--nocapture", "--ignored"])
        .env(CHILD, shared_redis())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program runs again");
    let mut log = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut log).expect("text");
    assert_eq!(child.wait().expect("ended").code(), Some(1), "{log}");
    assert!(log.contains("chinwag: the task `sample` ended unexpectedly"), "{log}");
}

/// Not a test by itself: `chinwag serve` in a process whose node has a task that soon ends.
#[test]
#[ignore = "started by a_node_whose_task_ends_makes_the_process_fail"]
fn child_whose_task_ends() {
    let Ok(redis) = std::env::var(CHILD) else { return };
    let mut config = Config::defaults();
    config.redis.url = redis;
    config.redis.prefix = crate::support::unique("child:");
    config.auth.jwt_secret = "0123456789012345678901234567890123".to_owned().into();
    config.data.dir = scratch();
    config.server.port = 0;
    config.server.drain_secs = 0;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let code = runtime.block_on(async {
        let mut node = Node::start(config).await.expect("starts");
        let ready = format!("http://{}/health/ready", node.address());
        let client = crate::support::client();
        eventually("the node is ready", async || {
            client.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        node.watch("sample", async {});
        cli::run_until(node, std::future::pending(), true).await
    });
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}
