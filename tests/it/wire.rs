//! Plays transcripts: `tests/wire/<folder>/*.json` contain what a client of a document sends over HTTP and WebSockets,
//! and exactly what it must receive. Each is played on its own empty node, so that ids and orders are known.
//!
//! A new dialect needs a folder and a test below.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chinwag::config::{Config, IpVisibility};
use chinwag::conformance::{Account, Handshake, Memory, Player, Quiet, Server, Transcript, Watch};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::asyncapi::{AsyncApi, Direction};
use crate::support::{PATIENCE, World, shared_connection, shared_redis};

#[tokio::test]
async fn document_003_is_answered_word_for_word() {
    play_folder("chatroom", behind_a_proxy, None, nothing).await;
}

#[tokio::test]
async fn document_003_is_answered_without_zones_where_so_configured() {
    let in_shanghai = |config: &mut Config| {
        behind_a_proxy(config);
        config.chatroom.naive_timezone = "Asia/Shanghai".to_owned();
    };
    let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
    play_folder("chatroom", in_shanghai, Some(zone), nothing).await;
}

#[tokio::test]
async fn document_003_keeps_addresses_from_all_but_administrators_where_so_configured() {
    let for_admins = |config: &mut Config| {
        behind_a_proxy(config);
        config.privacy.ip_visibility = IpVisibility::Admins;
    };
    play_folder("chatroom-admins", for_admins, None, nothing).await;
}

#[tokio::test]
async fn document_003_words_a_defect_without_its_cause() {
    play_folder("chatroom-broken", |_| {}, None, break_the_global_room).await;
}

#[tokio::test]
async fn document_000_is_answered_word_for_word() {
    let seen = play_folder("webchat", |_| {}, None, nothing).await;
    assert_all_seen(&seen, &["webchat", "webchatExtended"]);
}

#[tokio::test]
async fn document_001_is_answered_word_for_word() {
    let seen = play_folder("envelope", |_| {}, None, nothing).await;
    assert_all_seen(&seen, &["envelope"]);
}

#[tokio::test]
async fn document_002_is_answered_word_for_word() {
    let seen = play_folder("messenger", |_| {}, None, nothing).await;
    assert_all_seen(&seen, &["messenger"]);
}

#[tokio::test]
async fn document_004_is_answered_word_for_word() {
    let seen = play_folder("imtypes", |_| {}, None, nothing).await;
    assert_all_seen(&seen, &["imtypes", "imtypesExtended"]);
}

#[tokio::test]
async fn a_message_of_one_document_is_a_message_of_all() {
    play_folder("together", |_| {}, None, nothing).await;
}

/// Trusts `X-Forwarded-For`, so that transcripts can set the address of their requests.
fn behind_a_proxy(config: &mut Config) {
    config.server.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
}

fn nothing(_: &World) {}

/// Stores a message in the global room that no version of Chinwag could have written.
fn break_the_global_room(world: &World) {
    let log = format!("{}{{r:1}}:log", world.config.redis.prefix);
    let mut connection = shared_connection(&log);
    let id = format!("1-{}", jiff::Timestamp::now().as_millisecond());
    let entry = redis::cmd("XADD").arg(log).arg(id).arg(&["s", "1", "r", "no record"]).to_owned();
    entry.query::<String>(&mut connection).expect("written");
}

/// Plays every transcript of a folder and reports all differences together. Returns the messages of the AsyncAPI document
/// that occurred.
async fn play_folder(
    folder: &str,
    change: impl Fn(&mut Config),
    naive: Option<TimeZone>,
    prepare: fn(&World),
) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(folder);
    let entries = std::fs::read_dir(&folder).expect("a folder of transcripts");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has transcripts", folder.display());
    let (mut wrong, mut watch) = (Vec::new(), Watcher { asyncapi: AsyncApi::read(), seen: BTreeSet::new() });
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let transcript = Transcript::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let world = World::start_with(1, shared_redis(), |config| {
            // Transcripts follow upon each other faster than people type.
            config.limits.enabled = false;
            change(config);
        })
        .await;
        prepare(&world);
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut accounts = Vec::new();
        for user in transcript.users() {
            accounts.push(Account::with_token(&world.user(0, user).await.token));
        }
        let server = Server::at(&world.url(0, ""), PATIENCE).expect("an address");
        let memory = (Memory::new(naive.clone()), Quiet::Fence);
        let mut player = Player::new(server, &transcript, accounts, memory, watch);
        let about = transcript.about();
        let report = |played: chinwag::conformance::Played| {
            let number = played.number.map_or_else(|| "the end".to_owned(), |number| format!("step {number}"));
            let at = format!("{name}.json ({about}), {number} {}", played.note);
            wrong.extend(played.differences.into_iter().map(|difference| format!("{at}\n    {difference}")));
        };
        player.play(&transcript, report).await;
        watch = player.into_watch();
        world.stop().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    watch.seen
}

/// Compares every frame with the AsyncAPI document.
struct Watcher {
    asyncapi: AsyncApi,
    /// Messages of the document that occurred, as `channel.message`.
    seen: BTreeSet<String>,
}

impl Watcher {
    fn message(&mut self, socket: &Handshake, direction: Direction, frame: &Value) -> Result<String, String> {
        let channel = AsyncApi::channel(&socket.path, socket.has_token_in_query);
        let message = self.asyncapi.message(channel, direction, frame)?;
        self.seen.insert(format!("{channel}.{message}"));
        Ok(message)
    }
}

impl Watch for Watcher {
    fn sent(&mut self, socket: &Handshake, frame: &Value, is_malformed: bool) -> Option<String> {
        match (self.message(socket, Direction::FromClient, frame), is_malformed) {
            (Ok(_), false) | (Err(_), true) => None,
            (Ok(message), true) => Some(format!("the AsyncAPI document takes it for {message}")),
            (Err(error), false) => Some(format!("not in the AsyncAPI document: {error}")),
        }
    }

    fn received(&mut self, socket: &Handshake, frame: &Value) -> Option<String> {
        let message = self.message(socket, Direction::FromServer, frame);
        message.err().map(|error| format!("not in the AsyncAPI document: {error}"))
    }
}

/// Asserts that every message of these channels occurs in a transcript.
fn assert_all_seen(seen: &BTreeSet<String>, channels: &[&str]) {
    let asyncapi = AsyncApi::read();
    let all = channels.iter().flat_map(|channel| asyncapi.messages(channel));
    let unseen: Vec<String> = all.filter(|message| !seen.contains(message)).collect();
    assert!(unseen.is_empty(), "in no transcript: {unseen:?}");
}
