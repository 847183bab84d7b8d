//! Who sent the entries of rooms' logs, and whom they mention. A node caches it, so that it can count unread messages
//! without a thousand records being read by Redis for one number.
//!
//! Before each use, what is known of a room is extended by the entries behind its last one. After a failover or a restart
//! Redis may lack that entry, or have another with its seq: an entry is recognised by seq and time together, as in `tail`,
//! and when it is not in the log, the log is read from its beginning. Entries never change, and they leave the log at its
//! beginning alone. Deletions, and mentions that edits have changed, are read each time: after Redis has lost one, another
//! may give the room the same revision.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, Weak};

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use redis::{Pipeline, Value};

use super::redis::reply::{self, array, entry_id, is_absent, next, text, user_id};
use super::redis::scripts::{self, Arg, Call};
use super::single_flight::SingleFlight;
use super::{LONG_LIST, Store};
use crate::domain::{EntryId, Error, Result, RoomId, Seq, UserId};

/// Maximum number of bytes that a node caches. The least recently used rooms are evicted first.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// What a room takes apart from its entries, about.
const ROOM_BYTES: usize = 128;
/// How often one reading of a log begins again because it was trimmed up to the last entry read.
const MAX_RESTARTS: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    id: EntryId,
    sender: UserId,
}

/// What is known of the entries of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    /// Oldest first.
    entries: Vec<Sent>,
    /// Whom they mention, in the same order; user 0 for all members.
    mentions: Vec<(Seq, UserId)>,
}

impl Known {
    fn bytes(&self) -> usize {
        let mentions = self.mentions.capacity() * size_of::<(Seq, UserId)>();
        ROOM_BYTES + self.entries.capacity() * size_of::<Sent>() + mentions
    }

    fn append(&mut self, mut behind: Self) {
        self.entries.append(&mut behind.entries);
        self.mentions.append(&mut behind.mentions);
    }

    /// Drops the entries before one; all of them without one.
    fn forget_before(&mut self, first: Option<EntryId>) {
        let is_before = |seq: Seq| first.is_none_or(|first| seq < first.seq);
        self.entries.drain(..self.entries.partition_point(|sent| is_before(sent.id.seq)));
        self.mentions.drain(..self.mentions.partition_point(|(seq, _)| is_before(*seq)));
        self.entries.shrink_to_fit();
        self.mentions.shrink_to_fit();
    }

    /// Whether an entry mentions a user as it was sent, alone or with all members.
    fn do_mention(&self, seq: Seq, user: UserId) -> bool {
        let first = self.mentions.partition_point(|(of, _)| *of < seq);
        let mut mentioned = self.mentions[first..].iter().take_while(|(of, _)| *of == seq);
        mentioned.any(|(_, mentioned)| *mentioned == user || *mentioned == UserId::SERVER)
    }
}

/// The entries of rooms as of the last time each was asked for.
#[derive(Clone)]
pub(super) struct KnownSenders(Cache<RoomId, Arc<Known>>);

impl Default for KnownSenders {
    fn default() -> Self {
        let cache = Cache::builder()
            .weigher(|_, known: &Arc<Known>| u32::try_from(known.bytes()).unwrap_or(u32::MAX))
            .max_capacity(MAX_BYTES)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self(cache)
    }
}

/// The logs that are being read: concurrent callers share one read.
#[derive(Clone, Default)]
pub(super) struct SenderReads(Arc<Mutex<HashMap<RoomId, Weak<SenderRead>>>>);

type SenderRead = SingleFlight<Arc<Senders>>;

impl SenderReads {
    fn of(&self, room: RoomId) -> Arc<SenderRead> {
        let mut reads = self.0.lock().expect("no panic while held");
        if let Some(read) = reads.get(&room).and_then(Weak::upgrade) {
            return read;
        }
        reads.retain(|_, read| read.strong_count() > 0);
        let read = Arc::default();
        reads.insert(room, Arc::downgrade(&read));
        read
    }
}

/// The entries of a log and which of them are deleted.
#[derive(Debug)]
pub(super) struct Senders {
    known: Arc<Known>,
    deleted: HashSet<Seq>,
    remade: Remade,
}

/// Whom messages mention since an edit.
type Remade = HashMap<Seq, Vec<UserId>>;

impl Senders {
    /// Whether an entry was sent by a user, deleted or not.
    pub(super) fn include(&self, user: UserId) -> bool {
        self.known.entries.iter().any(|sent| sent.sender == user)
    }

