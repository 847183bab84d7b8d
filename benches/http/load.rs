//! A closed loop of keep-alive connections, each with one request in flight.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::common::Result;
use crate::common::client::Connection;

/// The loop runs this long before it is measured: connections open, caches warm, rooms followed.
const WARM_UP: Duration = Duration::from_millis(400);

/// What the connections send.
pub struct Load {
    pub port: u16,
    /// One for each connection, which repeats it.
    pub requests: Vec<Vec<u8>>,
    /// The expected status; any other ends the run.
    pub status: u16,
    pub duration: Duration,
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

/// Runs the loop. Calls `at_edge` when the measured window opens and when it closes.
pub async fn drive(load: Load, mut at_edge: impl FnMut() -> Result<()>) -> Result<Outcome> {
    let window = Rc::new(Window::default());
    let workers: Vec<_> = load
        .requests
        .into_iter()
        .map(|request| tokio::task::spawn_local(repeat(load.port, request, load.status, Rc::clone(&window))))
        .collect();
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

async fn repeat(port: u16, request: Vec<u8>, status: u16, window: Rc<Window>) -> Result<()> {
    let mut connection = Connection::open(port).await?;
    while !window.is_over.get() {
        let started = Instant::now();
        let response = connection.exchange(&request).await?;
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
