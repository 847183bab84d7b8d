//! What waits to be written to one connection.
//!
//! Frames are written to the socket by whoever queued them, at once: a task of the connection's own would cost a
//! wake-up and a poll for each connection and frame, which is more than the write itself.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use bytes::Bytes;
use tokio::net::TcpStream;

/// Frames of others that may wait for one connection, in bytes.
const MAX_QUEUED_BYTES: usize = 256 * 1024;
/// Most bytes of one write that joins frames.
const MAX_WRITE_BYTES: usize = 32 * 1024;
/// An empty queue keeps room for this many frames.
const KEPT_FRAMES: usize = 4;

/// A connection's queue. Empty it costs next to nothing.
pub(super) struct SendQueue {
    stream: Rc<TcpStream>,
    frames: VecDeque<Bytes>,
    /// Bytes in the queue that are not written yet.
    bytes: usize,
    /// How much of the first frame is written.
    written: usize,
    /// Whether frames may be written.
    pub(super) is_open: bool,
    /// Whether someone waits until the socket takes more.
    pub(super) is_waiting: bool,
}

/// How a write went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Everything is written.
    All,
    /// The socket takes no more now.
    Blocked,
}

impl SendQueue {
    pub(super) fn new(stream: Rc<TcpStream>) -> Self {
        Self { stream, frames: VecDeque::new(), bytes: 0, written: 0, is_open: false, is_waiting: false }
    }

    pub(super) fn stream(&self) -> &Rc<TcpStream> {
        &self.stream
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether something waits for the socket to take more. On a broken connection nothing does, whatever is queued.
    pub(super) fn wants_room(&self) -> bool {
        self.is_open && !self.is_empty()
    }

    /// Queues a frame if there is room for it. An empty queue takes any.
    pub(super) fn push(&mut self, frame: Bytes) -> bool {
        if self.bytes > 0 && self.bytes + frame.len() > MAX_QUEUED_BYTES {
            return false;
        }
        self.force(frame);
        true
    }

    /// Queues a frame that must not wait for room: control frames and answers, whose number the client's own
    /// pace bounds.
    pub(super) fn force(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// The connection is broken: nothing is written to it any more, and nobody needs to wait for it.
    pub(super) fn give_up(&mut self) {
        self.is_open = false;
        self.frames = VecDeque::new();
        (self.bytes, self.written) = (0, 0);
    }

    /// Bytes that wait.
    pub(super) fn queued_bytes(&self) -> usize {
        self.bytes
    }

    /// Writes what is queued, as much of it as possible in each write.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn flush(&mut self, scratch: &mut Vec<u8>) -> io::Result<Flushed> {
        if !self.is_open {
            return Ok(Flushed::Blocked);
        }
        while let Some(first) = self.frames.front() {
            let rest = &first[self.written..];
            let outcome = match self.frames.len() {
                1 => self.stream.try_write(rest),
                _ => {
                    scratch.clear();
                    scratch.extend_from_slice(rest);
                    for frame in self.frames.iter().skip(1) {
                        if scratch.len() + frame.len() > MAX_WRITE_BYTES {
                            break;
                        }
                        scratch.extend_from_slice(frame);
                    }
                    self.stream.try_write(scratch)
                }
            };
            match outcome {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.advance(bytes),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.frames.capacity() > KEPT_FRAMES {
            self.frames = VecDeque::new();
        }
        Ok(Flushed::All)
    }

    fn advance(&mut self, mut bytes: usize) {
        self.bytes -= bytes;
        while bytes > 0
            && let Some(first) = self.frames.front()
        {
            let rest = first.len() - self.written;
            if bytes < rest {
                self.written += bytes;
                return;
            }
            bytes -= rest;
            self.written = 0;
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (SendQueue, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let theirs = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (ours, _) = listener.accept().await.expect("accepted");
        ours.writable().await.expect("not broken");
        let mut send_queue = SendQueue::new(Rc::new(ours));
        send_queue.is_open = true;
        (send_queue, theirs)
    }

    #[tokio::test]
    async fn frames_leave_in_order_whole_and_joined() {
        let (mut send_queue, mut theirs) = pair().await;
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
            filled += theirs.read(&mut read[filled..]).await.expect("not broken");
        }
        assert_eq!(read, expected);
        assert_eq!(send_queue.flush(&mut scratch).expect("not broken"), Flushed::All);
        assert_eq!(send_queue.queued_bytes(), 0);
    }

    #[tokio::test]
    async fn a_full_queue_takes_nothing_but_what_must_be() {
        let (mut send_queue, _theirs) = pair().await;
        send_queue.is_open = false;
        assert!(send_queue.push(vec![0; MAX_QUEUED_BYTES].into()));
        assert!(!send_queue.push(vec![0; 1].into()));
        send_queue.force(vec![0; 1].into());
        assert_eq!(send_queue.queued_bytes(), MAX_QUEUED_BYTES + 1);
    }

    #[tokio::test]
    async fn a_broken_connection_says_so() {
        let (mut send_queue, theirs) = pair().await;
        drop(theirs);
        // The first write may still find the other end there.
        while send_queue.flush(&mut Vec::new()).is_ok() {
            send_queue.push(vec![0; 1].into());
            tokio::task::yield_now().await;
        }
        send_queue.give_up();
        assert!(send_queue.is_empty() && send_queue.queued_bytes() == 0);
        // Its socket stays writable, so whoever waited for that would wait no more and write nothing, for ever.
        send_queue.force(vec![0; 1].into());
        assert!(!send_queue.is_empty() && !send_queue.wants_room());
    }
}
