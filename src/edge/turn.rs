//! How much one connection may do while others wait for the worker.

use tokio::task::coop::consume_budget;

use crate::fanout::{Claimant, Turn, Turns};

/// How many of the 128 units, after which the runtime makes a task yield, a request and a frame use. Requests rarely
/// come before the answer to the one before.
pub(super) const OF_A_REQUEST: usize = 64;
pub(super) const OF_A_FRAME: usize = 8;

/// Waits for the turn of a request or a frame, and lets other tasks of the worker run after a few in a row. Neither
/// decoding a refused one nor answering it need ever wait for anything, so a client that never pauses would keep the
/// worker to itself.
pub(super) async fn take_turn(turns: &Turns, claimant: Claimant, units: usize) -> Turn {
    let turn = turns.take(claimant).await;
    for _ in 0..units {
        consume_budget().await;
    }
    turn
}
