//! Plays transcripts: `tests/wire/<folder>/*.json` hold what a client of a document sends and exactly what it
//! must get. Each is played on a node of its own with nothing in it, so ids and orders are known.
//!
//! A new dialect needs a folder and a test below.

mod pattern;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chinwag::config::{Config, IpVisibility};
use jiff::tz::TimeZone;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;

use self::pattern::Memory;
use crate::samples::sample;
use crate::support::{User, World, shared_redis};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transcript {
    /// Which part of which document it shows.
    about: String,
    /// Registered in this order: the first has the id 1.
    users: Vec<String>,
    /// Long texts by name: a text and how often it stands in a row.
    #[serde(default)]
    repeated: BTreeMap<String, (String, usize)>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// What the step shows, where that is not plain.
    #[serde(default)]
    note: String,
    /// The user whose token the request carries; none when absent.
    #[serde(rename = "as")]
    user: Option<String>,
    request: Request,
    response: Response,
}

/// A request with at most one kind of body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    /// Text fields of a multipart form.
    form: Option<BTreeMap<String, String>>,
    /// A file in the same form.
    file: Option<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    field: String,
    name: String,
    size: usize,
    /// The extension that its content would deserve; that of the name when absent.
    content: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    status: u16,
    json: Value,
}

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
async fn document_001_is_answered_word_for_word() {
    play_folder("envelope", |_| {}, None, nothing).await;
}

/// Lets transcripts say from where their requests come: `X-Forwarded-For` is believed.
fn behind_a_proxy(config: &mut Config) {
    config.server.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
}

fn nothing(_: &World) {}

/// Puts a message into the global room that no version of Chinwag wrote.
fn break_the_global_room(world: &World) {
    let client = redis::Client::open(shared_redis()).expect("an address");
    let mut connection = client.get_connection().expect("Redis answers");
    let log = format!("{}{{r:1}}:log", world.config.redis.prefix);
    let id = format!("1-{}", jiff::Timestamp::now().as_millisecond());
    let entry = redis::cmd("XADD").arg(log).arg(id).arg(&["s", "1", "r", "no record"]).to_owned();
    entry.query::<String>(&mut connection).expect("written");
}

/// Plays every transcript of a folder and reports all differences together.
async fn play_folder(folder: &str, change: impl Fn(&mut Config), naive: Option<TimeZone>, prepare: fn(&World)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(folder);
    let entries = std::fs::read_dir(&folder).expect("a folder of transcripts");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has transcripts", folder.display());
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let transcript: Transcript =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let world = World::start_with(1, shared_redis(), &change).await;
        prepare(&world);
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        wrong.extend(play(&world, &transcript, Memory::new(naive.clone()), &name).await);
        world.stop().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn play(world: &World, transcript: &Transcript, mut memory: Memory, name: &str) -> Vec<String> {
    let mut users: Vec<User<'_>> = Vec::new();
    for user in &transcript.users {
        users.push(world.user(0, user).await);
    }
    for (name, (text, times)) in &transcript.repeated {
        memory.remember(name, text.repeat(*times).into());
    }
    let mut wrong = Vec::new();
    for (number, step) in (1..).zip(&transcript.steps) {
        let Request { method, path, .. } = &step.request;
        let at = format!("{name}.json ({}), step {number} {}: {method} {path}", transcript.about, step.note);
        let user = step.user.as_ref().map(|name| users.iter().find(|user| user.name == *name).expect("a user"));
        let answer = request(world, &step.request, user, &memory).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{at}: {error}"));
        let status = answer.status().as_u16();
        let content_type = answer.headers().get(CONTENT_TYPE).cloned();
        let text = answer.text().await.unwrap_or_else(|error| panic!("{at}: {error}"));
        let mut differences = Vec::new();
        if status != step.response.status {
            differences.push(format!("status {status} instead of {}: {text}", step.response.status));
        } else if content_type != Some(HeaderValue::from_static("application/json")) {
            differences.push(format!("content type {content_type:?}"));
        } else {
            let found: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{at}: {error}: {text}"));
            memory.compare(&step.response.json, &found, "body", &mut differences);
        }
        wrong.extend(differences.into_iter().map(|difference| format!("{at}\n    {difference}")));
    }
    wrong
}

fn request(world: &World, request: &Request, user: Option<&User<'_>>, memory: &Memory) -> RequestBuilder {
    let method: Method = request.method.parse().expect("a method");
    let mut builder = world.client.request(method, world.url(0, &memory.fill_text(&request.path)));
    if let Some(user) = user {
        builder = builder.bearer_auth(&user.token);
    }
    let headers = request.headers.iter().map(|(name, value)| {
        let value = HeaderValue::from_str(&memory.fill_text(value)).expect("a header's value");
        (name.parse::<HeaderName>().expect("a header's name"), value)
    });
    // Replaces what the client would have said, so that a step may have a token of its own.
    builder = builder.headers(headers.collect::<HeaderMap>());
    if let Some(body) = &request.json {
        return builder.json(&memory.fill(body));
    }
    if request.form.is_none() && request.file.is_none() {
        return builder;
    }
    let fields = request.form.iter().flatten();
    let mut form = fields.fold(Form::new(), |form, (name, value)| form.text(name.clone(), memory.fill_text(value)));
    if let Some(File { field, name, size, content }) = &request.file {
        let (_, extension) = name.rsplit_once('.').expect("an extension");
        let bytes = sample(content.as_deref().unwrap_or(extension), *size);
        form = form.part(field.clone(), Part::bytes(bytes).file_name(name.clone()));
    }
    builder.multipart(form)
}
