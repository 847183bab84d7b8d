//! Numbered pages, as in documents 000 and 002, and pages with cursors.

use crate::domain::{Error, Field, Result};

/// The header with the cursor of the next page.
pub const NEXT_CURSOR: &str = "X-Next-Cursor";

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
