//! A round: users send, amend and mention during faults; then everything is confirmed, received and checked.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chinwag::domain::{EntryId, Seq};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::amended::Counted;
use super::changes::Amending;
use super::checker::{History, Received, Room, Stored, Verdict, check};
use super::client::{Client, End, Nodes, Person, Phase, Report};
use super::cluster::Cluster;
use super::group_creator::GroupCreator;
use super::poller::{Poller, id_of};
use super::random::Random;
use super::readings::Reading;
use super::received::{fetch, first_word};
use super::storm::{FaultCounts, FaultPlan, cause_faults};
use crate::process::token;
use crate::socket::Socket;
use crate::support::{client, ok, unique};

/// Users with a WebSocket. The others poll.
const TALKERS: usize = 8;
const POLLERS: usize = 2;
const POLLER_PACE: Duration = Duration::from_secs(1);
/// The time after the last fault in which all sends must be confirmed. Clients retry every few seconds, so that only a
/// failing round takes as long.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(60);
/// The time in which everything must be received afterwards.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// What differs between kinds of rounds.
#[derive(Clone, Copy)]
pub struct Rules {
    /// The interval of each user's sends. Together they stay below the 1000 messages that a room keeps.
    pub pace: Duration,
    /// Whether groups are created meanwhile.
    pub has_new_groups: bool,
    /// Whether messages are edited, reacted to and pinned, and mention users.
    pub has_amendments: bool,
    pub judge: fn(&History) -> Verdict,
}

impl Rules {
    /// Acknowledged or pushed means stored.
    pub const STORM: Self =
        Self { pace: Duration::from_millis(350), has_new_groups: true, has_amendments: true, judge: check };
}

/// The result of a round.
#[derive(Default)]
pub struct Outcome {
    pub verdict: Verdict,
    pub acknowledged: usize,
    pub received: usize,
    /// Acknowledged edits, reactions and pins.
    pub changed: usize,
    /// Stored mentions.
    pub mentions: usize,
    pub connections: usize,
    pub retries: usize,
    pub refusals: usize,
    pub not_recovered: usize,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { verdict, acknowledged, received, changed, mentions, connections, retries, .. } = self;
        let Self { refusals, not_recovered, .. } = self;
        write!(f, "{acknowledged} acknowledged, {received} received, {changed} changed, {mentions} mentions, ")?;
        write!(f, "{connections} connections, {retries} retries, ")?;
        write!(f, "{refusals} refusals, {not_recovered} not recovered; {verdict}")
    }
}

/// The users and their rooms.
struct Scene {
    people: Vec<Person>,
    rooms: Vec<Room>,
    /// Someone in the groups and the public room who is only mentioned, and reads nothing.
    silent: Person,
}

/// The stored messages of the rooms, and how they read.
#[derive(Default)]
struct Truth {
    messages: BTreeMap<Room, Vec<Stored>>,
    readings: BTreeMap<Room, BTreeMap<Seq, Reading>>,
}

impl Scene {
    async fn set(base: &str, has_amendments: bool) -> Self {
        let http = client();
        let mut people = Vec::new();
        for number in 0..TALKERS + POLLERS {
            people.push(person(&http, base, number % 2 == 1).await);
        }
        let silent = person(&http, base, false).await;
        let mut scene = Self { people, rooms: Vec::new(), silent };
        for _ in 0..2 {
            let room = scene.make(&http, base, 0, json!({"name": "group", "is_private": false})).await;
            let others: Vec<&Person> = scene.people[1..].iter().chain([&scene.silent]).collect();
            for other in others {
                let body = json!({"username": other.name});
                let url = format!("{base}/api/v1/rooms/{room}/members");
                let token = &scene.people[0].token;
                let added = http.post(url).bearer_auth(token).json(&body).send().await.expect("answered");
                assert_eq!(added.status(), StatusCode::CREATED);
            }
            scene.enter_all(room);
        }
        for pair in 0..TALKERS / 2 {
            let (one, other) = (2 * pair, 2 * pair + 1);
            let body = json!({"is_private": true, "username": scene.people[other].name});
            let room = scene.make(&http, base, one, body).await;
            scene.enter(room, one..other + 1);
            scene.people[one..=other].iter_mut().for_each(|person| person.amending.pins_in.push(room));
        }
        let room = scene.make_public(&http, base).await;
        scene.enter_all(room);
        if has_amendments {
            scene.name_members();
        } else {
            scene.people.iter_mut().for_each(|person| person.amending = Amending::default());
        }
        scene
    }

    /// Everyone enters a room of the first user.
    fn enter_all(&mut self, room: Room) {
        self.enter(room, 0..TALKERS + POLLERS);
        self.silent.rooms.push(room);
        self.people[0].amending.pins_in.push(room);
    }

    fn enter(&mut self, room: Room, people: std::ops::Range<usize>) {
        self.rooms.push(room);
        self.people[people].iter_mut().for_each(|person| person.rooms.push(room));
    }

