//! Nodes and masters with their users and rooms, under a load that is the same for each node.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::common::Result;
use crate::common::client::Connection;
use crate::common::cpu::Spent;
use crate::common::load::{Client, Load, drive};
use crate::common::parallel::in_parallel;
use crate::common::people::{People, Room};
use crate::common::socket::Socket;
use crate::operation::{Operation, send};
use crate::topology::Topology;

const SMALL_ROOM: usize = 10;
const LARGE_ROOM: usize = 100;
/// Messages in each small room: a page of history.
const MESSAGES: usize = 50;
/// Connections of the load to each node, and sockets that are opened at a time.
const CLIENTS_PER_NODE: usize = 16;
const OPENING: usize = 64;
/// Nodes have finished the work of opening sockets, and of closing them.
const SETTLED: Duration = Duration::from_secs(1);

/// What a site has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub nodes: usize,
    pub masters: usize,
    pub users: usize,
    /// Small rooms of each user.
    pub rooms_each: usize,
}

pub struct Site {
    pub plan: Plan,
    topology: Topology,
    people: Rc<People>,
    small_rooms: Vec<Room>,
    large_rooms: Vec<Room>,
}

/// CPU µs of a unit of work, without what the servers take when nothing happens.
#[derive(Clone, Copy)]
pub struct Cost {
    pub nodes_us: f64,
    pub redis_us: f64,
    /// Share of a core that all servers together took.
    pub core: f64,
    /// Share of the planned requests that were answered.
    pub answered: f64,
}

/// What was done in a window.
struct Work {
    /// Requests, or deliveries.
    count: usize,
    spent: Spent,
    /// Share of the planned requests that were answered.
    answered: f64,
}

/// What a site took in a round.
pub struct Round {
    /// In the order of [`Operation::ALL`].
    pub costs: Vec<Cost>,
    /// CPU µs per second without load: of a node, of a master.
    pub idle_us: (f64, f64),
    /// Share of the machine that other processes took.
    pub others: f64,
}

impl Site {
    /// Starts servers and creates users and rooms.
    pub async fn make(dir: &Path, plan: Plan) -> Result<Self> {
        eprintln!("{plan:?}");
        let topology = Topology::start(dir, plan.nodes, plan.masters)?;
        let port = topology.nodes[0].port;
        let people = People::sign_in(port, plan.users).await?;
        let mut small_rooms = Vec::new();
        for _ in 0..plan.rooms_each {
            small_rooms.extend(people.make_rooms(SMALL_ROOM, plan.users / SMALL_ROOM).await?);
        }
        let large_rooms = people.make_rooms(LARGE_ROOM, plan.users / LARGE_ROOM).await?;
        let firsts = small_rooms.iter().map(|room| send(room, people.token(room.members.start)));
        in_parallel(firsts.collect(), CLIENTS_PER_NODE, async move |request| {
            let mut connection = Connection::open(port).await?;
            for _ in 0..MESSAGES {
                connection.exchange(request).await?.expect(200)?;
            }
            Ok(())
        })
        .await?;
        Ok(Self { plan, topology, people: Rc::new(people), small_rooms, large_rooms })
    }

    /// Measures all operations, each for `window`.
    pub async fn round(&self, window: Duration) -> Result<Round> {
        let mut round = Round { costs: Vec::new(), idle_us: (0.0, 0.0), others: 0.0 };
        let idle = self.idle(window).await?;
        for operation in Operation::ALL.into_iter().filter(|operation| !operation.is_delivery()) {
            round.add(self.drive(operation, window, &Cell::new(0)).await?, &idle);
        }
        let deliveries = Rc::new(Cell::new(0));
        let mut sockets = self.open_sockets(&deliveries).await?;
        let idle_with_sockets = self.idle(window).await?;
        for operation in Operation::ALL.into_iter().filter(|operation| operation.is_delivery()) {
            round.add(self.drive(operation, window, &deliveries).await?, &idle_with_sockets);
        }
        if let Some(ended) = sockets.try_join_next() {
            return Err(format!("a socket: {}", ended?).into());
        }
        sockets.shutdown().await;
        sleep(SETTLED).await;
        let Plan { nodes, masters, .. } = self.plan;
        round.idle_us = (idle.us_a_second(idle.nodes) / nodes as f64, idle.us_a_second(idle.redis) / masters as f64);
        round.others /= round.costs.len() as f64;
        Ok(round)
    }

