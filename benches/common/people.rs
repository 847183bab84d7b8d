//! Users, and the rooms that they share.

use std::ops::Range;
use std::rc::Rc;

use chinwag::domain::RoomId;

use super::Result;
use super::api::Api;
use super::parallel::in_parallel;

/// Connections over which users and rooms are created, and users or rooms created over one of them.
const AT_A_TIME: usize = 8;
const BATCH: usize = 50;

/// Users with consecutive numbers from 0.
pub struct People {
    port: u16,
    tokens: Rc<[String]>,
}

pub struct Room {
    pub number: u64,
    /// Its name for document 003.
    pub id: String,
    /// The numbers of its users.
    pub members: Range<usize>,
}

impl People {
    /// Nobody, for servers without users.
    pub fn none() -> Self {
        Self { port: 0, tokens: Rc::default() }
    }

    /// Creates users through a node without limits.
    pub async fn sign_in(port: u16, count: usize) -> Result<Self> {
        let batches = in_parallel(batches(count), AT_A_TIME, async move |users| {
            let (mut api, mut tokens) = (Api::open(port).await?, Vec::new());
            for user in users.clone() {
                tokens.push(api.sign_in(&name(user)).await?);
            }
            Ok(tokens)
        });
        Ok(Self { port, tokens: batches.await?.concat().into() })
    }

    pub fn count(&self) -> usize {
        self.tokens.len()
    }

    /// The token of a user; empty where there are no users.
    pub fn token(&self, user: usize) -> &str {
        self.tokens.get(user).map_or("", String::as_str)
    }

    /// Makes rooms of `size` users: the first users are in the first room, the next in the second, and so on.
    pub async fn make_rooms(&self, size: usize, count: usize) -> Result<Vec<Room>> {
        let (port, tokens) = (self.port, Rc::clone(&self.tokens));
        let batches = in_parallel(batches(count), AT_A_TIME, async move |rooms| {
            let (mut api, mut made) = (Api::open(port).await?, Vec::new());
            for room in rooms.clone() {
                let members = room * size..(room + 1) * size;
                let others: Vec<String> = members.clone().skip(1).map(name).collect();
                let title = format!("{size} from {}", members.start);
                let number = api.make_room(&tokens[members.start], &title, &others).await?;
                let id = RoomId::new(u32::try_from(number)?).ok_or("not a room's number")?.to_string();
                made.push(Room { number, id, members });
            }
            Ok(made)
        });
        Ok(batches.await?.into_iter().flatten().collect())
    }
}

fn batches(count: usize) -> Vec<Range<usize>> {
    (0..count).step_by(BATCH).map(|first| first..count.min(first + BATCH)).collect()
}

fn name(user: usize) -> String {
    format!("loader{user}")
}
