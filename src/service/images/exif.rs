//! The orientation of a photo: the one tag of EXIF that is needed to draw a picture.

use bytes::{BufMut, Bytes, BytesMut};

use super::reader::note_work;

const ORIENTATION_TAG: u16 = 0x0112;
const SHORT: u16 = 3;

/// The orientation in a TIFF block: tag 0x0112, one SHORT, of the first directory. `None` for the usual one and for
/// values that have no meaning.
pub(super) fn orientation(tiff: &[u8]) -> Option<u16> {
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let pair = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = |at: usize| -> Option<usize> {
        let quad = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let number = if is_little { u32::from_le_bytes(quad) } else { u32::from_be_bytes(quad) };
        usize::try_from(number).ok()
    };
    let directory = long(4)?;
    // No more than fit: the number is as untrue as anything else here may be.
    let entries = usize::from(short(directory)?).min(tiff.len() / 12);
    let found = (0..entries).find_map(|index| {
        note_work(12);
        let entry = directory.checked_add(2 + index * 12)?;
        let is_orientation = short(entry)? == ORIENTATION_TAG && short(entry + 2)? == SHORT && long(entry + 4)? == 1;
        is_orientation.then(|| short(entry + 8))?
    });
    found.filter(|turned| (2..=8).contains(turned))
}

/// The width and height at which a picture is shown. The orientations from 5 on swap its sides.
pub(super) fn as_shown((width, height): (u32, u32), orientation: Option<u16>) -> (u32, u32) {
    if orientation.is_some_and(|turned| turned >= 5) { (height, width) } else { (width, height) }
}

/// A TIFF block with the orientation only.
pub(super) fn tiff_with(orientation: u16) -> Bytes {
    let mut tiff = BytesMut::from(&b"MM\0*"[..]);
    tiff.put_u32(8); // the directory follows
    tiff.put_u16(1); // of one entry
    tiff.put_u16(ORIENTATION_TAG);
    tiff.put_u16(SHORT);
    tiff.put_u32(1); // of one value
    tiff.put_u16(orientation);
    tiff.put_u16(0);
    tiff.put_u32(0); // no further directory
    tiff.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orientation_is_read_in_both_byte_orders() {
        for turned in 2..=8 {
            assert_eq!(orientation(&tiff_with(turned)), Some(turned));
        }
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        assert_eq!(orientation(little), Some(6));
    }

    #[test]
    fn lying_directories_and_meaningless_values_are_harmless() {
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), None);
        assert_eq!(orientation(b"MM\0*\0\0\0\x08\xff\xff"), None);
        for turned in [0, 1, 9, u16::MAX] {
            assert_eq!(orientation(&tiff_with(turned)), None, "{turned}");
        }
    }
}
