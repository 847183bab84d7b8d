//! A checker: two nodes, people who send, edit and delete on both, subscriptions that are lost; every page on either node is
//! compared with what was acknowledged before it was asked for, and in the end with the log.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chinwag::domain::MessageId;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{follow, from_memory, room_keys};
use crate::edits::edit;
use crate::faults::random::Random;
use crate::socket::Socket;
use crate::support::{Redis, User, World, ok};

/// Sends, edits and deletions of each of two writers; together they send fewer messages than a page has.
const STEPS: u64 = 45;
const LEAST_PAGES: usize = 60;

/// How far a message has come, by what its writer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Sent,
    BeingDeleted,
    Deleted,
}

/// A message that was acknowledged.
#[derive(Clone)]
struct KnownMessage {
    id: String,
    fate: Fate,
    /// The node of its writer.
    node: usize,
    /// Its edits that were begun, and the last one that was acknowledged.
    edits: u64,
    acknowledged: u64,
}

/// The messages that were acknowledged, by seq.
#[derive(Clone, Default)]
struct Known(BTreeMap<u64, KnownMessage>);

/// A message on a page: its seq, and the edit that it shows.
type Shown = (u64, u64);

fn seq_of(id: &str) -> u64 {
    MessageId::from_uuid(Uuid::try_parse(id).expect("a UUID")).expect("an id").entry.seq.0
}

struct Play<'a> {
    world: &'a World,
    redis: &'a Redis,
    known: RefCell<Known>,
    /// Writers that are not done yet.
    writing: RefCell<usize>,
    seed: u64,
}

impl Play<'_> {
    /// Sends, edits and deletes on a node.
    async fn write(&self, user: &User<'_>, node: usize, socket: &mut Socket) {
        let mut random = Random::new(self.seed.wrapping_add(node as u64));
        for step in 0..STEPS {
            if random.is_hit(4) {
                let mut connection = self.redis.connection();
                redis::cmd("CLIENT").arg(&["KILL", "TYPE", "PUBSUB"]).exec(&mut connection).expect("killed");
            }
            let own = self.some(&mut random, |message| message.node == node);
            if let Some(seq) = own.filter(|_| random.is_hit(30)) {
                self.edit(socket, seq).await;
                continue;
            }
            let victim = self.some(&mut random, |_| true);
            match victim.filter(|_| random.is_hit(30)) {
                Some(seq) => self.delete(user, node, seq).await,
                None => {
                    let sent = user.send(node, "global", &format!("{node} {step}#0")).await;
                    let id = sent["id"].as_str().expect("an id").to_owned();
                    let message = KnownMessage { id: id.clone(), fate: Fate::Sent, node, edits: 0, acknowledged: 0 };
                    self.known.borrow_mut().0.insert(seq_of(&id), message);
                }
            }
        }
        *self.writing.borrow_mut() -= 1;
    }

    /// One of the messages that nobody deletes.
    fn some(&self, random: &mut Random, is_wanted: impl Fn(&KnownMessage) -> bool) -> Option<u64> {
        let known = self.known.borrow();
        let alive = known.0.iter().filter(|(_, message)| message.fate == Fate::Sent && is_wanted(message));
        let alive: Vec<u64> = alive.map(|(seq, _)| *seq).collect();
        (!alive.is_empty()).then(|| *random.pick(&alive))
    }

    /// Edits a message, which the other writer may delete meanwhile.
    async fn edit(&self, socket: &mut Socket, seq: u64) {
        let (id, edits) = {
            let mut known = self.known.borrow_mut();
            let message = known.0.get_mut(&seq).expect("sent");
            message.edits += 1;
            (message.id.clone(), message.edits)
        };
        let answer = edit(socket, 1, &json!({"id": id}), &format!("an edit#{edits}")).await;
        match answer["payload"]["code"].as_str() {
            None => self.known.borrow_mut().0.get_mut(&seq).expect("sent").acknowledged = edits,
            code => assert_eq!(code, Some("message_not_found"), "{answer}"),
        }
    }

    async fn delete(&self, user: &User<'_>, node: usize, seq: u64) {
        let id = self.note(seq, Fate::BeingDeleted);
        ok(user.request(node, Method::DELETE, &format!("messages/{id}")).send().await).await;
        self.note(seq, Fate::Deleted);
    }

    fn note(&self, seq: u64, fate: Fate) -> String {
        let mut known = self.known.borrow_mut();
        let entry = known.0.get_mut(&seq).expect("sent");
        entry.fate = entry.fate.max(fate);
        entry.id.clone()
    }

    /// Reads pages on a node for as long as anybody writes, and checks each.
    async fn read(&self, user: &User<'_>, node: usize) {
        let mut random = Random::new(self.seed.wrapping_add(100 + node as u64));
        let mut pages = 0;
        while *self.writing.borrow() > 0 || pages < LEAST_PAGES {
            pages += 1;
            let before = self.known.borrow().clone();
            let some = before.0.iter().nth(random.between(0, 90) as usize);
            let (query, from, to) = match some.filter(|_| random.is_hit(50)) {
                Some((seq, it)) if random.is_hit(50) => (format!("&after={}", it.id), seq + 1, u64::MAX),
                Some((seq, it)) => (format!("&before={}", it.id), 0, seq - 1),
                None => (String::new(), 0, u64::MAX),
            };
            let page = user.read(node, &format!("messages?limit=100{query}")).await;
            let case = format!("seed {}, node {node}, {query}", self.seed);
            self.check(&before, &shown(&page), (from, to), &case);
        }
    }

    fn check(&self, before: &Known, shown: &[Shown], (from, to): (u64, u64), case: &str) {
        assert!(shown.iter().all(|(seq, _)| (from..=to).contains(seq)), "{case}: {shown:?}");
        let is_descending = shown.is_sorted_by(|one, other| one > other);
        assert!(is_descending || shown.is_sorted_by(|one, other| one < other), "{case}: {shown:?}");
        let after = self.known.borrow();
        for (seq, message) in before.0.range(from..=to) {
            let found = shown.iter().find(|(other, _)| other == seq);
            assert!(found.is_none() || message.fate != Fate::Deleted, "{case}: {seq} was deleted, {shown:?}");
            let is_alive = after.0[seq].fate == Fate::Sent;
            assert!(found.is_some() || !is_alive, "{case}: {seq} is missing, {shown:?}");
            let edits = message.acknowledged..=after.0[seq].edits;
            assert!(found.is_none_or(|(_, edit)| edits.contains(edit)), "{case}: {seq}, {edits:?}, {shown:?}");
        }
    }

    /// The messages that the log has and nobody deleted, newest first, and their last edits.
    fn stored(&self) -> Vec<Shown> {
        let (room, log) = room_keys(self.world);
        let mut connection = self.redis.connection();
        let entries: Vec<(String, Vec<String>)> =
            redis::cmd("XREVRANGE").arg(log).arg(&["+", "-"]).query(&mut connection).expect("a log");
        let gone: Vec<String> = redis::cmd("HKEYS").arg(format!("{room}:gone")).query(&mut connection).expect("a hash");
        let known = self.known.borrow();
        let seqs = entries.iter().map(|(id, _)| id.split_once('-').expect("an id").0.to_owned());
        let seqs = seqs.filter(|seq| !gone.contains(seq)).map(|seq| seq.parse().expect("a number"));
        seqs.map(|seq| (seq, known.0[&seq].acknowledged)).collect()
    }
}

