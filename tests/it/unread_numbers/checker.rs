//! A checker: people send, delete, read, leave and come back, Redis loses writes, logs are trimmed, nodes start; unread
//! numbers on each node are compared with what follows from the log itself.

use std::time::{SystemTime, UNIX_EPOCH};

use chinwag::domain::{EntryId, MessageId, RoomId};
use reqwest::Method;
use serde_json::json;

use super::{LONG, listed, log_of, room_key};
use crate::faults::random::Random;
use crate::support::{Redis, User, World, ok, room_id};

/// Steps before each start of a further node.
const STEPS: u64 = 60;
const NODES: usize = 3;
/// Entries of a log. A few long ones are more than Redis counts by itself.
const MAX_ENTRIES: u64 = 60;
const RETENTION_MS: u64 = 24 * 60 * 60 * 1000;
const NAMES: [&str; 3] = ["alice", "bob", "carol"];

struct Play<'a> {
    world: &'a World,
    redis: &'a Redis,
    room: u64,
    seed: u64,
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis().try_into().expect("a time")
}

fn entry_of(id: &str) -> EntryId {
    EntryId::parse(id).expect("an entry id")
}

impl Play<'_> {
    fn key(&self) -> String {
        room_key(self.world, self.room)
    }

    /// The ids of the log, oldest first.
    fn entries(&self) -> Vec<EntryId> {
        log_of(&mut self.redis.connection(), &self.key()).iter().map(|(id, _)| entry_of(id)).collect()
    }

    /// The number that the list should show to a user; `None` for one who is no member.
    fn expected(&self, user: u64) -> Option<u64> {
        let (key, mut connection) = (self.key(), self.redis.connection());
        let joined: Option<u64> =
            redis::cmd("ZSCORE").arg(format!("{key}:members")).arg(user).query(&mut connection).expect("a score");
        let marks = format!("{}{{u:{user}}}:marks", self.world.config.redis.prefix);
        let read: Option<u64> = redis::cmd("ZSCORE").arg(marks).arg(self.room).query(&mut connection).expect("a score");
        let gone: Vec<u64> = redis::cmd("HKEYS").arg(format!("{key}:gone")).query(&mut connection).expect("a hash");
        let (joined, read, oldest) = (joined?, read.unwrap_or(0), now_ms() - RETENTION_MS);
        let is_unread = |(id, fields): &&(String, Vec<String>)| {
            let (entry, sender) = (entry_of(id), fields[1].split(' ').next().expect("a sender"));
            let is_new = entry.seq.0 > read && entry.at_ms >= joined.max(oldest);
            is_new && sender != "0" && sender != user.to_string() && !gone.contains(&entry.seq.0)
        };
        Some(log_of(&mut connection, &key).iter().filter(is_unread).count() as u64)
    }

    async fn check(&self, random: &mut Random, users: &[User<'_>], case: &str) {
        let node = random.between(0, self.world.nodes.len() as u64) as usize;
        for (user, number) in users.iter().zip(1..) {
            loop {
                // What the user has read may still be on its way.
                let expected = self.expected(number);
                let shown = listed(user, node, self.room).await.map(|it| it["unread"].as_u64().expect("a number"));
                if expected == self.expected(number) {
                    assert_eq!(shown, expected, "seed {}, {case}, node {node}, user {number}", self.seed);
                    break;
                }
            }
        }
    }

    async fn step(&self, random: &mut Random, users: &[User<'_>]) -> &'static str {
        let node = random.between(0, self.world.nodes.len() as u64) as usize;
        match random.between(0, 100) {
            0..45 => self.send(random, users, node).await,
            45..60 => self.delete(random, &users[0], node).await,
            60..75 => self.read(random, users, node).await,
            75..85 => self.join_or_leave(random, &users[0], node).await,
            85..95 => self.lose_messages(random),
            _ => self.lose_a_deletion(random, &users[0], node).await,
        }
    }

    async fn send(&self, random: &mut Random, users: &[User<'_>], node: usize) -> &'static str {
        let user = random.pick(users);
        for _ in 0..random.between(1, 16) {
            let text = if random.is_hit(50) { "名".repeat(LONG) } else { "x".to_owned() };
            // Refused for one who is no member.
            user.try_send(node, &room_id(self.room), &text).await.expect("answered");
        }
        "sent"
    }

    /// As the owner of the group, who may delete whatever there is.
    async fn delete(&self, random: &mut Random, owner: &User<'_>, node: usize) -> &'static str {
        let entries = self.entries();
        for _ in 0..random.between(1, 8) {
            let entry = *random.pick(&entries);
            let room = RoomId::new(self.room as u32).expect("not zero");
            let path = format!("messages/{}?room_id={room}", MessageId { room, entry }.to_uuid());
            // The server's messages cannot be deleted.
            owner.request(node, Method::DELETE, &path).send().await.expect("answered");
        }
        "deleted"
    }

    async fn read(&self, random: &mut Random, users: &[User<'_>], node: usize) -> &'static str {
        let room = RoomId::new(self.room as u32).expect("not zero");
        let after = MessageId { room, entry: *random.pick(&self.entries()) }.to_uuid();
        let page = match random.is_hit(20) {
            true => format!("messages?room_id={room}"),
            false => format!("messages?room_id={room}&after={after}&limit=3"),
        };
        random.pick(users).get(node, &page).send().await.expect("answered");
        "read"
    }

    async fn join_or_leave(&self, random: &mut Random, owner: &User<'_>, node: usize) -> &'static str {
        let number = random.between(2, 4);
        let members = format!("/api/v1/rooms/{}/members", self.room);
        if self.expected(number).is_some() {
            let member = owner.at(node, Method::DELETE, &format!("{members}/{number}")).send().await.expect("answered");
            assert!(member.status().is_success(), "{}", member.status());
            return "left";
        }
        let (status, answer) = owner.ask(node, &members, &json!({"username": NAMES[number as usize - 1]})).await;
        assert_eq!(status, 201, "{answer}");
        "joined"
    }

    /// As after a failover to a server that lacked the latest messages.
    fn lose_messages(&self, random: &mut Random) -> &'static str {
        let (entries, mut connection) = (self.entries(), self.redis.connection());
        let lost = random.between(1, 12).min(entries.len() as u64 - 1) as usize;
        let (kept, lost) = entries.split_at(entries.len() - lost);
        let last = kept.last().expect("one at least");
        let lost: Vec<String> = lost.iter().map(|entry| format!("{}-{}", entry.seq.0, entry.at_ms)).collect();
        let (key, log) = (self.key(), format!("{}:log", self.key()));
        let seqs: Vec<&str> = lost.iter().map(|id| id.split_once('-').expect("an id").0).collect();
        let mut pipeline = redis::pipe();
        pipeline.atomic().cmd("XDEL").arg(&log).arg(&lost).ignore();
        pipeline.cmd("XSETID").arg(&log).arg(format!("{}-{}", last.seq.0, last.at_ms)).ignore();
        pipeline.cmd("HDEL").arg(format!("{key}:gone")).arg(&seqs).ignore();
        pipeline.cmd("HSET").arg(&key).arg("seq").arg(last.seq.0).arg("ms").arg(last.at_ms).ignore();
        pipeline.exec(&mut connection).expect("lost");
        "lost messages"
    }

    /// Another one has the same revision afterwards.
    async fn lose_a_deletion(&self, random: &mut Random, owner: &User<'_>, node: usize) -> &'static str {
        let (key, mut connection) = (self.key(), self.redis.connection());
        let gone: Vec<u64> = redis::cmd("HKEYS").arg(format!("{key}:gone")).query(&mut connection).expect("a hash");
        if gone.is_empty() {
            return "nothing";
        }
        let mut pipeline = redis::pipe();
        pipeline.atomic().cmd("HDEL").arg(format!("{key}:gone")).arg(*random.pick(&gone)).ignore();
        pipeline.cmd("HINCRBY").arg(&key).arg("gone").arg(-1).ignore();
        pipeline.exec(&mut connection).expect("lost");
        self.delete(&mut Random::new(random.next()), owner, node).await;
        "lost a deletion"
    }

    /// Puts old messages before all others: half of them past their time, though nothing has dropped them yet.
    fn age(&self) {
        let (key, mut connection) = (self.key(), self.redis.connection());
        let log = log_of(&mut connection, &key);
        let (id, fields) = log.last().expect("a message");
        let last = entry_of(id);
        let mut pipeline = redis::pipe();
        pipeline.atomic().cmd("DEL").arg(format!("{key}:log")).ignore();
        let ages = [RETENTION_MS + 3_600_000, RETENTION_MS / 2];
        let at_ms = ages.iter().flat_map(|age| std::iter::repeat_n(now_ms() - age, 20));
        let mut seq = 0;
        for at_ms in at_ms.chain([last.at_ms]) {
            seq += 1;
            pipeline.cmd("XADD").arg(format!("{key}:log")).arg(format!("{seq}-{at_ms}")).arg(fields).ignore();
        }
        pipeline.cmd("HSET").arg(&key).arg("seq").arg(seq).arg("ms").arg(last.at_ms).ignore();
        for user in 1..=3 {
            pipeline.cmd("ZADD").arg(format!("{key}:members")).arg(1).arg(user).ignore();
        }
        pipeline.exec(&mut connection).expect("aged");
    }
}

fn users<'a>(world: &'a World, tokens: &[String]) -> Vec<User<'a>> {
    NAMES.iter().zip(tokens).map(|(name, token)| User::new(world, name, token)).collect()
}

#[tokio::test]
async fn unread_numbers_are_those_of_the_log_whatever_happens() {
    let redis = Redis::start(&[]);
    let mut world = World::start_with(1, &redis.url(), |config| {
        config.messages.max_per_room = MAX_ENTRIES;
        config.messages.retention_secs = RETENTION_MS / 1000;
    })
    .await;
    let mut tokens = Vec::new();
    for name in NAMES {
        tokens.push(world.user(0, name).await.token);
    }
    let alice = &users(&world, &tokens)[0];
    let room = alice.make_group(0, "a", &["bob", "carol"]).await;
    ok(alice.try_send(0, &room_id(room), &"名".repeat(LONG)).await).await;
    let seed = Random::seed();
    let mut random = Random::new(seed);
    for nodes in 1..=NODES {
        let (play, users) = (Play { world: &world, redis: &redis, room, seed }, users(&world, &tokens));
        if nodes == 1 {
            play.age();
        }
        // The last node knows nothing of the room yet.
        play.check(&mut random, &users, "in the beginning").await;
        for step in 0..STEPS {
            let done = play.step(&mut random, &users).await;
            play.check(&mut random, &users, &format!("step {step}: {done}")).await;
        }
        if nodes < NODES {
            world.add_node().await;
        }
    }
    world.stop().await;
}
