//! Searches for users and rooms by any word of their names and by any ideographs.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use chinwag::domain::{RoomId, name_parts};
use reqwest::Method;
use serde_json::{Value, json};

use crate::command_log::LoggedRedis;
use crate::membership_crashes::{DOOMED, SURVIVOR, Setting};
use crate::support::{User, World, answered};

/// A text for a query.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn found(user: &User<'_>, kind: &str, query: &str, limit: usize) -> Vec<String> {
    let key = if kind == "user" { "username" } else { "name" };
    let found = user.get_json(0, &format!("/api/v1/search?kind={kind}&q={}&limit={limit}", encoded(query))).await;
    let found = found.as_array().expect("a list").iter();
    found.map(|found| found[key].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn users_are_found_by_any_word_and_any_ideographs() {
    let world = World::start(1).await;
    for name in [
        "王小明",
        "小明月",
        "John Smith",
        "Smithy",
        "Jean-Luc O'Neil",
        "ジョン・スミス",
        "김민수",
        "Иван Грозный",
        "Zoë Müller",
        "Mullen",
    ] {
        world.user(0, name).await;
    }
    let user = world.user(0, "zed").await;
    for (query, names) in [
        ("小明", &["小明月", "王小明"][..]),
        ("明", &["王小明", "小明月"]),
        ("明月", &["小明月"]),
        ("smith", &["Smithy", "John Smith"]),
        ("ＳＭＩＴＨ", &["Smithy", "John Smith"]),
        ("john  smi", &["John Smith"]),
        ("neil", &["Jean-Luc O'Neil"]),
        ("スミス", &["ジョン・スミス"]),
        ("민수", &["김민수"]),
        ("ГРОЗ", &["Иван Грозный"]),
        ("mulle", &["Mullen", "Zoë Müller"]),
        ("MÜLLE", &["Mullen", "Zoë Müller"]),
        ("zoe mu", &["Zoë Müller"]),
        ("シヨン", &[]),
        ("mith", &[]),
        ("月明", &[]),
    ] {
        assert_eq!(found(&user, "user", query, 20).await, names, "{query}");
    }
    assert_eq!(found(&user, "user", "smith", 1).await, ["Smithy"], "whole names come first");
    world.stop().await;
}

#[tokio::test]
async fn a_new_name_is_found_by_its_words_and_the_former_no_more() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "Alice Smith").await, world.user(0, "bob").await);
    let request = world.client.put(world.url(0, "/api/v1/user/profile")).bearer_auth(&alice.token);
    let (status, _) = answered(request.json(&json!({"username": "Alice Miller"})).send().await).await;
    assert_eq!(status, 200);
    assert_eq!(found(&bob, "user", "miller", 20).await, ["Alice Miller"]);
    assert_eq!(found(&bob, "user", "alice", 20).await, ["Alice Miller"]);
    assert_eq!(found(&bob, "user", "smith", 20).await, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn rooms_are_found_likewise() {
    let world = World::start(1).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(0, "bob").await);
    alice.make_room(0, "北京 足球俱乐部").await;
    alice.make_room(0, "Chess Club").await;
    alice.make_room(0, "Café Crème").await;
    bob.make_group(0, "Secret Club", &[]).await;
    for (query, names) in [
        ("足球", &["北京 足球俱乐部"][..]),
        ("club", &["Secret Club", "Chess Club"]),
        ("聊天", &["全局聊天室"]),
        ("creme", &["Café Crème"]),
        ("cafe cr", &["Café Crème"]),
    ] {
        assert_eq!(found(&bob, "room", query, 20).await, names, "{query}");
    }
    assert_eq!(found(&alice, "room", "club", 20).await, ["Chess Club"], "closed rooms are for members");
    world.stop().await;
}

