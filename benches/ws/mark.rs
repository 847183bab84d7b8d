//! What a message says: which one it is and when it was sent, so that a delivery is understood by looking at these few
//! bytes, whatever the server wraps around them.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::Result;

/// As long as the messages of `benches/http`.
const CONTENT_BYTES: usize = 128;
const FILLING: &str = "the quick brown fox jumps over the lazy dog, ";
/// Digits of each number; fixed, so that they need not be looked for.
const RUN: usize = 5;
const SEQ: usize = 8;
const NS: usize = 15;

/// Runs so far. What comes late from another run is none of this one's business.
static RUNS: AtomicU32 = AtomicU32::new(0);

/// `@<run> <seq> <ns> the quick brown fox …`
#[derive(Clone, Copy)]
pub struct Mark {
    /// Place among the messages of its room in this run, from 0.
    pub seq: u64,
    /// Since the clock of the load started.
    pub sent_ns: u64,
}

/// Writes and finds the marks of one run.
pub struct Marker {
    /// What a mark begins with.
    start: Vec<u8>,
    /// Where it was in the last payload: nearly always where it is in the next.
    last: usize,
}

impl Marker {
    /// Begins a run.
    pub fn begin() -> Self {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        Self { start: format!("@{run:0RUN$} ").into_bytes(), last: 0 }
    }

    /// The text of a message.
    pub fn content(&self, mark: Mark) -> String {
        let Mark { seq, sent_ns } = mark;
        let mut content = format!("{}{seq:0SEQ$} {sent_ns:0NS$} ", String::from_utf8_lossy(&self.start));
        content.extend(FILLING.chars().cycle().take(CONTENT_BYTES - content.len()));
        content
    }

    /// The mark in a payload, if it is of this run.
    pub fn find(&mut self, payload: &[u8]) -> Result<Option<Mark>> {
        let length = self.start.len();
        if payload.get(self.last..self.last + length) != Some(&self.start) {
            let Some(place) = payload.windows(length).position(|some| some == self.start) else { return Ok(None) };
            self.last = place;
        }
        let seq_at = self.last + length;
        let ns_at = seq_at + SEQ + 1;
        Ok(Some(Mark { seq: digits(payload, seq_at, SEQ)?, sent_ns: digits(payload, ns_at, NS)? }))
    }
}

fn digits(payload: &[u8], at: usize, count: usize) -> Result<u64> {
    let digits = payload.get(at..at + count).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let digits = digits.ok_or_else(|| format!("a spoilt message: {}", String::from_utf8_lossy(payload)))?;
    Ok(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
