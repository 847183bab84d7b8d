//! The channels to subscribe to, and which of them have changed since they were last processed.

use std::collections::HashSet;
use std::sync::Mutex;

use tokio::sync::Notify;

use super::keys::Topic;
use crate::domain::RoomId;

/// Requested topics. Bounded by the topics that exist, however long they are not processed.
#[derive(Default)]
pub(super) struct Topics {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    wanted: HashSet<Topic>,
    changed: HashSet<Topic>,
}

impl Topics {
    pub(super) fn add(&self, topic: Topic) {
        self.change(topic, |wanted| {
            wanted.insert(topic);
        });
    }

    pub(super) fn remove(&self, topic: Topic) {
        self.change(topic, |wanted| {
            wanted.remove(&topic);
        });
    }

    fn change(&self, topic: Topic, apply: impl FnOnce(&mut HashSet<Topic>)) {
        let mut state = self.state.lock().expect("no panic while held");
        apply(&mut state.wanted);
        state.changed.insert(topic);
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for changes and takes up to this many: the topics, and whether each is requested now.
    pub(super) async fn take_changes(&self, most: usize) -> Vec<(Topic, bool)> {
        loop {
            {
                let mut state = self.state.lock().expect("no panic while held");
                let some: Vec<Topic> = state.changed.iter().copied().take(most).collect();
                if !some.is_empty() {
                    some.iter().for_each(|topic| {
                        state.changed.remove(topic);
                    });
                    // Sets that were large once would stay so.
                    if state.changed.is_empty() {
                        state.changed = HashSet::new();
                    }
                    return some.into_iter().map(|topic| (topic, state.wanted.contains(&topic))).collect();
                }
            }
            self.changed.notified().await;
        }
    }

    /// All requested topics. Changes count as processed.
    pub(super) fn take_all(&self) -> Vec<Topic> {
        let mut state = self.state.lock().expect("no panic while held");
        state.changed = HashSet::new();
        state.wanted.iter().copied().collect()
    }

    /// The requested rooms.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        let state = self.state.lock().expect("no panic while held");
        let rooms = state.wanted.iter().filter_map(|topic| match topic {
            Topic::Room(room) => Some(*room),
            Topic::Users(_) | Topic::Nodes => None,
        });
        rooms.collect()
    }

    pub(super) fn contains(&self, topic: Topic) -> bool {
        self.state.lock().expect("no panic while held").wanted.contains(&topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_are_taken_once_with_what_is_wanted_then() {
        let topics = Topics::default();
        let (one, two) = (Topic::Room(RoomId::GLOBAL), Topic::Users(3));
        topics.add(one);
        topics.add(two);
        topics.remove(one);
        let mut changes = topics.take_changes(10).await;
        changes.sort_by_key(|(_, is_wanted)| *is_wanted);
        assert_eq!(changes, [(one, false), (two, true)]);
        topics.add(two);
        assert_eq!(topics.take_changes(1).await, [(two, true)], "asked for again, it is confirmed again");
        topics.add(one);
        assert_eq!(topics.take_all().len(), 2);
        assert_eq!(topics.rooms(), [RoomId::GLOBAL]);
        topics.remove(one);
        assert_eq!(topics.take_changes(10).await, [(one, false)], "nothing is left of before");
    }
}