/// Changes a name through a node that is held back behind each of its commands in turn, while another node changes it too.
/// The name that its owner has in the end is in the index, and nothing else of the owner. `make` makes an account or a room
/// with a name and returns its number and two further names.
async fn overlapping_changes_leave_the_present_name(
    setting: &Setting,
    (owner, index): (&str, &str),
    make: impl AsyncFn(usize) -> (u64, [String; 2]),
    rename: impl AsyncFn(usize, u64, &str) -> u16,
) {
    let Setting { redis, proxy, .. } = setting;
    for commands in 0.. {
        let (number, [delayed, overtaking]) = make(commands).await;
        proxy.hold_after(commands);
        let overtake = async {
            proxy.held().await;
            let status = rename(SURVIVOR, number, &overtaking).await;
            proxy.restore().await;
            status
        };
        let changing = rename(DOOMED, number, &delayed);
        tokio::pin!(changing);
        let statuses = tokio::select! {
            status = &mut changing => (status, None),
            status = overtake => (changing.await, Some(status)),
        };
        proxy.restore().await;
        println!("held after {commands} commands: {statuses:?}");
        let key = setting.key(&format!("{{{owner}:{number}}}"));
        let present: String = redis::cmd("HGET").arg(key).arg("name").query(&mut redis.connection()).expect("a name");
        assert!([&delayed, &overtaking].contains(&&present), "{present}");
        let present = present.to_lowercase();
        assert_eq!(entries(setting, index, number), [present.as_str()]);
        let parts: BTreeSet<String> = name_parts(&present).into_iter().collect();
        assert_eq!(entries(setting, &format!("{index}:parts"), number), parts.into_iter().collect::<Vec<_>>());
        if statuses == (200, None) {
            assert!(commands > 1, "{commands}");
            return;
        }
        assert_eq!(statuses, (200, Some(200)));
    }
}

/// What an index has of an account or a room.
fn entries(setting: &Setting, index: &str, number: u64) -> Vec<String> {
    let all: Vec<String> = redis::cmd("ZRANGE")
        .arg(setting.key(index))
        .arg(0)
        .arg(-1)
        .query(&mut setting.redis.connection())
        .expect("a set");
    let end = format!("\0{number}");
    all.iter().filter_map(|entry| entry.strip_suffix(&end).map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_changes_of_a_room_leave_its_present_name_in_the_index() {
    let setting = Setting::start().await;
    let alice = setting.world.user(SURVIVOR, "alice").await;
    let make = async |_| {
        let id = alice.make_room(SURVIVOR, "Chess Club").await;
        let room = id.parse::<RoomId>().expect("an id").number().into();
        (room, ["Tea", "Tea Club"].map(str::to_owned))
    };
    let rename = async |node, room: u64, name: &str| {
        let request = alice.at(node, Method::PATCH, &format!("/api/v1/rooms/{room}"));
        answered(request.json(&json!({"name": name})).send().await).await.0
    };
    overlapping_changes_leave_the_present_name(&setting, ("r", "rooms:names"), make, rename).await;
    setting.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_changes_of_a_user_leave_the_present_name_in_the_index() {
    let setting = Setting::start().await;
    let world = &setting.world;
    let tokens = RefCell::new(HashMap::new());
    let make = async |round| {
        let user = world.user(SURVIVOR, &format!("Smith{round} Miller")).await;
        let number = user.get_json(SURVIVOR, "/api/v1/me").await["id"].as_u64().expect("a number");
        tokens.borrow_mut().insert(number, user.token);
        (number, [format!("Ann{round}"), format!("Ann{round} Miller")])
    };
    let rename = async |node, user: u64, name: &str| {
        let token = tokens.borrow()[&user].clone();
        let request = world.client.put(world.url(node, "/api/v1/user/profile")).bearer_auth(token);
        answered(request.json(&json!({"username": name})).send().await).await.0
    };
    overlapping_changes_leave_the_present_name(&setting, ("u", "names"), make, rename).await;
    setting.world.stop().await;
}

#[tokio::test]
async fn a_search_reads_no_more_than_it_returns() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let user = world.user(0, "alice").await;
    for number in 0..30 {
        world.user(0, &format!("王 {number}号 x{number}")).await;
    }
    let search = async || {
        let answer = user.get_json(0, &format!("/api/v1/search?kind=user&limit=5&q={}", encoded("号"))).await;
        assert_eq!(answer.as_array().map(Vec::len), Some(5), "{answer}");
    };
    let cost = redis.cost(&user, search).await;
    assert_eq!(cost.commands, crate::budgets::only(&[("zrange", 2), ("hget", 5)]));
    assert_eq!(cost.round_trips, 2);
    world.stop().await;
}

#[tokio::test]
async fn a_query_of_spaces_is_missing() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let answer = user.at(0, reqwest::Method::GET, "/api/v1/search?kind=user&q=%20").send().await;
    let (status, body): (u16, Value) = answered(answer).await;
    assert_eq!((status, body["code"].as_str()), (400, Some("missing")));
    world.stop().await;
}
