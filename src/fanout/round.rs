//! Who may have the next turns of a worker, and who has how many under way.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use foldhash::HashMap;
use tokio::sync::oneshot;

use crate::domain::UserId;

/// Turns in a round, shared by those who wait for one. Each has one at least.
pub(super) const TURNS_IN_A_ROUND: usize = 32;
/// Clients without a valid token have as many turns together as this many accounts: whoever has no account may have
/// many addresses.
pub(super) const STRANGERS_COUNT_AS: usize = 8;
/// Turns that may be under way at the same time, shared by the accounts that have any. Each may have `LEAST_UNDER_WAY`.
pub(super) const UNDER_WAY: usize = 32;
pub(super) const LEAST_UNDER_WAY: usize = 4;
/// Maximum number of claimants whose turns are remembered.
const MOST_KNOWN: usize = 1024;

/// Who takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claimant {
    /// An account, over all of its connections.
    User(UserId),
    /// Clients without a valid token, by the address that counts for limits.
    Stranger(IpAddr),
}

/// What those who wait receive is a `T`.
pub(super) struct Round<T> {
    /// The turns that each may have in this round.
    share: usize,
    /// The turns that each claimant has had in this round, and all clients without a valid token together.
    had: HashMap<Claimant, usize>,
    had_by_strangers: usize,
    /// The turns of each account that are under way. Those of clients without a valid token are not bounded: they may
    /// last as long as the slowest client likes, and other such clients would wait for it.
    pub(super) under_way: HashMap<UserId, usize>,
    /// Those who wait, each claimant's in the order in which they came.
    pub(super) waiting: HashMap<Claimant, VecDeque<oneshot::Sender<T>>>,
    /// The claimants of `waiting`, in the order of their next turns.
    pub(super) order: VecDeque<Claimant>,
}

/// When those who still wait may have their turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// In the next round.
    Round,
    /// Once a turn has ended, or somebody else waits.
    Change,
    /// Nobody waits.
    Never,
}

impl<T> Default for Round<T> {
    fn default() -> Self {
        Self {
            share: TURNS_IN_A_ROUND,
            had: HashMap::default(),
            had_by_strangers: 0,
            under_way: HashMap::default(),
            waiting: HashMap::default(),
            order: VecDeque::new(),
        }
    }
}

/// Those who have a turn now.
pub(super) type Admitted<T> = Vec<(Claimant, oneshot::Sender<T>)>;

