//! The tables of a JPEG: a segment that is longer than its tables may hide anything.

use super::reader::Reader;

pub(super) const HUFFMAN_TABLES: u8 = 0xc4;
pub(super) const ARITHMETIC_CONDITIONS: u8 = 0xcc;
pub(super) const QUANTISATION_TABLES: u8 = 0xdb;
pub(super) const RESTART_INTERVAL: u8 = 0xdd;

/// Whether a segment consists of whole tables. Decoders refuse others.
pub(super) fn are_whole(marker: u8, contents: &[u8]) -> bool {
    match marker {
        RESTART_INTERVAL => contents.len() == 2,
        ARITHMETIC_CONDITIONS => contents.len().is_multiple_of(2),
        QUANTISATION_TABLES => all_whole(contents, quantisation_table),
        HUFFMAN_TABLES => all_whole(contents, huffman_table),
        _ => false,
    }
}

fn all_whole(contents: &[u8], table: fn(&mut Reader<'_>) -> Option<()>) -> bool {
    let mut input = Reader::new(contents);
    while !input.is_at_end() {
        if table(&mut input).is_none() {
            return false;
        }
    }
    true
}

/// Its number, with the precision in the high half; 64 values.
fn quantisation_table(input: &mut Reader<'_>) -> Option<()> {
    let precision = input.byte()? >> 4;
    input.take(64 << precision.min(1)).map(|_| ())
}

/// Its number; how many codes have each of 16 lengths; the values of all codes.
fn huffman_table(input: &mut Reader<'_>) -> Option<()> {
    input.byte()?;
    let codes: usize = input.array::<16>()?.iter().map(|count| usize::from(*count)).sum();
    input.take(codes).filter(|_| codes <= 256).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_with_their_tables() {
        let quantisation = [&[0x00][..], &[1; 64], &[0x11], &[1; 128]].concat();
        let huffman = [&[0x00, 1, 2][..], &[0; 14], b"abc"].concat();
        for (marker, whole) in
            [(QUANTISATION_TABLES, quantisation), (HUFFMAN_TABLES, huffman), (RESTART_INTERVAL, vec![0, 8])]
        {
            assert!(are_whole(marker, &whole));
            assert!(!are_whole(marker, &[&whole[..], b"GPS 39.9N"].concat()), "{marker:x}");
            assert!(!are_whole(marker, &whole[..whole.len() - 1]), "{marker:x}");
        }
    }
}
