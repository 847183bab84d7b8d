//! A simulated chat client on a WebSocket of document 000: sends, amends and mentions, retries, reconnects to the other node
//! and resumes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chinwag::domain::{EntryId, Seq};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::amended::{Changed, Named, Shown, Told};
use super::changes::{Amending, Changes};
use super::checker::{Acknowledged, Received, Room};
use super::random::Random;
use super::readings::Reading;
use super::received::{Memory, Pending};

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long a client waits for the response to its handshake.
const CONNECTS_WITHIN: Duration = Duration::from_secs(3);
/// Room 1, which everyone is a member of. Nobody sends there.
const GLOBAL: Room = 1;
/// How often a client checks what is due.
const TICK: Duration = Duration::from_millis(25);
const PING_EVERY: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_millis(1500);
/// The maximum number of sends in flight.
const MAX_PENDING: usize = 4;
/// So many sends of each, in rooms picked at random, stay well below the 1000 messages that a room keeps, however
/// long a slow machine makes a round.
const MAX_SENT: usize = 400;
/// How many sends in a hundred are followed by a change of a message, and how many mention somebody.
const CHANGES_PERCENT: u64 = 40;
const MENTIONS_PERCENT: u64 = 10;

/// The addresses of the nodes. A restarted node has a new one.
pub type Nodes = Arc<Mutex<Vec<String>>>;

/// What clients do at present.
#[derive(Clone, Debug)]
pub enum Phase {
    Talk,
    /// Send nothing new and wait until everything is confirmed.
    Confirm,
    /// End when everything has been received.
    Finish(Arc<End>),
    /// End now.
    Stop,
}

/// What clients have at the end.
#[derive(Debug)]
pub struct End {
    /// The last entries of the rooms, by the name of a user.
    pub places: HashMap<String, BTreeMap<Room, EntryId>>,
    /// How the messages read, if they were amended.
    pub readings: BTreeMap<Room, BTreeMap<Seq, Reading>>,
}

/// The user of a client.
#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub token: String,
    pub rooms: Vec<Room>,
    /// Keeps a silent connection open, so that the node must repair gaps.
    pub is_patient: bool,
    /// What the user may change, if anything.
    pub amending: Amending,
}

/// What a client reports at the end.
#[derive(Debug, Default)]
pub struct Report {
    pub acknowledged: Vec<Acknowledged>,
    pub received: Vec<Received>,
    pub changed: Vec<Changed>,
    pub shown: Vec<Shown>,
    pub named: Vec<Named>,
    pub told: Vec<Told>,
    pub untold: usize,
    pub connections: usize,
    pub retries: usize,
    pub not_recovered: usize,
    pub refusals: usize,
}

/// A simulated client.
pub struct Client {
    person: Person,
    nodes: Nodes,
    http: reqwest::Client,
    phase: watch::Receiver<Phase>,
    /// Completed when everything is confirmed.
    confirmed: Option<tokio::sync::oneshot::Sender<()>>,
    random: Random,
    memory: Memory,
    changes: Changes,
    sent: usize,
    report: Report,
    pace: Duration,
}

/// Times of the current connection.
struct Clock {
    heard_at: Instant,
    pinged_at: Instant,
    tried_at: Instant,
    send_at: Instant,
    /// When the client disconnects by itself, as phones do.
    leave_at: Instant,
}

impl Client {
    pub fn new(
        person: Person,
        nodes: Nodes,
        phase: watch::Receiver<Phase>,
        confirmed: tokio::sync::oneshot::Sender<()>,
        pace: Duration,
    ) -> Self {
        let memory = Memory::new(&person.name, person.amending.user, &person.rooms);
        let changes = Changes::new(person.amending.user);
        let confirmed = Some(confirmed);
        let (random, report) = (Random::new(Random::seed()), Report::default());
        let http = reqwest::Client::builder().timeout(CONNECTS_WITHIN).build().expect("a client");
        Self { person, nodes, http, phase, confirmed, random, memory, changes, sent: 0, report, pace }
    }

