//! What a node does by itself beside requests: listens to the others, reads what it may have missed, tidies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::tasks::Tasks;
use crate::domain::{Result, now_ms};
use crate::edge::Limits;
use crate::fanout::FollowedRooms;
use crate::service::{Services, Shared, Tokens};
use crate::store::{PubSubEvent, Store, StoreConfig, Subscriber, UserEvent};

const CHANGES_EVERY: Duration = Duration::from_secs(5);
/// By how much this clock and that of Redis may differ.
const CLOCKS_DIFFER_MS: u64 = 60_000;
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
const OLD_FILES_EVERY: Duration = Duration::from_secs(60 * 60);

/// Starts pub/sub and loads what announcements may have said before.
///
/// # Errors
/// `Unavailable`.
pub(super) async fn start_pubsub(
    config: &StoreConfig,
    store: &Store,
    node: &str,
    shared: &Shared,
    tasks: &mut Tasks,
) -> Result<FollowedRooms> {
    let (subscriber, supervisor) = Subscriber::new(config, store.clone(), node)?;
    let followed_rooms = FollowedRooms::new(subscriber, store.clone(), Arc::clone(&shared.metrics));
    let (announced, rooms) = (Arc::clone(&shared.tokens), followed_rooms.clone());
    tasks.spawn(
        "pub/sub",
        supervisor.run(move |event| {
            match &event {
                PubSubEvent::User(UserEvent::Revoked { user, epoch }) => announced.revocations().raise(*user, *epoch),
                PubSubEvent::User(UserEvent::Renamed { user, at_ms, name }) => announced.rename(*user, *at_ms, name),
                PubSubEvent::User(_)
                | PubSubEvent::Room(..)
                | PubSubEvent::Connected
                | PubSubEvent::Subscribed(_)
                | PubSubEvent::Lost => {}
            }
            rooms.handle(event);
        }),
    );
    tasks.spawn("followed rooms", followed_rooms.clone().sweep());
    load_changes(store, &shared.tokens, 0).await?;
    Ok(followed_rooms)
}

/// Reads what happened to users: every revocation, and names changed since a time.
async fn load_changes(store: &Store, tokens: &Tokens, since_ms: u64) -> Result<()> {
    for (user, epoch) in store.revocations().await? {
        tokens.revocations().raise(user, epoch);
    }
    for (user, at_ms, name) in store.renames(since_ms).await? {
        tokens.rename(user, at_ms, &name);
    }
    Ok(())
}

/// Reads every few seconds what happened to users: an announcement may have been lost.
pub(super) async fn follow_account_changes(store: Store, tokens: Arc<Tokens>) {
    let mut since_ms = now_ms();
    loop {
        tokio::time::sleep(CHANGES_EVERY).await;
        let read_at_ms = now_ms();
        match load_changes(&store, &tokens, since_ms.saturating_sub(CLOCKS_DIFFER_MS)).await {
            Ok(()) => since_ms = read_at_ms,
            Err(error) => warn!(%error, "changes of users not read"),
        }
    }
}

/// Forgets what is quiet or old, in this node and in Redis.
pub(super) async fn housekeeping(store: Store, shared: Shared, limits: Arc<Limits>, keep_days: u64) {
    let services = Services::new(&store, &shared);
    let mut looked_at = Instant::now();
    loop {
        tokio::time::sleep(HOUSEKEEPING_EVERY).await;
        if keep_days > 0 && looked_at.elapsed() >= OLD_FILES_EVERY {
            looked_at = Instant::now();
            match services.uploads.remove_older_than(keep_days).await {
                Ok(0) => {}
                Ok(removed) => info!(removed, "old uploads removed"),
                Err(error) => warn!(%error, "old uploads not removed"),
            }
        }
        limits.forget_quiet();
        if let Err(error) = services.presence.housekeeping().await {
            warn!(%error, "housekeeping not done");
        }
    }
}
