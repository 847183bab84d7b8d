//! Places for work that takes a processor for long, shared fairly among those who ask for it.
//!
//! Each asker has a queue of its own, and the queues take turns: however many places one asks for, the others wait for no
//! more than one of its turns. When no more may wait, those who have the longest queue give way.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::domain::{Error, Result};

/// How long those wait who are refused because too many wait already.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Who asks for a place: the clients at an address, or the operator, who has none.
pub(super) type Asker = Option<IpAddr>;

/// A number of places, and the queues for them.
pub(super) struct Places {
    state: Mutex<State>,
    max_waiting: usize,
}

struct State {
    free: usize,
    waiting: usize,
    queues: HashMap<Asker, VecDeque<Waiter>>,
    /// The askers with a queue, in the order of their turns.
    turns: VecDeque<Asker>,
    next_ticket: u64,
}

struct Waiter {
    ticket: u64,
    sender: oneshot::Sender<Place>,
}

/// A place. It is free again when this is dropped.
pub(super) struct Place(Option<Arc<Places>>);

/// Leaves the queue when the caller is gone before its turn.
struct Waiting<'a> {
    places: &'a Places,
    asker: Asker,
    ticket: u64,
}

impl Places {
    /// `free` places, for which at most `max_waiting` callers wait.
    pub(super) fn new(free: usize, max_waiting: usize) -> Arc<Self> {
        let state = State { free, waiting: 0, queues: HashMap::new(), turns: VecDeque::new(), next_ticket: 0 };
        Arc::new(Self { state: Mutex::new(state), max_waiting })
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// `RateLimited` when too many wait, or when others who wait for less take this caller's turn.
    pub(super) async fn take(self: &Arc<Self>, asker: Asker) -> Result<Place> {
        let (receiver, _waiting) = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Ok(Place(Some(Arc::clone(self))));
            }
            if state.waiting >= self.max_waiting && !state.displace_for(asker) {
                return Err(too_many());
            }
            let (ticket, receiver) = state.enqueue(asker);
            (receiver, Waiting { places: self, asker, ticket })
        };
        receiver.await.map_err(|_| too_many())
    }

    /// Gives a place to the next in turn.
    fn pass_on(self: &Arc<Self>) {
        let mut state = self.lock();
        while let Some(sender) = state.next() {
            let Err(mut unwanted) = sender.send(Place(Some(Arc::clone(self)))) else { return };
            unwanted.0 = None; // its drop would pass it on once more
        }
        state.free += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }
}

impl State {
    fn enqueue(&mut self, asker: Asker) -> (u64, oneshot::Receiver<Place>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting += 1;
        let queue = self.queues.entry(asker).or_default();
        if queue.is_empty() {
            self.turns.push_back(asker);
        }
        queue.push_back(Waiter { ticket, sender });
        (ticket, receiver)
    }

    /// Takes the next in turn from its queue.
    fn next(&mut self) -> Option<oneshot::Sender<Place>> {
        let asker = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&asker)?;
        let waiter = queue.pop_front()?;
        self.waiting -= 1;
        match queue.is_empty() {
            true => drop(self.queues.remove(&asker)),
            false => self.turns.push_back(asker),
        }
        Some(waiter.sender)
    }

    /// Refuses the last of the longest queue, unless the asker's own would be as long.
    fn displace_for(&mut self, asker: Asker) -> bool {
        let own = self.queues.get(&asker).map_or(0, VecDeque::len);
        let longest = self.queues.values_mut().max_by_key(|queue| queue.len());
        let Some(queue) = longest.filter(|queue| queue.len() > own + 1) else { return false };
        queue.pop_back();
        self.waiting -= 1;
        true
    }

    fn leave(&mut self, asker: Asker, ticket: u64) {
        let Some(queue) = self.queues.get_mut(&asker) else { return };
        let before = queue.len();
        queue.retain(|waiter| waiter.ticket != ticket);
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            self.queues.remove(&asker);
            self.turns.retain(|turn| *turn != asker);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.places.lock().leave(self.asker, self.ticket);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.0.take() {
            places.pass_on();
        }
    }
}

