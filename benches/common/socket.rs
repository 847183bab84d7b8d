//! An open WebSocket: the client's end.

use std::net::Ipv4Addr;

use tokio::net::TcpSocket;
use tokio::net::tcp::OwnedWriteHalf;

use super::Result;
use super::frame::{CLOSE, Frame, PING, PONG, TEXT, from_client};
use super::reader::{Reader, UPGRADED, upgrade_request, write};

pub struct Socket {
    pub reader: Reader,
    pub writer: OwnedWriteHalf,
}

impl Socket {
    /// Connects and upgrades.
    pub async fn open(port: u16, path: &str) -> Result<Self> {
        Self::open_from(Ipv4Addr::LOCALHOST, port, path).await
    }

    /// Connects from an address of this machine and upgrades.
    pub async fn open_from(address: Ipv4Addr, port: u16, path: &str) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if address != Ipv4Addr::LOCALHOST {
            socket.bind((address, 0).into())?;
        }
        let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let mut socket = Self { reader: Reader::new(reader), writer };
        write(&socket.writer, upgrade_request(path).as_bytes())?;
        let head = socket.reader.head().await?;
        match head.starts_with(UPGRADED) {
            true => Ok(socket),
            false => Err(format!("{path} is no WebSocket: {head}").into()),
        }
    }

    /// Answers pings and passes on texts until an error, which it returns.
    pub async fn listen(self, mut on_text: impl FnMut(&[u8]) -> Result<()>) -> String {
        let Self { mut reader, writer } = self;
        let mut on_frame = |frame: &Frame<'_>| match frame.opcode {
            TEXT => on_text(frame.payload),
            _ => answer_control(frame, &writer),
        };
        if let Err(error) = reader.early(&mut on_frame) {
            return error.to_string();
        }
        loop {
            if let Err(error) = reader.read(&mut on_frame).await {
                return error.to_string();
            }
        }
    }
}

/// Answers a ping. Fails on a frame that ends the connection.
pub fn answer_control(frame: &Frame<'_>, writer: &OwnedWriteHalf) -> Result<()> {
    match frame.opcode {
        PING => write(writer, &from_client(PONG, frame.payload)),
        CLOSE => {
            let code = frame.payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
            Err(format!("the server closed with code {code}").into())
        }
        opcode => Err(format!("a frame of kind {opcode}").into()),
    }
}
