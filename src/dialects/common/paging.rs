//! Numbered pages, as in documents 000 and 002.

use crate::domain::{Error, Field, Result};

/// The number of messages before a page.
///
/// # Errors
/// `Invalid` below 1.
pub fn skipped(page: i64, page_size: usize) -> Result<usize> {
    match usize::try_from(page) {
        Ok(page) if page > 0 => Ok((page - 1).saturating_mul(page_size)),
        _ => Err(Error::Invalid(Field::Cursor)),
    }
}
