//! Reads the binary structure of pictures.

use crate::domain::{Error, Result};

/// Reads a picture from its start. Reading past the end is an error: the picture is cut short.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Error::UnsupportedType)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next marker of a JPEG, after any number of fill bytes.
    pub(super) fn marker(&mut self) -> Result<u8> {
        if self.take(1)?[0] != 0xff {
            return Err(Error::UnsupportedType);
        }
        loop {
            match self.take(1)?[0] {
                0xff => {}
                0x00 => return Err(Error::UnsupportedType),
                marker => return Ok(marker),
            }
        }
    }

    /// The contents of a JPEG segment.
    pub(super) fn segment(&mut self) -> Result<&'a [u8]> {
        let length = self.take(2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        self.take(length.checked_sub(2).ok_or(Error::UnsupportedType)?)
    }

    /// The scan data of a JPEG, up to the next marker that is neither stuffing nor a restart.
    pub(super) fn scan(&mut self) -> Result<&'a [u8]> {
        let is_end = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
        let end = self.0.windows(2).position(is_end).ok_or(Error::UnsupportedType)?;
        self.take(end)
    }

    /// The data blocks of a GIF, each prefixed by its length, including the empty block that ends them.
    pub(super) fn blocks(&mut self) -> Result<&'a [u8]> {
        let mut length = 0;
        loop {
            let block = usize::from(*self.0.get(length).ok_or(Error::UnsupportedType)?);
            length += block + 1;
            if block == 0 {
                return self.take(length);
            }
        }
    }
}
