//! The lower limit: a server that only writes. One process and one thread, no users, no store, no link to another node.
//! Each message is made into a frame once, and messages that arrive together leave in one write per socket.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

use crate::common::frame::{TEXT, from_server};
use crate::common::reader::{Reader, write};
use crate::common::{Result, on_one_thread};

/// What Chinwag puts around the text, so that frames have the same length.
const BEFORE: &str =
    r#"{"type":"new_message","payload":{"id":1000000,"room_id":100,"user_id":1,"username":"loader0","content":""#;
const BEHIND: &str = r#"","is_image":false,"created_at":"2025-10-26T12:00:00Z"}}"#;
/// The answer to the key that [`crate::socket`] sends; RFC 6455 has the pair as its example.
const UPGRADE: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

type Rooms = Rc<RefCell<HashMap<String, Vec<Rc<OwnedWriteHalf>>>>>;

/// Serves until it is killed.
pub fn serve(port: u16) -> Result<()> {
    on_one_thread(async move {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let rooms = Rooms::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let rooms = Rc::clone(&rooms);
            tokio::task::spawn_local(async move {
                // A connection that only checks whether the port is open ends without a head.
                if let Err(error) = attend(stream, rooms).await {
                    eprintln!("{error}");
                }
            });
        }
    })
}

async fn attend(stream: TcpStream, rooms: Rooms) -> Result<()> {
    let (reader, writer) = stream.into_split();
    let mut reader = Reader::new(reader);
    let head = reader.head().await?;
    let (_, room) = head.split_once("room=").ok_or("no room")?;
    let room = room.split(' ').next().unwrap_or_default().to_owned();
    let writer = Rc::new(writer);
    // Enters the room before the client learns of it.
    rooms.borrow_mut().entry(room.clone()).or_default().push(Rc::clone(&writer));
    let outcome = match write(&writer, UPGRADE.as_bytes()) {
        Ok(()) => pass_on(&mut reader, &room, &rooms).await,
        Err(error) => Err(error),
    };
    if let Some(sockets) = rooms.borrow_mut().get_mut(&room) {
        sockets.retain(|socket| !Rc::ptr_eq(socket, &writer));
    }
    outcome
}

async fn pass_on(reader: &mut Reader, room: &str, rooms: &Rooms) -> Result<()> {
    let mut ready = Vec::new();
    loop {
        ready.clear();
        reader
            .read(|frame| {
                // A client that leaves sends a frame of another kind.
                if frame.opcode == TEXT {
                    ready.extend(from_server(&[BEFORE.as_bytes(), frame.payload, BEHIND.as_bytes()].concat()));
                }
                Ok(())
            })
            .await?;
        if ready.is_empty() {
            continue;
        }
        for socket in rooms.borrow().get(room).into_iter().flatten() {
            // Its own reader notices when a socket is closed.
            if let Err(error) = write(socket, &ready) {
                eprintln!("{error}");
            }
        }
    }
}
