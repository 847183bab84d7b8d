//! Turns of a worker: when its connections demand more than it can do, each account gets as much as the others.
//!
//! Whoever has had a turn waits with the next until all tasks that are ready have run, which is a round. So five accounts with
//! hundreds of connections delay others by a few of their requests, not by hundreds. And an account with many requests under
//! way waits until some of them have been answered, so that those of others do not queue behind hundreds in Redis.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::task::spawn_local;

use super::round::{Claimant, Next, Round};

/// The turns of a worker. Clones share them.
#[derive(Clone, Default)]
pub struct Turns(Rc<Shared>);

/// A turn, which is under way until it is dropped.
pub struct Turn {
    turns: Turns,
    claimant: Claimant,
}

#[derive(Default)]
struct Shared {
    round: RefCell<Round<Turn>>,
    /// Notified when somebody may have a turn who had to wait until one had ended.
    changed: Notify,
}

impl Turns {
    /// Waits until it is a claimant's turn: not at all unless the claimant has had all of this round, or has too much under
    /// way.
    pub async fn take(&self, claimant: Claimant) -> Turn {
        let queued = self.0.round.borrow_mut().take(claimant);
        if let Some((turn, is_first)) = queued {
            match is_first {
                true => self.begin_round_later(),
                false => self.0.changed.notify_one(),
            }
            // An error would mean that the worker ends.
            if let Ok(turn) = turn.await {
                return turn;
            }
        }
        Turn { turns: self.clone(), claimant }
    }

    /// Begins the next round once all tasks that are ready have run, and goes on until nobody waits.
    fn begin_round_later(&self) {
        let turns = self.clone();
        spawn_local(async move {
            match turns.begin() {
                Next::Never => return,
                Next::Round => {}
                Next::Change => turns.0.changed.notified().await,
            }
            turns.begin_round_later();
        });
    }

    fn begin(&self) -> Next {
        let (admitted, next) = self.0.round.borrow_mut().begin();
        for (claimant, waiting) in admitted {
            let turn = Turn { turns: self.clone(), claimant };
            // Nobody has disconnected since the round began.
            drop(waiting.send(turn));
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.turns.0.round.borrow_mut().end(self.claimant) {
            self.turns.0.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::Ipv4Addr;

    use tokio::task::{LocalSet, yield_now};

    use super::super::round::{LEAST_UNDER_WAY, STRANGERS_COUNT_AS, TURNS_IN_A_ROUND, UNDER_WAY};
    use super::*;
    use crate::domain::UserId;

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
        let round = turns.0.round.borrow();
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
            assert!(turns.0.round.borrow().waiting[&FLOODER].len() > 900);
            gone.iter().for_each(tokio::task::JoinHandle::abort);
            yield_now().await;
            yield_now().await;
            until_idle(&turns, &log, TURNS_IN_A_ROUND + 1).await;
        })
        .await;
    }

    /// Takes so many turns of a claimant and keeps them.
    async fn keep(turns: &Turns, claimant: Claimant, times: usize) -> Vec<Turn> {
        let mut kept = Vec::new();
        for _ in 0..times {
            kept.push(turns.take(claimant).await);
        }
        kept
    }

    async fn pass() {
        for _ in 0..20 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_has_much_under_way_waits_until_some_has_ended() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            let mut under_way = keep(&turns, FLOODER, UNDER_WAY).await;
            ask(&turns, &log, FLOODER, 3);
            pass().await;
            assert!(log.borrow().is_empty());
            ask(&turns, &log, HONEST, LEAST_UNDER_WAY);
            pass().await;
            assert_eq!(*log.borrow(), [HONEST; LEAST_UNDER_WAY]);
            under_way.pop();
            until_idle(&turns, &log, LEAST_UNDER_WAY + 3).await;
            drop(under_way);
            assert!(turns.0.round.borrow().under_way.is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn who_comes_later_does_not_wait_for_those_who_have_much_under_way() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            let under_way = keep(&turns, FLOODER, UNDER_WAY).await;
            ask(&turns, &log, FLOODER, 1);
            pass().await;
            // More than a round, so that some wait.
            ask(&turns, &log, HONEST, 2 * TURNS_IN_A_ROUND);
            pass().await;
            assert_eq!(*log.borrow(), [HONEST; 2 * TURNS_IN_A_ROUND]);
            drop(under_way);
            until_idle(&turns, &log, 2 * TURNS_IN_A_ROUND + 1).await;
        })
        .await;
    }

    #[tokio::test]
    async fn accounts_share_what_may_be_under_way() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            let others = (3..3 + UNDER_WAY as u64).map(|number| Claimant::User(UserId(number)));
            let mut under_way = Vec::new();
            for claimant in others {
                under_way.push(turns.take(claimant).await);
            }
            under_way.extend(keep(&turns, FLOODER, LEAST_UNDER_WAY).await);
            ask(&turns, &log, FLOODER, 1);
            pass().await;
            assert!(log.borrow().is_empty());
            under_way.pop();
            until_idle(&turns, &log, 1).await;
        })
        .await;
    }

    #[tokio::test]
    async fn who_goes_while_it_is_their_turn_gives_it_back() {
        in_a_task(async {
            let (turns, log) = (Turns::default(), Log::default());
            let mut under_way = keep(&turns, FLOODER, UNDER_WAY).await;
            let gone = spawn_local({
                let turns = turns.clone();
                async move { drop(turns.take(FLOODER).await) }
            });
            yield_now().await;
            ask(&turns, &log, FLOODER, 1);
            yield_now().await;
            under_way.pop();
            gone.abort();
            until_idle(&turns, &log, 1).await;
            drop(under_way);
            assert!(turns.0.round.borrow().under_way.is_empty());
        })
        .await;
    }
}
