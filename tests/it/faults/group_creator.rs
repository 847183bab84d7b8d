//! Makes groups while things break, adds people and says something there: also who was away or cut off when they
//! were added gets it.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::checker::{Acknowledged, Room};
use super::client::{Nodes, Person, Phase};
use super::dice::Dice;
use super::poller::{id_of, place_of};

const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(300);
const MAKE_EVERY: Duration = Duration::from_secs(1);
/// Messages in each room.
const SAID: usize = 2;

/// A room that was made, with these of the people, and what was said there.
pub struct Made {
    pub room: Room,
    pub people: Vec<usize>,
    pub acknowledged: Vec<Acknowledged>,
}

pub struct Maker<'a> {
    people: &'a [Person],
    nodes: Nodes,
    phase: watch::Receiver<Phase>,
    http: reqwest::Client,
    dice: Dice,
    made: usize,
}

impl<'a> Maker<'a> {
    pub fn new(people: &'a [Person], nodes: Nodes, phase: watch::Receiver<Phase>) -> Self {
        let http = reqwest::Client::builder().timeout(ANSWERS_WITHIN).build().expect("a client");
        Self { people, nodes, phase, http, dice: Dice::new(Dice::seed()), made: 0 }
    }

    /// Makes rooms as long as people talk. Returns them.
    pub async fn run(mut self) -> Vec<Made> {
        let mut all = Vec::new();
        while matches!(*self.phase.borrow(), Phase::Talk) {
            all.push(self.make().await);
            tokio::time::sleep(MAKE_EVERY).await;
        }
        all
    }

    async fn make(&mut self) -> Made {
        self.made += 1;
        let owner = self.dice.between(0, self.people.len() as u64) as usize;
        // When the answer is lost there is a room more than anyone knows of, in which nothing is said.
        let body = json!({"name": format!("made {}", self.made), "is_private": false});
        let room = self.insist(owner, "api/v1/rooms", StatusCode::CREATED, |it| it.json(&body)).await;
        let room = room["id"].as_u64().and_then(|id| Room::try_from(id).ok()).expect("a number");
        let mut made = Made { room, people: vec![owner], acknowledged: Vec::new() };
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

    /// Asks until it is answered like this, wherever a node answers.
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
                self.dice.pick(&nodes).clone()
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