    /// Runs until everything is received or the phase is `Stop`.
    pub async fn run(mut self) -> Report {
        let mut node = self.random.next() as usize;
        while !self.is_done() {
            node += 1;
            if let Some((mut stream, rooms)) = self.connect(node).await {
                self.report.connections += 1;
                self.memory.enter(rooms);
                // However it ended, the next connection continues.
                self.talk(&mut stream).await;
            }
            let pause = self.random.between(20, 250);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        let Self { mut memory, mut report, changes, .. } = self;
        (report.not_recovered, report.untold) = (memory.not_recovered, memory.untold);
        report.acknowledged = std::mem::take(&mut memory.acknowledged);
        report.named = std::mem::take(&mut memory.named);
        report.received = memory.received();
        (report.shown, report.told) = memory.into_shown();
        report.changed = changes.into_changed();
        report
    }

    /// Opens a connection, then reads the list of rooms: the user may have been added to more.
    async fn connect(&self, node: usize) -> Option<(Stream, Vec<Room>)> {
        let base = {
            let nodes = self.nodes.lock().expect("no panic while held");
            nodes[node % nodes.len()].clone()
        };
        let token = &self.person.token;
        let url = format!("{}/ws?ext=1&token={token}", base.replacen("http", "ws", 1));
        let connected = tokio::time::timeout(CONNECTS_WITHIN, connect_async(url)).await.ok()?;
        let (stream, _) = connected.ok()?;
        let answer = self.http.get(format!("{base}/api/v1/rooms")).bearer_auth(token).send().await.ok()?;
        let rooms: Value = answer.error_for_status().ok()?.json().await.ok()?;
        let numbers = rooms.as_array()?.iter().filter_map(|room| Room::try_from(room["id"].as_u64()?).ok());
        Some((stream, numbers.filter(|room| *room != GLOBAL).collect()))
    }

    async fn talk(&mut self, stream: &mut Stream) -> Option<()> {
        let now = Instant::now();
        let leave_at = now + Duration::from_millis(self.random.between(3_000, 15_000));
        let mut clock = Clock { heard_at: now, pinged_at: now, tried_at: now, send_at: now, leave_at };
        let mut is_first_try = true;
        say(stream, self.memory.connect()).await?;
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                message = stream.next() => {
                    let message = message?.ok()?;
                    clock.heard_at = Instant::now();
                    match message {
                        Message::Text(text) => self.hear(stream, &text, &mut clock).await?,
                        Message::Close(_) => return None,
                        _ => {}
                    }
                }
                _ = tick.tick() => {}
            }
            // Resumes before it retries, so that the answers to both can be distinguished.
            if is_first_try && self.memory.is_live() {
                is_first_try = false;
                self.retry(stream, &mut clock).await?;
            }
            if self.is_done() {
                // A killed process closes its connections.
                return None;
            }
            self.act(stream, &mut clock).await?;
        }
    }

    async fn hear(&mut self, stream: &mut Stream, text: &str, clock: &mut Clock) -> Option<()> {
        let frame: Value = serde_json::from_str(text).expect("frames are JSON");
        if frame["type"] == "error" {
            self.report.refusals += 1;
            // The outcome is unknown, or nothing was stored: retries soon.
            clock.tried_at = Instant::now() - RETRY_AFTER + Duration::from_millis(300);
        }
        self.changes.take(&frame);
        let answer = self.memory.take(&frame);
        say(stream, answer).await
    }

    /// Performs what is due.
    async fn act(&mut self, stream: &mut Stream, clock: &mut Clock) -> Option<()> {
        let now = Instant::now();
        let (silence, patience) = (now - clock.heard_at, if self.person.is_patient { 15 } else { 4 });
        let is_leaving = !self.person.is_patient && now > clock.leave_at && matches!(*self.phase.borrow(), Phase::Talk);
        if silence > Duration::from_secs(patience) || is_leaving {
            return None;
        }
        if now - clock.pinged_at > PING_EVERY {
            clock.pinged_at = now;
            say(stream, [json!({"type": "ping"})]).await?;
        }
        let is_settled = self.memory.pending.is_empty() && self.changes.is_settled();
        if now - clock.tried_at > RETRY_AFTER && !(is_settled && self.memory.is_live()) {
            self.retry(stream, clock).await?;
        }
        let is_talking = matches!(*self.phase.borrow(), Phase::Talk);
        let may_send = is_talking && self.sent < MAX_SENT && self.memory.pending.len() < MAX_PENDING;
        if may_send && now > clock.send_at {
            let pace = self.pace.as_millis() as u64;
            clock.send_at = now + Duration::from_millis(self.random.between(pace / 2, pace * 3 / 2));
            if is_settled {
                clock.tried_at = now;
            }
            let frames = [Some(self.next_send()), self.next_change()];
            say(stream, frames.into_iter().flatten()).await?;
        }
        if self.memory.pending.is_empty()
            && self.changes.is_settled()
            && !is_talking
            && let Some(confirmed) = self.confirmed.take()
        {
            // The receiver is gone after the time-out.
            let _is_received = confirmed.send(());
        }
        Some(())
    }

    /// A new message, which may mention somebody.
    fn next_send(&mut self) -> Value {
        self.sent += 1;
        let room = *self.random.pick(&self.person.rooms);
        let names = self.person.amending.names.get(&room);
        let named = names.filter(|_| self.random.is_hit(MENTIONS_PERCENT)).map(|names| self.random.pick(names).clone());
        let pending = Pending { room, client_id: format!("{}-{}", self.person.name, self.sent), named };
        let frame = pending.frame();
        self.memory.pending.push(pending);
        frame
    }

    /// A change of a message, if one is due.
    fn next_change(&mut self) -> Option<Value> {
        let Amending { user, pins_in, .. } = &self.person.amending;
        if *user == 0 || !self.memory.is_live() || !self.random.is_hit(CHANGES_PERCENT) {
            return None;
        }
        let room = *self.random.pick(&self.person.rooms);
        let shown = (room, self.memory.shown(room)?);
        self.changes.ask(&mut self.random, &self.memory.acknowledged, shown, pins_in)
    }

    /// Retries unconfirmed sends with the same ids as far as that is due, and unconfirmed changes.
    async fn retry(&mut self, stream: &mut Stream, clock: &mut Clock) -> Option<()> {
        clock.tried_at = Instant::now();
        let mut frames = self.memory.retries();
        frames.extend(self.changes.retries());
        self.report.retries += frames.len();
        say(stream, frames).await?;
        say(stream, self.memory.fetches()).await
    }

    fn is_done(&self) -> bool {
        match &*self.phase.borrow() {
            Phase::Talk | Phase::Confirm => false,
            Phase::Finish(end) => {
                let places = end.places.get(&self.person.name);
                places.is_none_or(|places| self.memory.has_reached(places)) && self.memory.agrees_with(&end.readings)
            }
            Phase::Stop => true,
        }
    }
}

/// Sends frames. `None` when the connection is closed.
async fn say(stream: &mut Stream, frames: impl IntoIterator<Item = Value>) -> Option<()> {
    for frame in frames {
        let sent = stream.send(Message::text(frame.to_string()));
        tokio::time::timeout(CONNECTS_WITHIN, sent).await.ok()?.ok()?;
    }
    Some(())
}
