//! How much of a connection is read ahead of its requests.
//!
//! The framework reads up to 128 KiB of what has arrived, and makes requests of all of it in one turn: thousands, if they are
//! short, each of which takes hundreds of times the memory of its few bytes. Here a connection reads a few heads a turn, and
//! until all requests among them are answered, no more than their bodies.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};

/// Bytes that are read ahead: longer than most heads, and as long as 38 of the shortest requests.
pub(super) const AHEAD_BYTES: usize = 1024;
/// Bytes of a body of unknown length that are read in a turn.
const TURN_BYTES: usize = 16 * 1024;
/// Bytes beyond the end of a request that may arrive without making another request: more than the longest head. The
/// framework would go on to discard what a client sends after a bad request, as fast as it comes.
const MOST_UNASKED: usize = 192 * 1024;

/// The body of a request that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Of so many bytes; none for most requests.
    Known(usize),
    /// In chunks, until its end is known.
    Chunks,
}

impl Body {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(TRANSFER_ENCODING) {
            return Self::Chunks;
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        Self::Known(length.unwrap_or(0))
    }
}

/// What a connection may still read.
#[derive(Debug)]
pub(super) struct ReadAhead {
    /// Bytes that may be read: in this turn, or until the requests that were read are answered.
    left: Cell<usize>,
    /// Whether the request under way has ended. When the connection is read after that, no other was there already.
    is_answered: Cell<bool>,
    /// Bytes that may be read before the next request.
    credit: Cell<usize>,
    /// The request under way; `None` between requests.
    body: Cell<Option<Body>>,
    /// The task that has to wait until the request ends.
    held_back: RefCell<Option<Waker>>,
}

impl Default for ReadAhead {
    fn default() -> Self {
        Self {
            left: Cell::new(AHEAD_BYTES),
            is_answered: Cell::default(),
            credit: Cell::new(MOST_UNASKED),
            body: Cell::default(),
            held_back: RefCell::default(),
        }
    }
}

impl ReadAhead {
    /// The number of bytes that may be read now. If there are none, the task is woken for the next turn, or when the request
    /// under way has ended.
    pub(super) fn allowed(&self, waker: &Waker) -> Option<usize> {
        if self.is_answered.take() {
            self.begin_turn(None);
        }
        if self.left.get() > 0 {
            return Some(self.left.get().min(self.credit.get()));
        }
        match self.body.get() {
            Some(Body::Known(_)) => self.hold_back(waker),
            body => {
                self.begin_turn(body);
                waker.wake_by_ref();
            }
        }
        None
    }

    /// Lets the task wait until [`Self::release`].
    pub(super) fn hold_back(&self, waker: &Waker) {
        *self.held_back.borrow_mut() = Some(waker.clone());
    }

    /// Wakes a task that had to wait.
    pub(super) fn release(&self) {
        if let Some(waker) = self.held_back.take() {
            waker.wake();
        }
    }

    /// Whether so much has arrived without a request that the connection should be closed.
    pub(super) fn is_spent(&self) -> bool {
        self.credit.get() == 0
    }

    /// Records bytes that were read.
    pub(super) fn has_read(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_sub(bytes));
        self.credit.set(self.credit.get().saturating_sub(bytes));
    }

    /// Records that nothing more has arrived.
    pub(super) fn has_read_all(&self) {
        match self.body.get() {
            Some(Body::Known(_)) => {}
            body => self.begin_turn(body),
        }
    }

    fn begin_turn(&self, body: Option<Body>) {
        self.left.set(if body.is_some() { TURN_BYTES } else { AHEAD_BYTES });
    }

    /// Records a request.
    pub(super) fn begin(&self, body: Body) {
        self.body.set(Some(body));
        self.is_answered.set(false);
        self.left.set(match body {
            Body::Known(bytes) => bytes.saturating_add(self.left.get().min(AHEAD_BYTES)),
            Body::Chunks => TURN_BYTES,
        });
        self.credit.set(match body {
            Body::Known(bytes) => bytes.saturating_add(MOST_UNASKED),
            Body::Chunks => usize::MAX,
        });
    }

    /// Records that the body of the request in progress has ended: what follows was read ahead.
    pub(super) fn end_body(&self) {
        if self.body.get() == Some(Body::Chunks) {
            self.begin(Body::Known(0));
        }
    }

    /// Records that the request in progress and its response have ended.
    pub(super) fn end(&self) {
        if self.body.take() == Some(Body::Chunks) {
            self.credit.set(MOST_UNASKED);
        }
        self.is_answered.set(true);
        self.release();
    }
}
