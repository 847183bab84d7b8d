//! Whether a token belongs to the account that has its number now. Redis may lose an account, and with it the number may
//! come to name nobody, or another.
//!
//! Each account has a random key, which its tokens carry. A node reads the binding of an account when it first sees a token
//! of it, and again after each break: from then on Redis may lack what was read before.

use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use moka::sync::Cache;

use super::revocations::Revocations;
use crate::domain::{AccountOrigin, Caller, Error, Result, TokenKey, UserId};
use crate::store::{Store, TokenBinding};

/// Maximum number of accounts whose binding a node remembers, about a hundred bytes each.
const MAX_KNOWN: u64 = 200_000;
/// Bindings that are read again in one round trip.
const READ_AT_ONCE: usize = 200;
/// How far the clocks of nodes of an earlier version may differ, in seconds. Their tokens have no key: they belong to the
/// account that existed when they were issued.
const MAX_SKEW_SECS: u64 = 60;

/// What a token says about the account that it was issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bond {
    pub(super) epoch: u64,
    /// Absent in tokens of earlier versions and of other issuers.
    pub(super) key: Option<TokenKey>,
    /// The account's, for a token of another issuer.
    pub(super) origin: Option<AccountOrigin>,
    /// Changes when a backup is restored.
    pub(super) generation: u64,
}

impl Bond {
    fn fits(self, issued_at_secs: u64, account: TokenBinding) -> bool {
        let created_at_secs = account.created_at_ms / 1000;
        let is_of_account = match (self.key, account.key) {
            // Bans end the server's own tokens; issuers go on issuing theirs.
            _ if self.origin.is_some() => self.origin == account.origin && !account.is_banned,
            (Some(of_token), Some(of_account)) => of_token == of_account,
            (Some(_), None) => false,
            // A node of an earlier version issued it, perhaps during an upgrade.
            (None, Some(_)) => issued_at_secs >= created_at_secs,
            (None, None) => issued_at_secs + MAX_SKEW_SECS >= created_at_secs,
        };
        is_of_account && self.epoch >= account.epoch
    }
}

/// The binding of an account when it was read; `None` when there was no account.
#[derive(Clone, Copy)]
struct Known {
    account: Option<TokenBinding>,
    /// The store's count of breaks before the reading.
    breaks: u64,
}

/// The bindings that a node has read.
pub(super) struct Bindings {
    accounts: Cache<UserId, Known, RandomState>,
    generation: AtomicU64,
}

impl Default for Bindings {
    fn default() -> Self {
        Self {
            accounts: Cache::builder().max_capacity(MAX_KNOWN).build_with_hasher(RandomState::default()),
            generation: AtomicU64::new(0),
        }
    }
}

impl Bindings {
    /// The generation of the tokens that are valid.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Forgets the binding of an account that has changed.
    pub(super) fn forget(&self, user: UserId) {
        self.accounts.invalidate(&user);
    }

    pub(super) fn set_generation(&self, generation: u64) {
        self.generation.store(generation, Ordering::Release);
    }

    /// Whether a token is known to belong to its account, without a look-up.
    pub(super) fn is_confirmed(&self, caller: &Caller, bond: Bond, breaks: u64) -> bool {
        let known = self.accounts.get(&caller.id).filter(|known| known.breaks == breaks);
        bond.generation == self.generation()
            && known.and_then(|known| known.account).is_some_and(|it| bond.fits(caller.logged_in_at_secs, it))
    }

    /// Whether a token, once confirmed, is known to belong to its account no longer.
    pub(super) fn is_refuted(&self, caller: &Caller, bond: Bond) -> bool {
        let fits = |account: TokenBinding| bond.fits(caller.logged_in_at_secs, account);
        bond.generation != self.generation()
            || self.accounts.get(&caller.id).is_some_and(|known| !known.account.is_some_and(fits))
    }

    /// Checks that a token belongs to its account: without a look-up when that is known, else in one round trip.
    ///
    /// # Errors
    /// `Unauthenticated`; `Unavailable`.
    pub(super) async fn confirm(
        &self,
        store: &Store,
        revocations: &Revocations,
        (caller, bond): (&Caller, Bond),
    ) -> Result<()> {
        if self.is_confirmed(caller, bond, store.breaks_of(caller.id)) {
            return Ok(());
        }
        match self.read(store, revocations, caller.id).await? {
            Some(account) if bond.generation == self.generation() && bond.fits(caller.logged_in_at_secs, account) => {
                Ok(())
            }
            Some(_) | None => Err(Error::Unauthenticated),
        }
    }

    /// Reads the binding of an account, and the generation.
    pub(super) async fn read(
        &self,
        store: &Store,
        revocations: &Revocations,
        user: UserId,
    ) -> Result<Option<TokenBinding>> {
        let breaks = store.breaks_of(user);
        let (account, generation) = store.token_binding(user).await?;
        if let Some(generation) = generation {
            self.set_generation(generation);
        }
        self.remember(user, Known { account, breaks }, revocations);
        Ok(account)
    }

