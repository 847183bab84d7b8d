//! The users and rooms of the measurement. Chinwag's are created through its API, as clients do. The other servers have
//! no users, and a room exists once a socket enters it.

use crate::common::Result;
use crate::common::people::People;
use crate::servers::Servers;
use crate::subject::{Subject, Target};

/// Sizes of the large rooms. Their members are the first users, who are in a room of ten as well.
const LARGE_ROOMS: [usize; 2] = [100, 1000];
const SMALL_ROOM: usize = 10;

/// A subject with the users and rooms of its sockets.
pub struct World {
    pub servers: Servers,
    /// A user for each socket; nobody for servers without users.
    people: People,
    sets: Vec<RoomSet>,
}

/// Rooms of one size: the first users are in the first room, the next in the second, and so on.
struct RoomSet {
    sockets: usize,
    numbers: Vec<u64>,
}

impl World {
    /// One room of a hundred, one of a thousand, and rooms of ten for all users.
    pub async fn make(servers: Servers, users: usize) -> Result<Self> {
        let users = users.max(LARGE_ROOMS[1]);
        let mut sizes: Vec<(usize, usize)> = LARGE_ROOMS.map(|sockets| (1, sockets)).to_vec();
        sizes.push((users / SMALL_ROOM, SMALL_ROOM));
        if servers.subject != Subject::Chinwag {
            let numbers = |(rooms, sockets)| (1..=rooms).map(|room| (sockets * 1_000_000 + room) as u64).collect();
            let set = |size: (usize, usize)| RoomSet { sockets: size.1, numbers: numbers(size) };
            return Ok(Self { servers, people: People::none(), sets: sizes.into_iter().map(set).collect() });
        }
        eprintln!("{users} users and their rooms");
        let people = People::sign_in(servers.nodes[0].port, users).await?;
        let mut sets = Vec::new();
        for (rooms, sockets) in sizes {
            let rooms = people.make_rooms(sockets, rooms).await?;
            sets.push(RoomSet { sockets, numbers: rooms.iter().map(|room| room.number).collect() });
        }
        Ok(Self { servers, people, sets })
    }

    /// Numbers of the first `rooms` rooms of this size.
    pub fn rooms(&self, rooms: usize, sockets: usize) -> Result<&[u64]> {
        let set = self.sets.iter().find(|set| set.sockets == sockets);
        let numbers = set.and_then(|set| set.numbers.get(..rooms));
        Ok(numbers.ok_or_else(|| format!("no {rooms} rooms of {sockets}"))?)
    }

    /// The sockets of these rooms, room by room, on the nodes in turn. The first sockets of the rooms, which send, are on
    /// the nodes in turn as well.
    pub fn targets(&self, rooms: usize, sockets: usize) -> Result<Vec<Target>> {
        let numbers = self.rooms(rooms, sockets)?;
        let nodes = &self.servers.nodes;
        let target = |index: usize| Target {
            port: nodes[(index + index / sockets) % nodes.len()].port,
            token: self.people.token(index).to_owned(),
            room: numbers[index / sockets],
        };
        Ok((0..rooms * sockets).map(target).collect())
    }

    /// This number of sockets in rooms of ten.
    pub fn targets_in_small_rooms(&self, sockets: usize) -> Result<Vec<Target>> {
        self.targets(sockets / SMALL_ROOM, SMALL_ROOM)
    }
}
