//! The listening socket, and how it is closed without losing anyone.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use socket2::{Domain, SockFilter, Socket, Type};

/// Waiting connections that the kernel keeps.
const BACKLOG: i32 = 4096;
/// Time for connections that wait to be accepted.
const ACCEPT_WAITING: Duration = Duration::from_millis(200);

/// A classic BPF program for a listening TCP socket: drops a segment whose flags say SYN without ACK (a new
/// connection), takes all others.
const IGNORE_NEW_CONNECTIONS: [SockFilter; 5] = [
    SockFilter::new(0x30, 0, 0, 13),          // load the byte of flags
    SockFilter::new(0x54, 0, 0, 0x12),        // keep SYN and ACK
    SockFilter::new(0x15, 0, 1, 0x02),        // SYN alone?
    SockFilter::new(0x06, 0, 0, 0),           // drop
    SockFilter::new(0x06, 0, 0, 0xffff_ffff), // take
];

/// A second handle to a listening socket.
pub(super) struct ListenerHandle(Socket);

/// Listens.
///
/// # Errors
/// The host has no address, or the port is taken.
pub(super) fn listen(host: &str, port: u16) -> std::io::Result<(TcpListener, ListenerHandle, SocketAddr)> {
    let address = (host, port).to_socket_addrs()?.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?; // accepted connections inherit it
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    let listener_handle = ListenerHandle(listener.try_clone()?.into());
    Ok((listener, listener_handle, address))
}

impl ListenerHandle {
    /// Turns newcomers away before the socket is closed. Closing resets the connections that wait to be
    /// accepted, and a proxy cannot know what became of a request that it had sent into one. So the kernel
    /// ignores new connections for a moment while those that wait are accepted; who was ignored tries again
    /// a second later and is refused plainly.
    ///
    /// # Errors
    /// The filter is not taken: connections that wait may be reset.
    pub(super) async fn stop_accepting(self) -> std::io::Result<()> {
        self.0.attach_filter(&IGNORE_NEW_CONNECTIONS)?;
        tokio::time::sleep(ACCEPT_WAITING).await;
        Ok(())
    }
}
