//! What a node does by itself beside requests: listens to the others, reads what it may have missed, tidies.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::warn;

use crate::domain::Result;
use crate::edge::Limits;
use crate::fanout::LiveRooms;
use crate::service::{Services, Shared, Tokens};
use crate::store::{Feed, Store, StoreConfig, UserEvent};
use crate::telemetry::Metrics;

const REVOCATIONS_EVERY: Duration = Duration::from_secs(5);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// Starts pub/sub and loads what announcements may have said before.
///
/// # Errors
/// `Unavailable`.
pub(crate) async fn start_feed(
    config: &StoreConfig,
    store: &Store,
    tokens: &Arc<Tokens>,
    tasks: &mut JoinSet<()>,
) -> Result<LiveRooms> {
    let node = uuid::Uuid::new_v4().to_string();
    let (feed, deliveries, supervisor) = Feed::new(config, store.clone(), &node)?;
    tasks.spawn(supervisor);
    let live = LiveRooms::new(feed);
    let announced = Arc::clone(tokens);
    let on_user_event = move |event| match event {
        UserEvent::Revoked { user, epoch } => announced.revocations().raise(user, epoch),
    };
    tasks.spawn(live.clone().listen(deliveries, store.clone(), on_user_event));
    load_revocations(store, tokens).await?;
    Ok(live)
}

async fn load_revocations(store: &Store, tokens: &Tokens) -> Result<()> {
    for (user, epoch) in store.revocations().await? {
        tokens.revocations().raise(user, epoch);
    }
    Ok(())
}

/// Reads the revocations every few seconds: an announcement may have been lost.
pub(crate) async fn keep_revocations(store: Store, tokens: Arc<Tokens>) {
    loop {
        tokio::time::sleep(REVOCATIONS_EVERY).await;
        if let Err(error) = load_revocations(&store, &tokens).await {
            warn!(%error, "revocations not read");
        }
    }
}

/// Forgets what is quiet or old, in this node and in Redis.
pub(crate) async fn keep_house(store: Store, shared: Shared, limits: Arc<Limits>) {
    let services = Services::new(&store, &shared);
    loop {
        tokio::time::sleep(HOUSEKEEPING_EVERY).await;
        limits.forget_quiet();
        if let Err(error) = services.presence.keep_house().await {
            warn!(%error, "housekeeping not done");
        }
    }
}

/// Folds the figures and notes whether events arrive.
pub(crate) async fn keep_metrics(metrics: Metrics, live: LiveRooms) {
    loop {
        metrics.set_delivery_up(live.is_up());
        metrics.fold();
        tokio::time::sleep(METRICS_EVERY).await;
    }
}
