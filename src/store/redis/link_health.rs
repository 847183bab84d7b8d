//! Which links work: readiness needs one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What the probes of all links found out.
#[derive(Default)]
pub(super) struct Health {
    /// Links whose connection is up and has delivered a message recently.
    pub(super) delivering: AtomicUsize,
    /// Links whose server took the last probe.
    pub(super) writable: AtomicUsize,
}

/// Whether this link works, counted in that of all links.
pub(super) struct LinkHealth {
    all: Arc<Health>,
    delivers: AtomicBool,
    takes_writes: AtomicBool,
}

impl LinkHealth {
    pub(super) fn new(all: &Arc<Health>) -> Self {
        Self { all: Arc::clone(all), delivers: AtomicBool::default(), takes_writes: AtomicBool::default() }
    }

    /// Records whether the link delivers. Returns whether it did before.
    pub(super) fn note_delivery(&self, works: bool) -> bool {
        note(&self.delivers, &self.all.delivering, works)
    }

    /// Records whether the server takes writes. Returns whether it did before.
    pub(super) fn note_write(&self, works: bool) -> bool {
        note(&self.takes_writes, &self.all.writable, works)
    }
}

impl Drop for LinkHealth {
    fn drop(&mut self) {
        self.note_delivery(false);
        self.note_write(false);
    }
}

fn note(flag: &AtomicBool, count: &AtomicUsize, works: bool) -> bool {
    let worked = flag.swap(works, Ordering::AcqRel);
    match (worked, works) {
        (false, true) => count.fetch_add(1, Ordering::AcqRel),
        (true, false) => count.fetch_sub(1, Ordering::AcqRel),
        _ => 0,
    };
    worked
}
