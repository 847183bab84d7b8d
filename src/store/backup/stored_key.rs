//! A key as a backup holds it.

use crate::store::redis::keys::KeyKind;

/// A key with its value, or with a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its name without the prefix.
    pub name: String,
    /// When it expires, UTC milliseconds.
    pub expires_at_ms: Option<u64>,
    /// What it holds.
    pub value: StoredValue,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredValue {
    /// A whole value as `DUMP` gives it, and how many entries it has if it is a stream.
    Dump(Vec<u8>, u64),
    /// Fields of a hash with their values.
    Fields(Pairs),
    /// Members of a sorted set with their scores.
    Scores(Pairs),
}

/// Fields with values, or members with scores.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

impl StoredKey {
    /// Whether it is the hash of a room.
    pub fn is_room(&self) -> bool {
        matches!(KeyKind::of(&self.name), Some(KeyKind::Room(_)))
    }

    /// Whether it is the hash of an account.
    pub fn is_account(&self) -> bool {
        KeyKind::of(&self.name) == Some(KeyKind::User) && self.name.ends_with('}')
    }

    /// The number of messages, if it is the log of a room.
    pub fn messages(&self) -> u64 {
        match (&self.value, KeyKind::of(&self.name)) {
            (StoredValue::Dump(_, entries), Some(KeyKind::OfRoom)) => *entries,
            (StoredValue::Dump(..) | StoredValue::Fields(_) | StoredValue::Scores(_), _) => 0,
        }
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        self.name.len()
            + match &self.value {
                StoredValue::Dump(bytes, _) => bytes.len(),
                StoredValue::Fields(pairs) | StoredValue::Scores(pairs) => {
                    pairs.iter().map(|(first, second)| first.len() + second.len()).sum()
                }
            }
    }
}
