//! A simulated client of document 003: polls with `after` wherever a node answers, and sends with a key. It also keeps the
//! newest page of each room up to date, by its `ETag`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chinwag::domain::{EntryId, MessageId, RoomId, Seq};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::amended::Shown;
use super::checker::{Acknowledged, Received, Room, Seen, now_ms};
use super::client::{End, Nodes, Person, Phase, Report};
use super::random::Random;
use super::readings::{Reading, Readings};
use super::received::first_word;

const ANSWERS_WITHIN: Duration = Duration::from_secs(4);
const POLL_EVERY: Duration = Duration::from_millis(250);

/// A simulated client that polls.
pub struct Poller {
    person: Person,
    nodes: Nodes,
    phase: watch::Receiver<Phase>,
    confirmed: Option<tokio::sync::oneshot::Sender<()>>,
    http: reqwest::Client,
    random: Random,
    node: usize,
    sent: usize,
    rooms: BTreeMap<Room, Polled>,
    report: Report,
    pace: Duration,
}

#[derive(Default)]
struct Polled {
    /// The id for `after`.
    last: Option<(String, EntryId)>,
    messages: Vec<Seen>,
    /// The newest page, and its tag.
    page: Readings,
    etag: Option<String>,
}

impl Poller {
    pub fn new(
        person: Person,
        nodes: Nodes,
        phase: watch::Receiver<Phase>,
        confirmed: tokio::sync::oneshot::Sender<()>,
        pace: Duration,
    ) -> Self {
        let http = reqwest::Client::builder().timeout(ANSWERS_WITHIN).build().expect("a client");
        let rooms = person.rooms.iter().map(|room| (*room, Polled::default())).collect();
        let (confirmed, random) = (Some(confirmed), Random::new(Random::seed()));
        let report = Report::default();
        Self { person, nodes, phase, confirmed, http, random, node: 0, sent: 0, rooms, report, pace }
    }

