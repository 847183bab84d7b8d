//! Random damage to pictures, always the same: whatever cleaning accepts is whole, has no other parts than those that are
//! needed, and stays as it is when it is cleaned again; and the work grows with the size only.

use super::reader::tests::take_work;
use super::tests::PICTURES;
use super::walk::parts;
use super::{clean, kind_of};
use crate::domain::FileKind;

const ROUNDS: usize = 20_000;
const SEED: u64 = 12;
/// What lengths, counts and markers are set to.
const TELLING: [u8; 14] = [0, 1, 2, 0x7f, 0x80, 0xc0, 0xd8, 0xd9, 0xda, 0xe1, 0xfe, 0xff, b'!', b','];
/// What cleaning may add: an end, a header of a shortened part.
const ADDED: usize = 64;

struct Damage(fastrand::Rng);

impl Damage {
    fn to(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        for _ in 0..self.0.usize(1..=6) {
            if damaged.is_empty() {
                break;
            }
            self.change(&mut damaged);
        }
        damaged
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.0.usize(..bytes.len());
        let end = (at + self.0.usize(1..=64)).min(bytes.len());
        match self.0.u8(0..8) {
            0 => bytes[at] ^= 1 << self.0.u8(0..8),
            1 => bytes[at] = self.0.u8(..),
            2 => bytes[at] = TELLING[self.0.usize(..TELLING.len())],
            3 => drop(bytes.drain(at..end)),
            4 => {
                let copy = bytes[at..end].to_vec();
                let to = self.0.usize(..=bytes.len());
                bytes.splice(to..to, copy);
            }
            5 => bytes.truncate(at),
            6 => {
                // Into another picture, at a place where parts may begin.
                let (_, other, _) = PICTURES[self.0.usize(..PICTURES.len())];
                let from = self.0.usize(..other.len());
                let part = other[from..(from + 80).min(other.len())].to_vec();
                bytes.splice(at..at, part);
            }
            _ => bytes[at..end].fill(TELLING[self.0.usize(..TELLING.len())]),
        }
    }
}

/// Cleans and checks. Whether the picture was accepted.
fn check(kind: FileKind, bytes: &[u8]) -> bool {
    take_work();
    let outcome = clean(kind, bytes);
    let work = take_work();
    assert!(work <= 8 * bytes.len() + 1000, "{work} steps for {} bytes", bytes.len());
    let Ok(picture) = outcome else { return false };
    let pixels = u64::from(picture.pixels.0) * u64::from(picture.pixels.1);
    assert!((1..=50_000_000).contains(&pixels));
    assert!(picture.bytes.len() <= bytes.len() + ADDED);
    assert_eq!(kind_of(&picture.bytes), Some(kind));
    let foreign: Vec<_> = parts(kind, &picture.bytes).into_iter().filter(|part| !part.is_needed(kind)).collect();
    assert_eq!(foreign, []);
    let again = clean(kind, &picture.bytes).expect("accepted again");
    assert_eq!((again.bytes, again.pixels), (picture.bytes, picture.pixels));
    true
}

#[test]
fn damaged_pictures_are_refused_or_whole() {
    let mut damage = Damage(fastrand::Rng::with_seed(SEED));
    let mut accepted = [0; PICTURES.len()];
    for round in 0..ROUNDS {
        let index = round % PICTURES.len();
        let (kind, bytes, _) = PICTURES[index];
        let damaged = damage.to(bytes);
        let outcome = std::panic::catch_unwind(|| check(kind, &damaged));
        let is_accepted = outcome.unwrap_or_else(|_| panic!("round {round}, {kind:?}: {damaged:02x?}"));
        accepted[index] += usize::from(is_accepted);
    }
    // Otherwise nothing but refusals was tested.
    assert!(accepted.iter().all(|count| *count > ROUNDS / PICTURES.len() / 20), "{accepted:?}");
}

#[test]
fn every_cut_and_every_wrong_byte_is_refused_or_whole() {
    for (kind, bytes, _) in PICTURES {
        for at in 0..bytes.len() {
            check(kind, &bytes[..at]);
            for telling in TELLING.into_iter().step_by(3) {
                let mut damaged = bytes.to_vec();
                damaged[at] = telling;
                check(kind, &damaged);
            }
        }
    }
}
