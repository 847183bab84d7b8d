//! A minimal HTTP/1.1 client over keep-alive connections. Whatever it costs is taken from the load that one core makes.

use std::io::ErrorKind;

use tokio::net::TcpStream;

use super::Result;

const BUFFER_BYTES: usize = 64 * 1024;

/// A connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response, borrowed from the connection's buffer.
pub struct Response<'a> {
    pub status: u16,
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl Response<'_> {
    /// Fails unless the status is `status`.
    pub fn expect(self, status: u16) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        let (head, body) = (String::from_utf8_lossy(self.head), String::from_utf8_lossy(self.body));
        Err(format!("not {status}: {head}{body}").into())
    }
}

impl Connection {
    /// Connects to a port of this machine.
    pub async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends a request and reads the whole response.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>> {
        self.write(request).await?;
        let mut filled = self.read(0).await?;
        let head = loop {
            match Head::read(&self.buffer[..filled])? {
                Some(head) => break head,
                None => filled += self.read(filled).await?,
            }
        };
        let end = head.bytes + head.body_bytes;
        if end > self.buffer.len() {
            self.buffer.resize(end + BUFFER_BYTES, 0);
        }
        while filled < end {
            filled += self.read(filled).await?;
        }
        if filled > end {
            return Err("a response is longer than its length says".into());
        }
        let (head_text, body) = self.buffer[..end].split_at(head.bytes);
        Ok(Response { status: head.status, head: head_text, body })
    }

    async fn write(&self, mut rest: &[u8]) -> Result<()> {
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn read(&mut self, filled: usize) -> Result<usize> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.buffer[filled..]) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The parts of a response's head that are needed.
struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
}

impl Head {
    /// The head at the start of `buffer`, or `None` while it is incomplete.
    fn read(buffer: &[u8]) -> Result<Option<Self>> {
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&buffer[..end])?;
        let status: u16 = text.get(9..12).ok_or("no status")?.parse()?;
        let length = header(text, "content-length");
        let body_bytes = match (length, status) {
            (_, 204 | 304) => 0,
            (Some(length), _) => length.parse()?,
            (None, _) => return Err("a response of unknown length".into()),
        };
        Ok(Some(Self { status, bytes: end + 4, body_bytes }))
    }
}

/// The value of a header in the text of a head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
