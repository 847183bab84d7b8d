//! Who holds a user name. A name is claimed under its folded form, and under the forms that its look-alikes share.
//!
//! Accounts of earlier versions keep their names even where two of them look alike: the first that is indexed holds the
//! form, and both are found by name. Versions without these forms leave some behind when they rename a user; such a claim is
//! replaced once it is too old to belong to a change in progress.

use redis::Pipeline;

use super::Store;
use super::redis::reply::{self, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Result, UserId, UserName, folded, looks};

/// A change of name takes seconds.
const SETTLED_AFTER_MS: u64 = 60_000;

impl Store {
    /// Whether a name is in use, or one that looks like it: a quick check before the costly password hash, which claims
    /// nothing.
    pub async fn is_name_taken(&self, name: &UserName) -> Result<bool> {
        let looks = looks(name.as_str());
        let mut pipeline = Pipeline::with_capacity(1 + looks.len());
        pipeline.cmd("GET").arg(self.keys.name(&name.folded()));
        for look in &looks {
            pipeline.cmd("GET").arg(self.keys.look(look));
        }
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        if !is_absent(&next(&mut replies)?) {
            return Ok(true);
        }
        for (look, reply) in looks.iter().zip(replies) {
            if !is_absent(&reply) && !self.is_stale(text(&reply)?, look).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The user who has a name, or is about to: the first form is claimed first.
    pub(super) async fn claimant(&self, name: &UserName) -> Result<Option<UserId>> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("GET").arg(self.keys.name(&name.folded()));
        if let Some(look) = looks(name.as_str()).first() {
            pipeline.cmd("GET").arg(self.keys.look(look));
        }
        for reply in self.connection.run(&pipeline).await?.iter().filter(|reply| !is_absent(reply)) {
            let user = text(reply)?.split(':').next().and_then(|user| user.parse().ok());
            if user.is_some() {
                return Ok(user.map(UserId));
            }
        }
        Ok(None)
    }

    /// Claims the forms of a name that its look-alikes share, all or none. Returns whether they belong to the user, who
    /// has those of the `current` name in any case.
    pub(super) async fn claim_looks(&self, user: UserId, name: &str, current: Option<&str>) -> Result<bool> {
        let mut claimed = Vec::new();
        for look in looks(name) {
            if !self.claim_look(user, &look).await? {
                self.release_looks(user, &claimed, current).await?;
                return Ok(false);
            }
            claimed.push(look);
        }
        Ok(true)
    }

    async fn claim_look(&self, user: UserId, look: &str) -> Result<bool> {
        let Some(claim) = self.try_claim(user, look, "").await? else { return Ok(true) };
        Ok(self.is_stale(&claim, look).await? && self.try_claim(user, look, &claim).await?.is_none())
    }

    /// Claims a form that nobody holds, or whose claim is `stale`. Returns the claim of another user.
    async fn try_claim(&self, user: UserId, look: &str, stale: &str) -> Result<Option<String>> {
        let key = self.keys.look(look);
        let args = [Arg::Number(user.0), Arg::Number(self.now_ms()), Arg::Text(stale)];
        let call = Call { script: &scripts::CLAIM_LOOK, keys: &[&key], args: &args };
        reply::read(self.writer.run_script(&call, &[]).await?.0)
    }

    /// Whether a claim belongs to nobody: its user has another name by now or none, and no change is in progress.
    async fn is_stale(&self, claim: &str, look: &str) -> Result<bool> {
        let Some((user, at_ms)) = claim.split_once(':') else { return Ok(true) };
        let at_ms: u64 = at_ms.parse().unwrap_or(0);
        if at_ms + SETTLED_AFTER_MS > self.now_ms() {
            return Ok(false);
        }
        let Ok(user) = user.parse().map(UserId) else { return Ok(true) };
        let Some(holder) = self.names(&[user]).await?.pop() else { return Ok(true) };
        if !looks(&holder.name).iter().any(|held| held == look) {
            return Ok(true);
        }
        // A node that crashed while it registered the user.
        Ok(self.holder(&self.keys.name(&folded(&holder.name))).await? != Some(user))
    }

    /// Releases forms that a user holds, except those of the name that the user keeps.
    async fn release_looks(&self, user: UserId, released: &[String], kept: Option<&str>) -> Result<()> {
        let kept = kept.map(looks).unwrap_or_default();
        for look in released.iter().filter(|look| !kept.contains(look)) {
            let key = self.keys.look(look);
            let call = Call { script: &scripts::RELEASE_LOOK, keys: &[&key], args: &[Arg::Number(user.0)] };
            self.writer.run_script(&call, &[]).await?;
        }
        Ok(())
    }

    /// Releases what a user holds of a name, except what belongs to the name that the user keeps as well.
    pub(super) async fn release_look_alikes(&self, user: UserId, name: &str, kept: Option<&str>) -> Result<()> {
        self.release_looks(user, &looks(name), kept).await
    }

    /// Adds the commands that claim the forms of a name that nobody holds, for an account of an earlier version.
    pub(super) fn claim_free_looks(&self, pipeline: &mut Pipeline, user: UserId, name: &str) {
        for look in looks(name) {
            pipeline.cmd("SET").arg(self.keys.look(&look)).arg(format!("{user}:{}", self.now_ms())).arg("NX");
        }
    }
}
