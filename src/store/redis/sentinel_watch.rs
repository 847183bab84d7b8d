//! Listens to the sentinels, all of them, because any one may be cut off.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::SendError;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, PushInfo, PushKind, RedisResult};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use super::reply;
use super::sentinel::{SIGNS, Sign, sign};
use super::servers::Servers;

const PING_EVERY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_PAUSE: Duration = Duration::from_millis(500);

impl Servers {
    /// Leaves the primary as soon as a sentinel says that it is replaced. Does nothing without sentinels, and never
    /// returns.
    pub(super) async fn watch(self: &Arc<Self>) {
        if self.has_sentinels() {
            join_all((0..self.addresses().len()).map(|index| self.listen(index))).await;
        }
        std::future::pending::<()>().await;
    }

    /// Listens to one sentinel, forever.
    async fn listen(self: &Arc<Self>, index: usize) {
        let mut is_heard = true;
        loop {
            let sentinel = match self.sentinel_addresses().await {
                Ok(mut sentinels) => sentinels.swap_remove(index),
                Err(error) => {
                    debug!(error = %self.condition.complain(error), "could not ask a sentinel");
                    tokio::time::sleep(RETRY_PAUSE).await;
                    continue;
                }
            };
            let address = sentinel.addr().to_string();
            let was_heard = is_heard;
            let outcome = self.hear(sentinel, &mut is_heard).await;
            let reason = outcome.err().map_or_else(|| "the connection ended".to_owned(), |error| error.to_string());
            if was_heard || is_heard {
                warn!(address, error = reason, "lost the connection to a sentinel");
            }
            is_heard = false;
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Listens until the connection ends.
    async fn hear(self: &Arc<Self>, sentinel: ConnectionInfo, is_heard: &mut bool) -> RedisResult<()> {
        let address = sentinel.addr().to_string();
        let ended = Arc::new(Notify::new());
        let (servers, signal) = (Arc::clone(self), Arc::clone(&ended));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    signal.notify_one();
                    return Err(SendError);
                }
                if let Some(sign) = servers.sign_of(&push) {
                    servers.heed(&sign);
                }
                Ok(())
            });
        let mut connection = Client::open(sentinel)?.get_multiplexed_async_connection_with_config(&config).await?;
        for channel in SIGNS {
            connection.subscribe(channel).await?;
        }
        *is_heard = true;
        info!(address, "listening to a sentinel");
        // Signs may have been published before.
        let mut has_asked = false;
        loop {
            if !has_asked && let Ok(sign) = self.ask_sentinels().await {
                self.heed(&sign);
                has_asked = true;
            }
            tokio::select! {
                () = ended.notified() => return Ok(()),
                () = tokio::time::sleep(PING_EVERY) => redis::cmd("PING").exec_async(&mut connection).await?,
            }
        }
    }

    fn sign_of(&self, push: &PushInfo) -> Option<Sign> {
        let (PushKind::Message, [channel, payload]) = (&push.kind, push.data.as_slice()) else { return None };
        sign(reply::text(channel).ok()?, reply::text(payload).ok()?, self.primary_name()?)
    }
}