    /// Runs until everything is received or the phase is `Stop`.
    pub async fn run(mut self) -> Report {
        let mut send_at = Instant::now();
        let mut pending: Option<(Room, String)> = None;
        while !self.is_done() {
            for room in self.person.rooms.clone() {
                if self.poll(room).await.is_none() || self.refresh(room).await.is_none() {
                    self.node += 1;
                }
            }
            let may_send = matches!(*self.phase.borrow(), Phase::Talk) && Instant::now() > send_at;
            if pending.is_none() && may_send {
                self.sent += 1;
                pending = Some((*self.random.pick(&self.person.rooms), format!("{}-{}", self.person.name, self.sent)));
                send_at = Instant::now() + self.pace;
            }
            if let Some((room, client_id)) = &pending {
                match self.send(*room, client_id).await {
                    Some(()) => pending = None,
                    None => {
                        self.node += 1;
                        self.report.retries += 1;
                    }
                }
            }
            if pending.is_none()
                && !matches!(*self.phase.borrow(), Phase::Talk)
                && let Some(confirmed) = self.confirmed.take()
            {
                let _is_received = confirmed.send(()); // the receiver is gone after the time-out
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
        let reader = self.person.name;
        let of = |(room, Polled { messages, page, .. })| {
            let shown = Shown { reader: reader.clone(), room, readings: page, is_text_alone: true };
            (Received { reader: reader.clone(), room, messages }, shown)
        };
        (self.report.received, self.report.shown) = self.rooms.into_iter().map(of).unzip();
        self.report
    }

    fn url(&self, path: &str) -> String {
        let nodes = self.nodes.lock().expect("no panic while held");
        format!("{}/api/chat/{path}", nodes[self.node % nodes.len()])
    }

    /// Reads new messages of a room. `None` without a response.
    async fn poll(&mut self, room: Room) -> Option<()> {
        let last = self.rooms.get(&room)?.last.as_ref().map(|(id, _)| id.clone());
        let after = last.as_ref().map(|id| format!("&after={id}")).unwrap_or_default();
        let url = self.url(&format!("messages?room_id={}&limit=100{after}", id_of(room)));
        let answer = self.http.get(url).bearer_auth(&self.person.token).send().await.ok()?;
        if answer.status() != StatusCode::OK {
            self.report.refusals += 1;
            return None;
        }
        let page: Value = answer.json().await.ok()?;
        let mut page: Vec<&Value> = page.as_array().expect("a list").iter().collect();
        let how = format!("poll of node {} behind {:?}, at {}", self.node, last, now_ms());
        if last.is_none() {
            page.reverse(); // newest first
        }
        let polled = self.rooms.get_mut(&room)?;
        for message in page {
            let (id, place) = (message["id"].as_str().expect("an id"), place_of(message));
            // The next request continues after the newest message, in either order.
            if polled.last.as_ref().is_none_or(|(_, last)| *last < place) {
                polled.last = Some((id.to_owned(), place));
            }
            if message["message_type"] != "system" {
                let text = first_word(message["content"].as_str().expect("text")).to_owned();
                polled.messages.push(Seen { place, text, how: how.clone() });
            }
        }
        Some(())
    }

    /// Reads the newest page of a room if it has changed. `None` without a response.
    async fn refresh(&mut self, room: Room) -> Option<()> {
        let url = self.url(&format!("messages?room_id={}&limit=100", id_of(room)));
        let mut request = self.http.get(url).bearer_auth(&self.person.token);
        if let Some(etag) = &self.rooms.get(&room)?.etag {
            request = request.header("If-None-Match", etag);
        }
        let answer = request.send().await.ok()?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Some(());
        }
        let etag = answer.headers().get("ETag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        if answer.status() != StatusCode::OK {
            self.report.refusals += 1;
            return None;
        }
        let page: Value = answer.json().await.ok()?;
        let polled = self.rooms.get_mut(&room)?;
        let listed = page.as_array().expect("a list").iter().filter(|message| message["message_type"] != "system");
        let listed: BTreeMap<_, _> = listed.map(|message| (place_of(message).seq, Reading::of(message))).collect();
        polled.page.by_seq.retain(|seq, _| listed.contains_key(seq));
        listed.into_iter().for_each(|(seq, reading)| polled.page.take(seq, reading));
        polled.etag = etag;
        Some(())
    }

    /// Sends a message. `None` when it is not confirmed.
    async fn send(&mut self, room: Room, client_id: &str) -> Option<()> {
        let url = self.url(&format!("send?room_id={}", id_of(room)));
        let body = json!({"message_type": "text", "content": client_id, "reply_to": null});
        let request = self.http.post(url).bearer_auth(&self.person.token).header("Idempotency-Key", client_id);
        let answer = request.json(&body).send().await.ok()?;
        if answer.status() != StatusCode::OK {
            self.report.refusals += 1;
            return None;
        }
        let message: Value = answer.json().await.ok()?;
        let place = place_of(&message);
        self.report.acknowledged.push(Acknowledged { room, client_id: client_id.to_owned(), place });
        Some(())
    }

    fn is_done(&self) -> bool {
        match &*self.phase.borrow() {
            Phase::Talk | Phase::Confirm => false,
            Phase::Finish(end) => self.has_reached(end),
            Phase::Stop => true,
        }
    }
}

impl Poller {
    fn has_reached(&self, End { places, readings }: &End) -> bool {
        let has_come = |(room, end): (&Room, &EntryId)| {
            self.rooms.get(room).is_some_and(|it| it.last.as_ref().is_some_and(|(_, place)| place >= end))
        };
        let agrees = |(room, it): (&Room, &Polled)| {
            let Some(stored) = readings.get(room) else { return true };
            let is_text = |(seq, shown): (&Seq, &Reading)| stored.get(seq).is_none_or(|it| it.text == shown.text);
            it.page.by_seq.iter().all(is_text)
        };
        let places = places.get(&self.person.name);
        places.is_none_or(|places| places.iter().all(has_come)) && self.rooms.iter().all(agrees)
    }
}

/// Document 003's id of a room.
pub fn id_of(room: Room) -> String {
    RoomId::new(room).expect("not zero").to_string()
}

/// The entry id within a message id of document 003.
pub fn place_of(message: &Value) -> EntryId {
    let id = message["id"].as_str().and_then(|id| Uuid::try_parse(id).ok()).and_then(MessageId::from_uuid);
    id.unwrap_or_else(|| panic!("no message: {message}")).entry
}
