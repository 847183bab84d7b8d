//! Counts the WebSockets per user and per address on this node.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::domain::{Client, Error, Result, UserId};
use crate::service::Limits;

/// Pause before a client with too many sockets may retry.
const CAP_RETRY: Duration = Duration::from_secs(5);

/// The numbers of open sockets on a node. Shared by its workers.
pub struct SocketCounts {
    counts: Mutex<Counts>,
    limits: Arc<Limits>,
}

#[derive(Default)]
struct Counts {
    users: HashMap<UserId, u32>,
    addresses: HashMap<IpAddr, u32>,
}

impl SocketCounts {
    /// Starts with no sockets.
    pub fn new(limits: &Arc<Limits>) -> Self {
        Self { counts: Mutex::default(), limits: Arc::clone(limits) }
    }

    /// Returns the number of a user's sockets.
    pub(in crate::edge) fn of_user(&self, user: UserId) -> u32 {
        self.counts.lock().expect("no panic while held").users.get(&user).copied().unwrap_or(0)
    }

    /// Returns the users with a socket.
    pub fn users(&self) -> Vec<UserId> {
        self.counts.lock().expect("no panic while held").users.keys().copied().collect()
    }

    /// Returns the number of all sockets.
    pub fn total(&self) -> u32 {
        self.counts.lock().expect("no panic while held").users.values().sum()
    }

    /// Counts a socket until the permit is dropped.
    ///
    /// # Errors
    /// `RateLimited` when a cap is reached.
    pub(in crate::edge) fn enter(self: &Arc<Self>, user: UserId, client: &Client) -> Result<Permit> {
        let (ip, caps) = (client.counted_address(), self.limits.caps());
        let mut counts = self.counts.lock().expect("no panic while held");
        let of_user = counts.users.get(&user).copied().unwrap_or(0);
        let of_address = counts.addresses.get(&ip).copied().unwrap_or(0);
        if caps.is_some_and(|caps| of_user >= caps.sockets_of_user || of_address >= caps.sockets_of_address) {
            return Err(Error::RateLimited { retry_after: CAP_RETRY });
        }
        counts.users.insert(user, of_user + 1);
        counts.addresses.insert(ip, of_address + 1);
        Ok(Permit { counts: Arc::clone(self), user, ip, is_first: of_user == 0 })
    }
}

/// Counts one socket until it is dropped.
pub(in crate::edge) struct Permit {
    counts: Arc<SocketCounts>,
    user: UserId,
    ip: IpAddr,
    /// Whether the user had no other socket on this node.
    pub(in crate::edge) is_first: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.counts.counts.lock().expect("no panic while held");
        let Counts { users, addresses } = &mut *counts;
        if let Some(count) = users.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                users.remove(&self.user);
            }
        }
        if let Some(count) = addresses.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.ip);
            }
        }
    }
}
