//! Turns of a worker: when its connections want more than it can do, each account gets as much as the others.
//!
//! Whoever has had a turn waits with the next until all tasks that are ready have run, which is a round. So five accounts with
//! hundreds of connections delay others by a few of their requests, not by hundreds.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::domain::UserId;

/// Turns in a round, shared by those who wait for one. Each has one at least.
const TURNS_IN_A_ROUND: usize = 32;
/// Strangers have as many turns together as this many accounts: whoever has no account may have many addresses.
const STRANGERS_COUNT_AS: usize = 8;
/// Those who had a turn are forgotten beyond this number.
const MOST_KNOWN: usize = 1024;

/// Who takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claimant {
    /// An account, over all of its connections.
    User(UserId),
    /// Whoever asks without a valid token in a header, by the address that counts for limits.
    Stranger(IpAddr),
}

/// The turns of a worker. Clones share them.
#[derive(Clone, Default)]
pub struct Turns(Rc<RefCell<Round>>);

struct Round {
    /// The turns that each may have in this round.
    share: usize,
    /// The turns that each claimant has had in this round, and all strangers together.
    had: HashMap<Claimant, usize>,
    had_by_strangers: usize,
    /// Those who wait, each claimant's in the order in which they came.
    waiting: HashMap<Claimant, VecDeque<oneshot::Sender<()>>>,
    /// The claimants of `waiting`, in the order of their next turns.
    order: VecDeque<Claimant>,
}