    async fn idle(&self, window: Duration) -> Result<Spent> {
        let before = self.topology.cpu()?;
        sleep(window).await;
        self.topology.cpu()?.since(&before)
    }

    /// Runs an operation on all nodes.
    async fn drive(&self, operation: Operation, window: Duration, heard: &Cell<usize>) -> Result<Work> {
        let every = Duration::from_secs(1) * CLIENTS_PER_NODE as u32 / operation.rate_per_node();
        let load = Load { clients: self.clients(operation), status: 200, every, duration: window };
        let mut edges = Vec::new();
        let outcome = drive(load, || {
            edges.push((self.topology.cpu()?, heard.get()));
            Ok(())
        });
        let outcome = outcome.await.map_err(|error| format!("{:?}, {operation:?}: {error}", self.plan))?;
        let [(before, heard_before), (after, heard_after)] = edges[..] else {
            return Err("a window has two edges".into());
        };
        let count = if operation.is_delivery() { heard_after - heard_before } else { outcome.count };
        let planned = f64::from(operation.rate_per_node()) * self.plan.nodes as f64 * outcome.elapsed.as_secs_f64();
        Ok(Work { count, spent: after.since(&before)?, answered: outcome.count as f64 / planned })
    }

    /// The same number of connections to each node, over which the users of that node send to all of their rooms.
    fn clients(&self, operation: Operation) -> Vec<Client> {
        let rooms = if operation == Operation::DeliverLarge { &self.large_rooms } else { &self.small_rooms };
        let mut clients = Vec::new();
        for (number, node) in self.topology.nodes.iter().enumerate() {
            let members = rooms.iter().flat_map(|room| room.members.clone().map(move |user| (room, user)));
            let of_node = members.filter(|(_, user)| self.node_of(*user) == number);
            let requests: Vec<Vec<u8>> =
                of_node.map(|(room, user)| operation.request(room, self.people.token(user))).collect();
            for first in 0..CLIENTS_PER_NODE.min(requests.len()) {
                let requests = requests.iter().skip(first).step_by(CLIENTS_PER_NODE).cloned().collect();
                clients.push(Client { port: node.port, requests });
            }
        }
        clients
    }

    /// The node of a user. The users of a room are on all nodes in turn.
    fn node_of(&self, user: usize) -> usize {
        (user + user / SMALL_ROOM) % self.topology.nodes.len()
    }

    /// Opens a socket for each user. Counts the texts that they receive.
    async fn open_sockets(&self, heard: &Rc<Cell<usize>>) -> Result<JoinSet<String>> {
        let ports: Vec<u16> = self.topology.nodes.iter().map(|node| node.port).collect();
        let targets = (0..self.people.count()).map(|user| (user, ports[self.node_of(user)])).collect();
        let people = Rc::clone(&self.people);
        let opened = in_parallel(targets, OPENING, async move |(user, port)| {
            Socket::open(*port, &format!("/ws?token={}", people.token(*user))).await
        });
        let mut sockets = JoinSet::new();
        for socket in opened.await? {
            let heard = Rc::clone(heard);
            sockets.spawn_local(socket.listen(move |_| {
                heard.set(heard.get() + 1);
                Ok(())
            }));
        }
        sleep(SETTLED).await;
        Ok(sockets)
    }
}

impl Round {
    fn add(&mut self, work: Work, idle: &Spent) {
        let Work { count, spent, answered } = work;
        let each = |time: f64, idle: f64| (time - idle) * spent.elapsed.as_secs_f64() / count as f64;
        self.costs.push(Cost {
            nodes_us: each(spent.us_a_second(spent.nodes), idle.us_a_second(idle.nodes)),
            redis_us: each(spent.us_a_second(spent.redis), idle.us_a_second(idle.redis)),
            core: (spent.nodes + spent.redis).as_secs_f64() / spent.elapsed.as_secs_f64(),
            answered,
        });
        self.others += spent.others;
    }
}
