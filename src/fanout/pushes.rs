//! A worker's latest pushes, for delivery traces.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::domain::{RoomId, Seq};
use crate::store::SocketPush;

/// Maximum number of messages whose pushes a worker records: 256 KiB.
const MAX_PUSHES: usize = 8192;

/// The latest pushes of a worker, oldest first.
#[derive(Default)]
pub(super) struct Pushes(VecDeque<(RoomId, Seq, SocketPush)>);

impl Pushes {
    /// Records a push, and drops the oldest when there are too many.
    pub(super) fn note(&mut self, room: RoomId, seq: Seq, push: SocketPush) {
        if self.0.len() >= MAX_PUSHES {
            self.0.pop_front();
        }
        self.0.push_back((room, seq, push));
    }

    /// The latest push of a message.
    pub(super) fn find(&self, room: RoomId, seq: Seq) -> Option<SocketPush> {
        let newest_first = self.0.iter().rev();
        newest_first.filter(|(of, number, _)| (*of, *number) == (room, seq)).map(|(_, _, push)| *push).next()
    }
}

/// A question to a worker.
#[derive(Clone, Debug)]
pub(super) struct TraceQuestion {
    pub(super) room: RoomId,
    pub(super) seq: Seq,
    /// Takes the sockets that are subscribed now, and the push.
    pub(super) answers: mpsc::Sender<(u64, Option<SocketPush>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_pushes_are_remembered() {
        let mut pushes = Pushes::default();
        let push = |at_ms| SocketPush { at_ms, sockets: 1, behind: 0 };
        let room = RoomId::GLOBAL;
        for seq in 1..=MAX_PUSHES as u64 + 1 {
            pushes.note(room, Seq(seq), push(seq));
        }
        assert_eq!(pushes.0.len(), MAX_PUSHES);
        assert_eq!((pushes.find(room, Seq(1)), pushes.find(room, Seq(2))), (None, Some(push(2))));
        pushes.note(room, Seq(2), push(99));
        assert_eq!(pushes.find(room, Seq(2)), Some(push(99)), "the seq was given again");
        assert_eq!(RoomId::new(7).and_then(|other| pushes.find(other, Seq(2))), None);
    }
}
