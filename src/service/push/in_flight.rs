//! Limits the notifications in flight, in total and per user, so that a slow or unresponsive push service of one user
//! does not delay the notifications of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::domain::UserId;

const MAX_IN_ALL: usize = 512;
const MAX_PER_USER: usize = 16;

/// Counts of notifications in flight.
#[derive(Clone, Default)]
pub(super) struct InFlight {
    users: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    users: HashMap<UserId, usize>,
}

impl InFlight {
    /// Reserves a place until it is dropped; `None` when there is none left.
    pub(super) fn enter(&self, user: UserId) -> Option<Place> {
        let mut counts = self.users.lock().expect("no panic while held");
        let of_user = counts.users.get(&user).copied().unwrap_or(0);
        if counts.all >= MAX_IN_ALL || of_user >= MAX_PER_USER {
            return None;
        }
        counts.all += 1;
        counts.users.insert(user, of_user + 1);
        Some(Place { in_flight: self.clone(), user })
    }
}

/// The place of one notification.
pub(super) struct Place {
    in_flight: InFlight,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.in_flight.users.lock().expect("no panic while held");
        counts.all -= 1;
        match counts.users.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(counts.users.remove(&self.user)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_each_user_and_in_all() {
        let in_flight = InFlight::default();
        let places = |user: u64| (0..MAX_IN_ALL).map_while(|_| in_flight.enter(UserId(user))).collect::<Vec<_>>();
        let first = places(1);
        assert_eq!(first.len(), MAX_PER_USER);
        let others: Vec<Place> = (2..MAX_IN_ALL as u64).flat_map(places).collect();
        assert_eq!(first.len() + others.len(), MAX_IN_ALL);
        drop(first);
        assert_eq!(places(1).len(), MAX_PER_USER, "places are given back");
    }
}
