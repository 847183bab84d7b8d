//! The socket of an HTTP connection, which is closed when its client makes it wait too long.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::dev::Extensions;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::address_cap::AddressPermit;
use super::read_ahead::AHEAD_BYTES;
use super::timing::{OfConnection, Timed, Timing};
use crate::edge::socket::RawSocket;

/// An accepted connection.
pub struct HttpStream {
    stream: TcpStream,
    timed: Timed,
    _permit: AddressPermit,
}

impl HttpStream {
    /// Times a connection, and counts it until it is dropped.
    pub fn new(stream: TcpStream, timing: &Rc<Timing>, permit: AddressPermit) -> Self {
        Self { stream, timed: Timed::new(timing), _permit: permit }
    }

    /// Adds what requests need to know of their connection.
    pub fn describe(&self, data: &mut Extensions) {
        data.insert(RawSocket::of(&self.stream));
        data.insert(OfConnection(Rc::clone(&self.timed.waiting)));
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.timed.is_over() {
            // As if the client had closed it: the framework then does the same.
            return Poll::Ready(Ok(()));
        }
        let Some(allowed) = self.timed.may_read(cx.waker()) else {
            self.timed.waits_to_read(cx.waker());
            return Poll::Pending;
        };
        let before = buffer.filled().len();
        let outcome = Self::poll_read_some(Pin::new(&mut self.stream), cx, buffer, allowed);
        let read = buffer.filled().len() - before;
        match &outcome {
            Poll::Ready(Ok(())) if read > 0 => self.timed.has_read(read),
            Poll::Ready(_) => {}
            Poll::Pending => {
                self.timed.has_read_all();
                self.timed.waits_to_read(cx.waker());
            }
        }
        outcome
    }
}

impl HttpStream {
    /// Reads no more than `allowed` bytes.
    fn poll_read_some(
        stream: Pin<&mut TcpStream>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        allowed: usize,
    ) -> Poll<io::Result<()>> {
        if allowed >= buffer.remaining() {
            return stream.poll_read(cx, buffer);
        }
        let mut some = [MaybeUninit::uninit(); AHEAD_BYTES];
        let mut some = ReadBuf::uninit(&mut some[..allowed.min(AHEAD_BYTES)]);
        let outcome = stream.poll_read(cx, &mut some);
        buffer.put_slice(some.filled());
        outcome
    }
}