    /// Number of messages of others behind `read`, but of those since a time alone, and how many of them mention the user.
    pub(super) fn unread(&self, user: UserId, read: Seq, since_ms: u64) -> (u64, u64) {
        let entries = &self.known.entries;
        let behind = entries.partition_point(|sent| sent.id.seq <= read);
        let is_unread = |sent: &&Sent| {
            let is_of_others = sent.sender != user && sent.sender != UserId::SERVER;
            is_of_others && sent.id.at_ms >= since_ms && !self.deleted.contains(&sent.id.seq)
        };
        let (mut unread, mut mentions) = (0, 0);
        for sent in entries[behind..].iter().filter(is_unread) {
            unread += 1;
            mentions += u64::from(self.does_mention(sent.id.seq, user));
        }
        (unread, mentions)
    }

    /// Whether a message mentions a user, alone or with all members.
    fn does_mention(&self, seq: Seq, user: UserId) -> bool {
        match self.remade.get(&seq) {
            Some(mentioned) => mentioned.contains(&user) || mentioned.contains(&UserId::SERVER),
            None => self.known.do_mention(seq, user),
        }
    }
}

/// A part of a log.
struct Part {
    /// Whether it follows the entry that was known; otherwise it is the beginning of the log.
    is_behind: bool,
    known: Known,
    /// `None` when there are more.
    end: Option<End>,
}

/// What comes with the last part.
struct End {
    /// The first entry of the log.
    first: Option<EntryId>,
    deleted: HashSet<Seq>,
    remade: Remade,
}

impl Store {
    /// Who sent what is in a room's log. Takes one round trip, and some more when the node knows little of the room.
    pub(super) async fn senders(&self, room: RoomId) -> Result<Arc<Senders>> {
        let store = self.clone();
        let read = self.sender_reads.of(room);
        read.join(async move { store.read_senders(room).await.map(Arc::new) }).await
    }

    async fn read_senders(&self, room: RoomId) -> Result<Senders> {
        let mut known = self.known_senders.0.get(&room).map(|known| Known::clone(&known)).unwrap_or_default();
        let is_long = known.entries.is_empty();
        let mut restarts = 0;
        loop {
            let part = self.read_part(room, known.entries.last(), is_long).await?;
            if !part.is_behind && !known.entries.is_empty() {
                known = Known::default();
                restarts += 1;
            }
            known.append(part.known);
            if let Some(End { first, deleted, remade }) = part.end {
                known.forget_before(first);
                let known = Arc::new(known);
                self.known_senders.0.insert(room, Arc::clone(&known));
                return Ok(Senders { known, deleted, remade });
            }
            if restarts > MAX_RESTARTS {
                return Err(Error::Unavailable("the log is trimmed faster than it is read".into()));
            }
        }
    }

    async fn read_part(&self, room: RoomId, known: Option<&Sent>, is_long: bool) -> Result<Part> {
        let keys = self.keys.room(room);
        let known = known.map(|sent| sent.id.to_string()).unwrap_or_default();
        let call = Call { script: &scripts::SENDERS, keys: &[&keys.log, &keys.amendments], args: &[Arg::Text(&known)] };
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(call.by_hash());
        let size = if is_long { LONG_LIST + 1 } else { 1 };
        Part::read(next(&mut self.run_sized(&pipeline, size).await?.into_iter())?)
    }
}

impl Part {
    /// Reads the reply of `senders.lua`.
    fn read(reply: Value) -> Result<Self> {
        let mut items = array(reply)?.into_iter();
        let is_behind = reply::read(next(&mut items)?)?;
        let entries = array(next(&mut items)?)?;
        let mut known = Known::default();
        for entry in entries.chunks_exact(3) {
            let (id, sender) = (entry_id(&entry[0])?, user_id(&entry[1])?);
            known.mentions.extend(users_in(text(&entry[2])?).map(|user| (id.seq, user)));
            known.entries.push(Sent { id, sender });
        }
        let has_more: bool = reply::read(next(&mut items)?)?;
        let end = if has_more { None } else { Some(End::read(&mut items)?) };
        Ok(Self { is_behind, known, end })
    }
}

impl End {
    fn read(items: &mut impl Iterator<Item = Value>) -> Result<Self> {
        let first = next(items)?;
        let first = if is_absent(&first) { None } else { Some(entry_id(&first)?) };
        let fields = array(next(items)?)?;
        let mut deleted = HashSet::with_capacity(fields.len());
        for field in &fields {
            // Fields of other amendments are no numbers.
            deleted.extend(text(field)?.parse().map(Seq));
        }
        let mut remade = HashMap::new();
        for change in array(next(items)?)?.chunks_exact(2) {
            let (field, users) = (text(&change[0])?, text(&change[1])?);
            let Some(seq) = field.split_once(':').and_then(|(seq, _)| seq.parse().ok()) else { continue };
            remade.insert(Seq(seq), users_in(users).collect());
        }
        Ok(Self { first, deleted, remade })
    }
}

