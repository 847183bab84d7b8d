//! The users, rooms and messages of the measurement. The first few are created through the API, as clients do. The
//! thousands for growth are copies of these that Redis makes: only names of keys are spelled here, not their contents,
//! which belong to `store/`.

use std::time::Duration;

use redis::{Pipeline, RedisResult};

use crate::common::Result;
use crate::common::client::Connection;
use crate::raw::ScriptCall;
use crate::requests::{GLOBAL, get, json, post, send};
use crate::rig::{CONNECTIONS, Rig};

/// As many as a room keeps, so that every send trims one.
const MESSAGES_IN_A_ROOM: usize = 1000;
/// Seeded users were last active at different times of the last ten minutes.
const ACTIVE_WITHIN_MS: u64 = 600_000;
const SEEDS_PER_WRITE: u64 = 500;
const PREFIX: &str = "cw:";
const ONLINE_SHARDS: u64 = 16;
const GLOBAL_NUMBER: u64 = 1;

/// What the operations of [`crate::operation`] need.
pub struct World {
    /// The node without limits.
    pub port: u16,
    /// The node with limits.
    pub limited_port: u16,
    /// One user's for each connection.
    pub tokens: Vec<String>,
    /// Rooms created through the API. All users are members.
    pub room: String,
    pub followed_room: String,
    pub quiet_room: String,
    /// The script call of one send, as the node sends it.
    pub script: ScriptCall,
    redis: redis::Connection,
    /// The highest numbers of users and rooms so far.
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
                connection.exchange(&send(room, token)).await?.expect(200)?;
            }
        }
        // The model of the rooms to come, with two messages. Created last, so that the counter holds its number.
        let model = make_room(&mut connection, &tokens[0], "model").await?;
        connection.exchange(&send(&model, &tokens[0])).await?.expect(200)?;
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

    /// Fills up to `size` online users and `size` rooms with a message each.
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
        // Keeps the next write of the log to the disk out of the first row.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.check_counts(size).await
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

    /// Fails unless the node finds what was seeded.
    async fn check_counts(&self, size: u64) -> Result<()> {
        let mut connection = Connection::open(self.port).await?;
        let stats = json(connection.exchange(&get("/api/chat/stats", &self.tokens[0], "")).await?)?;
        let counts = ["online_users_count", "active_rooms", "total_messages_today"];
        let is_grown = counts.iter().all(|name| stats[name].as_u64().is_some_and(|count| count >= size));
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
    let credentials = format!(r#"{{"username":"loader{number}","password":"load test {number}"}}"#);
    let post = |path| post(path, "", "application/json", &credentials);
    connection.exchange(&post("/api/v1/auth/register")).await?.expect(201)?;
    let answer = json(connection.exchange(&post("/api/v1/auth/login")).await?)?;
    Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
}

async fn make_room(connection: &mut Connection, token: &str, name: &str) -> Result<String> {
    let form = format!("room_name={name}");
    let request = post("/api/chat/rooms", token, "application/x-www-form-urlencoded", &form);
    let answer = json(connection.exchange(&request).await?)?;
    Ok(answer["room_id"].as_str().ok_or("no room")?.to_owned())
}
