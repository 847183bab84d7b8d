//! The queue of frames that are not yet written to a connection.
//!
//! Queues are flushed inline, by the code that queued the frames. A task per connection would cost a wake-up and a poll
//! for each connection and frame, which is more than the write itself.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use bytes::Bytes;
use tokio::net::TcpStream;

/// Maximum number of bytes of events that may be queued for one connection.
const MAX_QUEUED_BYTES: usize = 256 * 1024;
/// Maximum number of bytes of a write that joins several frames.
const MAX_WRITE_BYTES: usize = 32 * 1024;
/// An empty queue with a larger capacity than this is freed.
const KEPT_FRAMES: usize = 4;

/// A connection's queue. It allocates only for frames that wait behind another.
pub(super) struct SendQueue {
    stream: Rc<TcpStream>,
    /// `None` when the queue is empty.
    first: Option<Bytes>,
    /// The frames behind the first.
    others: VecDeque<Bytes>,
    /// Queued bytes that are not written yet.
    bytes: usize,
    /// Bytes of the first frame that are written already.
    written: usize,
    /// Whether frames may be written: not before the handshake is answered, and not on a broken connection.
    pub(super) is_open: bool,
    /// Whether a task waits until the socket is writable.
    pub(super) is_waiting: bool,
}

/// The outcome of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// The queue is empty.
    All,
    /// The socket is full, or not open.
    Blocked,
}

impl SendQueue {
    pub(super) fn new(stream: Rc<TcpStream>) -> Self {
        let (first, others) = (None, VecDeque::new());
        Self { stream, first, others, bytes: 0, written: 0, is_open: false, is_waiting: false }
    }

    pub(super) fn stream(&self) -> &Rc<TcpStream> {
        &self.stream
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Whether a task must wait until the socket is writable. Always `false` on a broken connection.
    pub(super) fn needs_flush(&self) -> bool {
        self.is_open && !self.is_empty()
    }

    /// Queues a frame unless that exceeds the limit; returns whether it was queued. An empty queue accepts any frame.
    pub(super) fn push(&mut self, frame: Bytes) -> bool {
        if self.bytes > 0 && self.bytes + frame.len() > MAX_QUEUED_BYTES {
            return false;
        }
        self.force(frame);
        true
    }

    /// Queues a frame beyond the limit: for control frames and answers, whose number the client's requests bound.
    pub(super) fn force(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        match self.first {
            None => self.first = Some(frame),
            Some(_) => self.others.push_back(frame),
        }
    }

    /// Marks the connection as broken and drops its frames. Nothing is written afterwards.
    pub(super) fn give_up(&mut self) {
        self.is_open = false;
        (self.first, self.others) = (None, VecDeque::new());
        (self.bytes, self.written) = (0, 0);
    }

    /// Returns the number of queued bytes.
    pub(super) fn queued_bytes(&self) -> usize {
        self.bytes
    }

    /// Writes queued frames until the queue is empty or the socket is full. Joins small frames into one write.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn flush(&mut self, scratch: &mut Vec<u8>) -> io::Result<Flushed> {
        if !self.is_open {
            return Ok(Flushed::Blocked);
        }
        while let Some(first) = &self.first {
            let rest = &first[self.written..];
            let outcome = if self.others.is_empty() {
                self.stream.try_write(rest)
            } else {
                scratch.clear();
                scratch.extend_from_slice(rest);
                for frame in &self.others {
                    if scratch.len() + frame.len() > MAX_WRITE_BYTES {
                        break;
                    }
                    scratch.extend_from_slice(frame);
                }
                self.stream.try_write(scratch)
            };
            match outcome {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.advance(bytes),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.others.capacity() > KEPT_FRAMES {
            self.others = VecDeque::new();
        }
        Ok(Flushed::All)
    }

    fn advance(&mut self, mut bytes: usize) {
        self.bytes -= bytes;
        while bytes > 0
            && let Some(first) = &self.first
        {
            let rest = first.len() - self.written;
            if bytes < rest {
                self.written += bytes;
                return;
            }
            bytes -= rest;
            self.written = 0;
            self.first = self.others.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn connected_queue() -> (SendQueue, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (stream, _) = listener.accept().await.expect("accepted");
        stream.writable().await.expect("not broken");
        let mut send_queue = SendQueue::new(Rc::new(stream));
        send_queue.is_open = true;
        (send_queue, client)
    }

    #[tokio::test]
    async fn frames_are_written_whole_and_in_order() {
        let (mut send_queue, mut client) = connected_queue().await;
        let mut expected = Vec::new();
        for number in 0..2000_u32 {
            let frame = vec![u8::try_from(number % 251).expect("small"); 100];
            expected.extend_from_slice(&frame);
            send_queue.push(frame.into());
        }
        let mut scratch = Vec::new();
        let mut read = vec![0; expected.len()];
        let mut filled = 0;
        while filled < expected.len() {
            send_queue.flush(&mut scratch).expect("not broken");
            filled += client.read(&mut read[filled..]).await.expect("not broken");
        }
        assert_eq!(read, expected);
        assert_eq!(send_queue.flush(&mut scratch).expect("not broken"), Flushed::All);
        assert_eq!(send_queue.queued_bytes(), 0);
    }

    #[tokio::test]
    async fn frames_one_at_a_time_allocate_nothing() {
        let (mut send_queue, _client) = connected_queue().await;
        for _ in 0..3 {
            send_queue.push(vec![0; 100].into());
            assert_eq!(send_queue.flush(&mut Vec::new()).expect("not broken"), Flushed::All);
            assert_eq!(send_queue.others.capacity(), 0);
        }
    }

    #[tokio::test]
    async fn a_full_queue_accepts_only_forced_frames() {
        let (mut send_queue, _client) = connected_queue().await;
        send_queue.is_open = false;
        assert!(send_queue.push(vec![0; MAX_QUEUED_BYTES].into()));
        assert!(!send_queue.push(vec![0; 1].into()));
        send_queue.force(vec![0; 1].into());
        assert_eq!(send_queue.queued_bytes(), MAX_QUEUED_BYTES + 1);
    }

    #[tokio::test]
    async fn a_broken_connection_is_reported_and_needs_no_flush() {
        let (mut send_queue, client) = connected_queue().await;
        drop(client);
        // The first writes may succeed, because the reset has not arrived yet.
        while send_queue.flush(&mut Vec::new()).is_ok() {
            send_queue.push(vec![0; 1].into());
            tokio::task::yield_now().await;
        }
        send_queue.give_up();
        assert!(send_queue.is_empty() && send_queue.queued_bytes() == 0);
        // A broken socket stays writable. A task that waited for that would loop without writing anything.
        send_queue.force(vec![0; 1].into());
        assert!(!send_queue.is_empty() && !send_queue.needs_flush());
    }
}
