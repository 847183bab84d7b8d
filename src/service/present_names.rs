//! The present names of users whose tokens carry former ones.

use std::collections::HashMap;
use std::sync::RwLock;

use crate::domain::{Caller, UserId};

/// User → time of the latest rename, current name.
#[derive(Default)]
pub(super) struct PresentNames(RwLock<HashMap<UserId, (u64, String)>>);

impl PresentNames {
    /// Records a rename, unless a later one is known.
    pub(super) fn note(&self, user: UserId, at_ms: u64, name: &str) {
        let mut names = self.0.write().expect("no panic while held");
        let known = names.entry(user).or_default();
        if at_ms >= known.0 {
            *known = (at_ms, name.to_owned());
        }
    }

    /// Forgets all but the renames of these times.
    pub(super) fn retain(&self, is_kept: impl Fn(u64) -> bool) {
        self.0.write().expect("no panic while held").retain(|_, (at_ms, _)| is_kept(*at_ms));
    }

    /// Replaces the name in a token that was issued before a rename.
    pub(super) fn apply(&self, mut caller: Caller) -> Caller {
        let names = self.0.read().expect("no panic while held");
        if let Some((at_ms, name)) = names.get(&caller.id)
            && *at_ms / 1000 >= caller.logged_in_at_secs
        {
            caller.name.clone_from(name);
        }
        caller
    }
}
