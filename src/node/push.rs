//! Notifications without an open window: their key, and the tasks that send them.

use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio::sync::mpsc;

use super::tasks::Tasks;
use crate::config::Config;
use crate::domain::Result;
use crate::outbound::Outbound;
use crate::service::{Alert, PushAccess, PushSender, Shared, Vapid, new_push_key};
use crate::store::Store;

/// Reads the configured key, or the one in Redis, which the first node generates. `None` when the settings turn
/// notifications off.
///
/// # Errors
/// `Unavailable`; `Internal` when the key is none.
pub(super) async fn access(config: &Config, store: &Store, outbound: &Outbound) -> Result<Option<PushAccess>> {
    if !config.push.enabled {
        return Ok(None);
    }
    let key = match config.push.key.expose_secret() {
        "" => store.push_key(&new_push_key()).await?.into(),
        key => key.into(),
    };
    let vapid = Vapid::new(&key, config.push.contact(&config.server.public_url))?;
    Ok(Some(PushAccess { vapid: Arc::new(vapid), outbound: outbound.clone() }))
}

/// Starts the tasks that send notifications, if the settings allow any.
pub(super) fn start(alerts: mpsc::Receiver<Alert>, shared: &Shared, store: &Store, tasks: &mut Tasks) {
    let Some(access) = shared.push.clone() else { return };
    let sender = PushSender::new(store.clone(), Arc::clone(&shared.tokens), access, Arc::clone(&shared.metrics));
    tasks.spawn("notifications", sender.run(alerts));
    tasks.spawn("focus", Arc::clone(&shared.focus).tell(store.clone()));
}
