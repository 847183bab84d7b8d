//! Which shard has which slot.

use std::collections::BTreeMap;
use std::sync::Arc;

use redis::Value;
use tracing::{info, warn};

use super::redirect::Address;
use super::slots::{SLOTS, slot_of_key};
use crate::domain::Result;
use crate::store::redis::durability::Durability;
use crate::store::redis::reply::{self, array};
use crate::store::redis::servers::Servers;

/// A server that takes the writes of its slots, for as long as it does. A replica that replaces it is another shard here.
pub(in crate::store) struct Shard {
    /// No other shard of this node has or had it.
    pub(super) number: u64,
    pub(in crate::store) address: Address,
    pub(in crate::store) servers: Arc<Servers>,
    pub(in crate::store) durability: Arc<Durability>,
}

impl Shard {
    /// The address as it is shown.
    pub(in crate::store) fn name(&self) -> String {
        format!("{}:{}", self.address.0, self.address.1)
    }
}

/// The owners of all slots.
#[derive(Clone)]
pub(in crate::store) struct Table {
    /// The index of each slot's shard.
    owners: Vec<Option<u16>>,
    shards: Vec<Arc<Shard>>,
}

/// Slots that have another owner than before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// The shards; `None` for slots without an owner.
    from: Option<String>,
    to: Option<String>,
    slots: usize,
    /// One of the slots.
    first: usize,
}

impl Move {
    pub(super) fn log(&self) {
        let Self { from, to, slots, first } = self;
        match (from.as_deref(), to.as_deref()) {
            (from, Some(shard)) => info!(shard, slots, first, from, "slots belong to this shard now"),
            (from, None) => warn!(slots, first, from, "slots belong to no shard now"),
        }
    }
}

/// Slots from the first to the last, and the address of the server that has them.
pub(super) type Range = (u16, u16, Address);

impl Table {
    /// A table without shards.
    pub(super) fn empty() -> Self {
        Self { owners: vec![None; SLOTS], shards: Vec::new() }
    }

    /// The table of these ranges. `shard` returns the shard of an address, the same one for the same address.
    pub(super) fn new(ranges: &[Range], mut shard: impl FnMut(&Address) -> Result<Arc<Shard>>) -> Result<Self> {
        let mut table = Self::empty();
        for (first, last, address) in ranges {
            let owner = table.place(address, &mut shard)?;
            let (first, last) = (usize::from(*first), usize::from(*last).min(SLOTS - 1));
            if let Some(owners) = table.owners.get_mut(first..=last) {
                owners.fill(Some(owner));
            }
        }
        Ok(table)
    }

    /// The same table with another owner of one slot.
    pub(super) fn with_moved(
        &self,
        slot: u16,
        address: &Address,
        mut shard: impl FnMut(&Address) -> Result<Arc<Shard>>,
    ) -> Result<Self> {
        let mut table = self.clone();
        let owner = table.place(address, &mut shard)?;
        if let Some(place) = table.owners.get_mut(usize::from(slot)) {
            *place = Some(owner);
        }
        Ok(table)
    }

    /// The index of the shard at an address, which is added if it is new.
    fn place(&mut self, address: &Address, shard: &mut impl FnMut(&Address) -> Result<Arc<Shard>>) -> Result<u16> {
        let index = self.shards.iter().position(|known| known.address == *address);
        let index = match index {
            Some(index) => index,
            None => {
                self.shards.push(shard(address)?);
                self.shards.len() - 1
            }
        };
        u16::try_from(index).map_err(crate::domain::Error::internal)
    }

    /// The shard that has a slot. `None` while the cluster has no owner for it.
    pub(in crate::store) fn owner(&self, slot: u16) -> Option<&Arc<Shard>> {
        let owner = self.owners.get(usize::from(slot)).copied().flatten()?;
        self.shards.get(usize::from(owner))
    }

    /// Whether all slots have the same owners.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let addresses = |table: &Self| table.shards.iter().map(|shard| shard.address.clone()).collect::<Vec<_>>();
        self.owners == other.owners && addresses(self) == addresses(other)
    }

    /// The slots that had other owners in an earlier table.
    pub(super) fn moves_since(&self, earlier: &Self) -> Vec<Move> {
        let mut moved: BTreeMap<[Option<&Address>; 2], (usize, usize)> = BTreeMap::new();
        for slot in 0..SLOTS {
            let owners = [earlier, self].map(|table| table.owner(slot as u16).map(|shard| &shard.address));
            if owners[0] != owners[1] {
                moved.entry(owners).or_insert((slot, 0)).1 += 1;
            }
        }
        let moves = moved.into_iter().map(|([from, to], (first, slots))| {
            let [from, to] = [from, to].map(|address| address.map(|(host, port)| format!("{host}:{port}")));
            Move { from, to, slots, first }
        });
        moves.collect()
    }

    /// All shards, in the order of their first slots.
    pub(in crate::store) fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// Number of slots of a shard.
    pub(in crate::store) fn slot_count(&self, address: &Address) -> usize {
        let index = self.shards.iter().position(|shard| shard.address == *address);
        self.owners.iter().filter(|owner| owner.map(usize::from) == index && owner.is_some()).count()
    }

    /// A tag that gives a key a slot of this shard; `None` when it has no slots.
    pub(in crate::store) fn tag_of(&self, address: &Address) -> Option<String> {
        let is_here = |slot| self.owner(slot).is_some_and(|shard| shard.address == *address);
        // With a share of 1/64 of the slots, a search this long fails once in e^64 times.
        (0..4096).map(|number: u32| number.to_string()).find(|tag| is_here(slot_of_key(tag.as_bytes())))
    }
}

