//! What cleaning gives.

use bytes::Bytes;

use crate::domain::{Error, Result};

/// The largest picture in pixels. A decoder needs four bytes for each of them, whatever the size of the file.
const MAX_PIXELS: u64 = 50_000_000;

/// A picture without its metadata.
pub(in crate::service) struct Cleaned {
    /// The bytes of the file.
    pub(in crate::service) bytes: Bytes,
    /// Width and height in pixels, as browsers show it: turned by its orientation.
    pub(in crate::service) pixels: (u32, u32),
}

/// Checks the size of a picture or of one of its frames.
///
/// # Errors
/// `UnsupportedType` for nothing and for more than 50 megapixels.
pub(super) fn check_pixels((width, height): (u32, u32)) -> Result<()> {
    let pixels = u64::from(width) * u64::from(height);
    if (1..=MAX_PIXELS).contains(&pixels) { Ok(()) } else { Err(Error::UnsupportedType) }
}
