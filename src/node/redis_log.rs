//! What the private Redis wrote to its log before it ended.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes at the end of a log in which its last line is searched.
const TAIL_BYTES: u64 = 16 * 1024;

/// Bytes of a log; 0 when there is none.
pub(super) fn length(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |found| found.len())
}

/// The last line behind the first `skipped` bytes of a log, without its time.
pub(super) fn last_words(log: &Path, skipped: u64) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let from = skipped.max(length(log).saturating_sub(TAIL_BYTES));
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(without_time(line).to_owned())
}

/// `42:M 29 Nov 2026 14:00:00.123 # text` without what precedes the text.
fn without_time(line: &str) -> &str {
    let is_stamp = |stamp: &str| stamp.split_once(':').is_some_and(|(pid, _)| pid.parse::<u32>().is_ok());
    let parts = [" # ", " * ", " - "].iter().filter_map(|mark| line.split_once(mark));
    parts.filter(|(stamp, _)| is_stamp(stamp)).map(|(_, text)| text).max_by_key(|text| text.len()).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_redis_lose_their_time_and_others_stay() {
        for (line, expected) in [
            ("42:M 29 Nov 2026 14:00:00.123 # Bad file - or # worse", "Bad file - or # worse"),
            ("42:C 29 Nov 2026 14:00:00.123 * Ready", "Ready"),
            ("Bad directive or wrong number of arguments", "Bad directive or wrong number of arguments"),
            ("*** FATAL # x", "*** FATAL # x"),
        ] {
            assert_eq!(without_time(line), expected);
        }
    }

    #[test]
    fn only_what_was_written_since_counts() {
        let log = std::env::temp_dir().join(format!("chinwag-log-{:016x}", fastrand::u64(..)));
        assert_eq!((length(&log), last_words(&log, 0)), (0, None));
        std::fs::write(&log, "1:M now # before\n").expect("written");
        let skipped = length(&log);
        assert_eq!(last_words(&log, skipped), None);
        std::fs::write(&log, format!("1:M now # before\n{}\n1:M now # after\n\n", "x".repeat(40_000)))
            .expect("written");
        assert_eq!(last_words(&log, skipped).as_deref(), Some("after"));
        std::fs::remove_file(log).expect("removed");
    }
}
