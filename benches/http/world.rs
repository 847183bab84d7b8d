//! The users, rooms and messages that are measured on. The first few are made through the API as clients make
//! them; the thousands for growth are copies of these that are made in Redis itself, so that only key names are
//! spelled here and not what `store/` puts into them.

use std::time::Duration;

use redis::{Pipeline, RedisResult};
use serde_json::Value;

use crate::Result;
use crate::load::{Answer, Connection};
use crate::raw::ScriptCall;
use crate::rig::Rig;

/// Connections of the load, each a user of its own.
pub const CONNECTIONS: usize = 32;
/// As many as a room keeps, so that every send drops one.
const MESSAGES_IN_A_ROOM: usize = 1000;
const MESSAGE_BYTES: usize = 128;
/// Seeded users were last active at different times of the last ten minutes.
const ACTIVE_WITHIN_MS: u64 = 600_000;
const SEEDS_PER_WRITE: u64 = 500;
const PREFIX: &str = "cw:";
const ONLINE_SHARDS: u64 = 16;
const GLOBAL: &str = "global";
const GLOBAL_NUMBER: u64 = 1;

/// What the operations of [`crate::work`] are aimed at.
pub struct World {
    /// The node without limits.
    pub port: u16,
    /// The node with limits.
    pub limited_port: u16,
    /// Of the users, one for each connection.
    pub tokens: Vec<String>,
    /// Rooms that were made through the API, all users in them.
    pub room: String,
    pub followed_room: String,
    pub quiet_room: String,
    /// The script call of one send, as the node made it.
    pub script: ScriptCall,
    redis: redis::Connection,
    /// Numbers given to users and rooms so far.
    users: u64,
    rooms: u64,
    /// Number of the room that the others are copies of.
    model: u64,
}

impl World {
    /// Users, rooms and full histories, through the API.
    pub async fn make(rig: &Rig) -> Result<Self> {
        let (port, redis) = (rig.node.port, redis::Client::open(rig.redis_url())?.get_connection()?);
        let mut connection = Connection::open(port).await?;
        let mut tokens = Vec::new();
        for number in 0..CONNECTIONS {
            tokens.push(sign_in(&mut connection, number).await?);
        }
        let mut rooms = Vec::new();
        for name in ["busy", "followed", "quiet"] {
            rooms.push(make_room(&mut connection, &tokens[0], name).await?);
        }
        let [room, followed_room, quiet_room] = <[String; 3]>::try_from(rooms).map_err(|_| "three rooms")?;
        for room in [GLOBAL, &room, &followed_room, &quiet_room] {
            for index in 0..MESSAGES_IN_A_ROOM {
                let token = &tokens[index % tokens.len()];
                expect(connection.exchange(&send(room, token)).await?, 200)?;
            }
        }
        // The model of the rooms to come, last of all so that its number is the counter's: two messages in it.
        let model = make_room(&mut connection, &tokens[0], "model").await?;
        expect(connection.exchange(&send(&model, &tokens[0])).await?, 200)?;
        let script = ScriptCall::capture(rig, &mut connection, &send(GLOBAL, &tokens[0])).await?;
        let mut world = Self {
            port,
            limited_port: rig.limited_node.port,
            tokens,
            room,
            followed_room,
            quiet_room,
            script,
            redis,
            users: 0,
            rooms: 0,
            model: 0,
        };
        world.users = world.counter("seq:users")?;
        world.rooms = world.counter("seq:rooms")?;
        world.model = world.rooms;
        Ok(world)
    }

    fn counter(&mut self, name: &str) -> Result<u64> {
        Ok(redis::cmd("GET").arg(format!("{PREFIX}{name}")).query(&mut self.redis)?)
    }

    /// Fills up to `size` users who are online, as many rooms, and a message in each of these.
    pub async fn grow_to(&mut self, size: u64) -> Result<()> {
        eprintln!("{size} users, rooms and messages");
        let now_ms = u64::try_from(jiff::Timestamp::now().as_millisecond())?;
        self.seed(self.users + 1..=size, |pipeline, user| seed_user(pipeline, user, size, now_ms))?;
        let model = self.model;
        self.seed(self.rooms + 1..=size, |pipeline, room| seed_room(pipeline, room, model, now_ms))?;
        let today = jiff::Timestamp::now().strftime("%Y%m%d");
        let messages = size.saturating_sub(self.rooms);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("SET").arg(format!("{PREFIX}seq:users")).arg(size.max(self.users));
        pipeline.cmd("SET").arg(format!("{PREFIX}seq:rooms")).arg(size.max(self.rooms));
        pipeline.cmd("INCRBY").arg(format!("{PREFIX}stats:{today}")).arg(messages);
        let () = pipeline.query(&mut self.redis)?;
        (self.users, self.rooms) = (size.max(self.users), size.max(self.rooms));
        // The log's next write to the disk should not fall into the first row.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.check_figures(size).await
    }

    fn seed(&mut self, numbers: impl Iterator<Item = u64>, add: impl Fn(&mut Pipeline, u64)) -> Result<()> {
        let numbers: Vec<u64> = numbers.collect();
        for some in numbers.chunks(SEEDS_PER_WRITE as usize) {
            let mut pipeline = Pipeline::new();
            some.iter().for_each(|number| add(&mut pipeline, *number));
            let outcome: RedisResult<()> = pipeline.query(&mut self.redis);
            outcome?;
        }
        Ok(())
    }