impl HttpStream {
    /// Records whether the client reads what is written.
    fn note_write<T>(&self, cx: &Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &outcome {
            Poll::Ready(_) => self.timed.has_written(),
            Poll::Pending if self.timed.is_over() => return Poll::Ready(Err(ErrorKind::TimedOut.into())),
            Poll::Pending => self.timed.waits_to_write(cx.waker()),
        }
        outcome
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note_write(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Config;
    use crate::edge::connection::read_ahead::Body;
    use crate::edge::connection::{AddressCap, RequestUnderWay};
    use crate::service::Limits;

    const HEAD_SECS: u32 = 3;
    const IDLE_SECS: u32 = 90;
    const SETTLED: Duration = Duration::from_millis(100);

    /// Both ends of a connection.
    async fn connection(timing: &Rc<Timing>) -> (HttpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (stream, peer) = listener.accept().await.expect("accepted");
        let limits = Arc::new(Limits::new(&Config::defaults().limits));
        let permit = Arc::new(AddressCap::new(&limits, &[])).enter(peer.ip()).expect("the first one");
        (HttpStream::new(stream, timing, permit), client)
    }

    fn tick(timing: &Timing, secs: u32) {
        (0..secs).for_each(|_| timing.tick());
    }

    #[actix_web::test]
    async fn a_head_that_does_not_end_ends_the_connection_however_it_arrives() {
        for is_dripped in [false, true] {
            let timing = Timing::new(HEAD_SECS, IDLE_SECS);
            let (mut stream, mut client) = connection(&timing).await;
            client.write_all(b"G").await.expect("open");
            assert_eq!(stream.read_u8().await.expect("a byte"), b'G');
            for _ in 0..HEAD_SECS {
                assert!(stream.read_u8().now_or_never().is_none());
                timing.tick();
                if is_dripped {
                    client.write_all(b"E").await.expect("open");
                    stream.read_u8().await.expect("a byte");
                }
            }
            // Waits in a task that only a timer wakes.
            let waiting = actix_web::rt::spawn(async move { stream.read(&mut [0]).await });
            tokio::task::yield_now().await;
            timing.tick();
            assert_eq!(waiting.await.expect("no panic").expect("no error"), 0, "the end");
        }
    }

    #[actix_web::test]
    async fn idle_connections_and_requests_are_not_timed() {
        let timing = Timing::new(HEAD_SECS, IDLE_SECS);
        let (mut stream, mut client) = connection(&timing).await;
        assert!(stream.read_u8().now_or_never().is_none());
        tick(&timing, 9);
        let mut data = Extensions::new();
        stream.describe(&mut data);
        for _ in 0..3 {
            client.write_all(b"G").await.expect("open");
            stream.read_u8().await.expect("a byte");
            let under_way = RequestUnderWay::of(data.get(), Body::Known(6));
            client.write_all(b"a body").await.expect("open");
            stream.read_exact(&mut [0; 6]).await.expect("a body");
            tick(&timing, 9);
            assert!(stream.read_u8().now_or_never().is_none());
            drop(under_way);
            tick(&timing, 9);
            assert!(stream.read_u8().now_or_never().is_none());
        }
    }

    #[actix_web::test]
    async fn a_beginning_that_came_with_the_request_before_is_not_waited_for_for_ever() {
        let timing = Timing::new(HEAD_SECS, IDLE_SECS);
        let (mut stream, mut client) = connection(&timing).await;
        let mut data = Extensions::new();
        stream.describe(&mut data);
        client.write_all(b"a request, G").await.expect("open");
        stream.read_exact(&mut [0; 12]).await.expect("both");
        drop(RequestUnderWay::of(data.get(), Body::Known(0)));
        assert!(stream.read_u8().now_or_never().is_none());
        // An answer that is still being written does not count.
        tick(&timing, IDLE_SECS);
        assert_eq!(stream.write(b"answer").await.expect("open"), 6);
        tick(&timing, IDLE_SECS);
        assert!(stream.read_u8().now_or_never().is_none());
        timing.tick();
        assert_eq!(stream.read(&mut [0]).await.expect("no error"), 0, "the end");
    }

    /// Reads as the framework does, until the stream has to wait.
    async fn read_in_a_turn(stream: &mut HttpStream) -> usize {
        let mut buffer = [0; 8 * 1024];
        let mut read = 0;
        while let Some(bytes) = stream.read(&mut buffer).now_or_never() {
            read += bytes.expect("open");
        }
        read
    }

    #[actix_web::test]
    async fn what_comes_ahead_stays_with_the_kernel() {
        const SENT: usize = 200 * 1024;
        let timing = Timing::new(HEAD_SECS, IDLE_SECS);
        let (mut stream, mut client) = connection(&timing).await;
        let writing = actix_web::rt::spawn(async move {
            client.write_all(&[b'a'; SENT]).await.expect("open");
            client
        });
        let mut data = Extensions::new();
        stream.describe(&mut data);
        let mut read = stream.read(&mut [0; 8 * 1024]).await.expect("open");
        read += read_in_a_turn(&mut stream).await;
        assert!((1..=AHEAD_BYTES).contains(&read), "{read} of heads in a turn");
        // What was read may be many requests: until all are answered, only their bodies are read.
        for (bytes, more) in [(0, AHEAD_BYTES), (50_000, 50_000), (0, 0), (0, 0), (3000, 3000)] {
            let under_way = RequestUnderWay::of(data.get(), Body::Known(bytes));
            let mut of_request = 0;
            for _ in 0..80 {
                of_request += read_in_a_turn(&mut stream).await;
                tokio::task::yield_now().await;
            }
            assert!(of_request <= more, "{of_request} of a body of {bytes}");
            assert!(of_request >= bytes, "{of_request} of a body of {bytes}");
            read += of_request;
            drop(under_way);
        }
        // Chunks have no known end.
        let under_way = RequestUnderWay::of(data.get(), Body::Chunks);
        while read < SENT / 2 {
            read += read_in_a_turn(&mut stream).await;
            tokio::task::yield_now().await;
        }
        stream.timed.waiting.ahead.end_body();
        let mut ahead = 0;
        for _ in 0..20 {
            ahead += read_in_a_turn(&mut stream).await;
            tokio::task::yield_now().await;
        }
        assert!(ahead <= AHEAD_BYTES, "{ahead}");
        // Nothing is lost in the end, and the task is woken for it.
        let reading = actix_web::rt::spawn(async move {
            while read + ahead < SENT {
                read += stream.read(&mut [0; 8 * 1024]).await.expect("open");
            }
        });
        tokio::task::yield_now().await;
        drop(under_way);
        reading.await.expect("no panic");
        drop(writing.await);
    }

    #[actix_web::test]
    async fn a_connection_without_requests_is_not_read_for_ever() {
        let timing = Timing::new(HEAD_SECS, IDLE_SECS);
        let (mut stream, mut client) = connection(&timing).await;
        actix_web::rt::spawn(async move { while client.write_all(&[b'a'; 64 * 1024]).await.is_ok() {} });
        let mut read = 0;
        loop {
            match stream.read(&mut [0; 8 * 1024]).await.expect("open") {
                0 => break,
                bytes => read += bytes,
            }
        }
        // The longest head has 128 KiB.
        assert_eq!(read, 192 * 1024);
    }

    #[actix_web::test]
    async fn a_client_that_does_not_read_ends_the_connection() {
        let timing = Timing::new(HEAD_SECS, IDLE_SECS);
        let (mut stream, client) = connection(&timing).await;
        let filled = [0; 1 << 16];
        // Until nothing moves on to the other side any more.
        while tokio::time::timeout(SETTLED, stream.write(&filled)).await.is_ok() {}
        tick(&timing, 60);
        assert!(stream.write(&filled).now_or_never().is_none());
        tick(&timing, 1);
        let outcome = stream.write(&filled).now_or_never().expect("the end");
        assert_eq!(outcome.expect_err("no room").kind(), ErrorKind::TimedOut);
        drop(client);
    }
}
