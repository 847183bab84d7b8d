//! Messages that arrive through incoming webhooks.

use super::hook_makers::may_have_hooks;
use super::messages::Messages;
use super::pace::Pace;
use crate::domain::{Caller, Client, Error, HookToken, Message, NewMessage, Result};

impl Messages {
    /// Sends through the incoming webhook with this token, within the rates of a user.
    ///
    /// # Errors
    /// `NotFound` for an unknown token, which counts as a refused token of the address, and when the webhook's account is
    /// banned or deleted; `Forbidden` when its maker may have no webhook in the room any more; and as [`Self::send`].
    pub async fn send_by_hook(&self, token: &HookToken, client: &Client, message: NewMessage) -> Result<Message> {
        let Some(hook) = self.store.use_hook(token).await? else {
            self.limits.check_refused_token(client)?;
            return Err(Error::NotFound);
        };
        if !may_have_hooks(&self.store, hook.origin.made_by, hook.room).await? {
            return Err(Error::Forbidden);
        }
        let account =
            self.store.account(hook.bot).await?.filter(|account| !account.is_banned).ok_or(Error::NotFound)?;
        let caller = Caller { id: account.id, name: account.name, logged_in_at_secs: 0 };
        self.append_at(Pace::Hook, hook.room, &caller, message).await.map(|sent| sent.message)
    }
}
