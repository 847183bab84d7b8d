//! Whether a server answers, and one log line about it when it stops, and when it answers again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tracing::{error, info, warn};

use crate::domain::Error;

/// How the server of a node does, or a shard.
#[derive(Default)]
pub(in crate::store) struct Condition {
    /// The address of the shard that this is.
    shard: Option<String>,
    /// Number of its slots.
    slots: AtomicUsize,
    /// The last reason for which no connection could be opened, so that each is logged once.
    complaint: Mutex<Option<String>>,
    /// The last connect failed, or a connection did not answer since.
    is_failing: AtomicBool,
}

impl Condition {
    /// That of the shard at an address.
    pub(super) fn of_shard(address: String) -> Self {
        Self { shard: Some(address), ..Self::default() }
    }

    /// The address of the shard that this is.
    pub(super) fn shard(&self) -> Option<&str> {
        self.shard.as_deref()
    }

    /// The number of slots of the shard that this is.
    pub(super) fn slots(&self) -> Option<usize> {
        self.shard.is_some().then(|| self.slots.load(Ordering::Relaxed))
    }

    /// Records how many slots the shard has.
    pub(super) fn note_slots(&self, slots: usize) {
        self.slots.store(slots, Ordering::Relaxed);
    }

    /// Records that no connection could be opened, and converts the error as [`Self::complain`] does.
    pub(super) fn note_failure(&self, failure: Error) -> Error {
        self.note_silence(&failure);
        self.complain(failure)
    }

    /// Logs an error that needs an operator, once until a connection was opened, and converts it: requests answer 503 until
    /// it is mended.
    pub(super) fn complain(&self, failure: Error) -> Error {
        let Error::Internal(source) = failure else { return failure };
        let reason = source.to_string();
        let last = self.complaint.lock().expect("no panic while held").replace(reason.clone());
        if last.as_ref() != Some(&reason) {
            error!(shard = self.shard(), slots = self.slots(), error = reason, "could not use Redis");
        }
        Error::Unavailable(source)
    }

    /// Records that a connection was opened, and forgets the last error.
    pub(super) fn note_success(&self) {
        if self.is_failing.swap(false, Ordering::AcqRel) {
            info!(shard = self.shard(), slots = self.slots(), "Redis answers again");
        }
        *self.complaint.lock().expect("no panic while held") = None;
    }

    /// Records that a connection broke or did not answer in time.
    pub(super) fn note_silence(&self, error: &dyn std::fmt::Display) {
        if !self.is_failing.swap(true, Ordering::AcqRel) {
            warn!(shard = self.shard(), slots = self.slots(), %error, "Redis does not answer");
        }
    }

    /// Whether the last connect failed, or a connection did not answer since.
    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }
}
