//! The ways to lose a primary or a shard, and the table of what rounds with them measured.

use std::fmt::Write;
use std::time::Duration;

use chinwag::config::Durability;

use super::checker::{History, Seen, Verdict, check};
use super::round::Outcome;

/// Eight users with sockets send once in this time each: two hundred messages a second in all.
pub const PACE: Duration = Duration::from_millis(40);
/// Load before and after a loss.
pub const BESIDE: Duration = Duration::from_millis(1500);
/// How long a server is stopped or cut off.
pub const AWAY_FOR: Duration = Duration::from_secs(10);
/// The node that is cut off together with a primary.
pub const APART: usize = 1;
/// The promise is five seconds after the promotion, or the end of a partition. Sentinel itself may take ten more on a busy
/// machine: for that long it leaves a primary alone that has returned.
const WORKS_WITHIN: Duration = Duration::from_secs(20);

/// A way to lose a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Killed,
    Planned,
    Stopped,
    /// Separated from all other servers and one of two nodes, but not from the other.
    CutOff,
    /// 500 slots move to another shard.
    SlotsMoved,
    /// The slot of a room in which people talk moves to another shard and back.
    RoomMoved,
    /// A shard with its replica does not answer for ten seconds.
    ShardAway,
}

impl Loss {
    pub const BEHIND_SENTINELS: [Self; 4] = [Self::Killed, Self::Planned, Self::Stopped, Self::CutOff];
    pub const IN_CLUSTER: [Self; 7] =
        [Self::Killed, Self::Planned, Self::Stopped, Self::CutOff, Self::SlotsMoved, Self::RoomMoved, Self::ShardAway];
}

/// What one loss did.
pub struct Round {
    pub loss: Loss,
    /// Time from the promotion until sends worked.
    pub recovery: Duration,
    /// Time from the loss until sends worked.
    pub outage: Duration,
    /// Time from the end of a partition until the node that was cut off had joined the others.
    pub rejoined: Duration,
    pub outcome: Outcome,
}

/// The table of rounds, by kind.
fn table(rounds: &[Round]) -> String {
    let mut table = "| kind | rounds | recovery, median and max | outage | rejoined | acknowledged | lost | doubled | \
                     swapped | missed |\n|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for loss in Loss::IN_CLUSTER {
        let of_kind: Vec<&Round> = rounds.iter().filter(|round| round.loss == loss).collect();
        if of_kind.is_empty() {
            continue;
        }
        let times = |time: fn(&Round) -> Duration| spread(of_kind.iter().map(|round| time(round)).collect());
        let sum = |count: fn(&Outcome) -> usize| of_kind.iter().map(|round| count(&round.outcome)).sum::<usize>();
        let (recovery, outage, rejoined) = (times(|it| it.recovery), times(|it| it.outage), times(|it| it.rejoined));
        let (acknowledged, lost) = (sum(|it| it.acknowledged), sum(|it| it.verdict.lost));
        let doubled = sum(|it| it.verdict.duplicated);
        let swapped = sum(|it| it.verdict.reordered + it.verdict.never_stored);
        let (rounds, missed) = (of_kind.len(), sum(|it| it.verdict.missed));
        let row = format!("{loss:?} | {rounds} | {recovery} | {outage} | {rejoined} | {acknowledged} | {lost}");
        writeln!(table, "| {row} | {doubled} | {swapped} | {missed} |").expect("a string takes all");
    }
    table
}

/// Median and maximum in seconds.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let (Some(median), Some(max)) = (times.get(times.len() / 2), times.last()) else { return "-".to_owned() };
    format!("{:.1} s, {:.1} s", median.as_secs_f64(), max.as_secs_f64())
}

/// These kinds in turn, one round of each or as many as `scripts/soak` says: rounds take long, and clusters fail over one after
/// the other.
pub fn rounds_of(kinds: &[Loss]) -> Vec<Loss> {
    let rounds = std::env::var("SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    (0..rounds).flat_map(|_| kinds.to_vec()).collect()
}

/// A message that was pushed and then refused may be lost in a failover, which its sender knows. It does not count.
pub fn judge(history: &History) -> Verdict {
    let mut history = history.clone();
    for received in &mut history.received {
        let Some(truth) = history.truth.get(&received.room) else { continue };
        let is_stored = |seen: &Seen| truth.iter().any(|it| it.place == seen.place && it.text == seen.text);
        received.messages.retain(is_stored);
    }
    check(&history)
}

/// Prints the table of rounds, and checks what holds for all of them: sends worked again in time, and nothing was stored
/// twice or shown in another order. Losing messages is no reason to do so.
pub fn check_rounds(durability: Durability, rounds: &[Round]) {
    println!("{durability:?}\n{}", table(rounds));
    for Round { loss, recovery, rejoined, outcome, .. } in rounds {
        assert!(recovery.max(rejoined) < &WORKS_WITHIN, "{loss:?}: {recovery:?}, {rejoined:?}");
        // Only what two primaries acknowledged at the same time has no one order.
        let has_two_orders = *loss == Loss::CutOff && durability == Durability::Server;
        let reordered = if has_two_orders { 0 } else { outcome.verdict.reordered };
        let verdict = Verdict { lost: 0, missed: 0, reordered, ..outcome.verdict.clone() };
        assert!(verdict.is_clean(), "{loss:?}: {}", outcome.verdict);
    }
}
