//! Which connections of a worker wait for their client, and since when.
//!
//! A worker counts seconds, and looks once a second at each of its connections. So a request costs two writes to memory, and
//! no timer.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use actix_web::dev::ServiceRequest;
use slab::Slab;

use super::read_ahead::{Body, ReadAhead};

const TICK: Duration = Duration::from_secs(1);
/// Seconds for which a client may read nothing of a response that is being written.
const LONGEST_BLOCKED_SECS: u32 = 60;

/// The connections of a worker.
pub struct Timing {
    /// Seconds since the worker started.
    now: Rc<Cell<u32>>,
    head_secs: u32,
    idle_secs: u32,
    connections: RefCell<Slab<Rc<Waiting>>>,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing, or a first byte, since this second. The framework closes idle connections, but not those of which it has read
    /// the beginning of a head together with the request before.
    Idle(u32),
    /// The rest of a head, since this second.
    Head(u32),
    /// The handler of a request, or the client, which reads the response.
    Request,
}

/// How long one connection has waited for its client.
#[derive(Debug)]
pub(super) struct Waiting {
    now: Rc<Cell<u32>>,
    phase: Cell<Phase>,
    /// Since when the client has read nothing of what is written.
    blocked_since: Cell<Option<u32>>,
    is_over: Cell<bool>,
    /// The task that waits.
    waker: RefCell<Option<Waker>>,
    pub(super) ahead: ReadAhead,
}

impl Timing {
    /// Starts to check the connections of this worker. `head_secs` is the time for a head, `idle_secs` that between
    /// requests.
    pub fn start(head_secs: u32, idle_secs: u32) -> Rc<Self> {
        let timing = Self::new(head_secs, idle_secs);
        let ticking = Rc::downgrade(&timing);
        actix_web::rt::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                ticks.tick().await;
                match ticking.upgrade() {
                    Some(timing) => timing.tick(),
                    None => return,
                }
            }
        });
        timing
    }

    pub(super) fn new(head_secs: u32, idle_secs: u32) -> Rc<Self> {
        Rc::new(Self { now: Rc::default(), head_secs, idle_secs, connections: RefCell::default() })
    }

    /// Called every second: ends connections whose clients took too long.
    pub(super) fn tick(&self) {
        let now = self.now.get().wrapping_add(1);
        self.now.set(now);
        for (_, waiting) in self.connections.borrow().iter() {
            // The second in which it began may have been a short one.
            let has_lasted = |since: u32, secs: u32| now.wrapping_sub(since) > secs;
            let is_slow = match waiting.phase.get() {
                Phase::Head(since) => has_lasted(since, self.head_secs),
                Phase::Idle(since) => has_lasted(since, self.idle_secs),
                Phase::Request => false,
            };
            if is_slow || waiting.blocked_since.get().is_some_and(|since| has_lasted(since, LONGEST_BLOCKED_SECS)) {
                waiting.is_over.set(true);
                if let Some(waker) = waiting.waker.take() {
                    waker.wake();
                }
            }
        }
    }
}

/// A connection among those of its worker, until it is dropped.
pub(super) struct Timed {
    timing: Rc<Timing>,
    key: usize,
    pub(super) waiting: Rc<Waiting>,
}

impl Timed {
    pub(super) fn new(timing: &Rc<Timing>) -> Self {
        let waiting = Rc::new(Waiting {
            now: Rc::clone(&timing.now),
            phase: Cell::new(Phase::Idle(timing.now.get())),
            blocked_since: Cell::default(),
            is_over: Cell::default(),
            waker: RefCell::default(),
            ahead: ReadAhead::default(),
        });
        let key = timing.connections.borrow_mut().insert(Rc::clone(&waiting));
        Self { timing: Rc::clone(timing), key, waiting }
    }

    /// Whether the client took too long, or sent what is not a request.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_over.get() || self.waiting.ahead.is_spent()
    }

    /// How many bytes may be read: none from a client that does not read its response.
    pub(super) fn may_read(&self, waker: &Waker) -> Option<usize> {
        let waiting = &self.waiting;
        if waiting.phase.get() != Phase::Request && waiting.blocked_since.get().is_some() {
            waiting.ahead.hold_back(waker);
            return None;
        }
        waiting.ahead.allowed(waker)
    }

    /// Records that bytes have arrived.
    pub(super) fn has_read(&self, bytes: usize) {
        self.waiting.ahead.has_read(bytes);
        if matches!(self.waiting.phase.get(), Phase::Idle(_)) {
            self.waiting.phase.set(Phase::Head(self.timing.now.get()));
        }
    }

    /// Records that nothing more has arrived.
    pub(super) fn has_read_all(&self) {
        self.waiting.ahead.has_read_all();
    }

    /// Records that this task waits for bytes.
    pub(super) fn waits_to_read(&self, waker: &Waker) {
        if self.waiting.phase.get() != Phase::Request {
            self.waiting.set_waker(waker);
        }
    }

    /// Records that the client has read.
    pub(super) fn has_written(&self) {
        if self.waiting.blocked_since.take().is_some() {
            self.waiting.ahead.release();
        }
        if matches!(self.waiting.phase.get(), Phase::Idle(_)) {
            // The answer to the last request is still on its way.
            self.waiting.begin_idling();
        }
    }

    /// Records that this task waits until the client reads.
    pub(super) fn waits_to_write(&self, waker: &Waker) {
        if self.waiting.blocked_since.get().is_none() {
            self.waiting.blocked_since.set(Some(self.timing.now.get()));
        }
        self.waiting.set_waker(waker);
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        self.timing.connections.borrow_mut().remove(self.key);
    }
}

impl Waiting {
    fn begin_idling(&self) {
        self.phase.set(Phase::Idle(self.now.get()));
    }

    fn set_waker(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        match &mut *kept {
            Some(kept) => kept.clone_from(waker),
            None => *kept = Some(waker.clone()),
        }
    }
}

/// Of a connection, for its requests.
#[derive(Clone)]
pub(super) struct OfConnection(pub(super) Rc<Waiting>);

/// A request whose head has arrived: until this is dropped, its connection waits for the handler or for the client to take the
/// answer, and reads little else.
pub struct RequestUnderWay(Option<Rc<Waiting>>);

impl RequestUnderWay {
    /// Records that a request is being handled.
    pub fn enter(request: &ServiceRequest) -> Self {
        Self::of(request.conn_data(), Body::of(request.headers()))
    }

    pub(super) fn of(connection: Option<&OfConnection>, body: Body) -> Self {
        let waiting = connection.map(|connection| Rc::clone(&connection.0));
        if let Some(waiting) = &waiting {
            waiting.phase.set(Phase::Request);
            waiting.ahead.begin(body);
        }
        Self(waiting)
    }
}

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        if let Some(waiting) = &self.0 {
            waiting.begin_idling();
            waiting.ahead.end();
        }
    }
}

/// Tells the connection of a request when its body, which comes in chunks, has ended.
pub struct EndOfBody(Option<Rc<Waiting>>);

impl EndOfBody {
    /// Of a request that is being handled.
    pub fn of(request: &ServiceRequest) -> Self {
        Self(request.conn_data::<OfConnection>().map(|connection| Rc::clone(&connection.0)))
    }

    /// Records that the body has ended.
    pub fn note(&self) {
        if let Some(waiting) = &self.0 {
            waiting.ahead.end_body();
        }
    }
}
