//! Lists whose entries are stored on several servers, of which some may be unavailable.

use super::error::{Error, Result};

/// A list without the entries on servers that are unavailable.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// What is there.
    pub items: Vec<T>,
    /// Whether something is left out.
    pub is_partial: bool,
}

impl<T> Listing<T> {
    /// The items of a list that must be complete.
    ///
    /// # Errors
    /// `Unavailable` when something is left out.
    pub fn complete(self) -> Result<Vec<T>> {
        if self.is_partial { Err(Error::Unavailable("a shard is away".into())) } else { Ok(self.items) }
    }
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { items: Vec::new(), is_partial: false }
    }
}