impl Default for Round {
    fn default() -> Self {
        Self {
            share: TURNS_IN_A_ROUND,
            had: HashMap::new(),
            had_by_strangers: 0,
            waiting: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl Turns {
    /// Waits until it is a claimant's turn: not at all unless the claimant has had all of this round.
    pub async fn take(&self, claimant: Claimant) {
        let turn = self.0.borrow_mut().take(claimant);
        let Some((turn, is_first)) = turn else { return };
        if is_first {
            self.begin_round_later();
        }
        // An error would mean that the worker ends.
        drop(turn.await);
    }

    /// Begins the next round once all tasks that are ready have run.
    fn begin_round_later(&self) {
        let turns = self.clone();
        spawn_local(async move {
            let goes_on = turns.0.borrow_mut().begin();
            if goes_on {
                turns.begin_round_later();
            }
        });
    }
}

impl Round {
    /// Takes a turn at once if possible. Otherwise returns what tells when it is due, and whether nobody else waits.
    fn take(&mut self, claimant: Claimant) -> Option<(oneshot::Receiver<()>, bool)> {
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

    /// Counts a turn, unless the claimant has had all of this round.
    fn admit(&mut self, claimant: Claimant) -> bool {
        if self.had.len() >= MOST_KNOWN {
            self.forget();
        }
        let is_stranger = matches!(claimant, Claimant::Stranger(_));
        if is_stranger && self.had_by_strangers >= self.share * STRANGERS_COUNT_AS {
            return false;
        }
        let had = self.had.entry(claimant).or_default();
        if *had >= self.share {
            return false;
        }
        *had += 1;
        self.had_by_strangers += usize::from(is_stranger);
        true
    }

    fn forget(&mut self) {
        self.had.clear();
        self.had_by_strangers = 0;
    }

    /// Begins a round: those who wait have their turns. Returns whether some still wait.
    fn begin(&mut self) -> bool {
        self.forget();
        self.share = (TURNS_IN_A_ROUND / self.order.len().max(1)).max(1);
        let (mut served, mut passed_over) = (VecDeque::new(), VecDeque::new());
        while let Some(claimant) = self.order.pop_front() {
            let is_served = self.admit_waiting(claimant);
            if self.waiting.contains_key(&claimant) {
                let place = if is_served { &mut served } else { &mut passed_over };
                place.push_back(claimant);
            }
        }
        passed_over.append(&mut served);
        self.order = passed_over;
        !self.order.is_empty()
    }

    /// Lets those who wait first for a claimant have their turns. Returns whether there were any.
    fn admit_waiting(&mut self, claimant: Claimant) -> bool {
        let Some(mut line) = self.waiting.remove(&claimant) else { return false };
        let mut is_served = false;
        while let Some(turn) = line.pop_front() {
            // Whose client has gone meanwhile takes no turn.
            if turn.is_closed() {
                continue;
            }
            if !self.admit(claimant) {
                line.push_front(turn);
                break;
            }
            is_served |= turn.send(()).is_ok();
        }
        if !line.is_empty() {
            self.waiting.insert(claimant, line);
        }
        is_served
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::task::{LocalSet, yield_now};

    use super::*;

    const FLOODER: Claimant = Claimant::User(UserId(1));
    const HONEST: Claimant = Claimant::User(UserId(2));

    fn stranger(number: u8) -> Claimant {
        Claimant::Stranger(Ipv4Addr::new(192, 0, 2, number).into())
    }

    /// Runs a test among the tasks of a worker.
    async fn in_a_task(test: impl Future<Output = ()> + 'static) {
        LocalSet::new().run_until(async { spawn_local(test).await.expect("no panic") }).await;
    }

    /// Who had turns, in their order.
    type Log = Rc<RefCell<Vec<Claimant>>>;

    /// Takes a turn for each of so many requests at once.
    fn ask(turns: &Turns, log: &Log, claimant: Claimant, times: usize) {
        for _ in 0..times {
            let (turns, log) = (turns.clone(), Rc::clone(log));
            spawn_local(async move {
                turns.take(claimant).await;
                log.borrow_mut().push(claimant);
            });
        }
    }

    async fn until_idle(turns: &Turns, log: &Log, total: usize) {
        for _ in 0..10 * total {
            yield_now().await;
        }
        assert_eq!(log.borrow().len(), total, "everyone has had a turn");
        let round = turns.0.borrow();
        assert!(round.waiting.is_empty() && round.order.is_empty());
    }

    #[tokio::test]
    async fn hundreds_of_requests_of_one_account_go_before_few_of_another() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            ask(&turns, &log, FLOODER, 500);
            yield_now().await;
            for round in 1..5 {
                let before = log.borrow().len();
                ask(&turns, &log, HONEST, 1);
                while !log.borrow()[before..].contains(&HONEST) {
                    yield_now().await;
                }
                let delay = log.borrow().len() - before;
                assert!(delay <= 2 * TURNS_IN_A_ROUND + 1, "{delay} turns in round {round}");
            }
            until_idle(&turns, &log, 504).await;
        })
        .await;
    }

    #[tokio::test]
    async fn those_who_wait_have_as_many_turns_as_each_other() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            ask(&turns, &log, FLOODER, 400);
            ask(&turns, &log, HONEST, 100);
            while log.borrow().iter().filter(|it| **it == HONEST).count() < 100 {
                yield_now().await;
            }
            let of_flooder = log.borrow().iter().filter(|it| **it == FLOODER).count();
            assert!((90..=100 + 2 * TURNS_IN_A_ROUND).contains(&of_flooder), "{of_flooder}");
            until_idle(&turns, &log, 500).await;
        })
        .await;
    }

    #[tokio::test]
    async fn strangers_of_many_addresses_share_the_turns_of_a_few_accounts() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            for number in 0..100 {
                ask(&turns, &log, stranger(number), 40);
            }
            yield_now().await;
            yield_now().await;
            let before = log.borrow().len();
            ask(&turns, &log, HONEST, 10);
            while log.borrow().iter().filter(|it| **it == HONEST).count() < 10 {
                yield_now().await;
            }
            let strangers = log.borrow().len() - before - 10;
            assert!(strangers <= 11 * STRANGERS_COUNT_AS, "{strangers} went meanwhile");
            until_idle(&turns, &log, 4010).await;
            let mut each: HashMap<Claimant, usize> = HashMap::new();
            log.borrow().iter().for_each(|claimant| *each.entry(*claimant).or_default() += 1);
            assert!((0..100).all(|number| each[&stranger(number)] == 40));
        })
        .await;
    }

    #[tokio::test]
    async fn who_has_gone_takes_no_turn() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            ask(&turns, &log, FLOODER, TURNS_IN_A_ROUND);
            yield_now().await;
            let gone: Vec<_> = (0..1000)
                .map(|_| {
                    let turns = turns.clone();
                    spawn_local(async move { turns.take(FLOODER).await })
                })
                .collect();
            ask(&turns, &log, FLOODER, 1);
            yield_now().await;
            assert!(turns.0.borrow().waiting[&FLOODER].len() > 900);
            gone.iter().for_each(tokio::task::JoinHandle::abort);
            yield_now().await;
            yield_now().await;
            until_idle(&turns, &log, TURNS_IN_A_ROUND + 1).await;
        })
        .await;
    }

    #[test]
    fn no_stranger_waits_for_ever() {
        let mut round = Round::default();
        let mut waiting: Vec<_> = (0..100).map(|number| (stranger(number), Vec::new())).collect();
        for _ in 0..30 {
            // As many requests as anybody answers.
            for (claimant, turns) in &mut waiting {
                turns.extend((0..9).filter_map(|_| round.take(*claimant)).map(|(turn, _)| turn));
            }
            round.begin();
        }
        for (claimant, turns) in &mut waiting {
            let had = turns.iter_mut().filter_map(|turn| turn.try_recv().ok()).count();
            assert!((1..=4).contains(&had), "{had} turns of {claimant:?}");
        }
    }

    #[test]
    fn those_who_had_turns_are_forgotten() {
        let mut round = Round::default();
        for number in 0..100_000 {
            assert!(round.take(Claimant::User(UserId(number))).is_none(), "nobody waits");
        }
        assert!(round.had.len() <= MOST_KNOWN);
    }
}