fn users_in(list: &str) -> impl Iterator<Item = UserId> {
    list.split(',').filter_map(|user| user.parse().ok().map(UserId))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(seq: u64, at_ms: u64, sender: u64) -> Sent {
        Sent { id: EntryId { seq: Seq(seq), at_ms }, sender: UserId(sender) }
    }

    fn list(items: &[&str]) -> Value {
        Value::Array(items.iter().map(|item| Value::BulkString(item.as_bytes().to_vec())).collect())
    }

    #[test]
    fn what_others_sent_and_nobody_deleted_is_unread() {
        let entries =
            vec![sent(3, 10, 2), sent(4, 10, 2), sent(5, 11, 1), sent(6, 12, 2), sent(7, 12, 0), sent(9, 13, 3)];
        let mentions = vec![(Seq(3), UserId(1)), (Seq(4), UserId(4)), (Seq(6), UserId(1)), (Seq(9), UserId(0))];
        let known = Arc::new(Known { entries, mentions });
        let remade = HashMap::from([(Seq(4), vec![]), (Seq(5), vec![UserId(2)])]);
        let senders = Senders { known, deleted: HashSet::from([Seq(6)]), remade };
        for (user, read, since_ms, unread, mentions) in [
            (1, 0, 0, 3, 2),
            (1, 3, 0, 2, 1),
            (1, 4, 0, 1, 1),
            (1, 8, 0, 1, 1),
            (1, 9, 0, 0, 0),
            (2, 0, 0, 2, 2),
            (3, 0, 0, 3, 0),
            (4, 0, 0, 4, 1),
            (1, 0, 11, 1, 1),
            (4, 0, 14, 0, 0),
        ] {
            let case = (user, read, since_ms);
            assert_eq!(senders.unread(UserId(user), Seq(read), since_ms), (unread, mentions), "{case:?}");
        }
        assert!(senders.include(UserId(3)) && !senders.include(UserId(4)));
    }

    #[test]
    fn parts_of_a_log_are_understood() {
        let part = |more: Vec<Value>| {
            let mut items = vec![Value::Int(1), list(&["7-10", "3", "", "8-11", "0", "4,0"])];
            items.extend(more);
            Part::read(Value::Array(items))
        };
        let cut = part(vec![Value::Int(1)]).expect("reads");
        assert!(cut.is_behind && cut.end.is_none());
        assert_eq!(cut.known.entries, [sent(7, 10, 3), sent(8, 11, 0)]);
        assert_eq!(cut.known.mentions, [(Seq(8), UserId(4)), (Seq(8), UserId(0))]);
        assert!(part(vec![Value::Int(0)]).is_err(), "the last part has an end");
        let id = Value::BulkString(b"2-1".to_vec());
        let end = part(vec![Value::Int(0), id, list(&["5", "7:e", "6"]), list(&["7:m", "4,0", "8:m", ""])])
            .expect("reads")
            .end
            .expect("the end");
        assert_eq!(end.first.map(|id| id.seq), Some(Seq(2)));
        assert_eq!(end.deleted, HashSet::from([Seq(5), Seq(6)]));
        assert_eq!(end.remade, HashMap::from([(Seq(7), vec![UserId(4), UserId(0)]), (Seq(8), vec![])]));
        let empty = part(vec![Value::Int(0), Value::Nil, list(&[]), list(&[])]).expect("reads").end.expect("the end");
        assert!(empty.first.is_none() && empty.deleted.is_empty());
    }

    #[test]
    fn a_node_remembers_a_bounded_number_of_bytes() {
        let known = KnownSenders::default();
        let entries = vec![sent(1, 1, 1); 1000];
        let senders = Arc::new(Known { entries, mentions: Vec::new() });
        for number in 1..=2000 {
            known.0.insert(RoomId::new(number).expect("not zero"), Arc::clone(&senders));
        }
        known.0.run_pending_tasks();
        let count = known.0.entry_count();
        assert!((500..=MAX_BYTES / 24_000).contains(&count), "{count}");
        assert!(known.0.get(&RoomId::new(2000).expect("not zero")).is_some(), "the latest stays");
    }
}
