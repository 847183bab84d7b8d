//! Profiles: what users show of themselves.

use std::sync::Arc;

use super::limits::Limits;
use super::tokens::Tokens;
use super::uploads::Uploads;
use crate::domain::{Account, Caller, Error, ProfileChange, Result, UserCard, UserId, UserName};
use crate::store::{PictureOwner, Store};

/// Changes profiles and shows them to others.
pub struct Profiles {
    store: Store,
    tokens: Arc<Tokens>,
    limits: Arc<Limits>,
    uploads: Uploads,
}

impl Profiles {
    pub(super) fn new(store: Store, tokens: Arc<Tokens>, limits: Arc<Limits>, uploads: Uploads) -> Self {
        Self { store, tokens, limits, uploads }
    }

    /// Changes the caller's profile. A new name applies from the next message on, on every node and with tokens issued
    /// before. The user's connections are told what changed. The picture may be anywhere.
    ///
    /// # Errors
    /// `NameTaken`, also for a name that looks like another or is reserved; `UserNotFound`, `RateLimited`.
    pub async fn change(&self, caller: &Caller, mut change: ProfileChange) -> Result<Account> {
        self.limits.check_change(caller.id)?;
        if let Some(avatar) = &mut change.avatar {
            *avatar = self.uploads.stored_picture(avatar).await;
        }
        self.write(caller, &change).await
    }

    /// Like [`Self::change`]; the picture must be an upload.
    ///
    /// # Errors
    /// As [`Self::change`]; `Invalid(Avatar)` unless the picture was uploaded.
    pub async fn change_with_upload(&self, caller: &Caller, mut change: ProfileChange) -> Result<Account> {
        self.limits.check_change(caller.id)?;
        if let Some(avatar) = &mut change.avatar {
            *avatar = self.uploads.own_picture(avatar).await?;
        }
        self.write(caller, &change).await
    }

    async fn write(&self, caller: &Caller, change: &ProfileChange) -> Result<Account> {
        if change.name.as_ref().is_some_and(UserName::is_reserved) {
            return Err(Error::NameTaken);
        }
        let account = self.store.change_profile(caller.id, change).await?;
        self.tokens.rename(account.id, account.updated_at_ms, &account.name);
        match &change.avatar {
            Some(avatar) => self.keep_picture(caller.id, avatar.clone()).await,
            None => Ok(account),
        }
    }

    /// Records a picture as in use. Returns the account.
    async fn keep_picture(&self, user: UserId, mut kept: String) -> Result<Account> {
        loop {
            self.uploads.keep_picture(PictureOwner::User(user), &kept).await;
            let account = self.store.account(user).await?.ok_or(Error::UserNotFound)?;
            // Of changes at once the one that was written first may be recorded last, by this or another request.
            if account.avatar == kept {
                return Ok(account);
            }
            kept = account.avatar;
        }
    }

    /// What others see of these users, without those that do not exist.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn cards(&self, users: &[UserId]) -> Result<Vec<UserCard>> {
        self.store.cards(users).await
    }
}
