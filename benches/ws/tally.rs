//! Which messages a socket received: in order, twice, late, or not at all.

use std::cmp::Ordering;

use crate::common::Result;

/// A run with more missing messages than this is aborted.
const MAX_MISSING: u64 = 100_000;

/// The deliveries to one socket.
#[derive(Default)]
pub struct Tally {
    /// The number of the next message.
    next: u64,
    /// Numbers below `next` that have not arrived.
    missing: Vec<u64>,
    /// Messages that arrived after one that was sent later.
    late: u64,
    twice: u64,
}

/// The sum over all sockets of a round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub lost: u64,
    pub twice: u64,
    pub late: u64,
}

impl Tally {
    /// Records a delivery. Returns whether it is the first of this message.
    pub fn record(&mut self, seq: u64) -> Result<bool> {
        match seq.cmp(&self.next) {
            Ordering::Equal => self.next += 1,
            Ordering::Greater if seq - self.next > MAX_MISSING => return Err("too much is missing".into()),
            Ordering::Greater => {
                self.missing.extend(self.next..seq);
                self.next = seq + 1;
            }
            Ordering::Less => {
                let Some(index) = self.missing.iter().position(|missing| *missing == seq) else {
                    self.twice += 1;
                    return Ok(false);
                };
                self.missing.swap_remove(index);
                self.late += 1;
            }
        }
        Ok(true)
    }

    /// Adds the faults of this socket, given that `sent` messages were sent.
    pub fn add_to(&self, faults: &mut Faults, sent: u64) {
        faults.lost += self.missing.len() as u64 + (sent - self.next);
        faults.twice += self.twice;
        faults.late += self.late;
    }
}

impl Faults {
    pub fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.twice += other.twice;
        self.late += other.late;
    }
}
