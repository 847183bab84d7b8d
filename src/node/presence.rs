//! Keeps presence correct while nodes start, stop and fail: renews this node's users in Redis, and announces as offline
//! the users whose node renews them no more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::debug;

use crate::domain::{Clock, Result};
use crate::edge::SocketCounts;
use crate::service::Services;

/// Renews this node's users, and expires those of nodes that died.
pub(super) struct PresenceKeeper {
    services: Services,
    socket_counts: Arc<SocketCounts>,
    clock: Clock,
}

/// What a keeper has seen of Redis.
struct Calm {
    /// Since when Redis has answered and its clock has run evenly. Before, other nodes could not renew their users
    /// either, or the times of renewals are not comparable.
    since: Instant,
    looked_at: Instant,
    looked_at_ms: u64,
}

impl PresenceKeeper {
    pub(super) fn new(services: Services, socket_counts: Arc<SocketCounts>, clock: Clock) -> Self {
        Self { services, socket_counts, clock }
    }

    /// Runs forever. Six steps make a lease: a user is renewed every second step, and expired by the step after its
    /// end.
    pub(super) async fn run(self, lease: Duration) {
        let step = lease / 6;
        let mut calm = Calm { since: Instant::now(), looked_at: Instant::now(), looked_at_ms: self.clock.now_ms() };
        let mut is_renewed = false;
        loop {
            // A random part, so that nodes do not look in step.
            tokio::time::sleep(step.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
            calm.look(self.clock.now_ms(), step);
            let is_calm = calm.since.elapsed() > lease / 2;
            match self.step(is_renewed && is_calm, is_calm.then_some(lease)).await {
                Ok(()) => is_renewed = !is_renewed,
                Err(error) => {
                    debug!(%error, "could not renew presence, trying again");
                    (is_renewed, calm.since) = (false, Instant::now());
                }
            }
        }
    }

    async fn step(&self, is_renewed: bool, lease: Option<Duration>) -> Result<()> {
        let presence = &self.services.presence;
        if !is_renewed {
            presence.renew(&self.socket_counts.users()).await?;
        }
        match lease.and_then(|lease| u64::try_from(lease.as_millis()).ok()) {
            Some(lease_ms) => presence.expire(lease_ms).await,
            None => Ok(()),
        }
    }
}

impl Calm {
    /// Begins again when the clock of Redis has jumped since the last call: another server may have taken over.
    fn look(&mut self, now_ms: u64, tolerance: Duration) {
        let expected_ms = self.looked_at_ms + u64::try_from(self.looked_at.elapsed().as_millis()).unwrap_or(0);
        if Duration::from_millis(now_ms.abs_diff(expected_ms)) > tolerance {
            self.since = Instant::now();
        }
        (self.looked_at, self.looked_at_ms) = (Instant::now(), now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_ends_the_calm() {
        let long_ago = Instant::now() - Duration::from_secs(60);
        let tolerance = Duration::from_secs(10);
        let mut calm = Calm { since: long_ago, looked_at: Instant::now(), looked_at_ms: 10_000_000 };
        calm.look(10_001_000, tolerance);
        assert_eq!(calm.since, long_ago);
        for now_ms in [6_400_000, 10_000_000] {
            calm.since = long_ago;
            calm.look(now_ms, tolerance);
            assert!(calm.since > long_ago);
        }
    }
}
