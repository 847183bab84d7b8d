//! Identifiers and the three printed forms of a message id.
//!
//! Every printed form decodes by arithmetic to (room, seq), so requests need no look-up. Knowing an id grants no access:
//! the store checks membership on every use.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A user's number, from 1. Zero is the server itself, the sender of system messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u64);

impl UserId {
    /// The server as a sender.
    pub const SERVER: Self = Self(0);
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A room's number, from 1. Printed as `global` or `room_` and eight hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(u32);

impl RoomId {
    /// The room that always exists and has every user as a member.
    pub const GLOBAL: Self = Self(1);

    /// Creates the id of a room; `None` for zero.
    pub fn new(number: u32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number that documents 000 and 002 print.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::GLOBAL {
            return f.write_str("global");
        }
        write!(f, "room_{:08x}", scramble(self.0))
    }
}

/// Error for text that is not a room id.
#[derive(Debug, PartialEq, Eq)]
pub struct NotARoomId;

impl FromStr for RoomId {
    type Err = NotARoomId;

    /// Accepts exactly what [`fmt::Display`] prints, so that a room has one spelling.
    fn from_str(text: &str) -> Result<Self, NotARoomId> {
        if text == "global" {
            return Ok(Self::GLOBAL);
        }
        let hex = text.strip_prefix("room_").ok_or(NotARoomId)?;
        let is_canonical = hex.len() == 8 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_canonical {
            return Err(NotARoomId);
        }
        let scrambled = u32::from_str_radix(hex, 16).map_err(|_| NotARoomId)?;
        match unscramble(scrambled) {
            0 | 1 => Err(NotARoomId),
            number => Ok(Self(number)),
        }
    }
}

// The mixing steps of MurmurHash3's 32-bit finaliser: a bijection, so ids never collide, and its output does not reveal
// how many rooms exist.
const MIX_A: u32 = 0x85eb_ca6b;
const MIX_B: u32 = 0xc2b2_ae35;
// Their inverses modulo 2^32.
const UNMIX_A: u32 = 0xa5cb_9243;
const UNMIX_B: u32 = 0x7ed1_b41d;

fn scramble(number: u32) -> u32 {
    let mut x = number;
    x = (x ^ (x >> 16)).wrapping_mul(MIX_A);
    x = (x ^ (x >> 13)).wrapping_mul(MIX_B);
    x ^ (x >> 16)
}

fn unscramble(scrambled: u32) -> u32 {
    let mut x = scrambled;
    x = (x ^ (x >> 16)).wrapping_mul(UNMIX_B);
    x = (x ^ (x >> 13) ^ (x >> 26)).wrapping_mul(UNMIX_A);
    x ^ (x >> 16)
}

/// A message's place in its room: 1, 2, 3 … without gaps, unless Redis lost messages that were delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(pub u64);

impl Seq {
    /// The seq before this one, or 0.
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A stream entry id `<seq>-<unix ms>`. Also the resume token: after Redis lost its tail a reused seq
/// carries another time, so a stale id never names another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    /// Place in the room.
    pub seq: Seq,
    /// Time of storing, UTC milliseconds, never decreasing within a room. 0 where only the seq is known.
    pub at_ms: u64,
}

impl EntryId {
    /// The place before the first message.
    pub const START: Self = Self::at(Seq(0));

    /// The place of whichever message has this seq.
    pub const fn at(seq: Seq) -> Self {
        Self { seq, at_ms: 0 }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq.0, self.at_ms)
    }
}

impl EntryId {
    /// Parses `<seq>-<ms>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, at_ms) = text.split_once('-')?;
        Some(Self { seq: Seq(seq.parse().ok()?), at_ms: at_ms.parse().ok()? })
    }
}

/// A message's identity on every node and in every dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The room that holds it.
    pub room: RoomId,
    /// Its entry in the room's stream.
    pub entry: EntryId,
}

/// Bits that a UUID spends on the seq; 42 bits outlast 4 × 10^12 messages in one room.
const SEQ_BITS: u32 = 42;
const TIME_BITS: u32 = 48;

impl MessageId {
    /// The UUID of document 003: version 8 with the 48-bit time in front (so that they sort by time),
    /// then 32 bits of room and 42 of seq around the version and variant bits.
    pub fn to_uuid(self) -> Uuid {
        let time = u128::from(self.entry.at_ms) & ((1 << TIME_BITS) - 1);
        let room = u128::from(self.room.number());
        let seq = u128::from(self.entry.seq.0) & ((1 << SEQ_BITS) - 1);
        let custom_b = room >> 20;
        let custom_c = ((room & 0xf_ffff) << SEQ_BITS) | seq;
        let version = 0x8_u128 << 76;
        let variant = 0b10_u128 << 62;
        Uuid::from_u128((time << 80) | version | (custom_b << 64) | variant | custom_c)
    }

