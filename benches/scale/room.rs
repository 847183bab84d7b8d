//! One message at a time to a large room, all of whose sockets are on one node.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use crate::common::Result;
use crate::common::api::Api;
use crate::common::cpu::Spent;
use crate::common::people::{People, Room};
use crate::common::stamp::{Stamp, StampCodec};
use crate::common::statistics::{median, percentile_ms, range};
use crate::common::table::{Table, thousands};
use crate::crowd::{Crowd, possible};
use crate::extent::Extent;
use crate::topology::Topology;

/// Messages before those that are measured.
const WARM_UP: usize = 3;
/// The node has finished the work of opening sockets.
const SETTLED: Duration = Duration::from_secs(3);
const GIVE_UP: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(1);

/// What the sockets heard of the latest message.
struct Heard {
    stamps: StampCodec,
    sent: Instant,
    /// From send to push, in the order of arrival.
    pushes_us: Vec<u32>,
}

/// A node with its sockets.
struct Scene {
    servers: Topology,
    crowd: Crowd,
    heard: Rc<RefCell<Heard>>,
    api: Api,
    /// The token of the sender, who is in all rooms.
    token: String,
}

/// A room; medians of its messages.
struct Row {
    sockets: usize,
    messages: usize,
    first_ms: f64,
    half_ms: f64,
    last_ms: f64,
    slowest_ms: f64,
    /// CPU µs per delivery.
    node_us: f64,
    redis_us: f64,
    /// Share of its core that the load took.
    load: f64,
}

/// Measures and returns the table.
pub async fn measure(dir: &Path, extent: &Extent) -> Result<String> {
    let sizes = possible(&extent.rooms)?;
    let mut table = Table::new(&[
        "sockets in the room",
        "messages",
        "first push ms",
        "half ms",
        "last ms",
        "slowest last ms",
        "node µs",
        "Redis µs",
        "load's core",
    ]);
    let (mut scene, rooms) = Scene::make(dir, &sizes).await?;
    for room in &rooms {
        let row = scene.measure(room, extent.messages).await?;
        eprintln!("  {} sockets: {:.1} ms, {:.2} + {:.2} µs", row.sockets, row.last_ms, row.node_us, row.redis_us);
        table.add(row.cells());
    }
    Ok(table.text())
}

impl Heard {
    fn nothing() -> Self {
        Self { stamps: StampCodec::begin(), sent: Instant::now(), pushes_us: Vec::new() }
    }

    fn note(&mut self, text: &[u8]) -> Result<()> {
        if self.stamps.find(text)?.is_some() {
            let us = self.sent.elapsed().as_micros();
            self.pushes_us.push(u32::try_from(us).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}

impl Scene {
    /// Rooms of these sizes, and a fresh node with a socket for each of their users.
    async fn make(dir: &Path, sizes: &[usize]) -> Result<(Self, Vec<Room>)> {
        let most = sizes.iter().copied().max().unwrap_or(0);
        let mut servers = Topology::start(dir, 1, 1)?;
        eprintln!("{most} users, rooms of {sizes:?}");
        let people = People::sign_in(servers.nodes[0].port, most).await?;
        let mut rooms = Vec::new();
        for size in sizes {
            rooms.extend(people.make_rooms(*size, 1).await?);
        }
        servers.restart_nodes(1)?;
        let (port, token) = (servers.nodes[0].port, people.token(0).to_owned());
        let heard = Rc::new(RefCell::new(Heard::nothing()));
        let listener = Rc::clone(&heard);
        let on_text = Rc::new(move |text: &[u8]| listener.borrow_mut().note(text));
        let mut crowd = Crowd::new(port, people, on_text);
        crowd.grow_to(most).await?;
        sleep(SETTLED).await;
        Ok((Self { servers, crowd, heard, api: Api::open(port).await?, token }, rooms))
    }

    async fn measure(&mut self, room: &Room, messages: usize) -> Result<Row> {
        for _ in 0..WARM_UP {
            self.send(room).await?;
        }
        let before = self.servers.cpu()?;
        let mut pushes = Vec::new();
        for _ in 0..messages {
            pushes.push(self.send(room).await?);
        }
        let spent = self.servers.cpu()?.since(&before)?;
        let deliveries = messages * room.members.len();
        let of_all = |share: f64| pushes.iter().map(|us| percentile_ms(us, share)).collect::<Vec<f64>>();
        Ok(Row {
            sockets: room.members.len(),
            messages,
            first_ms: median(of_all(0.0)),
            half_ms: median(of_all(0.5)),
            last_ms: median(of_all(1.0)),
            slowest_ms: range(&of_all(1.0)).1,
            node_us: Spent::us_each(spent.nodes, deliveries),
            redis_us: Spent::us_each(spent.redis, deliveries),
            load: spent.load.as_secs_f64() / spent.elapsed.as_secs_f64(),
        })
    }

    /// Sends a message and waits until all have it. Returns the times of the pushes, in order.
    async fn send(&mut self, room: &Room) -> Result<Vec<u32>> {
        let content = {
            let mut heard = self.heard.borrow_mut();
            *heard = Heard::nothing();
            heard.stamps.content(Stamp { seq: 0, sent_ns: 0 })
        };
        let sent = self.heard.borrow().sent;
        let path = format!("/api/chat/send?room_id={}", room.id);
        self.api.post(&path, &self.token, &json!({ "content": content, "message_type": "text" }), 200).await?;
        while self.heard.borrow().pushes_us.len() < room.members.len() {
            self.crowd.check()?;
            if sent.elapsed() > GIVE_UP {
                let count = self.heard.borrow().pushes_us.len();
                return Err(format!("{count} of {} sockets have a message", room.members.len()).into());
            }
            sleep(POLL).await;
        }
        Ok(std::mem::take(&mut self.heard.borrow_mut().pushes_us))
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let ms = |ms: f64| format!("{ms:.1}");
        vec![
            thousands(self.sockets as u64),
            self.messages.to_string(),
            ms(self.first_ms),
            ms(self.half_ms),
            ms(self.last_ms),
            ms(self.slowest_ms),
            format!("{:.2}", self.node_us),
            format!("{:.2}", self.redis_us),
            format!("{:.0} %", self.load * 100.0),
        ]
    }
}
