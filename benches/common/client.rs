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
        let end = match head.body_bytes {
            Some(bytes) => {
                let end = head.bytes + bytes;
                self.fill(&mut filled, end).await?;
                if filled > end {
                    return Err("a response is longer than its length says".into());
                }
                end
            }
            None => self.read_chunks(head.bytes, filled).await?,
        };
        let (head_text, body) = self.buffer[..end].split_at(head.bytes);
        Ok(Response { status: head.status, head: head_text, body })
    }

    /// Reads until the buffer holds `end` bytes.
    async fn fill(&mut self, filled: &mut usize, end: usize) -> Result<()> {
        if end > self.buffer.len() {
            self.buffer.resize(end + BUFFER_BYTES, 0);
        }
        while *filled < end {
            *filled += self.read(*filled).await?;
        }
        Ok(())
    }

    /// Reads a body in chunks, of which `filled` bytes of the buffer are there, and puts them together from `start` on.
    /// Returns the end of the body.
    async fn read_chunks(&mut self, start: usize, mut filled: usize) -> Result<usize> {
        let (mut body_end, mut next) = (start, start);
        loop {
            let line = loop {
                match self.buffer[next..filled].windows(2).position(|two| two == b"\r\n") {
                    Some(length) => break next..next + length,
                    None => {
                        let end = filled + 1;
                        self.fill(&mut filled, end).await?;
                    }
                }
            };
            let bytes = usize::from_str_radix(std::str::from_utf8(&self.buffer[line.clone()])?, 16)?;
            let chunk = line.end + 2..line.end + 2 + bytes;
            self.fill(&mut filled, chunk.end + 2).await?;
            next = chunk.end + 2;
            self.buffer.copy_within(chunk, body_end);
            body_end += bytes;
            if bytes == 0 {
                return if next == filled { Ok(body_end) } else { Err("a response is longer than its chunks".into()) };
            }
        }
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
    /// Absent for a body in chunks.
    body_bytes: Option<usize>,
}

impl Head {
    /// The head at the start of `buffer`, or `None` while it is incomplete.
    fn read(buffer: &[u8]) -> Result<Option<Self>> {
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&buffer[..end])?;
        let status: u16 = text.get(9..12).ok_or("no status")?.parse()?;
        let body_bytes = match (header(text, "content-length"), header(text, "transfer-encoding")) {
            _ if matches!(status, 204 | 304) => Some(0),
            (Some(length), _) => Some(length.parse()?),
            (None, Some("chunked")) => None,
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