    /// Inverts [`Self::to_uuid`]. `None` for any other UUID.
    pub fn from_uuid(uuid: Uuid) -> Option<Self> {
        let bits = uuid.as_u128();
        let is_ours = (bits >> 76) & 0xf == 0x8 && (bits >> 62) & 0b11 == 0b10;
        if !is_ours {
            return None;
        }
        let custom_b = ((bits >> 64) & 0xfff) as u32;
        let custom_c = (bits & ((1 << 62) - 1)) as u64;
        let room = RoomId::new((custom_b << 20) | (custom_c >> SEQ_BITS) as u32)?;
        let seq = Seq(custom_c & ((1 << SEQ_BITS) - 1));
        if seq.0 == 0 {
            return None;
        }
        Some(Self { room, entry: EntryId { seq, at_ms: (bits >> 80) as u64 } })
    }

    /// The integer of documents 000 and 002 (001 and 004 print it as text): Szudzik's pairing of room
    /// number and seq. It grows with seq within a room and stays below 2^53, the largest integer that
    /// JavaScript holds exactly, up to 94 million rooms of 94 million messages.
    pub fn to_integer(self) -> u64 {
        let (room, seq) = (u64::from(self.room.number()), self.entry.seq.0);
        if room >= seq { room * room + room + seq } else { seq * seq + room }
    }

    /// Inverts [`Self::to_integer`], which does not contain the time.
    pub fn from_integer(id: u64) -> Option<(RoomId, Seq)> {
        let root = id.isqrt();
        let rest = id - root * root;
        let (room, seq) = if rest < root { (rest, root) } else { (root, rest - root) };
        if seq == 0 {
            return None;
        }
        Some((RoomId::new(u32::try_from(room).ok()?)?, Seq(seq)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(room: u32, seq: u64, at_ms: u64) -> MessageId {
        let room = RoomId::new(room).expect("not zero");
        MessageId { room, entry: EntryId { seq: Seq(seq), at_ms } }
    }

    proptest! {
        #[test]
        fn room_id_round_trips(number in 1..=u32::MAX) {
            let room = RoomId::new(number).expect("not zero");
            prop_assert_eq!(room.to_string().parse(), Ok(room));
        }

        #[test]
        fn scramble_is_a_bijection(number: u32) {
            prop_assert_eq!(unscramble(scramble(number)), number);
            prop_assert_eq!(scramble(unscramble(number)), number);
        }

        #[test]
        fn uuid_round_trips(room in 1..=u32::MAX, seq in 1u64..1 << SEQ_BITS, at_ms in 0u64..1 << TIME_BITS) {
            let message = id(room, seq, at_ms);
            prop_assert_eq!(MessageId::from_uuid(message.to_uuid()), Some(message));
        }

        #[test]
        fn foreign_uuid_never_panics(bits: u128) {
            let decoded = MessageId::from_uuid(Uuid::from_u128(bits));
            if let Some(message) = decoded {
                prop_assert_eq!(message.to_uuid(), Uuid::from_u128(bits));
            }
        }

        #[test]
        fn integer_round_trips_and_fits_javascript(room in 1u32..94_000_000, seq in 1u64..94_000_000) {
            let message = id(room, seq, 0);
            prop_assert_eq!(MessageId::from_integer(message.to_integer()), Some((message.room, Seq(seq))));
            prop_assert!(message.to_integer() < 1 << 53);
        }

        #[test]
        fn integer_grows_with_seq(room in 1u32..94_000_000, seq in 1u64..94_000_000) {
            prop_assert!(id(room, seq + 1, 0).to_integer() > id(room, seq, 0).to_integer());
        }

        #[test]
        fn any_integer_decodes_without_panic(number: u64) {
            if let Some((room, seq)) = MessageId::from_integer(number) {
                prop_assert_eq!(id(room.number(), seq.0, 0).to_integer(), number);
            }
        }

        #[test]
        fn entry_id_round_trips(seq: u64, at_ms: u64) {
            let entry = EntryId { seq: Seq(seq), at_ms };
            prop_assert_eq!(EntryId::parse(&entry.to_string()), Some(entry));
        }
    }

    #[test]
    fn a_room_has_one_spelling() {
        let global_as_number = format!("room_{:08x}", scramble(1));
        for text in
            ["", "GLOBAL", "room_", "room_ABCDEF01", "room_123", "room_+1234567", "room_00000000", &global_as_number]
        {
            assert_eq!(text.parse::<RoomId>(), Err(NotARoomId), "{text}");
        }
    }
}
