//! The users and rooms that are measured on. Chinwag's are made through its API, as clients make them; the others know
//! no users, and a room is there when someone enters it.

use serde_json::{Value, json};

use crate::Result;
use crate::http::Connection;
use crate::site::Site;
use crate::subject::{Seat, Subject};

/// Users who are in more than a room of ten: the first so many.
const LARGE_ROOMS: [usize; 2] = [100, 1000];
const SMALL_ROOM: usize = 10;

/// A subject with everything in it that its sockets need.
pub struct World {
    pub site: Site,
    /// Of the users, one for each socket; empty where there are none.
    tokens: Vec<String>,
    sets: Vec<RoomSet>,
}

/// Rooms of one size: the first users are in the first room, the next in the second, and so on.
struct RoomSet {
    sockets: usize,
    numbers: Vec<u64>,
}

impl World {
    /// One room of a hundred, one of a thousand, and rooms of ten for all users.
    pub async fn make(site: Site, users: usize) -> Result<Self> {
        let users = users.max(LARGE_ROOMS[1]);
        let mut sets: Vec<(usize, usize)> = LARGE_ROOMS.map(|sockets| (1, sockets)).to_vec();
        sets.push((users / SMALL_ROOM, SMALL_ROOM));
        if site.subject != Subject::Chinwag {
            let numbers = |(rooms, sockets)| (1..=rooms).map(|room| (sockets * 1_000_000 + room) as u64).collect();
            let set = |set: (usize, usize)| RoomSet { sockets: set.1, numbers: numbers(set) };
            let sets = sets.into_iter().map(set).collect();
            return Ok(Self { site, tokens: Vec::new(), sets });
        }
        eprintln!("{users} users and their rooms");
        let mut api = Api(Connection::open(site.nodes[0].port).await?);
        let mut tokens = Vec::new();
        for user in 0..users {
            tokens.push(api.sign_in(user).await?);
        }
        let mut made = Vec::new();
        for (rooms, sockets) in sets {
            let mut numbers = Vec::new();
            for room in 0..rooms {
                numbers.push(api.make_room(&tokens, room * sockets, sockets).await?);
            }
            made.push(RoomSet { sockets, numbers });
        }
        Ok(Self { site, tokens, sets: made })
    }

    /// Numbers of the first so many rooms with as many sockets each.
    pub fn rooms(&self, rooms: usize, sockets: usize) -> Result<&[u64]> {
        let set = self.sets.iter().find(|set| set.sockets == sockets);
        let numbers = set.and_then(|set| set.numbers.get(..rooms));
        Ok(numbers.ok_or_else(|| format!("no {rooms} rooms of {sockets}"))?)
    }

    /// The sockets of these rooms, room by room, on either node in turn; so are the first of the rooms, who send.
    pub fn seats(&self, rooms: usize, sockets: usize) -> Result<Vec<Seat>> {
        let numbers = self.rooms(rooms, sockets)?;
        let nodes = &self.site.nodes;
        let seat = |index: usize| Seat {
            port: nodes[(index + index / sockets) % nodes.len()].port,
            token: self.tokens.get(index).cloned().unwrap_or_default(),
            room: numbers[index / sockets],
        };
        Ok((0..rooms * sockets).map(seat).collect())
    }

    /// So many sockets in rooms of ten.
    pub fn seats_in_small_rooms(&self, sockets: usize) -> Result<Vec<Seat>> {
        self.seats(sockets / SMALL_ROOM, SMALL_ROOM)
    }
}

/// The few requests of document 000 that this takes.
struct Api(Connection);

impl Api {
    async fn sign_in(&mut self, user: usize) -> Result<String> {
        let account = json!({ "username": name(user), "password": format!("password{user}") });
        self.post("/auth/register", "", &account, 201).await?;
        let answer = self.post("/auth/login", "", &account, 200).await?;
        Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// A group of the users from `first` on.
    async fn make_room(&mut self, tokens: &[String], first: usize, users: usize) -> Result<u64> {
        let (owner, room) = (&tokens[first], json!({ "name": format!("{users} from {first}"), "is_private": false }));
        let answer = self.post("/rooms", owner, &room, 201).await?;
        let number = answer["id"].as_u64().ok_or("no room")?;
        for user in first + 1..first + users {
            let path = format!("/rooms/{number}/members");
            self.post(&path, owner, &json!({ "username": name(user) }), 201).await?;
        }
        Ok(number)
    }

    async fn post(&mut self, path: &str, token: &str, body: &Value, status: u16) -> Result<Value> {
        let body = body.to_string();
        let authorization = match token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let length = body.len();
        let content = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        let head = format!("POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}{content}");
        let answer = self.0.exchange(format!("{head}\r\n{body}").as_bytes()).await?;
        match answer.status == status {
            true => Ok(serde_json::from_slice(answer.body)?),
            false => Err(format!("{path}: {}: {}", answer.status, String::from_utf8_lossy(answer.body)).into()),
        }
    }
}

fn name(user: usize) -> String {
    format!("loader{user}")
}
