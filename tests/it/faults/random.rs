//! Random numbers from a seed.

/// SplitMix64: one addition and three mixing steps.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A new seed.
    pub fn seed() -> u64 {
        uuid::Uuid::new_v4().as_u64_pair().0
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number from `from` to below `to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    /// `true` with a probability of `percent` in a hundred.
    pub fn is_hit(&mut self, percent: u64) -> bool {
        self.between(0, 100) < percent
    }

    /// One of these, chosen at random.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.next() as usize % of.len()]
    }
}
