//! The users and rooms, created through the API.

use std::cell::RefCell;
use std::rc::Rc;

use chinwag::domain::RoomId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::common::Result;
use crate::common::api::Api;

/// Accounts of the flood.
const FLOODERS: usize = 5;
/// Rooms that each of them makes, as many as in a day; all of them are members.
const ROOMS_EACH: usize = 100;
/// Rooms full of the longest messages.
const FULL_ROOMS: usize = 4;
const MESSAGES_IN_A_ROOM: usize = 1000;
/// Connections that fill a room.
const FILLING: usize = 8;
/// Pairs of honest users.
pub const PAIRS: usize = 4;

/// Everything that the honest and the others need. The process of the flood reads it from a file.
#[derive(Serialize, Deserialize)]
pub struct World {
    pub port: u16,
    pub flooders: Vec<Flooder>,
    /// Groups of all flooders, full of the longest messages.
    pub full: Vec<Room>,
    /// Public rooms.
    pub public: Vec<Room>,
    pub pairs: Vec<Pair>,
}

#[derive(Serialize, Deserialize)]
pub struct Flooder {
    pub token: String,
    /// Groups of which this one is the owner.
    pub rooms: Vec<Room>,
}

/// A room by its number and by its name for documents 001 and 003.
#[derive(Clone, Serialize, Deserialize)]
pub struct Room {
    pub number: u64,
    pub id: String,
}

/// Two honest users, of whom one writes.
#[derive(Serialize, Deserialize)]
pub struct Pair {
    pub writer: Person,
    pub reader: Person,
    /// Where the writer writes over HTTP and over the socket.
    pub http_room: Room,
    pub socket_room: Room,
}

#[derive(Serialize, Deserialize)]
pub struct Person {
    pub name: String,
    pub id: u64,
    pub token: String,
}

/// A text of the greatest length, whose every character takes three bytes.
pub fn longest_text() -> String {
    "海内存知己天涯若比邻".chars().cycle().take(5000).collect()
}

impl World {
    pub async fn make(port: u16) -> Result<Self> {
        let mut api = Api::open(port).await?;
        let names: Vec<String> = (0..FLOODERS).map(|number| format!("flooder{number}")).collect();
        let mut tokens = Vec::new();
        for name in &names {
            tokens.push(api.sign_in(name).await?);
        }
        let mut world = Self { port, flooders: Vec::new(), full: Vec::new(), public: Vec::new(), pairs: Vec::new() };
        for (number, token) in tokens.iter().enumerate() {
            let others: Vec<String> = names.iter().filter(|name| **name != names[number]).cloned().collect();
            let mut rooms = Vec::new();
            for room in 0..ROOMS_EACH {
                rooms.push(make_group(&mut api, token, &format!("flood {number} {room}"), &others).await?);
            }
            world.flooders.push(Flooder { token: token.clone(), rooms });
        }
        for number in 0..PAIRS {
            world.pairs.push(Pair::make(&mut api, number).await?);
        }
        for number in 0..FULL_ROOMS {
            world.public.push(make_public(&mut api, &tokens[0], &format!("public{number}")).await?);
        }
        world.full = world.flooders[0].rooms.drain(..FULL_ROOMS).collect();
        for room in &world.full {
            fill(port, &tokens, room).await?;
        }
        // Lists of rooms show the last message of each.
        let body = json!({ "content": longest_text(), "message_type": "text" });
        for room in world.flooders.iter().flat_map(|flooder| &flooder.rooms) {
            api.post(&format!("/api/chat/send?room_id={}", room.id), &tokens[0], &body, 200).await?;
        }
        Ok(world)
    }
}

impl Pair {
    async fn make(api: &mut Api, number: usize) -> Result<Self> {
        let writer = Person::make(api, format!("writer{number}")).await?;
        let reader = Person::make(api, format!("reader{number}")).await?;
        let others = std::slice::from_ref(&reader.name);
        let http_room = make_group(api, &writer.token, &format!("pair {number} over HTTP"), others).await?;
        let socket_room = make_group(api, &writer.token, &format!("pair {number} over sockets"), others).await?;
        Ok(Self { writer, reader, http_room, socket_room })
    }
}

impl Person {
    async fn make(api: &mut Api, name: String) -> Result<Self> {
        let token = api.sign_in(&name).await?;
        let id = api.get("/api/v1/me", &token).await?["id"].as_u64().ok_or("no id")?;
        Ok(Self { name, id, token })
    }
}

async fn make_group(api: &mut Api, owner: &str, title: &str, others: &[String]) -> Result<Room> {
    let number = api.make_room(owner, title, others).await?;
    let id = RoomId::new(u32::try_from(number)?).ok_or("not a room's number")?;
    Ok(Room { number, id: id.to_string() })
}

/// Makes a public room, which document 003 alone can.
async fn make_public(api: &mut Api, token: &str, name: &str) -> Result<Room> {
    let room = api.post_form("/api/chat/rooms", token, &format!("room_name={name}"), 200).await?;
    let id: RoomId = room["room_id"].as_str().ok_or("no room")?.parse().map_err(|_| "not a room's id")?;
    Ok(Room { number: id.number().into(), id: id.to_string() })
}

async fn fill(port: u16, tokens: &[String], room: &Room) -> Result<()> {
    let body = json!({ "content": longest_text(), "message_type": "text" });
    let failure = Rc::new(RefCell::new(None));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..FILLING {
        let (token, body) = (tokens[number % tokens.len()].clone(), body.clone());
        let (path, failure) = (format!("/api/chat/send?room_id={}", room.id), Rc::clone(&failure));
        tasks.spawn_local(async move {
            let sending = async {
                let mut api = Api::open(port).await?;
                for _ in 0..MESSAGES_IN_A_ROOM / FILLING {
                    api.post(&path, &token, &body, 200).await?;
                }
                Ok::<(), Box<dyn std::error::Error>>(())
            };
            if let Err(error) = sending.await {
                failure.borrow_mut().get_or_insert(error.to_string());
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    match failure.take() {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
}
