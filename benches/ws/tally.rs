//! What one socket heard: in order, twice, or not at all.

use std::cmp::Ordering;

use crate::Result;

/// More gaps than that are not a measurement any more.
const MAX_MISSING: u64 = 100_000;

/// A socket that listens.
#[derive(Default)]
pub struct Ear {
    /// Seq that is due.
    next: u64,
    /// Seqs that were passed over.
    missing: Vec<u64>,
    /// Came after one that was sent later.
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

impl Ear {
    /// Notes a delivery. Whether it is the first of that message.
    pub fn hear(&mut self, seq: u64) -> Result<bool> {
        match seq.cmp(&self.next) {
            Ordering::Equal => self.next += 1,
            Ordering::Greater if seq - self.next > MAX_MISSING => return Err("too much is missing".into()),
            Ordering::Greater => {
                self.missing.extend(self.next..seq);
                self.next = seq + 1;
            }
            Ordering::Less => {
                let Some(place) = self.missing.iter().position(|missing| *missing == seq) else {
                    self.twice += 1;
                    return Ok(false);
                };
                self.missing.swap_remove(place);
                self.late += 1;
            }
        }
        Ok(true)
    }

    /// Adds what went wrong when `sent` messages were sent.
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
