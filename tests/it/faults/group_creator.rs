//! Creates groups during faults, adds users and sends messages: users who were disconnected when they were added must
//! receive them, too.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::checker::{Acknowledged, Room};
use super::client::{Nodes, Person, Phase};
use super::poller::{id_of, place_of};
use super::random::Random;

const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(300);
const MAKE_EVERY: Duration = Duration::from_secs(1);
/// Messages in each room.
const SAID: usize = 2;

/// A created room: the indexes of its members, and its acknowledged messages.
pub struct CreatedGroup {
    pub room: Room,
    pub people: Vec<usize>,
    pub acknowledged: Vec<Acknowledged>,
}

pub struct GroupCreator<'a> {
    people: &'a [Person],
    nodes: Nodes,
    phase: watch::Receiver<Phase>,
    http: reqwest::Client,
    random: Random,
    made: usize,
}

impl<'a> GroupCreator<'a> {
    pub fn new(people: &'a [Person], nodes: Nodes, phase: watch::Receiver<Phase>) -> Self {
        let http = reqwest::Client::builder().timeout(ANSWERS_WITHIN).build().expect("a client");
        Self { people, nodes, phase, http, random: Random::new(Random::seed()), made: 0 }
    }

    /// Creates rooms during the phase `Talk`. Returns them.
    pub async fn run(mut self) -> Vec<CreatedGroup> {
        let mut all = Vec::new();
        while matches!(*self.phase.borrow(), Phase::Talk) {
            all.push(self.make().await);
            tokio::time::sleep(MAKE_EVERY).await;
        }
        all
    }

    async fn make(&mut self) -> CreatedGroup {
        self.made += 1;
        let owner = self.random.between(0, self.people.len() as u64) as usize;
        // If the response is lost, an unknown room without messages remains.
        let body = json!({"name": format!("made {}", self.made), "is_private": false});
        let room = self.insist(owner, "api/v1/rooms", StatusCode::CREATED, |it| it.json(&body)).await;
        let room = room["id"].as_u64().and_then(|id| Room::try_from(id).ok()).expect("a number");
        let mut made = CreatedGroup { room, people: vec![owner], acknowledged: Vec::new() };
        for person in [owner + 1, owner + 2, owner + 3].map(|person| person % self.people.len()) {
            let body = json!({"username": self.people[person].name});
            let path = format!("api/v1/rooms/{room}/members");
            self.insist(owner, &path, StatusCode::CREATED, |it| it.json(&body)).await;
            made.people.push(person);
        }
        for number in 0..SAID {
            let client_id = format!("{}-made-{}-{number}", self.people[owner].name, self.made);
            let body = json!({"message_type": "text", "content": client_id, "client_id": client_id});
            let path = format!("api/chat/send?room_id={}", id_of(room));
            let message = self.insist(owner, &path, StatusCode::OK, |it| it.json(&body)).await;
            made.acknowledged.push(Acknowledged { room, client_id, place: place_of(&message) });
        }
        made
    }

    /// Repeats a request to either node until it gets this status.
    async fn insist(
        &mut self,
        person: usize,
        path: &str,
        good: StatusCode,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Value {
        loop {
            let base = {
                let nodes = self.nodes.lock().expect("no panic while held");
                self.random.pick(&nodes).clone()
            };
            let request = self.http.post(format!("{base}/{path}")).bearer_auth(&self.people[person].token);
            if let Ok(answer) = with(request).send().await {
                let status = answer.status();
                assert!(status.is_server_error() || status == good, "{path}: {status}");
                if status == good
                    && let Ok(body) = answer.json().await
                {
                    return body;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
