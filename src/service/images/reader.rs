//! Reads the binary structure of pictures.

/// Reads a picture from its start to its end, never backwards: cleaning takes time in proportion to the size. `None` means
/// that the picture is cut short.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        note_work(count.min(self.0.len()));
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// As many bytes as there are, up to `count`.
    pub(super) fn take_up_to(&mut self, count: usize) -> &'a [u8] {
        note_work(count.min(self.0.len()));
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// The bytes before the first pair that ends them, or all.
    pub(super) fn take_until(&mut self, is_end: impl Fn(u8, u8) -> bool) -> &'a [u8] {
        let end = self.0.windows(2).position(|pair| is_end(pair[0], pair[1]));
        self.take_up_to(end.unwrap_or(self.0.len()))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }
}

/// Counts work, so that tests can tell how it grows with the size of a picture. Does nothing otherwise.
#[cfg(not(test))]
pub(super) fn note_work(_: usize) {}

#[cfg(test)]
pub(super) use tests::note_work;

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        static WORK: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts a step that looks at so many bytes.
    pub fn note_work(bytes: usize) {
        WORK.with(|work| work.set(work.get() + bytes + 1));
    }

    /// The work of this thread since the last call.
    pub fn take_work() -> usize {
        WORK.with(Cell::take)
    }
}
