//! `docs/protocols`: the conversations work as written, and the frames are those that the server accepts and sends. And the
//! files of the web client that keep their addresses.

use std::process::Command;

use serde_json::Value;

use crate::asyncapi::{AsyncApi, Direction};
use crate::socket::Socket;
use crate::support::{World, scratch};

/// A fenced block of a page: its info string and its content.
struct Block {
    kind: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let path = format!("{}/docs/protocols/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("readable");
    let parts = text.split("```").skip(1).step_by(2);
    let block = |part: &str| part.split_once('\n').map(|(kind, text)| (kind.to_owned(), text.to_owned()));
    parts.map(|part| block(part).expect("a fence ends its line")).map(|(kind, text)| Block { kind, text }).collect()
}

fn frames(blocks: &[Block], kind: &str) -> Vec<Value> {
    let chosen = blocks.iter().filter(|block| block.kind == kind);
    chosen
        .map(|block| serde_json::from_str(&block.text).unwrap_or_else(|error| panic!("{error}: {}", block.text)))
        .collect()
}

/// Runs the shell blocks of a page against a node.
async fn run_shell(world: &World, blocks: &[Block]) {
    let script: String = blocks.iter().filter(|block| block.kind == "sh").map(|block| block.text.as_str()).collect();
    assert!(!script.is_empty(), "the page has a conversation");
    let script = script.replace("http://127.0.0.1:8000", &world.base(0));
    let mut shell = Command::new("bash");
    let folder = scratch();
    shell.args(["-euo", "pipefail", "-c", &script]).current_dir(&folder);
    let ran = tokio::task::spawn_blocking(move || shell.output()).await.expect("no panic").expect("bash is installed");
    let (said, failed) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}\n{failed}");
    assert!(!said.lines().any(|line| line.trim().is_empty()), "every call answers: {said}");
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

/// Checks that the socket accepts every client frame of the page and that the other frames are in the AsyncAPI document.
async fn check_frames(world: &World, blocks: &[Block], plain: &str, extended: &str, socket: &mut Socket) {
    let asyncapi = AsyncApi::read();
    let fits =
        |channel, direction, frame: &Value| asyncapi.message(channel, direction, frame).expect("a known message");
    let alice = world.log_in(0, "Alice", "your_strong_password").await;
    for (number, frame) in frames(blocks, "json client").iter().enumerate() {
        fits(extended, Direction::FromClient, frame);
        socket.send(frame).await;
        // Everything before this message belongs to the answer.
        let fence = format!("fence {number}");
        alice.send(0, "global", &fence).await;
        loop {
            let came = socket.next().await;
            if came.to_string().contains(&fence) {
                break;
            }
            let name = fits(extended, Direction::FromServer, &came);
            assert!(name != "error" && name != "system", "{frame} is refused: {came}");
        }
    }
    for (kind, channel) in [("json server", plain), ("json extended", extended)] {
        for frame in frames(blocks, kind) {
            fits(channel, Direction::FromServer, &frame);
        }
    }
}

#[tokio::test]
async fn the_conversation_of_document_000_works_as_it_stands() {
    let (world, blocks) = (World::start(1).await, blocks("webchat"));
    run_shell(&world, &blocks).await;
    let alice = world.log_in(0, "Alice", "your_strong_password").await;
    let mut socket = world.webchat(0, &alice, "ext=1").await;
    check_frames(&world, &blocks, "webchat", "webchatExtended", &mut socket).await;
    world.stop().await;
}

#[tokio::test]
async fn the_conversation_of_document_001_works_as_it_stands() {
    let (world, blocks) = (World::start(1).await, blocks("envelope"));
    run_shell(&world, &blocks).await;
    let alice = world.log_in(0, "Alice", "your_strong_password").await;
    let mut socket = world.envelope(0, &alice).await;
    check_frames(&world, &blocks, "envelope", "envelope", &mut socket).await;
    world.stop().await;
}

#[tokio::test]
async fn the_conversation_of_document_002_works_as_it_stands() {
    let (world, blocks) = (World::start(1).await, blocks("messenger"));
    run_shell(&world, &blocks).await;
    let alice = world.log_in(0, "Alice", "your_strong_password").await;
    let mut socket = world.messenger(0, &alice).await;
    check_frames(&world, &blocks, "messenger", "messenger", &mut socket).await;
    world.stop().await;
}

#[tokio::test]
async fn the_conversation_of_document_003_works_as_it_stands() {
    let (world, blocks) = (World::start(1).await, blocks("chatroom"));
    run_shell(&world, &blocks).await;
    world.stop().await;
}

#[tokio::test]
async fn the_conversation_of_document_004_works_as_it_stands() {
    let (world, blocks) = (World::start(1).await, blocks("imtypes"));
    run_shell(&world, &blocks).await;
    let alice = world.log_in(0, "Alice", "your_strong_password").await;
    let mut socket = world.imtypes(0, &alice, "ext=1").await;
    check_frames(&world, &blocks, "imtypes", "imtypesExtended", &mut socket).await;
    world.stop().await;
}

#[test]
fn pages_show_every_event_that_is_added() {
    let asyncapi = AsyncApi::read();
    for (page, plain, extended) in
        [("webchat", "webchat", "webchatExtended"), ("imtypes", "imtypes", "imtypesExtended")]
    {
        let blocks = blocks(page);
        let mut shown = Vec::new();
        for (kind, direction) in [("json client", Direction::FromClient), ("json extended", Direction::FromServer)] {
            let names =
                frames(&blocks, kind).into_iter().filter_map(|it| asyncapi.message(extended, direction, &it).ok());
            shown.extend(names);
        }
        let name = |message: &String| message.split('.').next_back().unwrap_or_default().to_owned();
        let known: Vec<String> = asyncapi.messages(plain).iter().map(name).collect();
        let added = asyncapi.messages(extended).iter().map(name).filter(|it| !known.contains(it)).collect::<Vec<_>>();
        // Two equal frames share an example in the text.
        let missing: Vec<_> = added.iter().filter(|it| !shown.contains(it) && !it.ends_with("_room")).collect();
        assert!(missing.is_empty(), "{page}.md does not show {missing:?}");
    }
}

/// The files that make the web client an app. A build without the client has none of them.
#[tokio::test]
async fn the_service_worker_and_the_manifest_are_asked_for_each_time() {
    let world = World::start(1).await;
    let chat = world.client.get(world.url(0, "/chat")).send().await.expect("answered");
    let is_built = chat.headers().contains_key("content-security-policy");
    for (path, content_type) in
        [("/worker.js", "text/javascript; charset=utf-8"), ("/app.webmanifest", "application/manifest+json")]
    {
        let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
        let header =
            |name: &str| answer.headers().get(name).map(|it| it.to_str().expect("text").to_owned()).unwrap_or_default();
        if !is_built {
            // Which tells the worker of a former version to give up.
            assert_eq!(answer.status(), 404, "{path}");
            continue;
        }
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header("content-type"), content_type);
        assert_eq!(
            (header("cache-control").as_str(), header("x-content-type-options").as_str()),
            ("no-cache", "nosniff")
        );
        let policy = header("content-security-policy");
        assert!(policy.contains("worker-src 'self'") && policy.contains("manifest-src 'self'"), "{policy}");
        let known = world.client.get(world.url(0, path)).header("if-none-match", header("etag")).send().await;
        assert_eq!(known.expect("answered").status(), 304, "{path}");
    }
    world.stop().await;
}

/// A manifest names pictures by addresses that hold for ever.
#[tokio::test]
async fn the_icons_of_the_manifest_are_pictures() {
    let world = World::start(1).await;
    let answer = world.client.get(world.url(0, "/app.webmanifest")).send().await.expect("answered");
    if answer.status() == 404 {
        return world.stop().await; // a build without the client
    }
    let manifest: Value = answer.json().await.expect("JSON");
    let icons = manifest["icons"].as_array().expect("icons");
    assert!(icons.len() >= 3, "{manifest}");
    for icon in icons {
        let source = icon["src"].as_str().expect("an address");
        let picture = world.client.get(world.url(0, source)).send().await.expect("answered");
        assert_eq!(picture.headers()["content-type"].to_str().expect("text"), icon["type"].as_str().expect("a type"));
        assert!(picture.headers()["cache-control"].to_str().expect("text").contains("immutable"), "{source}");
    }
    world.stop().await;
}
