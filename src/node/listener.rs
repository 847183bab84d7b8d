//! The listening socket. It closes without resetting connections that are not accepted yet.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use socket2::{Domain, SockFilter, Socket, Type};

/// Connections that the kernel queues until they are accepted.
const BACKLOG: i32 = 4096;
/// Time in which queued connections are accepted before the socket closes.
const ACCEPT_QUEUED: Duration = Duration::from_millis(200);

/// A classic BPF program for a listening TCP socket. Drops segments with SYN and without ACK (new connections), and
/// passes all others.
const IGNORE_NEW_CONNECTIONS: [SockFilter; 5] = [
    SockFilter::new(0x30, 0, 0, 13),          // load the flags
    SockFilter::new(0x54, 0, 0, 0x12),        // keep SYN and ACK
    SockFilter::new(0x15, 0, 1, 0x02),        // SYN alone?
    SockFilter::new(0x06, 0, 0, 0),           // drop
    SockFilter::new(0x06, 0, 0, 0xffff_ffff), // pass
];

/// A second handle to a listening socket.
pub(super) struct ListenerHandle(Socket);

/// Binds and starts to listen. Returns the socket, a second handle to it, and its address.
///
/// # Errors
/// The host does not resolve, or the address is in use.
pub(super) fn listen(host: &str, port: u16) -> std::io::Result<(TcpListener, ListenerHandle, SocketAddr)> {
    let (socket, address) = open(host, port)?;
    socket.set_tcp_nodelay(true)?; // accepted connections inherit it
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    let listener_handle = ListenerHandle(listener.try_clone()?.into());
    Ok((listener, listener_handle, address))
}

/// Whether a node could listen there. Without an error, `false` says that something, perhaps the node itself, does already.
///
/// # Errors
/// The host does not resolve or is not of this machine, or the port needs a right.
pub(super) fn is_free(host: &str, port: u16) -> std::io::Result<bool> {
    let (socket, address) = open(host, port)?;
    match socket.bind(&address.into()) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(false),
        bound => bound.map(|()| true),
    }
}

/// A socket for an address, to which it is not bound yet.
fn open(host: &str, port: u16) -> std::io::Result<(Socket, SocketAddr)> {
    let address = (host, port).to_socket_addrs()?.next().ok_or(ErrorKind::AddrNotAvailable)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    Ok((socket, address))
}

impl ListenerHandle {
    /// Rejects new connections and leaves time to accept the queued ones. Call it before the socket closes.
    ///
    /// Closing a socket resets its queued connections, and a proxy cannot tell whether a request that it sent on one
    /// of them was handled. The kernel therefore ignores new connections for a moment. An ignored client sends its SYN
    /// again a second later and gets a plain refusal.
    ///
    /// # Errors
    /// The filter cannot be attached. Queued connections may then be reset.
    pub(super) async fn stop_accepting(self) -> std::io::Result<()> {
        self.0.attach_filter(&IGNORE_NEW_CONNECTIONS)?;
        tokio::time::sleep(ACCEPT_QUEUED).await;
        Ok(())
    }
}
