//! Yields between messages that are decoded one after another.

/// Bytes of messages after which the task yields: decoding them takes less than a millisecond.
const BYTES_A_TURN: usize = 64 * 1024;

/// What a task has decoded since it last gave way.
#[derive(Default)]
pub(super) struct Decoding {
    bytes: usize,
}

impl Decoding {
    /// Counts a decoded message, and lets other tasks of the worker run after some.
    pub(super) async fn has_decoded(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= BYTES_A_TURN {
            self.bytes = 0;
            tokio::task::yield_now().await;
        }
    }
}
