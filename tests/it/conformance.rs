//! `chinwag conformance`: our nodes conform to all documents, and differences of another server are reported.

use std::process::Output;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::command_line::Shell;
use crate::support::{World, free_port, scratch, shared_redis};

/// A node that somebody has used before, without limits.
async fn used_node() -> World {
    let world = World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await;
    let early = world.user(0, "early").await;
    early.send(0, "global", "here before").await;
    early.make_room(0, "before").await;
    drop(early);
    world
}

/// Runs the command in an empty folder, while the node goes on in this process.
async fn conformance(arguments: &[&str]) -> Output {
    let arguments: Vec<String> = ["conformance"].iter().chain(arguments).map(|&argument| argument.to_owned()).collect();
    let run = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // Neither configuration nor Redis is there.
        let environment = vec![("CHINWAG_REDIS__URL", "redis://127.0.0.1:1".to_owned())];
        Shell { folder: scratch(), environment }.run(&arguments, "")
    };
    tokio::task::spawn_blocking(run).await.expect("it ends")
}

fn lines(output: &Output) -> Vec<&str> {
    std::str::from_utf8(&output.stdout).expect("text").lines().collect()
}

/// Asserts that nothing differs.
fn assert_same(output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    let wrong: Vec<&str> = lines(output).into_iter().filter(|line| !line.starts_with("ok ")).collect();
    assert_eq!(output.status.code(), Some(0), "{}\n{errors}", wrong.join("\n"));
    assert_eq!(wrong.len(), 1, "the sums: {wrong:?}");
    assert!(wrong[0].ends_with(" 0 differ, 0 not played"), "{}", wrong[0]);
}

#[tokio::test]
async fn a_node_in_use_is_as_all_documents_say() {
    let world = used_node().await;
    for document in chinwag::conformance::DOCUMENTS {
        let output = conformance(&["--dialect", document, &world.url(0, "")]).await;
        assert_same(&output);
        assert!(lines(&output).len() > 50, "{document} has steps");
    }
    world.stop().await;
}

#[tokio::test]
async fn accounts_may_be_given() {
    let world = used_node().await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    let (user, token) = (format!("{}:your_strong_password", alice.name), format!("{}:{}", bob.name, bob.token));
    let url = world.url(0, "");
    let arguments = ["--dialect", "004", &url, "--user", &user, "--token", &token, "--only", "01-private"];
    let output = conformance(&arguments).await;
    assert_same(&output);
    let page = alice.get_json(0, "/api/v1/rooms").await;
    assert!(page.to_string().contains("\"bob\""), "they have talked: {page}");
    world.stop().await;
}

#[tokio::test]
async fn a_field_that_is_called_otherwise_is_named() {
    let world = used_node().await;
    let changed = Between::start(&world, Fault::Replace("\"sender_name\"", "\"sender_nome\"")).await;
    let output = conformance(&["--dialect", "003", &changed.url, "--only", "01-send"]).await;
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    assert!(lines[0].starts_with("differs 01-send 1: POST /api/chat/send?room_id=global: "), "{}", lines[0]);
    for part in ["body.sender_name: is missing", "body.sender_nome: must not be there: \"张三"] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }

    let output = conformance(&["--dialect", "003", &changed.url, "--only", "01-send", "--json"]).await;
    let first: Value = serde_json::from_str(self::lines(&output)[0]).expect("JSON");
    assert_eq!(
        (&first["transcript"], &first["step"], &first["outcome"]),
        (&"01-send".into(), &1.into(), &"differs".into())
    );
    world.stop().await;
}

#[tokio::test]
async fn a_frame_that_does_not_come_is_named() {
    let world = used_node().await;
    let lossy = Between::start(&world, Fault::Drop("message_history")).await;
    let output = conformance(&["--dialect", "000", &lossy.url, "--only", "07-history", "--timeout", "1"]).await;
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    let differing: Vec<&&str> = lines.iter().filter(|line| line.starts_with("differs ")).collect();
    assert_eq!(differing.len(), 1, "{lines:?}");
    let wanted = "differs 07-history 14: a receives message_history";
    assert!(differing[0].starts_with(wanted) && differing[0].contains("a: nothing instead of {"), "{}", differing[0]);
    assert!(lines.iter().any(|line| line.ends_with("26 more steps are not played")), "{lines:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_one_line() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let shell = Shell { folder: scratch(), environment: Vec::new() };
    let reason = shell.fails(&["conformance", "--dialect", "003", &url], "", 1);
    assert_eq!(reason, format!("chinwag: {url}: Connection refused (os error 111)"));
    let reason = shell.fails(&["conformance", "--dialect", "003", "ftp://example.com"], "", 2);
    assert!(reason.contains("http:// or https://"), "{reason}");
}

/// What a server does wrong.
#[derive(Clone, Copy)]
enum Fault {
    /// Has this in place of that, which is as long.
    Replace(&'static str, &'static str),
    /// Does not send what has this in it.
    Drop(&'static str),
}

/// A server that is a node but for a fault.
struct Between {
    url: String,
    /// Ends with the test.
    _accepting: tokio::task::JoinSet<()>,
}

impl Between {
    async fn start(world: &World, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let node = world.nodes[0].address();
        let mut accepting = tokio::task::JoinSet::new();
        accepting.spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(node).await.expect("the node listens");
                connections.spawn(carry(client, server, fault));
            }
        });
        Self { url, _accepting: accepting }
    }
}

async fn carry(client: TcpStream, server: TcpStream, fault: Fault) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let requests = tokio::io::copy(&mut from_client, &mut to_server);
    let answers = async {
        let mut piece = vec![0; 256 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut piece).await {
            let came = &piece[..length];
            let passed = match fault {
                Fault::Drop(text) if position(came, text).is_some() => continue,
                Fault::Drop(_) => came.to_vec(),
                Fault::Replace(old, new) => replaced(came, old, new),
            };
            if to_client.write_all(&passed).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = requests => {}
        () = answers => {}
    }
}

fn position(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text.as_bytes())
}

fn replaced(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while let Some(at) = position(&bytes, old) {
        bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
    }
    bytes
}