fn too_many() -> Error {
    Error::RateLimited { retry_after: RETRY_AFTER }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

    use futures_util::FutureExt;

    use super::*;

    type Take<'a> = Pin<Box<dyn Future<Output = Result<Place>> + 'a>>;

    fn asker(number: u8) -> Asker {
        Some([192, 0, 2, number].into())
    }

    /// A caller that waits already, as the first poll shows.
    fn waiting(places: &Arc<Places>, number: u8) -> Take<'_> {
        let mut take: Take<'_> = Box::pin(places.take(asker(number)));
        assert!(take.as_mut().now_or_never().is_none(), "{number} does not wait");
        take
    }

    fn is_served(take: &mut Take<'_>) -> Option<Place> {
        take.as_mut().now_or_never().map(|place| place.expect("a place"))
    }

    /// Free places, callers that wait, askers with a queue, turns.
    fn counts(places: &Arc<Places>) -> (usize, usize, usize, usize) {
        let state = places.lock();
        (state.free, state.waiting, state.queues.len(), state.turns.len())
    }

    fn first(places: &Arc<Places>) -> Place {
        places.take(asker(0)).now_or_never().expect("at once").expect("a place")
    }

    #[test]
    fn a_long_queue_delays_others_by_one_turn() {
        let places = Places::new(1, 100);
        let place = first(&places);
        let mut many: Vec<Take<'_>> = (0..20).map(|_| waiting(&places, 1)).collect();
        let (mut other, mut third) = (waiting(&places, 2), waiting(&places, 3));
        drop(place);
        let place = is_served(&mut many[0]).expect("the first in turn");
        assert!(is_served(&mut other).is_none());
        drop(place);
        let place = is_served(&mut other).expect("the second");
        drop(place);
        let place = is_served(&mut third).expect("the third");
        drop(place);
        assert!(is_served(&mut many[1]).is_some(), "then the first again");
    }

    #[test]
    fn those_who_are_gone_neither_take_a_turn_nor_count() {
        let places = Places::new(1, 2);
        let place = first(&places);
        drop(waiting(&places, 1));
        let gone = waiting(&places, 1);
        let mut stays = waiting(&places, 2);
        drop(gone);
        drop(place);
        let place = is_served(&mut stays).expect("the only one left");
        // A place that was passed on but not taken is passed on again.
        let (given, mut last) = (waiting(&places, 1), waiting(&places, 2));
        drop(place);
        drop(given);
        assert!(is_served(&mut last).is_some());
        drop(last);
        assert_eq!(counts(&places), (1, 0, 0, 0));
        drop(first(&places));
        assert_eq!(counts(&places), (1, 0, 0, 0));
    }

    #[test]
    fn when_too_many_wait_the_longest_queue_gives_way() {
        let places = Places::new(1, 3);
        let place = first(&places);
        let mut many: Vec<Take<'_>> = (0..3).map(|_| waiting(&places, 1)).collect();
        assert!(places.take(asker(1)).now_or_never().expect("at once").is_err(), "of their own");
        let mut other = waiting(&places, 2);
        assert!(many.pop().expect("three").now_or_never().expect("at once").is_err(), "the last of the longest queue");
        assert!(places.take(asker(2)).now_or_never().expect("at once").is_err(), "no queue is longer by more than one");
        let mut third = waiting(&places, 3);
        assert!(many.pop().expect("two").now_or_never().expect("at once").is_err());
        assert!(places.take(asker(4)).now_or_never().expect("at once").is_err(), "each has one turn");
        drop(place);
        drop(is_served(&mut many[0]).expect("one"));
        drop(is_served(&mut other).expect("two"));
        assert!(is_served(&mut third).is_some());
    }

    #[tokio::test]
    async fn no_place_is_ever_lost_or_given_twice() {
        let places = Places::new(2, 64);
        let busy = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..200_u8 {
            let (places, busy) = (Arc::clone(&places), Arc::clone(&busy));
            tasks.spawn(async move {
                // Every third caller is gone before its turn.
                if number % 3 == 0 {
                    drop(places.take(asker(number % 7)).now_or_never());
                    return;
                }
                let Ok(_place) = places.take(asker(number % 7)).await else { return };
                assert!(busy.fetch_add(1, SeqCst) < 2);
                tokio::task::yield_now().await;
                busy.fetch_sub(1, SeqCst);
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no panic");
        }
        assert_eq!(counts(&places), (2, 0, 0, 0));
    }
}
