//! A simulated chat client on a WebSocket of document 000: sends, retries with the same id, reconnects to the
//! other node and resumes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chinwag::domain::EntryId;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::checker::{Acknowledged, Received, Room};
use super::dice::Dice;
use super::received::{Memory, Pending};

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long a client waits for an answer to its handshake.
const CONNECTS_WITHIN: Duration = Duration::from_secs(3);
/// Everybody is there, and nobody talks.
const GLOBAL: Room = 1;
/// How often it looks whether something is due.
const TICK: Duration = Duration::from_millis(25);
const PING_EVERY: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_millis(1500);
/// Sends that it lets be under way at once.
const MAX_PENDING: usize = 4;

/// Where clients find the nodes; a node that was started again has another address.
pub type Nodes = Arc<Mutex<Vec<String>>>;

/// What clients are to do.
#[derive(Clone, Debug)]
pub enum Phase {
    Talk,
    /// Send nothing new; have everything confirmed.
    Confirm,
    /// End when this much was received, by name.
    Finish(Arc<HashMap<String, BTreeMap<Room, EntryId>>>),
    /// End now.
    Stop,
}

/// Who a client is.
#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub token: String,
    pub rooms: Vec<Room>,
    /// Keeps its connection however silent it is, unless it ends: then gaps are the node's to repair.
    pub is_patient: bool,
}

/// What a client reports at the end.
#[derive(Debug, Default)]
pub struct Report {
    pub acknowledged: Vec<Acknowledged>,
    pub received: Vec<Received>,
    pub connections: usize,
    pub retries: usize,
    pub not_recovered: usize,
    pub refusals: usize,
}

/// One client's life.
pub struct Client {
    person: Person,
    nodes: Nodes,
    http: reqwest::Client,
    phase: watch::Receiver<Phase>,
    /// Told once, when everything is confirmed.
    confirmed: Option<tokio::sync::oneshot::Sender<()>>,
    dice: Dice,
    memory: Memory,
    sent: usize,
    report: Report,
    pace: Duration,
}

/// Times of the present connection.
struct Clock {
    heard_at: Instant,
    pinged_at: Instant,
    tried_at: Instant,
    send_at: Instant,
    /// When it lets go by itself, as phones do.
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
        let memory = Memory::new(&person.name, &person.rooms);
        let confirmed = Some(confirmed);
        let (dice, report) = (Dice::new(Dice::seed()), Report::default());
        let http = reqwest::Client::builder().timeout(CONNECTS_WITHIN).build().expect("a client");
        Self { person, nodes, http, phase, confirmed, dice, memory, sent: 0, report, pace }
    }

    /// Lives until everything is received or it is told to stop.
    pub async fn run(mut self) -> Report {
        let mut node = self.dice.next() as usize;
        while !self.is_done() {
            node += 1;
            if let Some((mut stream, rooms)) = self.connect(node).await {
                self.report.connections += 1;
                self.memory.enter(rooms);
                // However it ended: the next connection goes on.
                self.talk(&mut stream).await;
            }
            let pause = self.dice.between(20, 250);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        let Self { mut memory, mut report, .. } = self;
        report.not_recovered = memory.not_recovered;
        report.acknowledged = std::mem::take(&mut memory.acknowledged);
        report.received = memory.received();
        report
    }

    /// Opens a connection, then asks for the rooms: somebody may have added it to more meanwhile.
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
        let leave_at = now + Duration::from_millis(self.dice.between(3_000, 15_000));
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
            // Resumes first, then retries: the answers to both are told apart by that.
            if is_first_try && self.memory.is_live() {
                is_first_try = false;
                self.retry(stream, &mut clock).await?;
            }
            if self.is_done() {
                // The end of a process takes its connection along.
                return None;
            }
            self.act(stream, &mut clock).await?;
        }
    }

    async fn hear(&mut self, stream: &mut Stream, text: &str, clock: &mut Clock) -> Option<()> {
        let frame: Value = serde_json::from_str(text).expect("frames are JSON");
        if frame["type"] == "error" {
            self.report.refusals += 1;
            // Outcome unknown, or nothing done: what is open is tried again soon.
            clock.tried_at = Instant::now() - RETRY_AFTER + Duration::from_millis(300);
        }
        let answer = self.memory.take(&frame);
        say(stream, answer).await
    }

    /// Does what is due.
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
        if now - clock.tried_at > RETRY_AFTER && !(self.memory.pending.is_empty() && self.memory.is_live()) {
            self.retry(stream, clock).await?;
        }
        let may_send = matches!(*self.phase.borrow(), Phase::Talk) && self.memory.pending.len() < MAX_PENDING;
        if may_send && now > clock.send_at {
            let pace = self.pace.as_millis() as u64;
            clock.send_at = now + Duration::from_millis(self.dice.between(pace / 2, pace * 3 / 2));
            if self.memory.pending.is_empty() {
                clock.tried_at = now;
            }
            self.sent += 1;
            let room = *self.dice.pick(&self.person.rooms);
            let pending = Pending { room, client_id: format!("{}-{}", self.person.name, self.sent) };
            let frame = pending.frame();
            self.memory.pending.push(pending);
            say(stream, [frame]).await?;
        }
        if self.memory.pending.is_empty()
            && !matches!(*self.phase.borrow(), Phase::Talk)
            && let Some(confirmed) = self.confirmed.take()
        {
            // After its deadline the test no longer waits for this.
            let _is_received = confirmed.send(());
        }
        Some(())
    }

    /// Sends again what is open, under the same ids.
    async fn retry(&mut self, stream: &mut Stream, clock: &mut Clock) -> Option<()> {
        clock.tried_at = Instant::now();
        self.report.retries += self.memory.pending.len();
        let frames: Vec<Value> = self.memory.pending.iter().map(Pending::frame).collect();
        say(stream, frames).await?;
        say(stream, self.memory.fetches()).await
    }

    fn is_done(&self) -> bool {
        match &*self.phase.borrow() {
            Phase::Talk | Phase::Confirm => false,
            Phase::Finish(ends) => ends.get(&self.person.name).is_none_or(|ends| self.memory.has_reached(ends)),
            Phase::Stop => true,
        }
    }
}

/// Sends frames. `None` when the connection is gone.
async fn say(stream: &mut Stream, frames: impl IntoIterator<Item = Value>) -> Option<()> {
    for frame in frames {
        let sent = stream.send(Message::text(frame.to_string()));
        tokio::time::timeout(CONNECTS_WITHIN, sent).await.ok()?.ok()?;
    }
    Some(())
}