impl<T> Round<T> {
    /// Takes a turn at once if possible. Otherwise returns a receiver that resolves when it is due, and whether nobody
    /// else waits.
    pub(super) fn take(&mut self, claimant: Claimant) -> Option<(oneshot::Receiver<T>, bool)> {
        if !self.waiting.contains_key(&claimant) && self.admit(claimant) {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        let is_first = self.order.is_empty();
        match self.waiting.entry(claimant) {
            Entry::Occupied(mut line) => line.get_mut().push_back(sender),
            Entry::Vacant(place) => {
                place.insert(VecDeque::from([sender]));
                self.order.push_back(claimant);
            }
        }
        Some((receiver, is_first))
    }

    /// Counts a turn, unless the claimant has had all of this round or has too much under way.
    fn admit(&mut self, claimant: Claimant) -> bool {
        if self.had.len() >= MOST_KNOWN {
            self.forget();
        }
        let is_stranger = matches!(claimant, Claimant::Stranger(_));
        if is_stranger && self.had_by_strangers >= self.share * STRANGERS_COUNT_AS || self.is_busy(claimant) {
            return false;
        }
        let had = self.had.entry(claimant).or_default();
        if *had >= self.share {
            return false;
        }
        *had += 1;
        match claimant {
            Claimant::Stranger(_) => self.had_by_strangers += 1,
            Claimant::User(user) => *self.under_way.entry(user).or_default() += 1,
        }
        true
    }

    /// Whether a claimant has so much under way that the next turn must wait until one has ended.
    fn is_busy(&self, claimant: Claimant) -> bool {
        let Claimant::User(user) = claimant else { return false };
        let most = (UNDER_WAY / self.under_way.len().max(1)).max(LEAST_UNDER_WAY);
        self.under_way.get(&user).is_some_and(|turns| *turns >= most)
    }

    /// Ends a turn. Returns whether its claimant waits for another.
    pub(super) fn end(&mut self, claimant: Claimant) -> bool {
        if let Claimant::User(user) = claimant
            && let Entry::Occupied(mut turns) = self.under_way.entry(user)
        {
            *turns.get_mut() -= 1;
            if *turns.get() == 0 {
                turns.remove();
            }
        }
        self.waiting.contains_key(&claimant)
    }

    fn forget(&mut self) {
        self.had.clear();
        self.had_by_strangers = 0;
    }

    /// Begins a round: those who wait have their turns.
    pub(super) fn begin(&mut self) -> (Admitted<T>, Next) {
        self.forget();
        self.share = (TURNS_IN_A_ROUND / self.order.len().max(1)).max(1);
        let mut admitted = Vec::new();
        let (mut served, mut passed_over) = (VecDeque::new(), VecDeque::new());
        while let Some(claimant) = self.order.pop_front() {
            let before = admitted.len();
            self.admit_waiting(claimant, &mut admitted);
            if self.waiting.contains_key(&claimant) {
                let place = if admitted.len() > before { &mut served } else { &mut passed_over };
                place.push_back(claimant);
            }
        }
        passed_over.append(&mut served);
        self.order = passed_over;
        (admitted, self.next())
    }

    /// Lets those who wait first for a claimant have their turns.
    fn admit_waiting(&mut self, claimant: Claimant, admitted: &mut Admitted<T>) {
        let Some(mut line) = self.waiting.remove(&claimant) else { return };
        // Requests whose client has disconnected meanwhile take no turn.
        while let Some(turn) = line.pop_front() {
            if turn.is_closed() {
                continue;
            }
            if !self.admit(claimant) {
                line.push_front(turn);
                break;
            }
            admitted.push((claimant, turn));
        }
        if !line.is_empty() {
            self.waiting.insert(claimant, line);
        }
    }

    fn next(&self) -> Next {
        match self.order.iter().find(|claimant| !self.is_busy(**claimant)) {
            Some(_) => Next::Round,
            None if self.order.is_empty() => Next::Never,
            None => Next::Change,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn stranger(number: u8) -> Claimant {
        Claimant::Stranger(Ipv4Addr::new(192, 0, 2, number).into())
    }

    #[test]
    fn no_stranger_waits_for_ever() {
        let mut round = Round::<()>::default();
        let strangers: Vec<_> = (0..100).map(stranger).collect();
        let (mut waiting, mut had) = (Vec::new(), HashMap::<_, usize>::default());
        for _ in 0..30 {
            // As many requests as anybody answers.
            for claimant in &strangers {
                waiting.extend((0..9).filter_map(|_| round.take(*claimant)));
            }
            let (admitted, next) = round.begin();
            assert_eq!(next, Next::Round);
            admitted.iter().for_each(|(claimant, _)| *had.entry(*claimant).or_default() += 1);
        }
        for claimant in strangers {
            let had = had.get(&claimant).copied().unwrap_or(0);
            assert!((1..=4).contains(&had), "{had} turns of {claimant:?}");
        }
    }

    #[test]
    fn those_who_had_turns_are_forgotten() {
        let mut round = Round::<()>::default();
        for number in 0..100_000 {
            let claimant = Claimant::User(UserId(number));
            assert!(round.take(claimant).is_none(), "nobody waits");
            assert!(!round.end(claimant), "nobody waits");
        }
        assert!(round.had.len() <= MOST_KNOWN && round.under_way.is_empty());
    }
}
