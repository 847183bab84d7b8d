//! One round: opens sockets, runs the load, and measures a window of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::common::Result;
use crate::common::reader::Reader;
use crate::fanout::Fanout;
use crate::shape::{Pace, Shape};
use crate::socket::open_all;
use crate::tally::Faults;
use crate::world::World;

/// The load runs this long before it is measured: buffers grow, code is compiled.
const WARM_UP: Duration = Duration::from_millis(700);
/// How often failures and lost messages are looked for.
const TICK: Duration = Duration::from_millis(250);
/// A message that has not arrived after this time is given up.
const GIVE_UP: Duration = Duration::from_secs(2);
/// How often, and for how long each time, sockets are waited for to receive from their rooms.
const SETTLE_TRIES: usize = 20;
const SETTLE_TRY: Duration = Duration::from_millis(500);
/// The pause between checks whether everything has arrived.
const POLL: Duration = Duration::from_millis(2);
/// Servers have released closed sockets before the next round.
const AFTERWARDS: Duration = Duration::from_millis(300);

/// The measured window.
pub struct Outcome {
    /// Deliveries within the window.
    pub count: usize,
    pub elapsed: Duration,
    /// From send to delivery, for each delivery in the window, sorted.
    pub latencies_us: Vec<u32>,
    /// Faults of the whole run.
    pub faults: Faults,
}

#[derive(Clone)]
struct Run {
    fanout: Rc<RefCell<Fanout>>,
    failure: Rc<RefCell<Option<String>>>,
}

/// Runs the load. Calls `at_edge` when the measured window opens and when it closes.
pub async fn drive(
    world: &World,
    shape: &Shape,
    duration: Duration,
    mut at_edge: impl FnMut() -> Result<()>,
) -> Result<Outcome> {
    let subject = world.servers.subject;
    let sockets = open_all(subject, world.targets(shape.rooms, shape.sockets)?).await?;
    let (readers, writers): (Vec<_>, Vec<_>) = sockets.into_iter().map(|socket| (socket.reader, socket.writer)).unzip();
    let fanout = Fanout::new(subject, *shape, world.rooms(shape.rooms, shape.sockets)?, writers);
    let run = Run { fanout: Rc::new(RefCell::new(fanout)), failure: Rc::default() };
    let mut tasks = JoinSet::new();
    for (socket, reader) in readers.into_iter().enumerate() {
        tasks.spawn_local(run.clone().listen(socket, reader));
    }
    run.wait_for_rooms().await?;
    run.fanout.borrow_mut().begin();
    match shape.pace {
        Pace::Closed { .. } => run.start_loops()?,
        Pace::Open { per_sec } => drop(tasks.spawn_local(run.clone().send_at_fixed_rate(per_sec))),
    }
    run.pass(WARM_UP).await?;
    at_edge()?;
    let started = Instant::now();
    run.fanout.borrow_mut().is_counting = true;
    run.pass(duration).await?;
    run.fanout.borrow_mut().is_counting = false;
    let elapsed = started.elapsed();
    at_edge()?;
    run.drain().await?;
    tasks.shutdown().await;
    let outcome = run.into_outcome(elapsed);
    sleep(AFTERWARDS).await;
    match outcome.count {
        0 => Err("nothing was delivered".into()),
        _ => Ok(outcome),
    }
}

impl Run {
    async fn listen(self, socket: usize, mut reader: Reader) {
        loop {
            let outcome = reader.read(|frame| self.fanout.borrow_mut().on_frame(socket, frame)).await;
            if let Err(error) = outcome {
                self.failure.borrow_mut().get_or_insert(format!("socket {socket}: {error}"));
                return;
            }
        }
    }

    /// Waits until every socket receives from its room, which may be later than its connection.
    async fn wait_for_rooms(&self) -> Result<()> {
        for _ in 0..SETTLE_TRIES {
            self.fanout.borrow_mut().begin();
            self.fanout.borrow_mut().send_to_all()?;
            let started = Instant::now();
            while started.elapsed() < SETTLE_TRY {
                self.check()?;
                if self.fanout.borrow().is_quiet() {
                    return Ok(());
                }
                sleep(POLL).await;
            }
        }
        Err(self.fanout.borrow().missing().into())
    }

    fn start_loops(&self) -> Result<()> {
        let mut fanout = self.fanout.borrow_mut();
        fanout.is_sending = true;
        fanout.start_loops()
    }

    /// Latency counts from the actual time of sending, which no delivery can delay.
    async fn send_at_fixed_rate(self, per_sec: u32) {
        self.fanout.borrow_mut().is_sending = true;
        let mut clock = interval(Duration::from_secs(1) / per_sec);
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            clock.tick().await;
            let mut fanout = self.fanout.borrow_mut();
            if !fanout.is_sending {
                return;
            }
            if let Err(error) = fanout.send_next(0) {
                self.failure.borrow_mut().get_or_insert(error.to_string());
                return;
            }
        }
    }

    fn check(&self) -> Result<()> {
        match self.failure.borrow().as_ref() {
            Some(failure) => Err(failure.as_str().into()),
            None => Ok(()),
        }
    }

    async fn pass(&self, duration: Duration) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < duration {
            sleep(TICK.min(duration.saturating_sub(started.elapsed()))).await;
            self.check()?;
            self.fanout.borrow_mut().give_up(GIVE_UP)?;
        }
        Ok(())
    }

    /// Stops sending and waits for the messages in flight.
    async fn drain(&self) -> Result<()> {
        self.fanout.borrow_mut().is_sending = false;
        let started = Instant::now();
        while !self.fanout.borrow().is_quiet() && started.elapsed() < GIVE_UP {
            sleep(POLL).await;
        }
        self.check()
    }

    /// Closes the sockets and returns what was measured.
    fn into_outcome(self, elapsed: Duration) -> Outcome {
        let mut fanout = self.fanout.borrow_mut();
        let mut latencies_us = std::mem::take(&mut fanout.latencies_us);
        latencies_us.sort_unstable();
        Outcome { count: latencies_us.len(), elapsed, latencies_us, faults: fanout.faults() }
    }
}
