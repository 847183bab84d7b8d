//! The socket below a connection of the framework, and how many more of them the process may open.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use actix_web::HttpRequest;
use nix::sys::resource::{Resource, getrlimit};
use tokio::net::TcpStream;

use crate::domain::{Error, Result};

/// The share of all file descriptors that no WebSocket takes: they are for requests, files and connections to Redis.
const RESERVED_SHARE: u64 = 8;
const MAX_RESERVED: u64 = 256;

/// The descriptor of an accepted connection. The framework owns it.
#[derive(Clone, Copy)]
pub struct RawSocket {
    descriptor: RawFd,
    is_reserved: bool,
}

impl RawSocket {
    /// Records the descriptor of an accepted connection, without a second one: most connections never need it.
    pub fn of(stream: &TcpStream) -> Self {
        let descriptor = stream.as_raw_fd();
        Self { descriptor, is_reserved: is_reserved(descriptor) }
    }

    /// Whether descriptors are so few that the connection should be closed after its response.
    pub(in crate::edge) fn is_scarce(request: &HttpRequest) -> bool {
        request.conn_data::<Self>().is_some_and(|socket| socket.is_reserved)
    }

    /// Creates a second handle to the connection of a request that is being handled. It is registered with the runtime
    /// of the caller.
    ///
    /// # Errors
    /// `Unavailable` when file descriptors run out.
    pub(super) fn duplicate(request: &HttpRequest) -> Result<TcpStream> {
        let socket = request.conn_data::<Self>().ok_or_else(|| Error::internal("the connection has no socket"))?;
        // SAFETY: the dispatcher of the connection polls the handler that calls this. It owns the socket and drops it only
        // together with the handler, so the descriptor is open and still that of this connection.
        #[expect(unsafe_code, reason = "the framework lends its socket only when it accepts the connection")]
        let lent = unsafe { BorrowedFd::borrow_raw(socket.descriptor) };
        let own = lent.try_clone_to_owned().ok().filter(|own: &OwnedFd| !is_reserved(own.as_raw_fd()));
        let own = own.ok_or_else(|| Error::Unavailable("no file descriptor is left for a WebSocket".into()))?;
        TcpStream::from_std(own.into()).map_err(Error::internal)
    }
}

/// Whether a new descriptor is among the last ones. The kernel assigns the lowest number that is free, so all below it
/// are in use.
fn is_reserved(descriptor: RawFd) -> bool {
    let Ok((limit, _)) = getrlimit(Resource::RLIMIT_NOFILE) else { return false };
    let reserved = (limit / RESERVED_SHARE).min(MAX_RESERVED);
    u64::try_from(descriptor).is_ok_and(|descriptor| descriptor >= limit - reserved)
}
