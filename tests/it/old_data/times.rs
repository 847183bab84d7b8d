//! Moves times in recorded text: milliseconds, printed times, and the times inside message ids.

use chinwag::domain::{MessageId, now_ms};
use jiff::Timestamp;
use uuid::Uuid;

/// Times this close to the first one found are recorded times.
const SPAN_MS: u64 = 24 * 60 * 60 * 1000;
/// Digits of a time in milliseconds, until the year 2286.
const MILLIS_DIGITS: usize = 13;

/// By how much times move. Whole seconds, so that times printed in seconds move as far.
#[derive(Clone, Copy)]
pub struct Shift {
    /// About when the text was recorded.
    recorded_ms: u64,
    by_ms: u64,
}

impl Shift {
    pub fn none() -> Self {
        Self { recorded_ms: 0, by_ms: 0 }
    }

    /// From the first time in milliseconds that stands in the text, alone or in a token, to a minute ago.
    pub fn to_now(text: &[u8]) -> Self {
        let last_part = |word: &[u8]| word.rsplit(|byte| *byte == b'-').next().and_then(millis);
        let recorded_ms = words(text).find_map(last_part).expect("a time");
        let by_ms = now_ms().saturating_sub(recorded_ms + 60_000) / 1000 * 1000;
        Self { recorded_ms, by_ms }
    }

    /// The text with its times moved; its length does not change.
    pub fn apply(self, text: &[u8]) -> Vec<u8> {
        let mut moved = Vec::with_capacity(text.len());
        for word in words(text) {
            let colons = word.iter().take_while(|byte| **byte == b':').count();
            let (colons, word) = word.split_at(colons);
            moved.extend(colons);
            moved.extend(self.word(word).map_or(word.to_vec(), String::into_bytes));
        }
        assert_eq!(moved.len(), text.len());
        moved
    }

    fn word(self, word: &[u8]) -> Option<String> {
        if let Some(at_ms) = millis(word) {
            return self.moved(at_ms).map(|at_ms| at_ms.to_string());
        }
        let text = std::str::from_utf8(word).ok()?;
        // A resume token, a tag.
        if let Some((front, rest)) = text.split_once('-').filter(|(front, _)| front.parse::<u64>().is_ok())
            && let (at_ms, behind) = rest.split_once('-').map_or((rest, None), |(at_ms, behind)| (at_ms, Some(behind)))
            && let Some(at_ms) = millis(at_ms.as_bytes()).and_then(|at_ms| self.moved(at_ms))
        {
            return Some(behind.map_or(format!("{front}-{at_ms}"), |behind| format!("{front}-{at_ms}-{behind}")));
        }
        if let Some(mut id) = Uuid::try_parse(text).ok().and_then(MessageId::from_uuid) {
            id.entry.at_ms = self.moved(id.entry.at_ms)?;
            return Some(id.to_uuid().to_string());
        }
        let at: Timestamp = text.parse().ok()?;
        let at_ms = self.moved(at.as_millisecond().try_into().ok()?)?;
        let at = Timestamp::from_millisecond(at_ms.try_into().ok()?).ok()?;
        let digits = if text.contains('.') { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
        Some(at.strftime(digits).to_string())
    }

    fn moved(self, at_ms: u64) -> Option<u64> {
        (self.recorded_ms.abs_diff(at_ms) < SPAN_MS).then_some(at_ms + self.by_ms)
    }
}

fn millis(word: &[u8]) -> Option<u64> {
    let is_time = word.len() == MILLIS_DIGITS && word.iter().all(u8::is_ascii_digit);
    is_time.then(|| std::str::from_utf8(word).ok()?.parse().ok())?
}

/// The text in pieces: words of what numbers, ids and printed times consist of, and what stands between.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.chunk_by(|one, other| is_part(*one) == is_part(*other))
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'.')
}

#[test]
fn times_move_in_every_form() {
    let shift = Shift { recorded_ms: 1_795_878_882_558, by_ms: 86_400_000 };
    let text = br#"{"a":1795878882558,"b":"6-1795878882558","c":"\"6-1795878882558-2\"","d":"2026-11-28T15:14:42Z",
        "e":"2026-11-28T15:14:42.558Z","f":"plan.pdf","g":40,"h":"2000-01-01T00:00:00Z"}"#;
    let moved = String::from_utf8(shift.apply(text)).expect("text");
    let expected = String::from_utf8(text.to_vec()).expect("text");
    let expected = expected.replace("1795878882558", "1795965282558").replace("2026-11-28", "2026-11-29");
    assert_eq!(moved, expected);
}