    /// Remembers a binding, unless it was read before a change of the account that the node has heard of since.
    fn remember(&self, user: UserId, known: Known, revocations: &Revocations) {
        self.accounts.insert(user, known);
        // Behind the insertion: a change of which the node hears later forgets it.
        if known.account.is_some_and(|account| revocations.has_later(user, account.epoch)) {
            self.forget(user);
        }
    }

    /// Reads again all bindings that were read before the last break.
    pub(super) async fn read_again(&self, store: &Store, revocations: &Revocations) -> Result<()> {
        let outdated = self.accounts.iter().filter_map(|(user, known)| {
            let breaks = store.breaks_of(*user);
            (known.breaks != breaks).then_some((*user, breaks))
        });
        let outdated: Vec<(UserId, u64)> = outdated.collect();
        for some in outdated.chunks(READ_AT_ONCE) {
            let users: Vec<UserId> = some.iter().map(|(user, _)| *user).collect();
            for ((user, breaks), account) in some.iter().zip(store.token_bindings(&users).await?) {
                self.remember(*user, Known { account, breaks: *breaks }, revocations);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED_SECS: u64 = 1_000_000;

    fn account(key: Option<u64>) -> TokenBinding {
        let (key, created_at_ms) = (key.map(TokenKey), CREATED_SECS * 1000 + 999);
        TokenBinding { key, created_at_ms, epoch: 5, origin: None, is_banned: false }
    }

    fn bond(key: Option<u64>) -> Bond {
        Bond { epoch: 5, key: key.map(TokenKey), origin: None, generation: 0 }
    }

    #[test]
    fn a_token_with_a_key_fits_the_account_with_that_key() {
        for (token, found, fits) in [(7, Some(7), true), (7, Some(8), false), (7, None, false)] {
            assert_eq!(bond(Some(token)).fits(CREATED_SECS, account(found)), fits, "{token} {found:?}");
        }
    }

    #[test]
    fn a_token_without_a_key_fits_an_account_that_existed_when_it_was_issued() {
        for (key, issued_at_secs, fits) in [
            (None, CREATED_SECS, true),
            (None, CREATED_SECS - MAX_SKEW_SECS, true),
            (None, CREATED_SECS - MAX_SKEW_SECS - 1, false),
            (Some(7), CREATED_SECS, true),
            (Some(7), CREATED_SECS - 1, false),
        ] {
            assert_eq!(bond(None).fits(issued_at_secs, account(key)), fits, "{key:?} {issued_at_secs}");
        }
    }

    #[test]
    fn a_token_of_another_issuer_fits_the_account_of_its_origin_unless_that_is_banned() {
        let (own, other) = (AccountOrigin::of_subject("a", "b"), AccountOrigin::of_subject("a", "c"));
        let foreign = Bond { origin: Some(own), ..bond(None) };
        for (origin, is_banned, fits) in
            [(Some(own), false, true), (Some(own), true, false), (Some(other), false, false), (None, false, false)]
        {
            let account = TokenBinding { origin, is_banned, ..account(Some(7)) };
            assert_eq!(foreign.fits(0, account), fits, "{origin:?} {is_banned}");
            assert!(!Bond { epoch: 4, ..foreign }.fits(0, account), "issued before all tokens were ended");
        }
    }

    #[test]
    fn a_token_of_an_older_epoch_does_not_fit() {
        let older = Bond { epoch: 4, ..bond(Some(7)) };
        assert!(!older.fits(CREATED_SECS, account(Some(7))));
    }

    #[test]
    fn a_binding_is_relied_on_until_the_next_break() {
        let (bindings, caller) =
            (Bindings::default(), Caller { id: UserId(3), name: String::new(), logged_in_at_secs: 0 });
        assert!(!bindings.is_confirmed(&caller, bond(Some(7)), 0));
        assert!(!bindings.is_refuted(&caller, bond(Some(7))));
        bindings.accounts.insert(caller.id, Known { account: Some(account(Some(7))), breaks: 0 });
        assert!(bindings.is_confirmed(&caller, bond(Some(7)), 0));
        assert!(!bindings.is_confirmed(&caller, bond(Some(7)), 1));
        assert!(!bindings.is_refuted(&caller, bond(Some(7))), "a connection stays open until it is known");
        bindings.accounts.insert(caller.id, Known { account: None, breaks: 1 });
        assert!(!bindings.is_confirmed(&caller, bond(Some(7)), 1));
        assert!(bindings.is_refuted(&caller, bond(Some(7))));
    }

    #[test]
    fn a_token_of_another_generation_is_refuted() {
        let (bindings, caller) =
            (Bindings::default(), Caller { id: UserId(3), name: String::new(), logged_in_at_secs: 0 });
        bindings.accounts.insert(caller.id, Known { account: Some(account(Some(7))), breaks: 0 });
        bindings.set_generation(9);
        assert!(bindings.is_refuted(&caller, bond(Some(7))));
        assert!(bindings.is_confirmed(&caller, Bond { generation: 9, ..bond(Some(7)) }, 0));
    }
}