    /// Everyone may mention the others in their rooms.
    fn name_members(&mut self) {
        for room in &self.rooms {
            let members = self.people.iter().chain([&self.silent]).filter(|person| person.rooms.contains(room));
            let members: Vec<_> = members.map(|person| (person.name.clone(), person.amending.user)).collect();
            for person in self.people.iter_mut().filter(|person| person.rooms.contains(room)) {
                let others = members.iter().filter(|(name, _)| *name != person.name).cloned().collect();
                person.amending.names.insert(*room, others);
            }
        }
    }

    async fn make(&self, http: &reqwest::Client, base: &str, person: usize, body: Value) -> Room {
        let request = http.post(format!("{base}/api/v1/rooms")).bearer_auth(&self.people[person].token);
        let made = request.json(&body).send().await.expect("answered");
        assert_eq!(made.status(), StatusCode::CREATED);
        let made: Value = made.json().await.expect("JSON");
        made["id"].as_u64().and_then(|id| Room::try_from(id).ok()).expect("a number")
    }

    /// A public room that everyone joins.
    async fn make_public(&self, http: &reqwest::Client, base: &str) -> Room {
        let form = reqwest::multipart::Form::new().text("room_name", unique("r"));
        let request = http.post(format!("{base}/api/chat/rooms")).bearer_auth(&self.people[0].token);
        let made = ok(request.multipart(form).send().await).await;
        let id: chinwag::domain::RoomId = made["room_id"].as_str().expect("an id").parse().expect("a room");
        for person in self.people.iter().chain([&self.silent]) {
            let url = format!("{base}/api/chat/rooms/{}/join", id_of(id.number()));
            ok(http.post(url).bearer_auth(&person.token).send().await).await;
        }
        id.number()
    }

    /// Adds a room with these members.
    fn note(&mut self, room: Room, people: &[usize]) {
        self.rooms.push(room);
        people.iter().for_each(|person| self.people[*person].rooms.push(room));
    }

    /// The last entry of every room, by member.
    fn ends(&self, truth: &Truth) -> HashMap<String, BTreeMap<Room, EntryId>> {
        let end = |room: &Room| Some((*room, truth.messages.get(room)?.last()?.place));
        let of = |person: &Person| (person.name.clone(), person.rooms.iter().filter_map(end).collect());
        self.people.iter().map(of).collect()
    }

    /// The stored messages of the rooms, read by their first members.
    async fn truth(&self, base: &str) -> Truth {
        let mut truth = Truth::default();
        for room in &self.rooms {
            let reader = self.people.iter().find(|person| person.rooms.contains(room)).expect("a member");
            let mut socket = Socket::open(base, "/ws?ext=1", Some(&reader.token), None).await.expect("accepted");
            socket.send(&fetch(*room)).await;
            let page = socket.next_of("message_history").await;
            let page = page["payload"]["messages"].as_array().expect("a list");
            assert!(page.len() < 1000, "the room keeps all of them");
            let theirs: Vec<&Value> = page.iter().filter(|message| message["user_id"] != 0).collect();
            let messages: Vec<Stored> = theirs.iter().map(|message| stored(message)).collect();
            let readings = messages.iter().zip(theirs).map(|(it, message)| (it.place.seq, Reading::of(message)));
            truth.readings.insert(*room, readings.collect());
            truth.messages.insert(*room, messages);
        }
        truth
    }

    /// How many unread mentions the server counts for the user who reads nothing.
    async fn counted(&self, base: &str) -> Vec<Counted> {
        let request = client().get(format!("{base}/api/v1/conversations")).bearer_auth(&self.silent.token);
        let list = ok(request.send().await).await;
        let of_room = |room: &Room| {
            let entry = list.as_array().expect("a list").iter().find(|it| it["id"] == *room).expect("listed");
            let mentions = entry["mentions"].as_u64().expect("a number") as usize;
            Counted { user: self.silent.amending.user, room: *room, mentions }
        };
        self.silent.rooms.iter().map(of_room).collect()
    }
}

/// A new user.
async fn person(http: &reqwest::Client, base: &str, is_patient: bool) -> Person {
    let name = unique("p")[..12].to_owned();
    let token = token(http, base, &name).await;
    let me = ok(http.get(format!("{base}/api/v1/me")).bearer_auth(&token).send().await).await;
    let amending = Amending { user: me["id"].as_u64().expect("a number"), ..Amending::default() };
    Person { name, token, rooms: Vec::new(), is_patient, amending }
}

fn stored(message: &Value) -> Stored {
    let place = message["resume"].as_str().and_then(EntryId::parse).expect("a token");
    let text = |key: &str| message[key].as_str().expect("text").to_owned();
    Stored { place, text: first_word(&text("content")).to_owned(), client_id: text("client_id") }
}

