//! Users who have a focused window on this node, and therefore need no push notifications.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing::debug;

use crate::domain::{Result, UserId};
use crate::store::{NODE_FOCUS_SECS, Store};

/// Interval at which the entries in Redis are renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(NODE_FOCUS_SECS * 2 / 5);
/// Pause after a write that failed.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Maximum number of users per write.
const USERS_AT_ONCE: usize = 256;

/// The windows of a node that have the focus. Shared by its workers.
#[derive(Default)]
pub struct Focus {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    windows: HashMap<UserId, u32>,
    /// Users whose state has to be written.
    news: HashSet<UserId>,
}

impl Focus {
    /// Records that a window of a user has the focus, until what is returned is dropped.
    pub fn enter(self: &Arc<Self>, user: UserId) -> FocusedWindow {
        let mut state = self.state.lock().expect("no panic while held");
        let windows = state.windows.entry(user).or_insert(0);
        *windows += 1;
        if *windows == 1 {
            state.news.insert(user);
            self.changed.notify_one();
        }
        FocusedWindow { focus: Arc::clone(self), user }
    }

    fn leave(&self, user: UserId) {
        let mut state = self.state.lock().expect("no panic while held");
        match state.windows.get_mut(&user) {
            Some(windows) if *windows > 1 => *windows -= 1,
            Some(_) | None => {
                state.windows.remove(&user);
                state.news.insert(user);
                self.changed.notify_one();
            }
        }
    }

    /// Takes the users whose state has to be written, including all others when they are to be renewed.
    fn take_news(&self, are_all_renewed: bool) -> Vec<(UserId, bool)> {
        let mut state = self.state.lock().expect("no panic while held");
        let State { windows, news } = &mut *state;
        if are_all_renewed {
            news.extend(windows.keys());
        }
        news.drain().map(|user| (user, windows.contains_key(&user))).collect()
    }

    fn put_back(&self, news: &[(UserId, bool)]) {
        self.state.lock().expect("no panic while held").news.extend(news.iter().map(|(user, _)| user));
    }

    /// Writes the state for the other nodes, forever. Nothing waits for it.
    pub async fn tell(self: Arc<Self>, store: Store) {
        let mut renewed_at = Instant::now();
        loop {
            let until_renewal = RENEWED_EVERY.saturating_sub(renewed_at.elapsed());
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(until_renewal) => {}
            }
            let are_all_renewed = renewed_at.elapsed() >= RENEWED_EVERY;
            if are_all_renewed {
                renewed_at = Instant::now();
            }
            if let Err(error) = self.write(&store, are_all_renewed).await {
                debug!(%error, "could not record which windows have the focus, trying again");
                tokio::time::sleep(RETRY_EVERY).await;
                self.changed.notify_one();
            }
        }
    }

    async fn write(&self, store: &Store, are_all_renewed: bool) -> Result<()> {
        let news = self.take_news(are_all_renewed);
        for some in news.chunks(USERS_AT_ONCE) {
            if let Err(error) = store.note_focus(some).await {
                self.put_back(&news);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// One window with the focus.
pub struct FocusedWindow {
    focus: Arc<Focus>,
    user: UserId,
}

impl Drop for FocusedWindow {
    fn drop(&mut self) {
        self.focus.leave(self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_focus_until_the_last_window_loses_it() {
        let (focus, user) = (Arc::new(Focus::default()), UserId(3));
        let first = focus.enter(user);
        assert_eq!(focus.take_news(false), [(user, true)]);
        let second = focus.enter(user);
        drop(first);
        assert_eq!(focus.take_news(false), [], "nothing has changed");
        assert_eq!(focus.take_news(true), [(user, true)]);
        drop(second);
        assert_eq!(focus.take_news(false), [(user, false)]);
        assert_eq!(focus.take_news(true), []);
        focus.put_back(&[(user, true)]);
        assert_eq!(focus.take_news(false), [(user, false)], "as it is now");
    }
}
