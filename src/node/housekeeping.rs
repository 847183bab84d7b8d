//! Background work of a node: receives the events of other nodes, re-reads account changes, follows the clock of Redis,
//! writes collected activity, and removes old state.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{debug, error, info, warn};

use super::tasks::Tasks;
use crate::domain::Result;
use crate::fanout::FollowedRooms;
use crate::metrics::{Gauge, Metrics};
use crate::service::{Services, Shared, Tokens, Uploads};
use crate::store::{NodeEvent, PubSubEvent, ReplicaCounts, Store, Supervisor, UserEvent};

/// A revocation is effective within a second, also where its announcement does not arrive.
const ACCOUNT_CHANGES_EVERY: Duration = Duration::from_millis(800);
/// What a node gathers is written this often.
const GATHERED_EVERY: Duration = Duration::from_secs(1);
const CLOCK_EVERY: Duration = Duration::from_secs(2);
/// Offset of the machine's clock from which operators are warned.
pub(super) const MAX_OFFSET_MS: u64 = 2000;
/// Interval at which replicas are measured.
const REPLICAS_EVERY: Duration = Duration::from_secs(1);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);

/// Starts pub/sub for a node. What is returned is notified of each connection to Redis, which may be to another server.
pub(super) fn start_pubsub(
    supervisor: Supervisor,
    followed_rooms: &FollowedRooms,
    store: &Store,
    shared: &Shared,
    tasks: &mut Tasks,
) -> Arc<Notify> {
    let (tokens, rooms, clock_store) = (Arc::clone(&shared.tokens), followed_rooms.clone(), store.clone());
    let questions = Arc::clone(&shared.questions);
    let connected = Arc::new(Notify::new());
    let reconnected = Arc::clone(&connected);
    tasks.spawn(
        "pub/sub",
        supervisor.run(move |event| {
            match &event {
                PubSubEvent::User(UserEvent::Revoked { user, epoch }) => tokens.end_before(*user, *epoch),
                PubSubEvent::User(UserEvent::Ended { token, .. }) => tokens.revocations().end(*token),
                PubSubEvent::User(UserEvent::Deleted { user, at_ms }) => clock_store.note_deleted(*user, *at_ms),
                PubSubEvent::User(UserEvent::Renamed { user, at_ms, name }) => tokens.rename(*user, *at_ms, name),
                // Another server may have taken over.
                PubSubEvent::Connected => {
                    connected.notify_one();
                    drop(tokio::spawn(read_clock(clock_store.clone())));
                }
                PubSubEvent::Node(NodeEvent::Answered { question, trace }) => questions.answer(*question, trace),
                PubSubEvent::Node(NodeEvent::Asked { .. } | NodeEvent::Traced { .. }) => {}
                PubSubEvent::User(_) | PubSubEvent::Room(..) | PubSubEvent::Subscribed(_) | PubSubEvent::Lost(_) => {}
            }
            rooms.handle(event);
        }),
    );
    tasks.spawn("followed rooms", followed_rooms.clone().sweep());
    reconnected
}

/// Follows account changes, and checks that Redis still has what was read: every so often, because pub/sub may lose
/// announcements, and at each connection to Redis.
pub(super) async fn follow_account_changes(
    mut progress: Progress,
    store: Store,
    tokens: Arc<Tokens>,
    reconnected: Arc<Notify>,
) {
    let mut has_failed = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(ACCOUNT_CHANGES_EVERY) => {}
            () = reconnected.notified() => {}
        }
        match progress.advance(&store, &tokens).await {
            Ok(()) => has_failed = false,
            Err(error) if !has_failed => {
                has_failed = true;
                warn!(%error, "could not read account changes, trying again");
            }
            Err(_) => {}
        }
    }
}

/// How far the account changes are read.
pub(super) struct Progress {
    /// Time of the last reading by the clock of Redis.
    read_at_ms: u64,
    /// The store's count of breaks before it.
    breaks: u64,
}

impl Progress {
    /// Reads all account changes, at the start of a node.
    ///
    /// # Errors
    /// `Unavailable` when Redis does not answer.
    pub(super) async fn begin(store: &Store, tokens: &Tokens) -> Result<Self> {
        let breaks = store.breaks();
        Ok(Self { read_at_ms: tokens.read_changes(store, 0).await?, breaks })
    }

