//! Keep-alive connections, each with one request in flight: as fast as they are answered, or by the clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::Result;
use super::client::Connection;

/// The loop runs this long before it is measured: connections open, caches warm, rooms followed.
const WARM_UP: Duration = Duration::from_millis(400);

/// What the connections send.
pub struct Load {
    pub clients: Vec<Client>,
    /// The expected status; any other ends the run.
    pub status: u16,
    /// Between the starts of two requests of a client. With zero each follows the answer to the one before.
    pub every: Duration,
    pub duration: Duration,
}

/// A connection.
pub struct Client {
    pub port: u16,
    /// Sent in turn, again and again.
    pub requests: Vec<Vec<u8>>,
}

/// The measured window.
pub struct Outcome {
    /// Requests answered within the window.
    pub count: usize,
    pub elapsed: Duration,
    /// Sorted, in microseconds.
    pub latencies_us: Vec<u32>,
}

#[derive(Default)]
struct Window {
    is_open: Cell<bool>,
    is_over: Cell<bool>,
    latencies_us: RefCell<Vec<u32>>,
}

impl Load {
    /// A closed loop on one port: a connection for each of the requests, which repeats it.
    pub fn closed(port: u16, requests: Vec<Vec<u8>>, status: u16, duration: Duration) -> Self {
        let clients = requests.into_iter().map(|request| Client { port, requests: vec![request] }).collect();
        Self { clients, status, every: Duration::ZERO, duration }
    }
}

/// Runs the load. Calls `at_edge` when the measured window opens and when it closes.
pub async fn drive(load: Load, mut at_edge: impl FnMut() -> Result<()>) -> Result<Outcome> {
    let window = Rc::new(Window::default());
    let (count, begin) = (load.clients.len(), Instant::now());
    let mut workers = Vec::new();
    for (index, client) in load.clients.into_iter().enumerate() {
        // The first requests are spread evenly over the time between two.
        let begin = begin + load.every.mul_f64(index as f64 / count as f64);
        let pace = Pace { due: begin, every: load.every };
        workers.push(tokio::task::spawn_local(repeat(client, load.status, pace, Rc::clone(&window))));
    }
    tokio::time::sleep(WARM_UP).await;
    at_edge()?;
    let started = Instant::now();
    window.is_open.set(true);
    tokio::time::sleep(load.duration).await;
    window.is_open.set(false);
    let elapsed = started.elapsed();
    at_edge()?;
    window.is_over.set(true);
    for worker in workers {
        worker.await??;
    }
    let mut latencies_us = window.latencies_us.take();
    latencies_us.sort_unstable();
    if latencies_us.is_empty() {
        return Err("nothing was answered".into());
    }
    Ok(Outcome { count: latencies_us.len(), elapsed, latencies_us })
}

/// When the next request of a client is due.
struct Pace {
    due: Instant,
    every: Duration,
}

impl Pace {
    /// Waits until the next request is due. Those that are late follow at once.
    async fn tick(&mut self) {
        if self.every.is_zero() {
            return;
        }
        sleep_until(self.due.into()).await;
        self.due += self.every;
    }
}

async fn repeat(client: Client, status: u16, mut pace: Pace, window: Rc<Window>) -> Result<()> {
    let mut connection = Connection::open(client.port).await?;
    for request in client.requests.iter().cycle() {
        pace.tick().await;
        if window.is_over.get() {
            break;
        }
        let started = Instant::now();
        let response = connection.exchange(request).await?;
        if response.status != status {
            let body = String::from_utf8_lossy(response.body);
            return Err(format!("answered {} instead of {status}: {body}", response.status).into());
        }
        if window.is_open.get() {
            let us = u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX);
            window.latencies_us.borrow_mut().push(us);
        }
    }
    Ok(())
}