fn shown(page: &Value) -> Vec<Shown> {
    let edit = |message: &Value| message["content"].as_str()?.rsplit_once('#')?.1.parse().ok();
    let messages = page.as_array().expect("a list").iter();
    messages.map(|it| (seq_of(it["id"].as_str().expect("an id")), edit(it).expect("a number"))).collect()
}

#[tokio::test]
async fn pages_on_two_nodes_hold_all_that_was_acknowledged_and_nothing_older_or_deleted() {
    let redis = Redis::start(&[]);
    let world = World::start_with(2, &redis.url(), |_| {}).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    world.promote("alice").await;
    world.promote("bob").await;
    let mut sockets = [follow(&world, 0, &alice, "messages").await, follow(&world, 1, &bob, "messages").await];
    let seed = Random::seed();
    let play = Play { world: &world, redis: &redis, known: RefCell::default(), writing: RefCell::new(2), seed };
    let before = [from_memory(&world, 0).await, from_memory(&world, 1).await];
    let mut editors = [world.webchat(0, &alice, "ext=1").await, world.webchat(1, &bob, "ext=1").await];
    let [one, other] = &mut editors;
    tokio::join!(play.write(&alice, 0, one), play.write(&bob, 1, other), play.read(&bob, 0), play.read(&alice, 1));
    for (node, user) in [(0, &alice), (1, &bob)] {
        let page = user.read(node, "messages?limit=100").await;
        assert_eq!(shown(&page), play.stored(), "seed {seed}, node {node}");
        assert!(from_memory(&world, node).await > before[node], "seed {seed}, node {node} answered from memory");
    }
    for socket in &mut sockets {
        socket.close().await;
    }
    world.stop().await;
}