    /// What was seeded must be what the node finds.
    async fn check_figures(&self, size: u64) -> Result<()> {
        let mut connection = Connection::open(self.port).await?;
        let stats = json(connection.exchange(&get("/api/chat/stats", &self.tokens[0], "")).await?)?;
        let metrics = ["online_users_count", "active_rooms", "total_messages_today"];
        let is_grown = metrics.iter().all(|name| stats[name].as_u64().is_some_and(|count| count >= size));
        match is_grown {
            true => Ok(()),
            false => Err(format!("{size} were seeded, the node finds {stats}").into()),
        }
    }
}

/// A copy of the first user under another number, with memberships and activity of its own.
fn seed_user(pipeline: &mut Pipeline, user: u64, size: u64, now_ms: u64) {
    let active_ms = now_ms - ACTIVE_WITHIN_MS * user / size;
    let (model, key) = (format!("{PREFIX}{{u:1}}"), format!("{PREFIX}{{u:{user}}}"));
    pipeline.cmd("COPY").arg(&model).arg(&key);
    pipeline.cmd("COPY").arg(format!("{model}:seen")).arg(format!("{key}:seen"));
    pipeline.cmd("SET").arg(format!("{PREFIX}name:seeded{user}")).arg(user);
    pipeline.cmd("ZADD").arg(format!("{key}:rooms")).arg(0).arg(GLOBAL_NUMBER);
    pipeline.cmd("ZADD").arg(format!("{PREFIX}{{r:{GLOBAL_NUMBER}}}:members")).arg(now_ms).arg(user);
    pipeline.cmd("ZADD").arg(format!("{PREFIX}online:{}", user % ONLINE_SHARDS)).arg(active_ms).arg(user);
}

/// A copy of the model room, its messages included, with a member of its own.
fn seed_room(pipeline: &mut Pipeline, room: u64, model: u64, now_ms: u64) {
    let (model, key) = (format!("{PREFIX}{{r:{model}}}"), format!("{PREFIX}{{r:{room}}}"));
    pipeline.cmd("COPY").arg(&model).arg(&key);
    pipeline.cmd("HSET").arg(&key).arg("number").arg(room).arg("owner").arg(room);
    pipeline.cmd("COPY").arg(format!("{model}:log")).arg(format!("{key}:log"));
    pipeline.cmd("ZADD").arg(format!("{key}:members")).arg(now_ms).arg(room);
    pipeline.cmd("ZADD").arg(format!("{PREFIX}{{u:{room}}}:rooms")).arg(0).arg(room);
    pipeline.cmd("ZADD").arg(format!("{PREFIX}rooms:public")).arg(room).arg(room);
    pipeline.cmd("ZADD").arg(format!("{PREFIX}rooms:active")).arg(now_ms).arg(room);
}

async fn sign_in(connection: &mut Connection, number: usize) -> Result<String> {
    let credentials = format!(r#"{{"username":"loader{number}","password":"password{number}"}}"#);
    let post = |path| post(path, "", "application/json", &credentials);
    expect(connection.exchange(&post("/api/v1/auth/register")).await?, 201)?;
    let answer = json(connection.exchange(&post("/api/v1/auth/login")).await?)?;
    Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
}

async fn make_room(connection: &mut Connection, token: &str, name: &str) -> Result<String> {
    let form = format!("room_name={name}");
    let request = post("/api/chat/rooms", token, "application/x-www-form-urlencoded", &form);
    let answer = json(connection.exchange(&request).await?)?;
    Ok(answer["room_id"].as_str().ok_or("no room")?.to_owned())
}

/// A message of 128 bytes.
pub fn send(room: &str, token: &str) -> Vec<u8> {
    let body = format!(r#"{{"content":"{}","message_type":"text"}}"#, text(MESSAGE_BYTES));
    let path = match room {
        GLOBAL => "/api/chat/send".to_owned(),
        room => format!("/api/chat/send?room_id={room}"),
    };
    post(&path, token, "application/json", &body)
}

fn text(bytes: usize) -> String {
    "the quick brown fox jumps over the lazy dog, ".chars().cycle().take(bytes).collect()
}

/// A request with the headers that a program sends; `more` are further headers, each with its line end.
pub fn get(path: &str, token: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{}{more}\r\n", headers(token)).into_bytes()
}

pub fn post(path: &str, token: &str, content_type: &str, body: &str) -> Vec<u8> {
    let (headers, length) = (headers(token), body.len());
    let content = format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
    format!("POST {path} HTTP/1.1\r\n{headers}{content}\r\n{body}").into_bytes()
}

fn headers(token: &str) -> String {
    let authorization = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    format!("Host: 127.0.0.1\r\nUser-Agent: chinwag-bench\r\nAccept: */*\r\n{authorization}")
}

/// Refuses another status than `status`.
pub fn expect(answer: Answer<'_>, status: u16) -> Result<Answer<'_>> {
    match answer.status == status {
        true => Ok(answer),
        false => Err(format!("{}: {}", answer.status, String::from_utf8_lossy(answer.body)).into()),
    }
}

/// The body of a good answer.
pub fn json(answer: Answer<'_>) -> Result<Value> {
    Ok(serde_json::from_slice(expect(answer, 200)?.body)?)
}
