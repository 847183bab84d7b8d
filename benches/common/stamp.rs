//! The stamp in the text of a message: its number and the time when it was sent. A delivery is recognised by these few
//! bytes, whatever the server puts around them.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Result;

/// As long as the messages of `benches/http`.
const CONTENT_BYTES: usize = 128;
const FILLING: &str = "the quick brown fox jumps over the lazy dog, ";
/// Digits of each number. Their width is fixed, so that their places are known.
const RUN: usize = 5;
const SEQ: usize = 8;
const NS: usize = 15;

/// Runs so far. Late deliveries of an earlier run are told apart by it.
static RUNS: AtomicU32 = AtomicU32::new(0);

/// `@<run> <seq> <ns> the quick brown fox …`
#[derive(Clone, Copy)]
pub struct Stamp {
    /// The message's number in its room and run, from 0.
    pub seq: u64,
    /// Time since the load's clock started.
    pub sent_ns: u64,
}

/// Writes and finds the stamps of one run.
pub struct StampCodec {
    /// The first bytes of a stamp.
    start: Vec<u8>,
    /// Its offset in the last payload, which is nearly always the offset in the next.
    last: usize,
}

impl StampCodec {
    /// Begins a run.
    pub fn begin() -> Self {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        Self { start: format!("@{run:0RUN$} ").into_bytes(), last: 0 }
    }

    /// The text of a message.
    pub fn content(&self, stamp: Stamp) -> String {
        let Stamp { seq, sent_ns } = stamp;
        let mut content = format!("{}{seq:0SEQ$} {sent_ns:0NS$} ", String::from_utf8_lossy(&self.start));
        content.extend(FILLING.chars().cycle().take(CONTENT_BYTES - content.len()));
        content
    }

    /// The stamp in a payload, if it is of this run.
    pub fn find(&mut self, payload: &[u8]) -> Result<Option<Stamp>> {
        let length = self.start.len();
        if payload.get(self.last..self.last + length) != Some(&self.start) {
            let Some(offset) = payload.windows(length).position(|some| some == self.start) else { return Ok(None) };
            self.last = offset;
        }
        let seq_at = self.last + length;
        let ns_at = seq_at + SEQ + 1;
        Ok(Some(Stamp { seq: digits(payload, seq_at, SEQ)?, sent_ns: digits(payload, ns_at, NS)? }))
    }
}

fn digits(payload: &[u8], at: usize, count: usize) -> Result<u64> {
    let digits = payload.get(at..at + count).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let digits = digits.ok_or_else(|| format!("a broken stamp: {}", String::from_utf8_lossy(payload)))?;
    Ok(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