/// Plays a round with the faults of a storm.
pub async fn play_storm(cluster: &Cluster, plan: FaultPlan, counts: &FaultCounts, seed: u64) -> Outcome {
    cluster.heal().await;
    let faults = async {
        cause_faults(cluster, plan, counts, seed).await;
        cluster.heal().await;
    };
    play(&cluster.nodes, Rules::STORM, faults).await
}

/// Plays a round on these nodes during `faults`, at whose end everything works again.
pub async fn play(nodes: &Nodes, rules: Rules, faults: impl Future<Output = ()>) -> Outcome {
    let base = nodes.lock().expect("no panic while held")[0].clone();
    let mut scene = Scene::set(&base, rules.has_amendments).await;
    let (phase, followed) = watch::channel(Phase::Talk);
    let (people, confirmed) = begin(nodes, rules.pace, &scene, &followed);
    let group_creator = GroupCreator::new(&scene.people[..TALKERS], nodes.clone(), followed);
    let ((), made) = tokio::join!(
        async {
            faults.await;
            phase.send_replace(Phase::Confirm);
        },
        async { if rules.has_new_groups { group_creator.run().await } else { Vec::new() } },
    );
    let confirmed = tokio::time::timeout(CONFIRMED_WITHIN, join_all(confirmed)).await;
    let is_confirmed = confirmed.is_ok_and(|all| all.iter().all(Result::is_ok));

    let base = nodes.lock().expect("no panic while held")[0].clone();
    made.iter().for_each(|made| scene.note(made.room, &made.people));
    let mut truth = scene.truth(&base).await;
    let counted = if rules.has_amendments { scene.counted(&base).await } else { Vec::new() };
    let places = scene.ends(&truth);
    let readings = if rules.has_amendments { std::mem::take(&mut truth.readings) } else { BTreeMap::new() };
    phase.send_replace(Phase::Finish(Arc::new(End { places, readings: readings.clone() })));
    let finished = Instant::now();
    while people.iter().any(|person| !person.is_finished()) && finished.elapsed() < TAKEN_WITHIN {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    phase.send_replace(Phase::Stop);
    let mut outcome = Outcome::default();
    let mut history = History { truth: truth.messages, ..History::default() };
    (history.amended.truth, history.amended.counted) = (readings, counted);
    for person in people {
        add_report(&mut history, &mut outcome, person.await.expect("no panic"));
    }
    history.acknowledged.extend(made.into_iter().flat_map(|made| made.acknowledged));
    add_silent(&mut history, &scene);
    outcome.acknowledged = history.acknowledged.len();
    outcome.received = history.received.iter().map(|received| received.messages.len()).sum();
    outcome.changed = history.amended.changed.iter().filter(|changed| changed.is_acknowledged).count();
    let of_room = history.amended.truth.values().flat_map(|readings| readings.values());
    outcome.mentions = of_room.map(|reading| reading.mentions.len()).sum();
    outcome.verdict = (rules.judge)(&history);
    assert!(is_confirmed, "every send is confirmed in the end: {outcome}");
    outcome
}

/// Adds what a client reports.
fn add_report(history: &mut History, outcome: &mut Outcome, report: Report) {
    outcome.connections += report.connections;
    outcome.retries += report.retries;
    outcome.refusals += report.refusals;
    outcome.not_recovered += report.not_recovered;
    history.acknowledged.extend(report.acknowledged);
    history.received.extend(report.received);
    let amended = &mut history.amended;
    amended.changed.extend(report.changed);
    amended.shown.extend(report.shown);
    amended.named.extend(report.named);
    amended.told.extend(report.told);
    amended.untold += report.untold;
}

/// Adds empty entries for members who received nothing from a room.
fn add_silent(history: &mut History, scene: &Scene) {
    for person in &scene.people {
        for room in &person.rooms {
            let has_heard = history.received.iter().any(|it| it.reader == person.name && it.room == *room);
            if !has_heard {
                let reader = person.name.clone();
                history.received.push(Received { reader, room: *room, messages: Vec::new() });
            }
        }
    }
}

/// Starts all clients. Returns their tasks, and receivers that complete when everything is confirmed.
fn begin(
    nodes: &Nodes,
    pace: Duration,
    scene: &Scene,
    phase: &watch::Receiver<Phase>,
) -> (Vec<JoinHandle<Report>>, Vec<oneshot::Receiver<()>>) {
    let people = scene.people.iter().enumerate().map(|(number, person)| {
        let (tell, told) = oneshot::channel();
        let (person, nodes, phase) = (person.clone(), nodes.clone(), phase.clone());
        let task = if number < TALKERS {
            tokio::spawn(Client::new(person, nodes, phase, tell, pace).run())
        } else {
            tokio::spawn(Poller::new(person, nodes, phase, tell, POLLER_PACE).run())
        };
        (task, told)
    });
    people.unzip()
}

/// The seed of the faults, from `FAULT_SEED` to repeat a run as far as timing allows.
pub fn seed() -> u64 {
    std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(Random::seed)
}