/// Reads the reply to `CLUSTER SLOTS` of the server at a host.
///
/// # Errors
/// `Internal` for a reply of another shape.
pub(super) fn parse_slots(reply: Value, asked_host: &str) -> Result<Vec<Range>> {
    let ranges = array(reply)?.into_iter().map(|range| parse_range(range, asked_host));
    let mut ranges = ranges.collect::<Result<Vec<Range>>>()?;
    // Each server has an order of its own.
    ranges.sort_unstable();
    Ok(ranges)
}

fn parse_range(range: Value, asked_host: &str) -> Result<Range> {
    let mut fields = array(range)?.into_iter();
    let (first, last) = (reply::read(reply::next(&mut fields)?)?, reply::read(reply::next(&mut fields)?)?);
    let mut server = array(reply::next(&mut fields)?)?.into_iter();
    let host: Option<String> = reply::read(reply::next(&mut server)?)?;
    let port = reply::read(reply::next(&mut server)?)?;
    // A server that does not know its own address, or keeps it to itself, is meant by the one that was used.
    let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked_host.to_owned());
    Ok((first, last, (host, port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, RedisConfig};

    fn shard(address: &Address) -> Result<Arc<Shard>> {
        let config = RedisConfig { url: "redis://127.0.0.1:1".into(), ..Config::defaults().redis };
        Ok(Arc::new(Shard {
            number: 0,
            address: address.clone(),
            servers: Arc::new(Servers::new(&config)?),
            durability: Arc::new(Durability::new(0, 0)),
        }))
    }

    fn at(port: u16) -> Address {
        ("127.0.0.1".to_owned(), port)
    }

    #[test]
    fn the_reply_names_hosts_that_servers_do_not_know_themselves() {
        let reply = b"*2\r\n*3\r\n:0\r\n:5460\r\n*2\r\n$0\r\n\r\n:7001\r\n*4\r\n:5461\r\n:16383\r\n*2\r\n$9\r\n127.0.0.2\r\n:7002\r\n*2\r\n$9\r\n127.0.0.3\r\n:7003\r\n";
        let ranges = parse_slots(redis::parse_redis_value(reply).expect("a reply"), "127.0.0.1").expect("ranges");
        assert_eq!(ranges, [(0, 5460, at(7001)), (5461, 16383, ("127.0.0.2".to_owned(), 7002))]);
        assert!(parse_slots(Value::Int(1), "").is_err());
    }

    #[test]
    fn slots_have_their_owners_and_move() {
        let table = Table::new(&[(0, 99, at(1)), (100, 16383, at(2)), (50, 50, at(2))], shard).expect("a table");
        let owner = |table: &Table, slot| table.owner(slot).map(|shard| shard.address.1);
        assert_eq!([0, 50, 99, 100, 16383].map(|slot| owner(&table, slot)), [1, 2, 1, 2, 2].map(Some));
        assert_eq!((table.slot_count(&at(1)), table.slot_count(&at(2)), table.slot_count(&at(3))), (99, 16285, 0));
        let moved = table.with_moved(7, &at(3), shard).expect("a table");
        assert_eq!((owner(&moved, 7), owner(&moved, 8), moved.shards().len()), (Some(3), Some(1), 3));
        assert!(Arc::ptr_eq(&table.shards()[0], &moved.shards()[0]), "a shard stays the same");
        assert_eq!(owner(&Table::empty(), 7), None);
        let name = |port| Some(format!("127.0.0.1:{port}"));
        let change = Move { from: name(1), to: name(3), slots: 1, first: 7 };
        assert_eq!(moved.moves_since(&table), [change]);
        let failed_over = Table::new(&[(0, 99, at(1)), (100, 16000, at(4)), (50, 50, at(4))], shard).expect("a table");
        let taken = Move { from: name(2), to: name(4), slots: 15_902, first: 50 };
        let left = Move { from: name(2), to: None, slots: 383, first: 16_001 };
        assert_eq!(failed_over.moves_since(&table), [left, taken]);
    }

    #[test]
    fn a_tag_leads_to_its_shard() {
        let table = Table::new(&[(0, 8000, at(1)), (8001, 16383, at(2))], shard).expect("a table");
        for port in [1, 2] {
            let tag = table.tag_of(&at(port)).expect("a tag");
            let slot = slot_of_key(format!("cw:{{{tag}}}:probe:a").as_bytes());
            assert_eq!(table.owner(slot).map(|shard| shard.address.1), Some(port));
        }
        assert_eq!(table.tag_of(&at(3)), None);
    }
}
