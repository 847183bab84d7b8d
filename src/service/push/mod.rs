//! Notifications that reach users without an open window: Web Push (RFC 8030).
//!
//! The node that stores a direct message or a mention puts it into a bounded queue ([`Alerts`]); a separate task looks
//! up whom to notify and sends the notifications ([`PushSender`]). The sender of the message never waits for this.

mod alerts;
mod encryption;
mod in_flight;
mod sender;
mod vapid;

use std::sync::Arc;

pub use alerts::{Alert, Alerts};
pub use sender::PushSender;
pub use vapid::{Vapid, new_push_key};

use super::limits::Limits;
use crate::domain::{Caller, Endpoint, Error, Field, PushSubscription, Result, TokenTerms};
use crate::outbound::Outbound;
use crate::store::{Store, StoredPush};

/// What is needed to send notifications.
#[derive(Clone)]
pub struct PushAccess {
    /// Signs for this server.
    pub vapid: Arc<Vapid>,
    /// Reaches push services.
    pub outbound: Outbound,
}

/// Subscribes browsers.
pub struct Push {
    store: Store,
    limits: Arc<Limits>,
    access: Option<PushAccess>,
}

impl Push {
    pub(super) fn new(store: Store, limits: Arc<Limits>, access: Option<PushAccess>) -> Self {
        Self { store, limits, access }
    }

    fn access(&self) -> Result<&PushAccess> {
        self.access.as_ref().ok_or(Error::NotFound)
    }

    /// The public key with which browsers subscribe.
    ///
    /// # Errors
    /// `NotFound` when the settings turn notifications off.
    pub fn public_key(&self) -> Result<&str> {
        Ok(self.access()?.vapid.public_key())
    }

    /// Subscribes a browser of the caller for as long as the token of the request is valid. Idempotent. Beyond the
    /// maximum, the oldest subscription is removed.
    ///
    /// # Errors
    /// `NotFound` as [`Self::public_key`]; `Invalid` for an address to which nothing may be sent, and for a key that is none;
    /// `StorageFull`.
    pub async fn subscribe(&self, caller: &Caller, terms: TokenTerms, subscription: PushSubscription) -> Result<()> {
        let access = self.access()?;
        self.limits.check_memory()?;
        let endpoint: Endpoint = subscription.endpoint.parse().map_err(|_| Error::Invalid(Field::Endpoint))?;
        let may_be_plain = access.outbound.is_in_allowed_network(&endpoint);
        if !access.outbound.may_reach(&endpoint) || !(endpoint.is_encrypted() || may_be_plain) {
            return Err(Error::Invalid(Field::Endpoint));
        }
        encryption::check(&subscription)?;
        self.store.subscribe_push(caller.id, &StoredPush { subscription, terms }).await
    }

    /// Ends a subscription of the caller; no-op for one that has ended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn unsubscribe(&self, caller: &Caller, endpoint: &str) -> Result<()> {
        self.store.unsubscribe_push(caller.id, &[endpoint]).await
    }
}