    async fn advance(&mut self, store: &Store, tokens: &Tokens) -> Result<()> {
        store.check_continuity().await?;
        let breaks = store.breaks();
        if breaks != self.breaks {
            // Another server has another clock, and may lack what was read.
            tokens.read_bindings_again(store).await?;
            self.read_at_ms = 0;
        }
        self.read_at_ms = tokens.read_changes(store, self.read_at_ms).await?;
        self.breaks = breaks;
        Ok(())
    }
}

/// Writes once a second the activity that this node has collected.
pub(super) async fn write_gathered(store: Store) {
    loop {
        tokio::time::sleep(GATHERED_EVERY).await;
        if let Err(error) = store.write_gathered().await {
            debug!(%error, "could not write counts and activity; the next time includes them");
        }
    }
}

/// Keeps the node's clock in step with Redis', and says when the machine's differs too much.
pub(super) async fn follow_clock(store: Store, metrics: Arc<Metrics>) {
    let mut has_warned = false;
    loop {
        let offset_ms = store.clock().offset_ms();
        metrics.set(Gauge::ClockSkew, offset_ms.unsigned_abs());
        let is_wrong = offset_ms.unsigned_abs() >= MAX_OFFSET_MS;
        if is_wrong && !has_warned {
            warn!(offset_ms, "the clocks of this machine and of Redis differ; synchronize them");
        }
        if has_warned && !is_wrong {
            info!(offset_ms, "the clocks of this machine and of Redis agree again");
        }
        has_warned = is_wrong;
        tokio::time::sleep(CLOCK_EVERY).await;
        read_clock(store.clone()).await;
    }
}

async fn read_clock(store: Store) {
    if let Err(error) = store.read_clock().await {
        debug!(%error, "could not read the clock of Redis");
    }
}

/// Removes expired state every minute, on this node and in Redis.
pub(super) async fn housekeeping(services: Services) {
    loop {
        if let Err(error) = services.rooms.housekeeping().await {
            warn!(%error, "could not finish changes of membership that other nodes left half-done");
        }
        if let Err(error) = services.accounts.housekeeping().await {
            warn!(%error, "could not finish deletions of accounts");
        }
        if let Err(error) = services.room_removals.housekeeping().await {
            warn!(%error, "could not finish removals of rooms that other nodes left half-done");
        }
        tokio::time::sleep(HOUSEKEEPING_EVERY).await;
        services.limits.forget_quiet();
        if let Err(error) = services.presence.housekeeping().await {
            warn!(%error, "housekeeping of presence failed");
        }
    }
}

/// Removes files that are not needed any more.
pub(super) async fn look_after_uploads(uploads: Uploads, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match uploads.look_after(every).await {
            Ok(0) => {}
            Ok(removed) => info!(removed, "removed unused uploads"),
            Err(error) => warn!(%error, "could not remove unused uploads, trying again"),
        }
    }
}

/// Measures every second how many replicas receive writes. Writes require fewer when too many have been missing for
/// `redis.durability_floor_secs`.
pub(super) async fn watch_replicas(store: Store, metrics: Arc<Metrics>) {
    let mut before: Option<ReplicaCounts> = None;
    loop {
        match store.check_replicas().await {
            Ok(Some(counts)) => {
                metrics.set(Gauge::ReplicasWanted, counts.wanted.into());
                metrics.set(Gauge::ReplicasInForce, counts.in_force.into());
                metrics.set(Gauge::ReplicasReached, counts.reached.into());
                log_replicas(before, counts);
                before = Some(counts);
            }
            Ok(None) => {}
            Err(error) => debug!(%error, "could not measure how many replicas receive writes"),
        }
        tokio::time::sleep(REPLICAS_EVERY).await;
    }
}

fn log_replicas(before: Option<ReplicaCounts>, ReplicaCounts { wanted, in_force, reached }: ReplicaCounts) {
    let before = before.unwrap_or(ReplicaCounts { wanted, in_force: wanted, reached: wanted });
    if in_force < before.in_force {
        error!(
            wanted,
            in_force, "too few replicas for too long: writes are acknowledged although fewer have received them"
        );
    } else if in_force > before.in_force {
        warn!(wanted, in_force, "replicas are back: writes wait for the full number again");
    } else if reached < in_force && before.reached >= before.in_force {
        warn!(in_force, reached, "too few replicas receive writes, which are refused meanwhile");
    } else if reached >= in_force && before.reached < before.in_force {
        info!(in_force, reached, "enough replicas receive writes again");
    }
}
