//! A DNS resolver that returns only addresses that requests may reach.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::networks::Reachable;

/// Names that are looked up at the same time. The system gives a look-up up only after many seconds, however short the request
/// is for which it was begun, and holds a thread until then, of which the rest of the server needs some as well.
const LOOK_UPS_AT_ONCE: usize = 32;

/// No address of a host may be reached.
#[derive(Debug, thiserror::Error)]
#[error("no address of the host may be reached")]
pub(super) struct Closed;

type LookUp = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// The system's resolver with a filter. Connections are opened to the addresses that were checked, so DNS rebinding
/// does not help.
pub(super) struct CheckedResolver {
    reachable: Reachable,
    look_up: LookUp,
    turns: Arc<Semaphore>,
}

impl CheckedResolver {
    pub(super) fn new(reachable: Reachable) -> Self {
        // The library replaces the port.
        Self::with(reachable, Arc::new(|host| (host, 0).to_socket_addrs().map(Iterator::collect)))
    }

    fn with(reachable: Reachable, look_up: LookUp) -> Self {
        Self { reachable, look_up, turns: Arc::new(Semaphore::new(LOOK_UPS_AT_ONCE)) }
    }

    fn start(&self, host: String) -> impl Future<Output = Result<Addrs, Box<dyn Error + Send + Sync>>> + use<> {
        let (reachable, look_up, turns) = (self.reachable.clone(), Arc::clone(&self.look_up), Arc::clone(&self.turns));
        async move {
            let turn = turns.acquire_owned().await?;
            let looking = tokio::task::spawn_blocking(move || {
                let found = look_up(&host);
                // Only now: the look-up goes on when nobody waits for it any more.
                drop(turn);
                found.map(|mut found| {
                    found.retain(|address| reachable.contains(address.ip()));
                    found
                })
            });
            let allowed = looking.await??;
            if allowed.is_empty() {
                return Err(Closed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(self.start(name.as_str().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use futures_util::FutureExt;

    use super::*;
    use crate::config::OutboundConfig;

    fn reachable() -> Reachable {
        let config = OutboundConfig { allowed_networks: Vec::new(), refused_networks: Vec::new(), timeout_secs: 1 };
        Reachable::new(&config)
    }

    #[tokio::test]
    async fn look_ups_that_nobody_waits_for_count_until_they_end() {
        let ((begin, begun), (end, ends)) = (channel(), channel());
        let ends = Mutex::new(ends);
        let look_up = move |host: &str| {
            begin.send(host.to_owned()).expect("awaited");
            ends.lock().expect("whole").recv().expect("ended");
            Ok(vec![SocketAddr::from(([1, 1, 1, 1], 0))])
        };
        let resolver = CheckedResolver::with(reachable(), Arc::new(look_up));
        for number in 0..LOOK_UPS_AT_ONCE {
            let abandoned = resolver.start(number.to_string());
            assert!(abandoned.now_or_never().is_none());
        }
        let mut next = Box::pin(resolver.start("next".to_owned()));
        assert!(next.as_mut().now_or_never().is_none());
        let first: Vec<String> = begun.iter().take(LOOK_UPS_AT_ONCE).collect();
        assert!(!first.contains(&"next".to_owned()) && begun.try_recv().is_err());
        for _ in 0..=LOOK_UPS_AT_ONCE {
            end.send(()).expect("awaited");
        }
        assert_eq!(next.await.expect("found").count(), 1);
        assert_eq!(begun.recv().as_deref(), Ok("next"));
    }
}
