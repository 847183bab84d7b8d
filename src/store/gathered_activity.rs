//! Activity that a node has not written yet: the latest of each user, in memory. Its workers share it.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use foldhash::HashMap;

use super::activity::{Activity, GIVEN_UP_AFTER};
use crate::domain::UserId;

/// Maximum number of users whose activity a node collects. That of further ones is written at once.
const MAX_GATHERED: usize = 100_000;

struct Gathered {
    activity: Arc<Activity>,
    since: Instant,
    /// Whether Redis did not take it.
    has_failed: bool,
}

#[derive(Default)]
struct Waiting {
    users: HashMap<UserId, Gathered>,
    /// Whether Redis did not take the last write.
    is_refused: bool,
}

/// The latest activity of each user that this node has not written yet.
#[derive(Clone, Default)]
pub(super) struct GatheredActivity(Arc<Mutex<Waiting>>);

impl GatheredActivity {
    /// Adds activity in place of earlier activity of the user. Returns it when it must be written at once: there is too
    /// much, or the last write or the user's failed.
    pub(super) fn add(&self, mut activity: Activity) -> Result<(), Activity> {
        let mut waiting = self.0.lock().expect("no panic while held");
        let user = activity.caller.id;
        let earlier = waiting.users.get(&user);
        if let Some(earlier) = earlier {
            activity.renews |= earlier.activity.renews;
        }
        let is_full = earlier.is_none() && waiting.users.len() >= MAX_GATHERED;
        if is_full || waiting.is_refused || earlier.is_some_and(|earlier| earlier.has_failed) {
            return Err(activity);
        }
        let gathered = Gathered { activity: Arc::new(activity), since: Instant::now(), has_failed: false };
        waiting.users.insert(user, gathered);
        Ok(())
    }

    pub(super) fn all(&self) -> Vec<Arc<Activity>> {
        let mut waiting = self.0.lock().expect("no panic while held");
        waiting.users.retain(|_, it| it.since.elapsed() < GIVEN_UP_AFTER);
        waiting.users.values().map(|it| Arc::clone(&it.activity)).collect()
    }

    pub(super) fn of(&self, user: UserId) -> Option<Arc<Activity>> {
        let waiting = self.0.lock().expect("no panic while held");
        waiting.users.get(&user).map(|it| Arc::clone(&it.activity))
    }

    pub(super) fn forget(&self, user: UserId) {
        self.0.lock().expect("no panic while held").users.remove(&user);
    }

    /// Removes what was written, except for users who were active again meanwhile.
    pub(super) fn note_outcome(&self, activities: &[Arc<Activity>], is_written: impl Fn(UserId) -> bool) {
        let mut waiting = self.0.lock().expect("no panic while held");
        waiting.is_refused = false;
        for activity in activities {
            let user = activity.caller.id;
            let is_written = is_written(user);
            waiting.is_refused |= !is_written;
            let Some(gathered) = waiting.users.get_mut(&user) else { continue };
            gathered.has_failed |= !is_written;
            if is_written && Arc::ptr_eq(&gathered.activity, activity) {
                waiting.users.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(gathered: &GatheredActivity, user: u64, at_ms: u64) -> bool {
        gathered.add(Activity::sample(user, at_ms, false)).is_ok()
    }

    #[test]
    fn the_latest_activity_of_a_user_is_written_and_a_renewal_is_not_lost() {
        let gathered = GatheredActivity::default();
        for (at_ms, renews) in [(1, false), (2, true), (3, false)] {
            gathered.add(Activity::sample(7, at_ms, renews)).expect("room for it");
        }
        let writing = gathered.all();
        assert_eq!(writing.iter().map(|it| (it.at_ms, it.renews)).collect::<Vec<_>>(), [(3, true)]);
        assert!(add(&gathered, 7, 4));
        gathered.note_outcome(&writing, |_| true);
        assert_eq!(gathered.of(UserId(7)).map(|it| it.at_ms), Some(4), "the user was active meanwhile");
        gathered.note_outcome(&gathered.all(), |_| true);
        assert!(gathered.all().is_empty());
    }

    #[test]
    fn nothing_is_gathered_until_a_write_succeeds_after_one_that_failed() {
        let gathered = GatheredActivity::default();
        assert!(add(&gathered, 7, 1) && add(&gathered, 8, 1));
        gathered.note_outcome(&gathered.all(), |_| false);
        for user in [7, 8, 9] {
            assert!(!add(&gathered, user, 2), "of user {user}");
        }
        assert_eq!(gathered.all().len(), 2, "what failed is kept");
        // One shard is back, or user 9 is not on the unavailable one.
        gathered.note_outcome(&[Arc::new(Activity::sample(9, 2, false))], |_| true);
        gathered.note_outcome(&[gathered.of(UserId(8)).expect("kept")], |_| true);
        assert!(add(&gathered, 8, 3) && add(&gathered, 9, 3));
        assert!(!add(&gathered, 7, 3), "of the user whose write failed");
        gathered.note_outcome(&gathered.all(), |_| true);
        assert!(add(&gathered, 7, 4));
    }

    #[test]
    fn what_is_gathered_is_bounded() {
        let gathered = GatheredActivity::default();
        for user in 0..MAX_GATHERED as u64 {
            assert!(add(&gathered, user, 1));
        }
        assert!(!add(&gathered, MAX_GATHERED as u64, 1));
        assert!(add(&gathered, 0, 2));
    }
}
