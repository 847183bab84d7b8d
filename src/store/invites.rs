//! Invites to register, kept under a digest of their code.
//!
//! An invite and the accounts that it makes lie in different slots, so no script can change both. An account therefore
//! names the invite that it still has to use. Registration ends by using it, in a script that counts each account
//! once; the first log-in does the same if registration was interrupted. An account that cannot use its invite is removed.

use redis::Pipeline;
use sha2::{Digest, Sha256};

use super::Store;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Account, InviteCode, InviteTerms, Result, hex};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What an invite is kept under.
pub(super) fn digest(code: &InviteCode) -> String {
    hex(&Sha256::digest(code.expose())[..16])
}

impl Store {
    /// Stores an invite. Returns when it expires, UTC milliseconds.
    pub async fn create_invite(&self, code: &InviteCode, terms: InviteTerms) -> Result<u64> {
        let (key, lifetime_ms) = (self.keys.invite(&digest(code)), u64::from(terms.days) * DAY_MS);
        let args = [Arg::Number(terms.uses.into()), Arg::Number(lifetime_ms)];
        let call = Call { script: &scripts::CREATE_INVITE, keys: &[&key], args: &args };
        self.writer.run_script(&call, &[]).await?;
        Ok(self.now_ms() + lifetime_ms)
    }

    /// Whether an invite has a use left: a quick check before the costly password hash, which uses nothing.
    pub async fn is_invite_open(&self, code: &InviteCode) -> Result<bool> {
        let key = self.keys.invite(&digest(code));
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HGET").arg(&key).arg("uses");
        pipeline.cmd("HLEN").arg(&key);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let uses: Option<u64> = reply::read(next(&mut replies)?)?;
        let fields: u64 = reply::read(next(&mut replies)?)?;
        Ok(uses.is_some_and(|uses| fields <= uses))
    }

    /// Uses the invite that an account still has to use. Returns whether that was possible; otherwise the account is
    /// removed.
    pub async fn use_invite(&self, account: &Account) -> Result<bool> {
        let Some(digest) = &account.unused_invite else { return Ok(true) };
        let key = self.keys.invite(digest);
        let call = Call { script: &scripts::TAKE_INVITE, keys: &[&key], args: &[Arg::Number(account.id.0)] };
        let is_used: bool = reply::read(self.writer.run_script(&call, &[]).await?.0)?;
        if is_used {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("HDEL").arg(self.keys.user(account.id)).arg("invite");
            self.writer.run(&pipeline).await?;
        } else {
            self.release_look_alikes(account.id, &account.name, None).await?;
            self.release_keys(account.id, &account.name, &account.email, 0).await?;
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("DEL").arg(self.keys.user(account.id));
            self.writer.run(&pipeline).await?;
        }
        Ok(is_used)
    }
}
